# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for ports, links and names. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.looks import UPSTREAMS, VIRTUAL, member_names, site_names
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import BUCKET, HOST, MACHINE, MACHINES, REDIS, Facts, seen_rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

# Service -> the units and programs that listen for it once the role has been there.
OWN_UNITS = {
    'mysql': ('mysql.service', 'mysqld.service'), 'minio': ('minio.service',), 'nginx': ('nginx.service',),
    'redis': ('redis-server.service', 'redis.service', 'redis-sentinel.service'),
}
OWN_PROGRAMS = {'mysql': ('mysqld',), 'minio': ('minio',), 'nginx': ('nginx',), 'redis': ('redis-server', 'redis-sentinel')}
# Used by the pods or by a person's browser, which may reach what the API host does not; or by nobody but at an update.
_DOUBTFUL = ('wandb_server_smtp', 'wandb_server_oidc', 'wandb_host', 'wandb_airgapped', 'wandb_operator_chart_repo_url', 'wandb_server_chart',
             'wandb_server_repository_prefix')
_TOLD = {'refused': 'nothing listens there', 'silent': 'no answer', 'unreachable': 'not reachable', 'unresolved': 'the name does not resolve'}


def is_own(service: str, holder: Facts, ours: bool) -> bool:
    """Whether it is the service itself that listens. Where nobody can say who does, it is if the role was here."""
    if holder['unit']:
        return holder['unit'] in OWN_UNITS[service]
    return holder['program'] in OWN_PROGRAMS[service] if holder['program'] else ours


def who(holder: Facts) -> str:
    """A holder for people."""
    more = [f'pid {holder["pid"]}' if holder['pid'] else '', holder['unit']]
    return f'{holder["program"] or "a program that cannot be told"} ({", ".join(part for part in more if part) or "uid " + str(holder["uid"])})'


@seen_rule(
    'port-held', HOST, 'wandb_nginx_http_port', 'wandb_nginx_https_port', 'wandb_mysql_port', 'wandb_minio_port', 'wandb_minio_console_port',
    'wandb_redis_port', 'wandb_redis_sentinel_port',
    why='Two programs cannot listen on one port: the service would not start.',
    mend='stop that program, or take another port',
)
def port_taken(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Ports that a service is to have are free, or the service has them."""
    for port in seen['ports']:
        ours = bool(seen['installed'].get(port['service'], {}).get('ours'))
        foreign = [holder for holder in port['holders'] if not is_own(port['service'], holder, ours)]
        if foreign:
            yield Found(port['variable'], f'port {port["port"]} is held by {", ".join(who(holder) for holder in foreign)}')


@seen_rule(
    'ingress-answers', HOST, UPSTREAMS,
    why='Behind the proxy there is nothing but the ingress: nobody would reach the server.',
    mend='give addresses at which the ingress controller listens, and let the proxies reach them',
)
def ingress(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The cluster's ingress answers the proxies. (One of several that does not is warned of.)"""
    wanted = [link for link in seen['links'] if link['variable'] == UPSTREAMS]
    silent = [link for link in wanted if link['state'] != 'open']
    for link in silent:
        yield Found(UPSTREAMS, _broken(link), warning=len(silent) < len(wanted))


@seen_rule(
    'link', MACHINES, '(every endpoint)',
    why='The service that needs it would fail, or the run in its middle.',
    mend='correct name and port, start what should be there, or open the firewall between the two',
)
def link(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """What a host needs of others is reached from it. (What the collection makes need not listen yet, but a firewall that swallows packets is warned
    of; so is what only pods and people need, whom nobody can ask beforehand.)"""
    for one in seen['links']:
        if one['variable'] in (UPSTREAMS, *VIRTUAL) or one['state'] == 'open' or (one['made'] and one['state'] == 'refused'):
            continue
        if one['state'] == 'unresolved' and one['host'] in site_names(site) and one['variable'] in _DOUBTFUL:
            # name-resolves says so.
            continue
        yield Found(one['variable'], _broken(one), 'open the firewall between the two' if one['made'] and one['state'] in ('silent', 'unreachable') else '',
                    warning=one['made'] or one['variable'] in _DOUBTFUL)


@seen_rule(
    'address-taken', HOST, *VIRTUAL,
    warning=True,
    why='Two machines with one address take the clients from each other.',
    mend='take an address that nobody has (right where another host of the group has it already, and this one is new)',
)
def address_taken(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Nobody answers at an address that is to follow a service, before the collection has been on the host."""
    for one in seen['links']:
        if one['variable'] in VIRTUAL and one['state'] in ('open', 'refused') and not seen['installed'].get('keepalived', {}).get('ours'):
            yield Found(one['variable'], f'a machine answers at {one["host"]}')


def _broken(one: Facts) -> str:
    said = f' ({one["error"]})' if one['error'] else ''
    return f'{one["purpose"]} at {one["host"]}:{one["port"]}: {_TOLD[one["state"]]}{said}'


@seen_rule(
    'name-members', HOST, 'wandb_minio_volumes',
    why='The servers of an object store call each other by these names.',
    mend='give the name to DNS or to /etc/hosts of every host of the group',
)
def members(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """Hosts of the object store resolve each other's names."""
    for name in member_names(site, host):
        if name in seen['names'] and not seen['names'][name]['addresses']:
            yield Found('wandb_minio_volumes', f'name {name} does not resolve')


@seen_rule(
    'name-resolves', MACHINES, 'wandb_host', 'wandb_minio_address', 'wandb_bucket_endpoint',
    warning=True,
    why='Browsers, hosts and pods use the names of the site; presigned URLs carry that of the store.',
    mend='give the name to DNS (an entry in /etc/hosts helps only that host)',
)
def resolves(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The names of the server and of the store resolve."""
    for name, variable in site_names(site).items():
        if name in seen['names'] and not seen['names'][name]['addresses']:
            yield Found(variable, f'name {name} does not resolve')


@seen_rule(
    'name-alike', MACHINES, 'wandb_host', 'wandb_minio_address', 'wandb_bucket_endpoint',
    warning=True,
    why='Who is sent elsewhere reaches another server, or none. (What pods resolve is not known before one runs: playbook verify asks them.)',
    mend='let controller and hosts use the same DNS, unless that is meant so',
)
def alike(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The names of the server and of the store lead to the same address on controller and hosts."""
    for name, variable in site_names(site).items():
        there = set(seen['names'].get(name, {}).get('addresses', ()))
        here = set(site.controller.addresses(name)) if there else set()
        if here and there and not here & there:
            yield Found(variable, f'name {name} is {", ".join(sorted(there))} there, and {", ".join(sorted(here))} on the controller')


@seen_rule(
    'name-back', HOST, MACHINE,
    warning=True,
    why='Logs and access lists show the wrong host; programs that check a client both ways refuse it.',
    mend='correct the PTR record (or the line in /etc/hosts)',
)
def back(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """An address leads back to a name that has it."""
    for name, one in sorted(seen['names'].items()):
        for address, other in sorted(one['back'].items()):
            addresses = one['forth'].get(other, ())
            if other and other != name and addresses and address not in addresses and not ipaddress.ip_address(address).is_loopback:
                yield Found(MACHINE, f'{name} is {address}, and that is called {other}, which is {", ".join(addresses)}')


@seen_rule(
    'redis-server', REDIS, 'wandb_redis_endpoint',
    why='Without Redis the server does not start.',
    mend='correct the endpoint, or the server',
)
def redis(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """A Redis of your own answers as the server needs it. (What the probe says has the mend in it.)"""
    if seen.get('error'):
        yield Found('wandb_redis_endpoint', str(seen['error']), hide=True)


@seen_rule(
    'bucket-store', BUCKET, 'wandb_bucket_endpoint',
    why='The server keeps every file there, and browsers and SDKs fetch them from there by themselves.',
    mend='correct the endpoint, or the store',
)
def bucket(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """A bucket of your own answers as clients need it: key, TLS, clock, CORS. (What the probe says has the mend in it; nothing is written.)"""
    if seen.get('error'):
        yield Found('wandb_bucket_endpoint', str(seen['error']), hide=True)


@seen_rule(
    'foreign-service', HOST, MACHINE,
    warning=True,
    why='The role takes it over: its configuration is replaced, and a server of another kind cannot stay beside it.',
    mend='use a bare machine, or save what it serves and remove it',
)
def foreign(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """What a role installs is not there already, from somebody else."""
    for service, one in sorted(seen['installed'].items()):
        active = [unit for unit, state in one['units'].items() if state in ('active', 'activating', 'reloading')]
        packages = [f'{name} {version}' for name, version in one['packages'].items()]
        if not one['ours'] and (active or packages or one['programs']):
            parts = [', '.join(f'{unit} runs' for unit in active), ', '.join(packages), ', '.join(one['programs'])]
            yield Found(MACHINE, f'{service} is there, and not from this collection: {"; ".join(part for part in parts if part)}')


RULES = (port_taken, ingress, link, address_taken, members, resolves, alike, back, redis, bucket, foreign)
