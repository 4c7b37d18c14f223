# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the names and addresses under which the site and its services are reached. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

_HOST_URL = re.compile(r'https://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?')
_EXAMPLE = 'for example https://wandb.example.com'
# Where clients look for what is made here: variable -> group.
ADDRESSES = {'wandb_mysql_address': 'wandb_mysql', 'wandb_redis_address': 'wandb_redis', 'wandb_minio_address': 'wandb_minio'}
ENDPOINTS = ('wandb_mysql_endpoint', 'wandb_redis_endpoint', 'wandb_bucket_endpoint', 'wandb_clickhouse_endpoint')
_RESERVED_NAMESPACES = re.compile(r'kube-.*|openshift(-.*)?')


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is, or None for a name."""
    try:
        return ipaddress.ip_address(name.strip('[]'))
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether only the host itself gets there."""
    address = address_of(name)
    return name.lower().rstrip('.') in ('localhost', 'localhost.localdomain') or bool(address and (address.is_loopback or address.is_unspecified))


def shuts_out(site: Site, origins: t.Sequence[t.Any]) -> bool:
    """Whether pages of the site itself are not among those that a store lets in."""
    return bool('*' not in origins and site.text('wandb_host') and site.text('wandb_host') not in origins)


def host_of(site: Site) -> str:
    """The name in ``wandb_host``."""
    try:
        return urlsplit(site.text('wandb_host')).hostname or ''
    except ValueError:
        return ''


def port_of(site: Site) -> int:
    """The port in ``wandb_host``, 443 without one, 0 for what is none."""
    try:
        port = urlsplit(site.text('wandb_host')).port
    except ValueError:
        return 0
    return 443 if port is None else port


@rule(
    'host-url', 'wandb_host',
    why='The server compares the origin of each request with this URL to the letter.',
    mend=f'write https:// and a name, {_EXAMPLE}',
)
def host_url(site: Site) -> t.Iterator[Found]:
    """The URL that users type is https:// and a name, perhaps a port: no path, no trailing slash."""
    value = site.text('wandb_host')
    if not site.has('wandb_host'):
        yield Found('wandb_host', 'is missing', f'set it to the URL that users will type, {_EXAMPLE}')
    elif value and not _HOST_URL.fullmatch(value):
        yield Found('wandb_host', 'is not https:// and a name alone', f'no path, no trailing slash, no http://: {_EXAMPLE}')
    elif value != value.lower():
        yield Found('wandb_host', 'has capital letters, and browsers send an origin in small ones', f'write {value.lower()}')
    elif not 1 <= port_of(site) <= 65535:
        yield Found('wandb_host', 'has a port that is none', 'take a port from 1 to 65535, or none for 443')


@rule(
    'host-is-a-name', 'wandb_host', 'wandb_minio_address',
    why='An Ingress takes no address as its host, and to a client without a server name the proxy refuses the handshake.',
    mend='give it a name in DNS',
)
def host_is_a_name(site: Site) -> t.Iterator[Found]:
    """What browsers go to has a name in DNS; an address will not do."""
    if address_of(host_of(site)):
        yield Found('wandb_host', 'is an address')
    if site.members('wandb_minio') and site.members('wandb_nginx') and address_of(site.text('wandb_minio_address')):
        yield Found('wandb_minio_address', 'is an address')


@rule(
    'host-port', 'wandb_host', 'wandb_nginx_https_port',
    why='Browsers go to the port in wandb_host, and the server checks the origin with it.',
    mend='write the port into wandb_host, or leave wandb_nginx_https_port at 443',
)
def host_port(site: Site) -> t.Iterator[Found]:
    """Nginx listens on the port that stands in wandb_host."""
    ports = {site.number('wandb_nginx_https_port', host) for host in site.members('wandb_nginx')} - {None}
    if ports and ports != {port_of(site)} and port_of(site) and _HOST_URL.fullmatch(site.text('wandb_host')):
        told = ', '.join(str(port) for port in sorted(port for port in ports if port))
        yield Found('wandb_nginx_https_port', f'is {told}, while wandb_host names port {port_of(site)}')


@rule(
    'store-port', 'wandb_nginx_https_port',
    why='Clients are told to reach the object store behind Nginx at port 443; its address has no port.',
    mend='leave it at 443, or use an object store of your own (wandb_bucket_endpoint)',
)
def store_port(site: Site) -> t.Iterator[Found]:
    """Nginx listens on 443 where it stands before the object store."""
    for host in site.members('wandb_nginx') if site.members('wandb_minio') else ():
        if site.number('wandb_nginx_https_port', host) not in (443, None):
            yield Found('wandb_nginx_https_port', 'is not 443, and the object store is behind it', where=host)


@rule(
    'names-apart', 'wandb_host', 'wandb_minio_address', 'wandb_server_ingress_additional_hosts',
    why='Nginx tells the server and the object store apart by the name that the client asks for.',
    mend='give the object store a name of its own',
)
def names_apart(site: Site) -> t.Iterator[Found]:
    """The server and the object store have different names."""
    store = site.text('wandb_minio_address').lower() if site.members('wandb_minio') else ''
    if store and store == host_of(site):
        yield Found('wandb_minio_address', 'is the name in wandb_host, too', f'give it a name of its own, for example s3.{store}')
    for name in site.entries('wandb_server_ingress_additional_hosts'):
        if isinstance(name, str) and name.lower() in (host_of(site), store) and name:
            owner = 'wandb_host' if name.lower() == host_of(site) else 'wandb_minio_address'
            yield Found('wandb_server_ingress_additional_hosts', f'{name} is in {owner} already', f'remove {name}')


@rule(
    'reachable', *ADDRESSES, *ENDPOINTS,
    why="Pods would look for it in themselves.",
    mend='give a name or an address that pods and hosts reach it at',
)
def reachable(site: Site) -> t.Iterator[Found]:
    """No service is looked for at the loopback address."""
    for name, group in ADDRESSES.items():
        if site.members(group) and is_loopback(site.text(name)):
            yield Found(name, f'is the loopback address {site.text(name)}')
    for name in ENDPOINTS:
        if is_loopback(str(site.mapping(name).get('host') or '')):
            yield Found(name, f'host is the loopback address {site.mapping(name)["host"]}')


@rule(
    'minio-address', 'wandb_minio_address',
    why='Presigned URLs carry one name, for browsers, SDKs and pods alike.',
    mend='set the one name under which browsers, SDKs and pods reach the object store',
)
def minio_address(site: Site) -> t.Iterator[Found]:
    """An object store that is made here has the one name that clients use."""
    if site.members('wandb_minio') and not site.has('wandb_minio_address'):
        yield Found('wandb_minio_address', 'is missing')


@rule(
    'idle-address', *ADDRESSES,
    why='It would do nothing: clients take the address of the endpoint.',
    mend='remove it, or the endpoint',
)
def idle_address(site: Site) -> t.Iterator[Found]:
    """An address for what is made here is given only where it is made here."""
    for name, group in ADDRESSES.items():
        if site.gives(name) and site.text(name) and not site.members(group):
            yield Found(name, f'is given, and group {group} has no hosts')


@rule(
    'namespace', 'wandb_namespace', 'wandb_operator_namespace',
    why='What lives there is the cluster\'s own, and labels and policies would be put on it.',
    mend='take a namespace of its own, such as wandb',
)
def namespace(site: Site) -> t.Iterator[Found]:
    """Neither namespace is one of Kubernetes or OpenShift themselves."""
    for name in ('wandb_namespace', 'wandb_operator_namespace'):
        if _RESERVED_NAMESPACES.fullmatch(site.text(name)):
            yield Found(name, f'{site.text(name)} belongs to the cluster')


@rule(
    'default-namespace', 'wandb_namespace', 'wandb_operator_namespace',
    warning=True,
    why='The role enforces a Pod Security Standard there: other pods in it may be refused, and removal cannot remove the namespace.',
    mend='take a namespace of its own, such as wandb',
)
def default_namespace(site: Site) -> t.Iterator[Found]:
    """Neither namespace is ``default``, as the guide has it."""
    for name in ('wandb_namespace', 'wandb_operator_namespace'):
        if site.text(name) == 'default':
            yield Found(name, 'is the namespace of everybody')


RULES = (
    host_url, host_is_a_name, host_port, store_port, names_apart, reachable, minio_address, idle_address, namespace, default_namespace,
)
