# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies under a data path: filesystem, device, space, and how fast it puts data on the disk."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe, median


class Mount(t.NamedTuple):
    """One line of /proc/self/mountinfo. ``device``: major:minor; ``source``: a device file, or a name."""

    point: str
    device: str
    kind: str
    source: str
    options: tuple[str, ...]


def _plain(text: str) -> str:
    return re.sub(r'\\([0-7]{3})', lambda match: chr(int(match.group(1), 8)), text)


def mounts(mountinfo: str) -> dict[str, Mount]:
    """Mount point -> mount; of several on one point the last one is seen."""
    found = {}
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(' - ')
        fields, after = left.split(), right.split()
        if dash and len(fields) >= 6 and len(after) >= 2:
            point = _plain(fields[4])
            options = (*fields[5].split(','), *(after[2].split(',') if len(after) > 2 else ()))
            found[point] = Mount(point, fields[2], after[0], _plain(after[1]), options)
    return found


def mount_of(path: str, known: t.Mapping[str, Mount]) -> Mount | None:
    """The mount that a path (without symbolic links) lies on."""
    while path not in known and path not in ('/', ''):
        path = os.path.dirname(path)
    return known.get(path)


def rotational(probe: Probe, mount: Mount) -> bool | None:
    """Whether the device turns, as the kernel says; None where it does not say (network, memory, overlay). A partition asks its disk."""
    folder = probe.real(f'/sys/dev/block/{mount.device}')
    for place in (folder, os.path.dirname(folder)):
        said = probe.text(f'{place}/queue/rotational').strip()
        if said:
            return said == '1'
    return None


def nearest_folder(probe: Probe, path: str) -> str:
    """The path itself, or its nearest ancestor that is there."""
    while not probe.is_folder(path) and path not in ('/', ''):
        path = os.path.dirname(path)
    return path or '/'


def look_at(probe: Probe, path: str, known: t.Mapping[str, Mount], measure: bool) -> dict[str, t.Any]:
    """One path."""
    folder = nearest_folder(probe, path)
    mount = mount_of(probe.real(folder), known)
    total, free = probe.space(folder)
    seen: dict[str, t.Any] = {
        'folder': folder,
        'mount': mount.point if mount else '',
        'filesystem': mount.kind if mount else '',
        'device': mount.source if mount else '',
        'read_only': bool(mount and 'ro' in mount.options),
        'rotational': rotational(probe, mount) if mount else None,
        'total_bytes': total,
        'free_bytes': free,
        'fdatasync_ms': None,
        'error': '',
    }
    if measure:
        try:
            middle = median(probe.sync_times(folder))
            seen['fdatasync_ms'] = None if middle is None else round(1000 * middle, 2)
        except OSError as error:
            seen['error'] = error.strerror or str(error)
    return seen


def look(probe: Probe, paths: t.Iterable[str], measured: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
    """Every path; of those in ``measured`` the time of an fdatasync too."""
    known = mounts(probe.text('/proc/self/mountinfo'))
    return {path: look_at(probe, path, known, path in measured) for path in dict.fromkeys(paths)}
