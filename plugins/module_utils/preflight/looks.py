# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be looked at on each host, out of the inventory alone: the options of module host_info. Pure."""

from __future__ import annotations

import ipaddress
import typing as t
from urllib.parse import urlsplit

from ansible_collections.wandb.onprem.plugins.module_utils.preflight import demand
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import SERVICE_GROUPS, Site, Values, whole

Look = dict[str, t.Any]

# The key of what the API host is to look at.
API = '(api host)'
# Group -> variables of its ports; the last two only where they are used.
PORTS = {
    'wandb_nginx': ('wandb_nginx_http_port', 'wandb_nginx_https_port'),
    'wandb_mysql': ('wandb_mysql_port',),
    'wandb_minio': ('wandb_minio_port', 'wandb_minio_console_port'),
    'wandb_redis': ('wandb_redis_port', 'wandb_redis_sentinel_port'),
}
# Group -> the ports at which its hosts reach each other.
PEERS = {'wandb_mysql': ('wandb_mysql_port',), 'wandb_minio': ('wandb_minio_port',), 'wandb_redis': ('wandb_redis_port', 'wandb_redis_sentinel_port')}
# Address that follows a service -> the group that shares it, and the port that answers there.
VIRTUAL = {
    'wandb_mysql_virtual_address': ('wandb_mysql', 'wandb_mysql_port'), 'wandb_redis_virtual_address': ('wandb_redis', 'wandb_redis_port'),
    'wandb_nginx_virtual_address': ('wandb_nginx', 'wandb_nginx_https_port'),
}
REDIS_DATA = '/var/lib/redis'
UPSTREAMS, TARGETS = 'wandb_nginx_ingress_upstreams', 'wandb_mysql_backup_targets'
# What the guide asks to be reachable without an air gap; charts come from where their variables say.
DEPLOYER = 'https://deploy.wandb.ai'
# Where nodes pull from that know no other registry.
REGISTRIES = ('registry-1.docker.io', 'quay.io')
_PORTS_OF_SCHEMES = {'http': 80, 'https': 443, 'oci': 443}


def is_address(name: str) -> bool:
    """Whether this is an IP address, not a name."""
    try:
        ipaddress.ip_address(name.strip('[]'))
    except ValueError:
        return False
    return True


def place(text: t.Any, port: int | None = None) -> tuple[str, int] | None:
    """Host and port of a URL, of ``host:port`` or of a host; None without one of them."""
    try:
        parts = urlsplit(str(text) if '://' in str(text) else f'//{text}')
        found = parts.port or _PORTS_OF_SCHEMES.get(parts.scheme) or port
    except ValueError:
        return None
    return (parts.hostname, found) if parts.hostname and found else None


def is_used(site: Site, variable: str, host: str) -> bool:
    """Whether a service will listen on the port of this variable."""
    if variable == 'wandb_minio_console_port':
        return site.flag('wandb_minio_console', host)
    return variable != 'wandb_redis_sentinel_port' or len(site.members('wandb_redis')) > 1


def groups_of(site: Site, host: str) -> list[str]:
    """The service groups that a host is in."""
    return [group for group in SERVICE_GROUPS if host in site.members(group)]


def drives(site: Site, host: str) -> list[str]:
    """The folders that a host gives to the object store."""
    for pool in (pool for _number, pool in site.dictionaries('wandb_minio_pools', host)):
        if host in (pool.get('hosts') or ()) and pool.get('drives'):
            return [str(one) for one in pool['drives']]
    return [str(one) for one in site.entries('wandb_minio_drives', host)]


def data_paths(site: Site, host: str) -> dict[str, str]:
    """Data path -> the variable that names it."""
    found = {}
    for group in groups_of(site, host):
        if group == 'wandb_mysql' and site.text('wandb_mysql_data_dir', host):
            found[site.text('wandb_mysql_data_dir', host)] = 'wandb_mysql_data_dir'
        elif group == 'wandb_minio':
            found.update(dict.fromkeys(drives(site, host), 'wandb_minio_drives'))
        elif group == 'wandb_redis':
            found[REDIS_DATA] = 'wandb_redis'
    return found


def site_names(site: Site) -> dict[str, str]:
    """The names that browsers, hosts and pods use -> the variable of each: the server's and the store's."""
    bucket = site.mapping('wandb_bucket_endpoint').get('host') if site.mapping('wandb_bucket_endpoint') else site.text('wandb_minio_address')
    found = {str((place(site.text('wandb_host')) or ('',))[0]): 'wandb_host'}
    if isinstance(bucket, str) and bucket:
        found.setdefault(bucket.partition(':')[0], 'wandb_bucket_endpoint' if site.mapping('wandb_bucket_endpoint') else 'wandb_minio_address')
    return {name: variable for name, variable in found.items() if name and not is_address(name)}


def member_names(site: Site, host: str) -> list[str]:
    """Names of hosts by which the servers of an object store call each other."""
    if host not in site.members('wandb_minio'):
        return []
    pools = [pool for _number, pool in site.dictionaries('wandb_minio_pools', host)]
    hosts = [one for pool in pools for one in pool.get('hosts') or ()] or site.members('wandb_minio')
    return [str(one) for one in dict.fromkeys(hosts) if not is_address(str(one))] if len(hosts) > 1 else []


def made_places(site: Site) -> set[str]:
    """Names and addresses of what the collection makes: nothing need listen there yet."""
    hosts = [host for group in SERVICE_GROUPS for host in site.members(group)]
    addresses = [site.text(name).partition('/')[0] for name in ('wandb_minio_address', 'wandb_mysql_address', 'wandb_redis_address') if site.text(name)]
    virtual = [site.text(name, host).partition('/')[0] for host in hosts for name in VIRTUAL if site.text(name, host)]
    return {*site.known_as(hosts), *addresses, *virtual}


def _link(where: tuple[str, int] | None, purpose: str, variable: str, made: bool = False) -> list[Look]:
    return [{'host': where[0], 'port': where[1], 'purpose': purpose, 'variable': variable, 'made': made}] if where else []


def peer_links(site: Site, host: str, group: str) -> t.Iterator[Look]:
    """To the other hosts of the same service. A host that is in the group by another name is no other."""
    for variable in PEERS.get(group, ()):
        port = site.number(variable, host)
        for peer in site.members(group):
            if port and is_used(site, variable, host) and site.machine(peer) != site.machine(host):
                yield from _link((site.machine(peer), port), f'{group.partition("_")[2]} on {peer}', variable, made=True)


def virtual_links(site: Site, host: str) -> list[Look]:
    """To the addresses that a host is to share with others."""
    found: list[Look] = []
    for variable, (group, port) in VIRTUAL.items():
        address, number = site.text(variable, host).partition('/')[0], site.number(port, host)
        if host in site.members(group) and address and number:
            found += _link((address, number), f'the address of {group.partition("_")[2]}', variable, made=True)
    return found


def node_links(site: Site, host: str) -> list[Look]:
    """From a proxy to the components at ports of the cluster's nodes."""
    found: list[Look] = []
    for component, port in site.mapping('wandb_node_ports').items():
        number = whole(port) or 0
        for node in site.entries('wandb_nginx_node_addresses', host) if number else ():
            found += _link((str(node), number), f'{component} on a node', 'wandb_nginx_node_addresses', made=True)
    return found


def host_links(site: Site, host: str) -> list[Look]:
    """What the services of a host connect to."""
    found = virtual_links(site, host)
    for group in groups_of(site, host):
        found += peer_links(site, host, group)
        if group == 'wandb_nginx':
            for upstream in site.entries(UPSTREAMS, host):
                found += _link(place(upstream, 443) if isinstance(upstream, str) else None, "the cluster's ingress", UPSTREAMS)
            found += node_links(site, host)
            for server in site.members('wandb_minio'):
                port = site.number('wandb_minio_port', server)
                found += _link((site.machine(server), port) if port else None, f'minio on {server}', 'wandb_minio_port', made=True)
        elif group == 'wandb_mysql':
            for _number, target in site.dictionaries(TARGETS, host):
                where = _target(target)
                found += _link(where, f'backups to {target.get("name")}', TARGETS, made=where is not None and where[0] in made_places(site))
    return found


def _target(target: Values) -> tuple[str, int] | None:
    if target.get('type') == 's3':
        return place(target['endpoint']) if target.get('endpoint') else None
    return place(target['host'], whole(target.get('port')) or 22) if target.get('type') == 'sftp' and target.get('host') else None


def api_links(site: Site) -> list[Look]:
    """What the API host can try in place of the pods, which nobody can try before they run; and where it fetches charts from."""
    found: list[Look] = []
    for variable, port in (('wandb_mysql_endpoint', 3306), ('wandb_redis_endpoint', 6379), ('wandb_bucket_endpoint', 443), ('wandb_clickhouse_endpoint', 8443)):
        endpoint = site.mapping(variable)
        if endpoint.get('host'):
            found += _link(place(endpoint['host'], whole(endpoint.get('port')) or port), variable.split('_')[1], variable)
    smtp, oidc = site.mapping('wandb_server_smtp'), site.mapping('wandb_server_oidc')
    if smtp.get('host'):
        found += _link(place(smtp['host'], whole(smtp.get('port')) or 587), 'mail', 'wandb_server_smtp')
    found += _link(place(oidc['issuer']) if oidc.get('issuer') else None, 'sign-on', 'wandb_server_oidc')
    if not site.members('wandb_nginx'):
        found += _link(place(site.text('wandb_host'), 443), 'the site itself', 'wandb_host')
    return found + made_links(site) + egress(site)


def made_links(site: Site) -> list[Look]:
    """What the API host itself connects to of what is made: MinIO's administration, and the proxies, by which the site is verified."""
    found: list[Look] = []
    if site.members('wandb_minio'):
        found += _link(place(site.text('wandb_minio_admin_url')), "MinIO's administration", 'wandb_minio_admin_url', made=True)
    for host in site.members('wandb_nginx'):
        port = site.number('wandb_nginx_https_port', host)
        found += _link((site.machine(host), port) if port else None, f'the proxy on {host}', 'wandb_nginx_https_port', made=True)
    return found


def egress(site: Site) -> list[Look]:
    """Where charts and releases come from, beyond the site."""
    found: list[Look] = []
    if not site.text('wandb_operator_chart_archive'):
        chart = site.text('wandb_operator_chart')
        source = chart if chart.startswith('oci://') else site.text('wandb_operator_chart_repo_url') if '/' not in chart else ''
        found += _link(place(source) if source else None, "the operator's chart", 'wandb_operator_chart_repo_url')
    url = site.mapping('wandb_server_chart').get('url')
    if not site.text('wandb_server_chart_archive') and url:
        found += _link(place(url), "the server's chart", 'wandb_server_chart')
    if not site.flag('wandb_airgapped'):
        found += _link(place(site.text('wandb_operator_deployer_channel_url') or DEPLOYER), "W&B's deployer", 'wandb_airgapped')
        for registry in () if site.text('wandb_server_repository_prefix') else REGISTRIES:
            found += _link((registry, 443), 'images', 'wandb_server_repository_prefix')
    return found


def of_host(site: Site, host: str) -> Look:
    """For a host of a service."""
    groups = groups_of(site, host)
    data = data_paths(site, host)
    ports = [(group, variable, site.number(variable, host)) for group in groups for variable in PORTS[group] if is_used(site, variable, host)]
    return {
        'paths': list(dict.fromkeys([*(str(path) for path in site.entries('wandb_preflight_paths', host)), *data])),
        'measured_paths': list(data),
        'ports': [{'port': port, 'service': group.partition('_')[2], 'variable': variable} for group, variable, port in ports if port],
        'names': list(dict.fromkeys([*site_names(site), *member_names(site, host)])),
        'links': host_links(site, host),
        'services': [*(group.partition('_')[2] for group in groups), *(['keepalived'] if virtual_links(site, host) else [])],
    }


def looks(site: Site) -> dict[str, Look]:
    """Host -> what it is to look at; under ``API`` that of the API host."""
    hosts = dict.fromkeys(host for group in SERVICE_GROUPS for host in site.members(group))
    images = [*demand.images(site), *(str(one) for one in site.entries('wandb_preflight_images'))]
    api = {'names': list(site_names(site)), 'links': api_links(site), 'images': list(dict.fromkeys(images))}
    return {**{host: of_host(site, host) for host in hosts}, API: api}
