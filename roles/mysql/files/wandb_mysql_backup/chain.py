# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which binary logs lead from a backup to a point in time. Pure."""

from __future__ import annotations

import datetime
import typing as t

from .gtid import GtidSet, source_and_number
from .report import NOT_GOOD, WRONG_SETTINGS, BackupError


class Log(t.NamedTuple):
    """A shipped binary log. `previous` and `until`: all transactions before its beginning and up to its end."""

    key: str
    server: str
    opened: datetime.datetime
    closed: datetime.datetime
    previous: GtidSet
    until: GtidSet


class Goal(t.NamedTuple):
    """Where a restore ends: before `moment`, or before the transaction `gtid`; neither = at the end of the last log."""

    moment: datetime.datetime | None = None
    gtid: str = ''


def parse_goal(text: str) -> Goal | None:
    """'' -> None (the backup alone); 'latest'; '2026-11-25 17:00:00' in UTC; or a GTID. BackupError for anything else."""
    if not text:
        return None
    if text == 'latest':
        return Goal()
    try:
        moment = datetime.datetime.fromisoformat(text.strip().replace('Z', '+00:00'))
    except ValueError:
        try:
            source_and_number(text)
        except ValueError:
            raise BackupError(
                f"{text!r} is no point in time. Give 'YYYY-MM-DD HH:MM:SS' (UTC), 'latest', or the GTID of the transaction before which to stop.",
                WRONG_SETTINGS) from None
        return Goal(gtid=text.lower())
    return Goal(moment.astimezone(datetime.timezone.utc) if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc))


def chain(start: GtidSet, logs: t.Iterable[Log], goal: Goal) -> list[Log]:
    """The logs to replay, in order, over a backup that holds `start`.

    Each next log begins with nothing but what is already there, so that no transaction is left out; logs of several servers
    (before and after a promotion) are taken as they continue one another. BackupError if they do not reach the goal.
    """
    waiting = sorted(logs, key=lambda log: (log.opened, log.key))
    chosen: list[Log] = []
    applied = start
    while not _reached(goal, applied):
        fitting = [log for log in waiting if log.previous <= applied and not log.until <= applied]
        same = [log for log in fitting if chosen and log.server == chosen[-1].server]
        following = next(iter(same or fitting), None)
        if following is None or (goal.moment and following.opened >= goal.moment):
            break
        chosen.append(following)
        applied = applied | following.until
    _refuse_short(applied, waiting, goal)
    return chosen


def _reached(goal: Goal, applied: GtidSet) -> bool:
    return bool(goal.gtid) and applied.has(*source_and_number(goal.gtid))


def _refuse_short(applied: GtidSet, logs: list[Log], goal: Goal) -> None:
    """BackupError if the goal lies behind the end of the chain."""
    beyond = next((log for log in logs if not log.until <= applied), None)
    gap = '' if beyond is None else f' {beyond.key} cannot follow: transactions between them are in no shipped log.'
    if goal.gtid and not _reached(goal, applied):
        raise BackupError(f'No shipped binary log leads from the backup to {goal.gtid}.{gap}', NOT_GOOD)
    if goal.moment is not None:
        following = any(log.previous <= applied and not log.until <= applied for log in logs)
        # An idle server's logs add nothing, but they tell that there was nothing.
        reach = max((log.closed for log in logs if log.until <= applied), default=None)
        if not following and (reach is None or reach < goal.moment):
            told = f'only to {reach:%Y-%m-%d %H:%M:%S} UTC' if reach else 'not beyond the backup'
            raise BackupError(f'The shipped binary logs lead {told}, not to {goal.moment:%Y-%m-%d %H:%M:%S} UTC.{gap}', NOT_GOOD)
    if goal == Goal() and gap:
        raise BackupError(f'The shipped binary logs have a hole.{gap} Name a point in time before it.', NOT_GOOD)
