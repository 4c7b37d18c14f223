# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the Redis that is made here. Pure; sizes are in ``sizes``."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.mysql import size_in_bytes
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import is_loopback
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

GROUP = 'wandb_redis'
SMALLEST = 64 * 1024**2
# Parameters that other parts of the role rely on -> the variable that sets them.
OWN_SETTINGS = {
    'port': 'wandb_redis_port', 'tls-port': 'wandb_redis_port', 'bind': 'wandb_redis_bind_address', 'maxmemory': 'wandb_redis_maxmemory',
    'maxmemory-policy': 'wandb_redis_maxmemory_policy', 'appendonly': 'wandb_redis_persistence', 'requirepass': 'wandb_redis_password',
    'min-replicas-to-write': 'wandb_redis_min_replicas_to_write', 'min-replicas-max-lag': 'wandb_redis_min_replicas_max_lag', 'aclfile': '', 'user': '',
    'tls-cert-file': '', 'tls-key-file': '', 'tls-ca-cert-file': '', 'unixsocket': '', 'unixsocketperm': '', 'protected-mode': '',
}
# With them anybody who has the application's password has the server.
_DANGEROUS = re.compile(r'(?<![-\w@+])(\+@all|allcommands)(?![\w@])')
_TAKEN_AWAY = ('-@admin', '-@dangerous')


@rule(
    'redis-hosts', GROUP,
    why='Two Sentinels have no majority when one is lost, so nobody would be made master.',
    mend='leave one host in the group, or use three',
)
def redis_hosts(site: Site) -> t.Iterator[Found]:
    """Redis is one server, or three and more with Sentinels."""
    if len(site.members(GROUP)) == 2:
        yield Found(GROUP, 'has 2 hosts')


@rule(
    'redis-address', 'wandb_redis_virtual_address', 'wandb_redis_address',
    why='Which server is master changes; clients know one address.',
    mend='set a free address of their network, such as 10.0.0.30/24 (or wandb_redis_address, if something of yours follows the master)',
)
def redis_address(site: Site) -> t.Iterator[Found]:
    """Servers with Sentinels have an address that follows the master."""
    hosts = site.members(GROUP)
    if len(hosts) > 2 and not site.has('wandb_redis_virtual_address') and site.text('wandb_redis_address') in (*hosts, ''):
        yield Found('wandb_redis_virtual_address', 'is missing: clients need one address that follows the master')


@rule(
    'redis-memory', 'wandb_redis_maxmemory',
    why='Nothing is evicted: when it is full, writes are refused.',
    mend='take 2gb or more; the host needs about twice as much',
)
def memory(site: Site) -> t.Iterator[Found]:
    """Redis has memory to hold locks and queues: 64 MiB at least, and not without a bound."""
    for host in site.members(GROUP):
        size = size_in_bytes(site.value('wandb_redis_maxmemory', host))
        if size == 0:
            yield Found('wandb_redis_maxmemory', 'has no bound: Redis would take memory until the host kills it', where=host)
        elif size is not None and size < SMALLEST:
            yield Found('wandb_redis_maxmemory', 'is less than 64 MiB', where=host)


@rule(
    'redis-eviction', 'wandb_redis_maxmemory_policy',
    why='W&B keeps locks and queues beside its cache; what is evicted is lost.',
    mend='take noeviction, and enough memory',
    warning=True,
)
def eviction(site: Site) -> t.Iterator[Found]:
    """Nothing is evicted from Redis."""
    for host in site.members(GROUP):
        policy = site.text('wandb_redis_maxmemory_policy', host)
        if policy not in ('noeviction', ''):
            yield Found('wandb_redis_maxmemory_policy', f'is {policy}', where=host)


@rule(
    'redis-persistence', 'wandb_redis_persistence',
    why='Locks and queues are gone with every restart.',
    mend='take aof, which loses the last second at most',
    warning=True,
)
def persistence(site: Site) -> t.Iterator[Found]:
    """Redis keeps its data over a restart."""
    for host in site.members(GROUP):
        if site.text('wandb_redis_persistence', host) == 'none':
            yield Found('wandb_redis_persistence', 'is none', where=host)


@rule(
    'redis-min-replicas', 'wandb_redis_min_replicas_to_write', GROUP,
    why='The master would never take a write.',
    mend='take fewer than there are replicas, so that one may be away',
)
def min_replicas(site: Site) -> t.Iterator[Found]:
    """A master waits for no more replicas than may be there with one of them away."""
    hosts = site.members(GROUP)
    for host in hosts if len(hosts) > 1 else ():
        wanted = site.number('wandb_redis_min_replicas_to_write', host)
        if wanted is not None and wanted > len(hosts) - 2 and wanted > 0 and len(hosts) > 2:
            yield Found('wandb_redis_min_replicas_to_write', f'is {wanted}, and there are {len(hosts) - 1} replicas', where=host)


@rule(
    'redis-idle', 'wandb_redis_virtual_address', 'wandb_redis_sentinel_endpoint',
    why='They are for servers with Sentinels.',
    mend='remove it, or use three hosts in group wandb_redis',
)
def idle(site: Site) -> t.Iterator[Found]:
    """What only servers with Sentinels have is given for several."""
    for name in ('wandb_redis_virtual_address', 'wandb_redis_sentinel_endpoint'):
        if len(site.members(GROUP)) == 1 and site.gives(name) and site.value(name):
            yield Found(name, 'does nothing for a single server')


@rule(
    'redis-once', 'wandb_redis_discard',
    why='It lets the data of a host be thrown away, for the one run that needs it.',
    mend='remove it from the inventory; give it on the command line: -e',
)
def once(site: Site) -> t.Iterator[Found]:
    """What lets data be thrown away is said on the command line, for one run."""
    if site.value('wandb_redis_discard') and 'wandb_redis_discard' in site.in_files:
        yield Found('wandb_redis_discard', 'stands in the inventory')


@rule(
    'redis-settings', 'wandb_redis_settings',
    why='The role sets it itself, and reads back what it set.',
    mend='remove it from wandb_redis_settings',
)
def settings(site: Site) -> t.Iterator[Found]:
    """Settings of your own leave alone what the role relies on."""
    for host in site.members(GROUP):
        for key in site.mapping('wandb_redis_settings', host):
            variable = OWN_SETTINGS.get(str(key).lower())
            if variable is not None:
                mend = f'set {variable}' if variable else f'remove {key}'
                yield Found('wandb_redis_settings', f'{key} is the role\'s own', mend, host)


@rule(
    'redis-bind', 'wandb_redis_bind_address',
    why='Pods come over the network.',
    mend='write "* -::*", or the addresses of the host with 127.0.0.1 among them',
)
def bind(site: Site) -> t.Iterator[Found]:
    """Redis listens on more than the loopback address."""
    for host in site.members(GROUP):
        addresses = [one.lstrip('-') for one in site.text('wandb_redis_bind_address', host).split()]
        if addresses and all(is_loopback(one) and one not in ('0.0.0.0', '::', '::*') for one in addresses):
            yield Found('wandb_redis_bind_address', 'is a loopback address alone', where=host)


@rule(
    'redis-rules', 'wandb_redis_application_rules',
    why='The application could not read or write, or whoever has its password could stop the server and run Lua on it.',
    mend='begin with the default of role redis and add single commands: +name',
)
def application_rules(site: Site) -> t.Iterator[Found]:
    """The application may use all keys and the commands of a client, not those of an administrator."""
    for host in site.members(GROUP):
        rules = site.text('wandb_redis_application_rules', host)
        if not rules.strip() or not re.search(r'~\*|allkeys', rules):
            yield Found('wandb_redis_application_rules', 'gives no access to keys (~*)', where=host)
        elif _DANGEROUS.search(rules) and not all(word in rules.split() for word in _TAKEN_AWAY):
            yield Found('wandb_redis_application_rules', 'gives all commands and takes away neither @admin nor @dangerous', where=host)
        if re.search(r'(^|\s)[<>#!]|nopass|resetpass', rules):
            yield Found('wandb_redis_application_rules', 'holds a password', 'set wandb_redis_password, and leave passwords out of the rules', host, hide=True)


RULES = (
    redis_hosts, redis_address, memory, eviction, persistence, min_replicas, idle, once, settings, bind, application_rules,
)
