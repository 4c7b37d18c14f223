# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_replication import (
    COLUMNS,
    Replication,
    ReplicationError,
    Source,
    hold_primary,
    hold_replica,
    tell,
)

A = 'aaaaaaaa-0000-0000-0000-000000000000'
SOURCE = Source('10.0.0.1', 3306, 'wandb_replication', 'secret', '/ca.pem')
RUNS = {'io_running': 'Yes', 'sql_running': 'Yes', 'io_error': '', 'sql_error': '', 'source_host': '10.0.0.1', 'retrieved': f'{A}:1-9', 'lag': 0}


class FakeError(Exception):
    """Stands for the driver's error: args = (number, text)."""


class FakeServer(Replication):
    """A server that remembers; ``said`` = the statements that write."""

    def __init__(self, replica=None, options=None, super_read_only=True, blank=False, late=0, executed=f'{A}:1-9', locked=0, starts_with=None):
        super().__init__(None, FakeError)
        self._replica, self._super, self._blank, self.late, self._executed = replica, super_read_only, blank, late, executed
        self.options = dict(options if options is not None else {**SOURCE.options(), 'SOURCE_PASSWORD': 'secret'} if replica else {})
        self.locked, self.starts_with = locked, RUNS if starts_with is None else starts_with
        self.said: list[str] = []

    def state(self):
        return {'super_read_only': self._super, 'read_only': self._super, 'blank': self._blank, 'replica': self._replica}

    def replica(self):
        return self._replica

    def configured(self):
        return self.options

    def rows(self, sql, args=()):
        if 'WAIT_FOR_EXECUTED' in sql:
            return [{'late': self.late}]
        if 'gtid_executed' in sql:
            return [{'executed': self._executed}]
        if 'processlist' in sql:
            return [{'id': 7}, {'id': 8}]
        self.said.append(sql.split(' SOURCE_HOST')[0])
        if sql.startswith('SET GLOBAL super_read_only = ON') and self.locked:
            self.locked -= 1
            raise FakeError(1205, 'lock wait timeout')
        if sql == 'KILL 8':
            raise FakeError(1094, 'unknown thread')
        if sql.startswith('CHANGE'):
            self.options = {**SOURCE.options(), 'SOURCE_PASSWORD': 'secret'}
        if sql == 'START REPLICA':
            self._replica = self.starts_with
        if sql == 'RESET REPLICA ALL':
            self._replica = None
        if sql.startswith('SET GLOBAL super_read_only'):
            self._super = sql.endswith('ON')
        return []


def test_a_healthy_replica_is_left_alone():
    fake = FakeServer(RUNS)
    assert hold_replica(fake, SOURCE, False, 1, False).actions == []
    assert fake.said == []


@pytest.mark.parametrize(('option', 'value'), [
    ('SOURCE_HOST', '10.0.0.9'), ('SOURCE_PORT', '3307'), ('SOURCE_USER', 'root'), ('SOURCE_SSL', '0'), ('SOURCE_SSL_CA', ''),
    ('SOURCE_SSL_VERIFY_SERVER_CERT', '0'), ('SOURCE_AUTO_POSITION', '0'), ('SOURCE_PASSWORD', 'old'), ('SOURCE_RETRY_COUNT', '10'),
])
def test_what_drifted_is_mended(option, value):
    fake = FakeServer(RUNS, {**SOURCE.options(), 'SOURCE_PASSWORD': 'secret', option: value})
    outcome = hold_replica(fake, SOURCE, False, 1, False)
    assert fake.said == ['STOP REPLICA', 'CHANGE REPLICATION SOURCE TO', 'START REPLICA']
    assert option in outcome.actions[0]
    assert 'secret' not in str(outcome)
    assert 'old' not in str(outcome.before.values())
    assert hold_replica(fake, SOURCE, False, 1, False).actions == []


@pytest.mark.parametrize('stopped', ['io_running', 'sql_running'])
def test_a_stopped_thread_is_started(stopped):
    fake = FakeServer({**RUNS, stopped: 'No'})
    assert hold_replica(fake, SOURCE, False, 1, False).actions == ['start replication']
    assert fake.said == ['START REPLICA']


def test_a_new_server_becomes_a_replica():
    fake = FakeServer(None, super_read_only=False, blank=True)
    outcome = hold_replica(fake, SOURCE, False, 1, False)
    assert outcome.actions[0] == 'refuse writes'
    assert outcome.actions[2] == 'start replication'


def test_check_mode_foretells_and_writes_nothing():
    fake = FakeServer(None, super_read_only=False, blank=True)
    assert len(hold_replica(fake, SOURCE, False, 1, True).actions) == 3
    replica = FakeServer(RUNS)
    assert hold_primary(replica, f'{A}:1-20', True, 1, True, True).actions == ['stop to replicate from 10.0.0.1', 'accept writes']
    assert fake.said + replica.said == []


def test_a_server_that_serves_is_not_demoted_by_accident():
    fake = FakeServer(None, super_read_only=False)
    with pytest.raises(ReplicationError, match='without drain'):
        hold_replica(fake, SOURCE, False, 1, False)
    assert fake.said == []


def test_draining_ends_clients_until_writes_can_be_refused():
    fake = FakeServer(None, super_read_only=False, locked=2)
    outcome = hold_replica(fake, SOURCE, True, 0, False)
    assert fake.said.count('KILL 7') == 3
    assert fake.said.count('SET GLOBAL super_read_only = ON') == 3
    # The other connection was gone already.
    assert outcome.ended == 3


def test_a_replica_that_does_not_run_is_told_with_its_mend():
    broken = {**RUNS, 'io_running': 'Connecting', 'io_error': "Access denied for user 'wandb_replication'"}
    with pytest.raises(ReplicationError, match='wandb_mysql_replication_password'):
        hold_replica(FakeServer(broken), SOURCE, False, 0.1, False)


@pytest.mark.parametrize(('error', 'mend'), [
    ({'io_error': 'SSL connection error: error:0A000086:SSL routines::certificate verify failed'}, 'wandb.onprem.pki'),
    ({'io_error': 'Fatal error: ... source and replica have equal MySQL server ids'}, 'wandb_mysql_server_id'),
    ({'io_error': 'the source has purged binary logs'}, 'wandb_mysql_reseed'),
    ({'sql_error': "Could not execute Write_rows event: Duplicate entry '1'"}, 'wandb_mysql_reseed'),
])
def test_causes_have_their_mends(error, mend):
    assert mend in tell({**RUNS, 'io_running': 'No', **error})


def test_promotion_applies_first_and_marks():
    fake = FakeServer(RUNS)
    outcome = hold_primary(fake, f'{A}:1-9', True, 1, True, False)
    assert outcome.actions == ['stop to replicate from 10.0.0.1', 'accept writes']
    assert fake.said == ['STOP REPLICA', 'RESET REPLICA ALL', 'SET GLOBAL super_read_only = OFF', 'SET GLOBAL read_only = OFF', 'FLUSH USER_RESOURCES']
    assert hold_primary(fake, '', False, 1, True, False).actions == []


@pytest.mark.parametrize(('options', 'said'), [
    ({'late': 1}, 'nothing was changed here'),
    ({'executed': f'{A}:1-5'}, f'lacks 3 transactions that the primary had: {A}:10-12'),
])
def test_promotion_stops_where_something_is_missing(options, said):
    fake = FakeServer(RUNS, **options)
    with pytest.raises(ReplicationError, match=said):
        hold_primary(fake, f'{A}:1-9', True, 1, True, False, f'{A}:1-12')
    assert fake.said == []


def test_every_option_can_be_read_back():
    assert set(COLUMNS) == set(SOURCE.options())
