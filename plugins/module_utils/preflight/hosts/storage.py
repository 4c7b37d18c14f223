# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for disks and memory, some of them against the profile that was chosen. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.mysql import size_in_bytes
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.sizes import PROFILE, SHARE, in_production, profile
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.looks import data_paths
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import HOST, Facts, seen_rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

GIB = 1024**3
MIN_FREE_BYTES = 2 * GIB
SLOW_MS, TURNING_MS = 10.0, 2.0
# A machine of 16 GB shows less: firmware and kernel take some, and disks are counted in thousands.
TOLERANCE = 0.9
_FLEETING = ('tmpfs', 'ramfs')
_REMOTE = ('nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs', 'fuse.glusterfs')
PATHS = 'wandb_preflight_paths'
# Memory of a service -> its group.
MEMORY = {'wandb_mysql_innodb_buffer_pool_size': 'wandb_mysql', 'wandb_redis_maxmemory': 'wandb_redis'}


def _variable(site: Site, host: str, path: str) -> str:
    return data_paths(site, host).get(path, PATHS)


def gib(number: float) -> str:
    """Bytes for people."""
    return f'{number / GIB:.1f} GiB'


@seen_rule(
    'disk-space', HOST, PATHS, 'wandb_mysql_data_dir', 'wandb_minio_drives',
    why='Packages and data need room; a full disk stops the service, and MySQL in the middle of a write.',
    mend='make at least 2 GiB free, or name a folder on another filesystem',
)
def space(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """2 GiB are free under every data path and where packages go."""
    for path, disk in sorted(seen['disks'].items()):
        if disk['free_bytes'] < MIN_FREE_BYTES:
            yield Found(_variable(site, host, path), f'{gib(disk["free_bytes"])} free under {path} (filesystem {disk["filesystem"]} on {disk["mount"]})')


@seen_rule(
    'disk-writable', HOST, 'wandb_mysql_data_dir', 'wandb_minio_drives',
    why='The service writes there.',
    mend='mount it writable (after an error the kernel makes a filesystem read-only: look at its log)',
)
def writable(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """Data paths can be written to."""
    for path, disk in sorted(seen['disks'].items()):
        if disk['read_only']:
            yield Found(_variable(site, host, path), f'{path} is on a read-only filesystem ({disk["device"]} on {disk["mount"]})')
        elif disk['error'] and disk['free_bytes'] >= MIN_FREE_BYTES:
            yield Found(_variable(site, host, path), f'nothing can be written under {path}: {disk["error"]}')


@seen_rule(
    'disk-kind', HOST, 'wandb_mysql_data_dir', 'wandb_minio_drives',
    warning=True,
    why='Data in memory is gone with the next start; databases and MinIO want a local disk.',
    mend='use a local disk with ext4 or xfs',
)
def kind(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """Data is on a local disk."""
    for path, variable in data_paths(site, host).items():
        filesystem = seen['disks'].get(path, {}).get('filesystem')
        if filesystem in _FLEETING:
            yield Found(variable, f'{path} is in memory ({filesystem})')
        elif filesystem in _REMOTE:
            yield Found(variable, f'{path} is on a network filesystem ({filesystem})')


@seen_rule(
    'disk-speed', HOST, 'wandb_mysql_data_dir', 'wandb_minio_drives',
    warning=True,
    why='W&B asks for fast disks: every commit of MySQL and every object waits for one fdatasync.',
    mend='use SSDs, or a controller whose cache survives a power loss',
)
def speed(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """An fdatasync takes less than 10 ms (median of 20), on a disk that turns less than 2."""
    for path, variable in data_paths(site, host).items():
        disk = seen['disks'].get(path, {})
        took, turns = disk.get('fdatasync_ms'), disk.get('rotational')
        if took is not None and took >= SLOW_MS:
            yield Found(variable, f'an fdatasync under {path} takes {took:.1f} ms{" on a disk that turns" if turns else ""}')
        elif turns and (took is None or took >= TURNING_MS):
            yield Found(variable, f'{path} is on a disk that turns{"" if took is None else f": an fdatasync takes {took:.1f} ms"}')


def usable(seen: Facts) -> int:
    """Bytes of memory that the host can really have."""
    return int(seen['memory_limit_bytes'] or seen['memory_bytes'])


@seen_rule(
    'host-memory', HOST, *MEMORY,
    why='Above 80 % of the memory the role refuses it: the kernel ends the server when memory runs out.',
    mend='take less, or a machine with more memory',
)
def memory(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """MySQL's buffer pool and Redis' memory fit into 80 % of the host's. (Against the limit of a container it is warned of.)"""
    for variable, group in MEMORY.items():
        given = size_in_bytes(site.value(variable, host)) if host in site.members(group) else None
        if not given:
            continue
        if given > SHARE * seen['memory_bytes']:
            yield Found(variable, f'is more than 80 % of the memory ({gib(seen["memory_bytes"])})')
        elif given > SHARE * usable(seen):
            yield Found(variable, f'is more than 80 % of what the container may have ({gib(usable(seen))})', warning=True)


@seen_rule(
    'size-host', HOST, PROFILE,
    why='The guide asks for it, and the sizes that the profile decides are made for it.',
    mend='use a larger machine, or a smaller profile',
)
def mysql_host(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """A MySQL host has the cores, memory and disk of the profile, less a tenth. (Of a profile for development it is warned.)"""
    wanted = profile(site).get('mysql_host') or {}
    if not wanted or host not in site.members('wandb_mysql'):
        return
    told, warning = f'for MySQL in profile {site.text(PROFILE)}', not in_production(site)
    if seen['cpus'] < wanted['cores']:
        yield Found(PROFILE, f'{seen["cpus"]} cores, {wanted["cores"]} are wanted {told}', warning=warning)
    if usable(seen) < TOLERANCE * wanted['memory_gb'] * 1000**3:
        yield Found(PROFILE, f'{usable(seen) / 1000**3:.1f} GB of memory, {wanted["memory_gb"]} are wanted {told}', warning=warning)
    disk = seen['disks'].get(site.text('wandb_mysql_data_dir', host))
    if disk and disk['total_bytes'] < TOLERANCE * wanted['disk_gb'] * 1000**3:
        yield Found(PROFILE, f'{disk["total_bytes"] / 1000**3:.0f} GB of disk under {site.text("wandb_mysql_data_dir", host)}, '
                    f'{wanted["disk_gb"]} are wanted {told}', warning=warning)


RULES = (space, writable, kind, speed, memory, mysql_host)
