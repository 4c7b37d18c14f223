# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd knows of a unit, and whether the unit still runs on files that were written since.

Handlers do not survive a run that is killed between the file and the handler. A unit that started (or reloaded) before
the last write of a file which it reads is told here, whoever wrote it and whenever.

Uses of the module: ``run_command`` only.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

# Units without a process, such as timers, have no ExecMainStart...
_STARTS = ('ExecMainStartTimestampMonotonic', 'ActiveEnterTimestampMonotonic')
PROPERTIES = ('LoadState', 'ActiveState', 'UnitFileState', *_STARTS, 'StateChangeTimestampMonotonic')


@dataclasses.dataclass(frozen=True)
class UnitState:
    """State of one unit; times in seconds since the epoch, 0.0 where systemd has none."""

    exists: bool
    active: bool
    enabled: bool
    started: float
    changed: float

    def newer(self, mtimes: dict[str, float], since: float) -> list[str]:
        """Paths among ``mtimes`` written after ``since``."""
        return sorted(path for path, mtime in mtimes.items() if mtime > since)


def parse_show(output: str, boot_epoch: float) -> UnitState:
    """Read ``systemctl show``; ``boot_epoch`` = epoch seconds at which the monotonic clock was zero."""
    values = dict(line.split('=', 1) for line in output.splitlines() if '=' in line)

    def epoch(name: str) -> float:
        micros = int(values.get(name) or 0)
        return boot_epoch + micros / 1e6 if micros else 0.0

    return UnitState(
        exists=values.get('LoadState') not in ('not-found', None),
        active=values.get('ActiveState') in ('active', 'reloading'),
        enabled=values.get('UnitFileState') in ('enabled', 'enabled-runtime'),
        started=epoch(next((name for name in _STARTS if name in values), '')),
        changed=epoch('StateChangeTimestampMonotonic'),
    )


def modification_times(paths: t.Iterable[str]) -> dict[str, float]:
    """Modification time in epoch seconds of each path that exists."""
    times = {}
    for path in paths:
        try:
            times[path] = os.stat(path).st_mtime
        except FileNotFoundError:
            continue
    return times
