# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order MinIO servers are restarted.

A server that starts waits until half of the other servers run the same program with the same settings (minio/minio:
``cmd/bootstrap-peer-server.go``, ``verifyServerSystemConfig``). A new program one server at a time, with a look at its health after each,
therefore never gets beyond the first one: so many must go at once that they are enough for each other.
"""

from __future__ import annotations

import typing as t


def waves(hosts: t.Sequence[str], active: t.Sequence[str], outdated: t.Sequence[str], rolling: bool = False, unlike: bool = True) -> list[list[str]]:
    """Hosts by wave; empty where nothing is to be done. What does not run is started in the first wave."""
    stopped = [host for host in hosts if host not in active]
    stale = [host for host in hosts if host in outdated]
    if not rolling:
        together = [host for host in hosts if host in stopped or host in stale]
        return [together] if together else []
    # Whoever neither stands still nor is outdated is alike already.
    alike = len(hosts) - len(stopped) - len(stale)
    needed = (len(hosts) - 1) // 2 - alike + 1 - len(stopped) if unlike else 0
    first = stale[:max(needed, 0 if stopped else 1)]
    rest = stale[len(first):]
    found = [[host for host in hosts if host in stopped or host in first]] if stopped or first else []
    return found + [[host] for host in rest]
