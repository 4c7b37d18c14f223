# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backup program decides: what may be deleted, which logs lead to a point in time, whose duty the backup is."""

from __future__ import annotations

import datetime

import pytest
from wandb_mysql_backup import chain, duty, retention, verbs
from wandb_mysql_backup.gtid import GtidSet, source_and_number
from wandb_mysql_backup.report import BackupError

A, B = 'aaaaaaaa-0000-0000-0000-000000000001', 'bbbbbbbb-0000-0000-0000-000000000002'
NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)


def days(count):
    return datetime.timedelta(days=count)


@pytest.mark.parametrize(('text', 'shown'), [
    ('', ''),
    (f'{A}:1-5:6:9', f'{A}:1-6:9'),
    (f'{B}:3,\n{A}:1', f'{A}:1,{B}:3'),
    (f'{A.upper()}:1-3,{A}:2-7', f'{A}:1-7'),
    (f'{A}:1-3:tag:1-2', f'{A}:1-3,{A}:tag:1-2'),
])
def test_a_set_of_gtids_is_read_and_written(text, shown):
    assert str(GtidSet(text)) == shown


@pytest.mark.parametrize('text', ['x', A, f'{A}:', 'aaaa:1-2'])
def test_what_is_no_set_is_refused(text):
    with pytest.raises(ValueError, match='is not a set of GTIDs'):
        GtidSet(text)


@pytest.mark.parametrize(('left', 'right', 'within'), [
    ('', '', True), ('', f'{A}:1', True), (f'{A}:1', '', False), (f'{A}:2-4', f'{A}:1-5', True), (f'{A}:2-6', f'{A}:1-5', False),
    (f'{A}:1-2:5', f'{A}:1-2:4-5', True), (f'{A}:1-5', f'{A}:1-2:4-5', False), (f'{A}:1', f'{B}:1', False), (f'{A}:tag:1', f'{A}:1', False),
])
def test_one_set_is_within_another(left, right, within):
    assert (GtidSet(left) <= GtidSet(right)) is within


def test_sets_are_joined():
    assert str(GtidSet(f'{A}:1-3') | GtidSet(f'{A}:4,{B}:1')) == f'{A}:1-4,{B}:1'


@pytest.mark.parametrize(('backups', 'doomed'), [
    # (age in days, good) in any order -> names of the deleted (their ages)
    ([], []),
    ([(1, True)], []),
    ([(100, True)], []),
    ([(100, True), (99, True)], [100]),
    ([(8, True), (15, True), (16, True), (30, True)], [16, 30]),
    # The last good one is old, and all that came after it failed.
    ([(40, True), (3, False), (2, False), (0.5, False)], [2, 3]),
    # A younger one that is not good is no reason to delete the old good one.
    ([(40, True), (20, False), (15, False)], [15, 20]),
    ([(0.9, False), (1.1, False)], [1.1]),
    ([(14, True), (14.5, True)], [14.5]),
    ([(13.9, True), (14.1, True)], []),
])
def test_backups_are_deleted_and_never_the_last_good_one(backups, doomed):
    made = [retention.Backup(str(age), NOW - days(age), good) for age, good in backups]
    assert retention.doomed_backups(made, NOW, 14) == sorted(map(str, doomed))
    good = [backup for backup in made if backup.good]
    assert not good or min(good, key=lambda backup: NOW - backup.taken).name not in retention.doomed_backups(made, NOW, 14)


@pytest.mark.parametrize('keep', [6, 0, -1])
def test_less_than_a_week_is_refused(keep):
    with pytest.raises(ValueError, match='at least 7'):
        retention.doomed_backups([], NOW, keep)


@pytest.mark.parametrize(('until', 'closed', 'kept', 'goes'), [
    (f'{A}:1-10', 10, [(f'{A}:1-10', True)], True),
    (f'{A}:1-11', 10, [(f'{A}:1-10', True)], False),
    # The oldest good backup still needs it.
    (f'{A}:1-10', 10, [(f'{A}:1-5', True), (f'{A}:1-20', True)], False),
    # One that is not good needs nothing.
    (f'{A}:1-10', 10, [(f'{A}:1-5', False), (f'{A}:1-20', True)], True),
    # Nothing is deleted where no backup is good.
    (f'{A}:1-10', 99, [(f'{A}:1-20', False)], False),
    # Logs of a history that ended long before the oldest backup.
    (f'{B}:1-10', 18, [(f'{A}:1-20', True)], True),
    (f'{B}:1-10', 16, [(f'{A}:1-20', True)], False),
])
def test_binary_logs_are_kept_as_long_as_a_backup_needs_them(until, closed, kept, goes):
    backups = [retention.Backup(str(number), NOW - days(10 - number), good, GtidSet(gtids)) for number, (gtids, good) in enumerate(kept)]
    log = retention.Log('log', NOW - days(closed), GtidSet(until))
    assert retention.doomed_logs([log], backups) == (['log'] if goes else [])


def at(hour):
    return NOW.replace(hour=0) + datetime.timedelta(hours=hour)


def log(key, server, opened, closed, previous, until):
    return chain.Log(key, server, at(opened), at(closed), GtidSet(previous), GtidSet(until))


LOGS = [
    log('a1', 'a', 0, 1, '', f'{A}:1-10'),
    log('a2', 'a', 1, 2, f'{A}:1-10', f'{A}:1-20'),
    log('a3', 'a', 2, 3, f'{A}:1-20', f'{A}:1-30'),
    # After a promotion the other server goes on; its log begins in the middle of what the first one has.
    log('b7', 'b', 1.5, 4, f'{A}:1-15', f'{A}:1-30,{B}:1-5'),
    log('b8', 'b', 4, 5, f'{A}:1-30,{B}:1-5', f'{A}:1-30,{B}:1-9'),
    # An idle hour.
    log('b9', 'b', 5, 6, f'{A}:1-30,{B}:1-9', f'{A}:1-30,{B}:1-9'),
]


@pytest.mark.parametrize(('start', 'logs', 'goal', 'keys'), [
    (f'{A}:1-12', LOGS, chain.Goal(), ['a2', 'a3', 'b7', 'b8']),
    (f'{A}:1-20', LOGS, chain.Goal(), ['b7', 'b8']),
    ('', LOGS[:3], chain.Goal(), ['a1', 'a2', 'a3']),
    (f'{A}:1-30,{B}:1-9', LOGS, chain.Goal(), []),
    (f'{A}:1-12', LOGS, chain.Goal(at(1.9)), ['a2']),
    (f'{A}:1-12', LOGS, chain.Goal(at(2)), ['a2']),
    (f'{A}:1-12', LOGS, chain.Goal(at(2.5)), ['a2', 'a3', 'b7']),
    (f'{A}:1-12', LOGS, chain.Goal(at(5.9)), ['a2', 'a3', 'b7', 'b8']),
    (f'{A}:1-12', LOGS, chain.Goal(gtid=f'{A}:25'), ['a2', 'a3']),
    (f'{A}:1-12', LOGS, chain.Goal(gtid=f'{B}:3'), ['a2', 'a3', 'b7']),
])
def test_the_logs_of_a_restore_follow_one_another(start, logs, goal, keys):
    assert [one.key for one in chain.chain(GtidSet(start), logs, goal)] == keys
    assert [one.key for one in chain.chain(GtidSet(start), reversed(logs), goal)] == keys


@pytest.mark.parametrize(('start', 'logs', 'goal', 'told'), [
    (f'{A}:1-12', LOGS, chain.Goal(at(7)), 'lead only to 2026-11-25 06:00:00 UTC'),
    (f'{A}:1-12', [], chain.Goal(at(2)), 'lead not beyond the backup'),
    (f'{A}:1-5', [LOGS[0], LOGS[2]], chain.Goal(), 'have a hole. a3 cannot follow'),
    (f'{A}:1-5', [LOGS[0], LOGS[2]], chain.Goal(at(2.5)), 'a3 cannot follow'),
    (f'{A}:1-5', LOGS, chain.Goal(gtid=f'{B}:10'), f'leads from the backup to {B}:10'),
])
def test_a_goal_that_no_log_reaches_is_refused(start, logs, goal, told):
    with pytest.raises(BackupError, match=told):
        chain.chain(GtidSet(start), logs, goal)


@pytest.mark.parametrize(('text', 'goal'), [
    ('', None),
    ('latest', chain.Goal()),
    ('2026-11-25 17:00:00', chain.Goal(at(17))),
    ('2026-11-25T17:00:00Z', chain.Goal(at(17))),
    ('2026-11-25T18:00:00+01:00', chain.Goal(at(17))),
    (f'{A.upper()}:7', chain.Goal(gtid=f'{A}:7')),
])
def test_a_goal_is_read(text, goal):
    assert chain.parse_goal(text) == goal


@pytest.mark.parametrize('text', ['yesterday', f'{A}:1-3', '25.11.2026', '2026-11-25 25:00:00'])
def test_what_is_no_goal_is_refused(text):
    with pytest.raises(BackupError, match='is no point in time') as caught:
        chain.parse_goal(text)
    assert caught.value.code == 2


def test_one_transaction_is_told_from_a_set():
    assert source_and_number(f'{A}:7') == (A, 7)
    with pytest.raises(ValueError):
        source_and_number(f'{A}:7-8')


REPLICA = duty.Replication(False, True)


@pytest.mark.parametrize(('seen', 'age', 'mine', 'broken', 'why'), [
    (REPLICA, 1, True, False, 'the replica'),
    (REPLICA._replace(threads_run=False, error='no such log'), 1, False, True, 'no such log'),
    (REPLICA._replace(lag=None), 1, False, True, 'unknown lag'),
    (REPLICA._replace(lag=3601), 1, False, True, '3601 s behind'),
    (REPLICA._replace(lag=3600), 1, True, False, 'the replica'),
    (duty.Replication(True, False), 1, True, False, 'no replica'),
    (duty.Replication(True, False, replicas=1), 25, False, False, 'its replica'),
    (duty.Replication(True, False, replicas=1), 27, True, False, 'no backup in time'),
    (duty.Replication(True, False, replicas=1), None, True, False, 'no backup in time'),
    (duty.Replication(False, False), 1, False, True, 'neither'),
])
def test_whose_duty_the_backup_is(seen, age, mine, broken, why):
    found = duty.decide(seen, None if age is None else datetime.timedelta(hours=age), 3600)
    assert (found.mine, found.broken) == (mine, broken)
    assert why in found.reason


BEFORE, AFTER = NOW - days(1), NOW + days(1)


@pytest.mark.parametrize(('ok', 'taken', 'told'), [
    (False, [BEFORE, BEFORE], True),
    (False, [AFTER, BEFORE], True),
    (False, [AFTER, None], True),
    (False, [], True),
    (False, [AFTER, AFTER], False),
    (True, [AFTER, AFTER], True),
])
def test_a_failed_run_is_told_until_every_target_got_a_backup_after_it(ok, taken, told):
    outcomes = {'run': {'ok': ok, 'at': NOW.isoformat(timespec='seconds')}, 'test': {'ok': False}}
    assert ('run' in verbs.remembered(outcomes, taken)) is told
    assert 'test' in verbs.remembered(outcomes, taken)
