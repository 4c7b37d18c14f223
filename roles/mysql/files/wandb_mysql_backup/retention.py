# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be deleted of a target. Pure: no clock, no store."""

from __future__ import annotations

import datetime
import typing as t

from .gtid import GtidSet

LEAST_DAYS = 7
# A directory without a manifest may be a backup that is being written.
UNFINISHED_AGE = datetime.timedelta(days=1)


class Backup(t.NamedTuple):
    """`taken` = time of the snapshot; `good` = its manifest and files are there; `gtids` = what the snapshot holds."""

    name: str
    taken: datetime.datetime
    good: bool
    gtids: GtidSet = GtidSet()


class Log(t.NamedTuple):
    """A shipped binary log: `closed` = when its server went on to the next one, `until` = all transactions up to its end."""

    key: str
    closed: datetime.datetime
    until: GtidSet


def doomed_backups(backups: t.Sequence[Backup], now: datetime.datetime, keep_days: int) -> list[str]:
    """Names of the backups to delete: older than `keep_days`, and never the last good one; unfinished ones after a day.

    A good backup goes only when a younger good one is `keep_days` old too, so that every moment of the last `keep_days` can be restored.
    ValueError for less than 7 days: W&B's hosting guide asks for a week.
    """
    if keep_days < LEAST_DAYS:
        raise ValueError(f'keep_days is {keep_days}: backups are kept for at least {LEAST_DAYS} days')
    edge = now - datetime.timedelta(days=keep_days)
    old = sorted((backup for backup in backups if backup.good and backup.taken <= edge), key=lambda backup: backup.taken)
    doomed = {backup.name for backup in old[:-1]}
    doomed |= {backup.name for backup in backups if not backup.good and backup.taken < now - UNFINISHED_AGE}
    return sorted(doomed)


def doomed_logs(logs: t.Sequence[Log], kept: t.Sequence[Backup]) -> list[str]:
    """Keys of the binary logs that no kept good backup needs.

    A log is of use to a backup if it holds a transaction that the backup lacks. Logs of another history (a server that was
    set up anew) always do; they go when they were closed a week before the oldest good backup.
    """
    good = sorted((backup for backup in kept if backup.good), key=lambda backup: backup.taken)
    if not good:
        return []
    another_history = good[0].taken - datetime.timedelta(days=LEAST_DAYS)
    return sorted(log.key for log in logs if all(log.until <= backup.gtids for backup in good) or log.closed < another_history)
