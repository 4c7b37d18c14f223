# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running MinIO deployment says of itself, and whether it is what one waits for. Pure: what was read is passed in."""

from __future__ import annotations

import dataclasses
import typing as t

# What one may wait for.
ONLINE, HEALED, ONE_VERSION = 'online', 'healed', 'one_version'
CONDITIONS = (ONLINE, HEALED, ONE_VERSION)


@dataclasses.dataclass(frozen=True)
class Server:
    """One server. `state` is MinIO's word: online, initializing or offline (asked by the server that answered)."""

    endpoint: str
    state: str
    version: str
    commit: str
    uptime: int


@dataclasses.dataclass(frozen=True)
class Drive:
    """One drive. `state` is `ok` or why not; `healing` = its objects are being rebuilt."""

    endpoint: str
    state: str
    healing: bool
    healed: int = 0
    failed: int = 0
    total: int = 0


@dataclasses.dataclass(frozen=True)
class State:
    """A deployment, as one of its servers sees it."""

    deployment: str
    region: str
    parity: int
    drives_per_set: tuple[int, ...]
    servers: tuple[Server, ...]
    drives: tuple[Drive, ...]

    @classmethod
    def read(cls, info: t.Mapping[str, t.Any]) -> State:
        """Of the document that the admin call `info` answers."""
        backend = info.get('backend') or {}
        servers, drives = [], []
        for found in info.get('servers') or []:
            servers.append(Server(
                str(found.get('endpoint', '')), str(found.get('state', '')), str(found.get('version', '')), str(found.get('commitID', '')),
                int(found.get('uptime') or 0)))
            drives += [_drive(drive) for drive in found.get('drives') or []]
        return cls(
            str(info.get('deploymentID', '')), str(info.get('region', '')), int(backend.get('standardSCParity') or 0),
            tuple(int(number) for number in backend.get('totalDrivesPerSet') or []),
            tuple(sorted(servers, key=lambda server: server.endpoint)), tuple(sorted(drives, key=lambda drive: drive.endpoint)))

    @property
    def versions(self) -> list[str]:
        """Versions among the servers that tell one."""
        return sorted({server.version for server in self.servers if server.version})

    def lacks(self, conditions: t.Iterable[str], servers: int | None = None) -> list[str]:
        """What is missing until the conditions hold, for people; empty = they hold. `servers`: how many there must be."""
        wanted = set(conditions)
        missing = []
        if servers is not None and len(self.servers) != servers:
            missing.append(f'{len(self.servers)} servers are known, {servers} are expected')
        if ONLINE in wanted:
            missing += [f'server {server.endpoint} is {server.state or "silent"}' for server in self.servers if server.state != 'online']
            missing += [f'drive {drive.endpoint} is {drive.state or "silent"}' for drive in self.drives if drive.state != 'ok']
        if HEALED in wanted:
            missing += [
                f'drive {drive.endpoint} is being healed ({drive.healed} objects of about {drive.total or "an unknown number"}'
                f'{f", {drive.failed} failed" if drive.failed else ""})'
                for drive in self.drives if drive.healing]
        if ONE_VERSION in wanted and len(self.versions) > 1:
            which = '; '.join(
                f'{version}: {", ".join(server.endpoint for server in self.servers if server.version == version)}' for version in self.versions)
            missing.append(f'the servers are of {len(self.versions)} versions ({which}). Run playbook wandb.onprem.minio on all hosts of wandb_minio')
        return missing

    def as_dict(self) -> dict[str, t.Any]:
        """For a module's result."""
        return {
            'deployment': self.deployment, 'region': self.region, 'parity': self.parity, 'drives_per_set': list(self.drives_per_set),
            'versions': self.versions, 'servers': [dataclasses.asdict(server) for server in self.servers],
            'drives': [dataclasses.asdict(drive) for drive in self.drives],
        }


def _drive(found: t.Mapping[str, t.Any]) -> Drive:
    healing = found.get('heal_info') or {}
    # A tracker stays on the drive when it is done.
    under_way = bool(found.get('healing')) and not healing.get('finished', False)
    return Drive(
        str(found.get('endpoint', '')), str(found.get('state', '')), under_way, int(healing.get('items_healed') or 0), int(healing.get('items_failed') or 0),
        int(healing.get('objects_total_count') or 0))


@dataclasses.dataclass
class HealReport:
    """What a heal sequence found: objects (versions counted) looked at, incomplete before, mended, still incomplete after it."""

    scanned: int = 0
    incomplete: int = 0
    healed: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)

    def add(self, item: t.Mapping[str, t.Any], dry_run: bool) -> None:
        """Count one result; what is no object of a user (settings, buckets) counts only where it failed."""
        before, after = _states(item, 'before'), _states(item, 'after')
        name = '/'.join(str(item.get(key)) for key in ('bucket', 'object') if item.get(key)) or str(item.get('type'))
        if item.get('type') == 'object':
            self.scanned += 1
            self.incomplete += before != {'ok'}
            self.healed += not dry_run and before != {'ok'} and after == {'ok'}
        if not dry_run and after != {'ok'}:
            self.failed.append(f'{name}: {", ".join(sorted(after - {"ok"})) or item.get("detail") or "no state"}')


def _states(item: t.Mapping[str, t.Any], when: str) -> set[str]:
    return {str(drive.get('state')) for drive in (item.get(when) or {}).get('drives') or []}
