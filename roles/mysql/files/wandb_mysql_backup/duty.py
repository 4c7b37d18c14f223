# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host of a pair makes the backup: decided at run time by what the server says of itself. Pure."""

from __future__ import annotations

import datetime
import typing as t

# The timers of both hosts fire within the same hours; a replica that missed its turn shows by then.
OVERDUE = datetime.timedelta(hours=26)


class Replication(t.NamedTuple):
    """What the server says of itself. `lag` in seconds, None = the replica cannot tell; `replicas` = connected ones."""

    writable: bool
    is_replica: bool
    threads_run: bool = True
    lag: int | None = 0
    replicas: int = 0
    error: str = ''


class Duty(t.NamedTuple):
    """Whether this host makes the backup, and why (not). `broken` = it should, but cannot. `replica` = that is what it is."""

    mine: bool
    reason: str
    broken: bool = False
    replica: bool = False


def decide(seen: Replication, newest_age: datetime.timedelta | None, max_lag: int) -> Duty:
    """The replica does it, else the primary; the primary too when the newest good backup (age; None = there is none) is overdue."""
    if seen.is_replica:
        if not seen.threads_run:
            return Duty(False, f'this replica does not replicate: {seen.error or "its threads are stopped"}', broken=True, replica=True)
        if seen.lag is None or seen.lag > max_lag:
            behind = 'of unknown lag' if seen.lag is None else f'{seen.lag} s behind'
            return Duty(False, f'this replica is {behind} (at most {max_lag} s)', broken=True, replica=True)
        return Duty(True, 'this host is the replica', replica=True)
    if not seen.writable:
        return Duty(False, 'this host is neither a replica nor writable: what it holds may be old', broken=True)
    if not seen.replicas:
        return Duty(True, 'this host is the primary, and no replica is connected')
    if newest_age is None or newest_age > OVERDUE:
        return Duty(True, 'this host is the primary, but the replica has made no backup in time')
    return Duty(False, f'this host is the primary: its replica ({seen.replicas} connected) makes the backup')
