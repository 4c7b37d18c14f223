# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for sizes against the profile that was chosen (the guide's six). Pure; the profiles are in vars/main.yml of role common."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.mysql import size_in_bytes
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, Values
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import SIZES

PROFILE = 'wandb_size_profile'
# A buffer pool larger than this share of a host's memory is refused there.
SHARE = 0.8
_TRACES = 'weave-trace'
# Size of a service -> its group, and the profile's key.
MEMORY = {'wandb_mysql_innodb_buffer_pool_size': ('wandb_mysql', 'mysql_buffer_pool'), 'wandb_redis_maxmemory': ('wandb_redis', 'redis_maxmemory')}


def profile(site: Site) -> Values:
    """The profile that was chosen; empty without one."""
    return site.sizes.get(site.text(PROFILE), {}) if site.text(PROFILE) else {}


def in_production(site: Site) -> bool:
    """Whether the profile is one for production."""
    return site.text(PROFILE).endswith('-production')


@rule(
    'size-testing', 'wandb_server_size', PROFILE,
    why="The chart's size testing is for trials: requests of next to nothing, and one pod of each.",
    mend='remove wandb_server_size: the profile decides it',
)
def size_testing(site: Site) -> t.Iterator[Found]:
    """In production the server has a size of production."""
    if in_production(site) and site.text('wandb_server_size') == 'testing':
        yield Found('wandb_server_size', f'is testing in profile {site.text(PROFILE)}')


@rule(
    'size-memory', *MEMORY, PROFILE,
    warning=True,
    why='The profile was made for the hosts that the guide asks for.',
    mend='remove it: the profile decides it',
)
def size_memory(site: Site) -> t.Iterator[Found]:
    """MySQL and Redis have no less memory than the profile gives them."""
    for name, (group, key) in MEMORY.items():
        wanted = size_in_bytes(profile(site).get(key))
        for host in site.members(group) if wanted else ():
            given = size_in_bytes(site.value(name, host))
            if given is not None and wanted is not None and given < wanted:
                yield Found(name, f'is less than the {profile(site)[key]} of profile {site.text(PROFILE)}', where=host)


@rule(
    'size-pool', 'wandb_mysql_innodb_buffer_pool_size', PROFILE,
    warning=True,
    why='A buffer pool of more than 80 % of the memory of the host is refused there.',
    mend='take less, or be certain that the hosts have more memory than the profile asks for',
)
def size_pool(site: Site) -> t.Iterator[Found]:
    """MySQL's buffer pool fits into a host of the profile."""
    memory = int((profile(site).get('mysql_host') or {}).get('memory_gb') or 0)
    for host in site.members('wandb_mysql') if memory else ():
        given = size_in_bytes(site.value('wandb_mysql_innodb_buffer_pool_size', host))
        if given is not None and given > SHARE * memory * 1024**3:
            yield Found('wandb_mysql_innodb_buffer_pool_size', f'is more than 80 % of the {memory} GB of profile {site.text(PROFILE)}', where=host)


@rule(
    'size-store', 'wandb_minio_allow_single', 'wandb_minio_allow_root_drive', PROFILE,
    why='With that drive every file of the site is lost.',
    mend='use four drives or more with filesystems of their own, and remove it',
)
def size_store(site: Site) -> t.Iterator[Found]:
    """In production the object store is neither a single drive nor on the root filesystem."""
    for host in site.members('wandb_minio') if in_production(site) else ():
        for name in ('wandb_minio_allow_single', 'wandb_minio_allow_root_drive'):
            if site.flag(name, host):
                yield Found(name, f'is true in profile {site.text(PROFILE)}', where=host)


@rule(
    'size-weave', PROFILE, 'wandb_clickhouse_endpoint', 'wandb_server_install',
    why='Weave keeps its traces in ClickHouse, and its server is not installed by default.',
    mend='give wandb_clickhouse_endpoint and wandb_server_install: {weave-trace: true}, or choose a profile of models',
)
def size_weave(site: Site) -> t.Iterator[Found]:
    """A profile with Weave has ClickHouse and Weave's server."""
    if not profile(site).get('weave'):
        return
    if not site.mapping('wandb_clickhouse_endpoint'):
        yield Found('wandb_clickhouse_endpoint', f'is missing in profile {site.text(PROFILE)}')
    if site.mapping('wandb_server_install').get(_TRACES) is not True:
        yield Found('wandb_server_install', f'has no {_TRACES}: true in profile {site.text(PROFILE)}', f'write wandb_server_install: {{{_TRACES}: true}}')


@rule(
    'size-traces', PROFILE, 'wandb_server_install',
    warning=True,
    why='The profile has no room for it.',
    mend='choose a profile with weave',
)
def size_traces(site: Site) -> t.Iterator[Found]:
    """Weave's server is installed in a profile with Weave."""
    if profile(site) and not profile(site).get('weave') and site.mapping('wandb_server_install').get(_TRACES) is True:
        yield Found(PROFILE, f'is {site.text(PROFILE)}, and {_TRACES} is installed')


@rule(
    'size-standby', 'wandb_mysql', PROFILE,
    warning=True,
    why='W&B asks for a hot standby in production; without one the loss of the host is the loss of service.',
    mend='add a second host to group wandb_mysql',
)
def size_standby(site: Site) -> t.Iterator[Found]:
    """In production MySQL is a pair."""
    if in_production(site) and len(site.members('wandb_mysql')) == 1:
        yield Found('wandb_mysql', 'has one host')


@rule(
    'size-backup', 'wandb_mysql_backup_targets', PROFILE,
    warning=True,
    why='W&B asks for daily backups, kept for a week and away from the site.',
    mend='name where backups go in wandb_mysql_backup_targets',
)
def size_backup(site: Site) -> t.Iterator[Found]:
    """In production MySQL is backed up."""
    hosts = site.members('wandb_mysql')
    if in_production(site) and hosts and not any(site.entries('wandb_mysql_backup_targets', host) for host in hosts):
        yield Found('wandb_mysql_backup_targets', 'is empty')


@rule(
    'size-proxy', 'wandb_nginx', PROFILE,
    warning=True,
    why='With that host the site is out of reach.',
    mend='add a second host to group wandb_nginx',
)
def size_proxy(site: Site) -> t.Iterator[Found]:
    """In production there is more than one proxy."""
    if in_production(site) and len(site.members('wandb_nginx')) == 1:
        yield Found('wandb_nginx', 'has one host')


@rule(
    'component-size', 'wandb_server_components',
    why='The chart takes an unknown size for none, and the defaults of the component stand.',
    mend=f'take one of {", ".join(SIZES)}',
)
def component_size(site: Site) -> t.Iterator[Found]:
    """A component's own size is one that the chart knows."""
    for name, component in sorted(site.mapping('wandb_server_components').items()):
        size = component.get('size') if isinstance(component, t.Mapping) else None
        if size is not None and size not in SIZES:
            yield Found('wandb_server_components', f'{name}.size is {size}')


RULES = (
    size_testing, size_memory, size_pool, size_store, size_weave, size_traces, size_standby, size_backup, size_proxy, component_size,
)
