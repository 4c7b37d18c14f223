# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for addresses and ports between hosts: nobody's twice, and virtual addresses in their network. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import ADDRESSES, address_of, is_loopback
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

# Virtual address -> the group whose hosts hold it. A further one is a further row.
VIRTUAL = {'wandb_mysql_virtual_address': 'wandb_mysql', 'wandb_redis_virtual_address': 'wandb_redis', 'wandb_nginx_virtual_address': 'wandb_nginx'}
# VRRP id -> the group whose hosts use it, and the address that it is for.
ROUTER_IDS = {
    'wandb_mysql_virtual_router_id': ('wandb_mysql', 'wandb_mysql_virtual_address'),
    'wandb_redis_virtual_router_id': ('wandb_redis', 'wandb_redis_virtual_address'),
    'wandb_nginx_virtual_router_id': ('wandb_nginx', 'wandb_nginx_virtual_address'),
}
# What a server of several is reached at by the others -> its group.
MEMBERS = {'wandb_mysql_member_address': 'wandb_mysql', 'wandb_redis_member_address': 'wandb_redis'}
# Group -> variables that hold its ports.
PORTS = {
    'wandb_nginx': ('wandb_nginx_http_port', 'wandb_nginx_https_port'),
    'wandb_mysql': ('wandb_mysql_port',),
    'wandb_minio': ('wandb_minio_port', 'wandb_minio_console_port'),
    'wandb_redis': ('wandb_redis_port', 'wandb_redis_sentinel_port'),
}


@rule(
    'same-machine', '(groups)', 'ansible_host',
    why='They would overwrite each other\'s service and data.',
    mend='give each host its own address (ansible_host), or remove one',
)
def same_machine(site: Site) -> t.Iterator[Found]:
    """No two hosts of a service are one machine."""
    for group in PORTS:
        seen: dict[str, str] = {}
        for host in site.members(group):
            first = seen.setdefault(site.machine(host), host)
            if first != host:
                yield Found(group, f'{host} and {first} are both {site.machine(host)}')


def _listens(site: Site, name: str, host: str) -> bool:
    """A console and a Sentinel have a port only where they run."""
    if name == 'wandb_redis_sentinel_port':
        return len(site.members('wandb_redis')) > 1
    return name != 'wandb_minio_console_port' or site.flag('wandb_minio_console', host)


@rule(
    'port-taken', *(name for names in PORTS.values() for name in names),
    why='The second service could not listen.',
    mend='give one of them another port, or another host',
)
def port_taken(site: Site) -> t.Iterator[Found]:
    """Services that share a host have ports of their own."""
    taken: dict[tuple[str, int], tuple[str, str]] = {}
    for group, names in PORTS.items():
        for host in site.members(group):
            for name in names:
                port = site.number(name, host)
                if port is None or not _listens(site, name, host):
                    continue
                other, other_group = taken.setdefault((site.machine(host), port), (name, group))
                # Two of one service have a rule of their own, but for this one.
                if other_group != group or (name == 'wandb_redis_sentinel_port' and other != name):
                    yield Found(name, f'is {port}, as {other} on the same host', where=host)


def _network(site: Site, name: str) -> ipaddress.IPv4Interface | None:
    try:
        return ipaddress.IPv4Interface(site.text(name)) if '/' in site.text(name) else None
    except ValueError:
        return None


@rule(
    'virtual-address', *VIRTUAL,
    why='Clients and the network could not reach it.',
    mend='take a free address of the hosts\' own network, such as 10.0.0.20/24',
)
def virtual_address(site: Site) -> t.Iterator[Found]:
    """A virtual address is an address of a network, in which its hosts are, as far as their addresses are known."""
    for name, group in VIRTUAL.items():
        if not site.text(name) or not site.members(group):
            continue
        interface = _network(site, name)
        if interface is None:
            yield Found(name, 'is no IPv4 address with the length of its network')
            continue
        network, address = interface.network, interface.ip
        if network.prefixlen == 0 or address.is_loopback or address.is_multicast or address.is_link_local:
            yield Found(name, 'is no address that a host can have')
        elif network.prefixlen < 31 and address in (network.network_address, network.broadcast_address):
            yield Found(name, f'is the first or last address of {network}, which no host can have')
        for host in site.members(group):
            own = address_of(site.machine(host))
            if isinstance(own, ipaddress.IPv4Address) and network.prefixlen < 32 and own not in network and not own.is_loopback:
                yield Found(name, f'lies in {network}, and {host} is {own}')


@rule(
    'virtual-address-free', *VIRTUAL, 'ansible_host',
    why='Two machines would answer for one address.',
    mend='take a free address',
)
def virtual_address_free(site: Site) -> t.Iterator[Found]:
    """A virtual address is no host's own, and no other service's."""
    held: dict[str, str] = {site.machine(host): host for host in site.hosts}
    for name, group in VIRTUAL.items():
        interface = _network(site, name) if site.members(group) else None
        if interface is not None:
            owner = held.setdefault(str(interface.ip), name)
            if owner != name:
                yield Found(name, f'{interface.ip} is the address of {owner}')


@rule(
    'virtual-address-agrees', *VIRTUAL, *ADDRESSES,
    why='Clients would go to an address that does not follow the active server, and the certificate would name it.',
    mend='write the virtual address, a name that leads to it, or leave the variable out',
)
def virtual_address_agrees(site: Site) -> t.Iterator[Found]:
    """Where an address follows the active server, clients are told that address, or a name."""
    for name, group in VIRTUAL.items():
        variable = f'{group}_address'
        interface, told = _network(site, name), site.text(variable)
        if interface is None or len(site.members(group)) < 2 or not told:
            continue
        if told in site.members(group):
            yield Found(variable, f'is the host {told}, and {name} follows the active one')
        elif address_of(told) and told != str(interface.ip):
            yield Found(variable, f'is another address than {interface.ip} ({name})')


@rule(
    'router-id', *ROUTER_IDS,
    why='keepalived takes two groups of hosts with one id for one.',
    mend='give each virtual address an id of its own, the same on all hosts that hold it',
)
def router_id(site: Site) -> t.Iterator[Found]:
    """The hosts that hold a virtual address have one VRRP id, which no other address has."""
    owners: dict[int, str] = {}
    for name, (group, address) in ROUTER_IDS.items():
        if not site.text(address):
            continue
        numbers = {host: site.number(name, host) for host in site.members(group)}
        first = (*numbers, '')[0]
        for host, number in numbers.items():
            if number is not None and number != numbers[first]:
                yield Found(name, f'is another than on {first}', 'give all hosts of the group the same id', host)
            elif number is not None and owners.setdefault(number, name) != name:
                yield Found(name, f'is {number}, as {owners[number]}', where=host)


@rule(
    'member-address', *MEMBERS,
    why='The servers would replicate from themselves.',
    mend='give each host its own address, or leave it out',
)
def member_address(site: Site) -> t.Iterator[Found]:
    """Each of several servers is reached at an address of its own, not at the one that follows the active server."""
    for name, group in MEMBERS.items():
        seen: dict[str, str] = {}
        interface = _network(site, f'{group}_virtual_address')
        for host in site.members(group) if len(site.members(group)) > 1 else ():
            address = site.text(name, host)
            if not address or not site.gives(name, host):
                continue
            if seen.setdefault(address, host) != host:
                yield Found(name, f'is {address} on {seen[address]}, too', where=host)
            elif interface is not None and address == str(interface.ip):
                yield Found(name, 'is the address that follows the active server', where=host)
            elif is_loopback(address):
                yield Found(name, 'is a loopback address: the other servers do not get there', where=host)


RULES = (
    same_machine, port_taken, virtual_address, virtual_address_free, virtual_address_agrees, router_id, member_address,
)
