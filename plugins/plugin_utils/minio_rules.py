# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would lose data or cannot run, told before a MinIO server is touched.

Each rule is a function ``Deployment -> problems``; all run, so all problems come at once. What was seen of the hosts is that of module
``minio_host_info``; nothing here asks anybody.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_layout import Endpoint, LayoutError, Pool, drives_of, parse_volumes

NETWORK_FILESYSTEMS = ('nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'glusterfs', 'fuse', 'lustre', '9p')
GROWN = 'A pool cannot grow or shrink. Leave it as it is, and add new hosts as a pool of their own (wandb_minio_pools).'


@dataclasses.dataclass(frozen=True)
class Deployment:
    """What is wanted, and what was seen: `seen` = host -> `seen` of minio_host_info."""

    volumes: str
    group: t.Sequence[str]
    seen: t.Mapping[str, t.Mapping[str, t.Any]]
    parity: int | None = None
    user: str = 'minio'
    allow_single: bool = False
    allow_root_drive: bool = False

    def pools(self) -> list[Pool]:
        """The wanted pools; LayoutError."""
        return parse_volumes(self.volumes, self.parity)

    def drives(self) -> t.Iterator[tuple[str, str, t.Mapping[str, t.Any]]]:
        """(host, path, what was seen of it) of every wanted drive on the hosts that were looked at."""
        for host, seen in self.seen.items():
            for path in drives_of(self.pools(), host):
                yield host, path, seen['paths'].get(path) or {'exists': False}

    def place(self, host: str, path: str) -> tuple[Pool, int, int]:
        """Pool, number of the set, and of the drive in it."""
        for pool in self.pools():
            for name in (host, ''):
                if Endpoint(name, path) in pool.endpoints:
                    return pool, *pool.place(Endpoint(name, path))
        raise LayoutError(f'{path} of {host} is in no pool')

    @property
    def holds_data(self) -> bool:
        """Whether MinIO formatted a drive of it already, a wanted or a recorded one."""
        return any(drive.get('format') for seen in self.seen.values() for drive in seen['paths'].values())


Rule = t.Callable[[Deployment], t.Iterator[str]]


def membership(deployment: Deployment) -> t.Iterator[str]:
    """The hosts of the group are the hosts of the pools."""
    named = {endpoint.host for pool in deployment.pools() for endpoint in pool.endpoints}
    if '' in named:
        if len(deployment.group) > 1:
            yield f'wandb_minio_volumes {deployment.volumes} has no host names, and group wandb_minio has {len(deployment.group)} hosts. Give URLs.'
        return
    for host in [host for host in deployment.group if host not in named]:
        yield f'{host} (group wandb_minio) is in no pool of wandb_minio_pools. Add it to a new one, or take it out of the group.'
    for host in sorted(named - set(deployment.group)):
        yield f'{host} (wandb_minio_pools or wandb_minio_volumes) is not in group wandb_minio. Add it there.'


def redundancy(deployment: Deployment) -> t.Iterator[str]:
    """Too few drives survive nothing."""
    for pool in deployment.pools():
        if len(pool.endpoints) == 1 and deployment.allow_single:
            continue
        if pool.set_size < 4:
            mend = 'For a trial on one host with one drive set wandb_minio_allow_single.' if len(pool.endpoints) == 1 else 'Add hosts (wandb_minio) or drives.'
            yield (f'{len(pool.endpoints)} drives ({pool.text}) make erasure sets of {pool.set_size}; '
                   f'writes survive the loss of a drive with 4 and more. {mend}')
        elif pool.parity == 0:
            yield f'wandb_minio_parity 0 leaves {pool.text} without any redundancy. Take 1 at least, better 2 and more.'


def filesystems(deployment: Deployment) -> t.Iterator[str]:
    """Drives are mounted local filesystems, each its own."""
    for host, path, drive in deployment.drives():
        if not drive['exists']:
            if not deployment.allow_root_drive:
                yield (f'{path} (wandb_minio_drives) does not exist on {host}. Mount a filesystem there, or for a trial set wandb_minio_allow_root_drive.')
        elif drive['filesystem'].split('.')[0] in NETWORK_FILESYSTEMS:
            yield f'{path} of {host} is a network filesystem ({drive["filesystem"]}), on which MinIO loses data. Give it a local drive (wandb_minio_drives).'
        elif drive['root'] and not deployment.allow_root_drive:
            yield (f'{path} (wandb_minio_drives) is on the root filesystem of {host}: uploads would fill it up. '
                   'Mount a filesystem there, or for a trial set wandb_minio_allow_root_drive.')
    if deployment.allow_root_drive:
        return
    for host, seen in deployment.seen.items():
        by_device: dict[int, list[str]] = {}
        for path in drives_of(deployment.pools(), host):
            drive = seen['paths'].get(path) or {'exists': False}
            if drive['exists'] and not drive['root']:
                by_device.setdefault(drive['device'], []).append(path)
        for paths in by_device.values():
            if len(paths) > 1:
                yield (f'{", ".join(paths)} (wandb_minio_drives) lie on one filesystem of {host}, and would be lost together. '
                       'Mount one for each, or for a trial set wandb_minio_allow_root_drive.')


def pools_kept(deployment: Deployment) -> t.Iterator[str]:
    """Servers that hold data keep their pools, in their order; new ones come after them."""
    if not deployment.holds_data:
        return
    for recorded in sorted({seen['volumes'] for seen in deployment.seen.values()} - {''}):
        try:
            before = parse_volumes(recorded)
        except LayoutError:
            # MinIO ran on it, so it has meaning; only the same text is then known to have the same.
            before = []
            if recorded != deployment.volumes:
                yield f'The servers hold data in the volumes {recorded}, wanted are {deployment.volumes}. Set wandb_minio_volumes back.'
        yield from changes(before, deployment.pools())


def changes(before: t.Sequence[Pool], after: t.Sequence[Pool]) -> t.Iterator[str]:
    """Why `after` would not find the data of `before`."""
    wanted = [pool.endpoints for pool in after]
    for number, pool in enumerate(before, 1):
        if number <= len(wanted) and wanted[number - 1] == pool.endpoints:
            continue
        old = set(pool.endpoints)
        where = f'Pool {number}, {pool.text}, holds data'
        if pool.endpoints in wanted:
            yield f'{where} and would become number {wanted.index(pool.endpoints) + 1}: the order of pools must stay. Put it back, and new pools to the end.'
        elif any(set(endpoints) == old for endpoints in wanted):
            yield f'{where}, and its drives would stand in another order. Put them back (wandb_minio_pools, wandb_minio_volumes).'
        elif any(old < set(endpoints) for endpoints in wanted):
            yield f'{where} and would grow. {GROWN}'
        elif any(old > set(endpoints) for endpoints in wanted):
            yield f'{where} and would shrink. {GROWN}'
        else:
            yield (f'{where} and would be gone: its objects would be missing. Set wandb_minio_volumes (or the hosts in wandb_minio, wandb_minio_pools, '
                   'wandb_minio_drives) back.')


def formats(deployment: Deployment) -> t.Iterator[str]:
    """A drive that was formatted before belongs to this deployment, and to this very place in it."""
    owners: dict[str, list[str]] = {}
    for host, path, drive in deployment.drives():
        formatted = drive.get('format')
        if not formatted:
            if drive.get('foreign'):
                yield (f'{path} of {host} holds files that are not MinIO\'s ({", ".join(drive["foreign"])}). '
                       'Mount an empty filesystem there (wandb_minio_drives), or empty it yourself.')
            continue
        owners.setdefault(formatted['deployment'], []).append(f'{path} of {host}')
        if drive['owner'] != deployment.user:
            yield (f'The data in {path} of {host} belong to user {drive["owner"]}, the servers run as {deployment.user}. '
                   f'Stop the server that wrote them, and run: chown -R {deployment.user}: {path}')
        pool, number, position = deployment.place(host, path)
        if [len(drives) for drives in formatted['sets']] != [pool.set_size] * len(pool.sets):
            yield (f'{path} of {host} was formatted for {len(formatted["sets"])} erasure sets of {len(formatted["sets"][0])} drives, '
                   f'wanted are {len(pool.sets)} of {pool.set_size} ({pool.text}). Set hosts and drives back to those that it was formatted with.')
        elif formatted['sets'][number][position] != formatted['this']:
            yield (f'{path} of {host} is drive {position + 1} of set {number + 1} of {pool.text}, but was formatted for another place. '
                   'Put the drive back to where it was, or the hosts and drives into the order that they had.')
    if len(owners) > 1:
        ours = max(owners, key=lambda deployment_id: len(owners[deployment_id]))
        for deployment_id, drives in owners.items():
            if deployment_id != ours:
                yield (f'{", ".join(drives)}: formatted by another deployment ({deployment_id}, the others belong to {ours}). '
                       'Take these drives back to where they belong, or empty them if nobody needs what is on them.')


RULES: tuple[Rule, ...] = (membership, redundancy, filesystems, pools_kept, formats)


def check(deployment: Deployment, rules: t.Iterable[Rule] = RULES) -> list[str]:
    """Every problem that the rules find; a layout that cannot be is the only one told."""
    try:
        deployment.pools()
    except LayoutError as error:
        return [str(error)]
    return [problem for rule in rules for problem in rule(deployment)]
