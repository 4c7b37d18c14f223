# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.mysql import Difference, Server, canonical, converge, differences, text_of


class FakeError(Exception):
    """Stands for the driver's error: args = (number, text)."""


class FakeServer:
    """A connection to a server with a few variables; writes down what it is told."""

    STATIC = frozenset({'performance_schema', 'bind_address'})

    def __init__(self, variables, persisted=(), limits=None):
        self.variables = {'innodb_buffer_pool_chunk_size': '134217728', 'innodb_buffer_pool_instances': '8', **variables}
        self.persisted = set(persisted)
        self.limits = limits or {}
        self.said: list[str] = []
        self.rows: list[tuple] = []

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *dummy):
        return None

    def fetchall(self):
        return self.rows

    def execute(self, sql, args=None):
        self.rows = []
        if sql == 'SHOW GLOBAL VARIABLES':
            self.rows = list(self.variables.items())
        elif 'persisted_variables' in sql:
            self.rows = [(name,) for name in self.persisted]
        elif sql.startswith('RESET PERSIST'):
            self.said.append(sql)
            self.persisted.discard(sql.split()[-1])
        else:
            name = sql.split()[2]
            self.said.append(f'{name}={args[0]!r}')
            if name in self.STATIC:
                raise FakeError(1238, 'read only')
            if name == 'gtid_mode' and self.variables[name] == 'OFF':
                raise FakeError(1788, 'one step at a time')
            if name == 'broken':
                raise FakeError(1231, 'wrong value')
            self.variables[name] = str(min(args[0], self.limits.get(name, args[0])))


def run(fake, settings, check_mode=False):
    return converge(Server(fake, FakeError), settings, check_mode, patience=0)


@pytest.mark.parametrize(('wanted', 'running'), [
    (True, 'ON'), (False, 'OFF'), ('off', '0'), (1, '1'), ('1', 'ON'), ('64M', '67108864'), ('2g', '2147483648'), (10, '10'), ('10.0', '10.000000'),
    ('row', 'ROW'), ('TLSv1.3,TLSv1.2', 'TLSv1.2,TLSv1.3'), ('/var/lib/mysql', '/var/lib/mysql/'), (None, ''), ('', ''),
])
def test_ways_to_write_the_same(wanted, running):
    assert differences({'x': wanted}, {'x': running}) == []


@pytest.mark.parametrize(('wanted', 'running'), [
    (True, 'OFF'), ('64M', '67108865'), ('/a', '/A'), ('ROW', 'MIXED'), ('TLSv1.2', 'TLSv1.2,TLSv1.3'), (1, '2'), ('', 'x'),
])
def test_differences_are_seen(wanted, running):
    assert differences({'x': wanted}, {'x': running}) == [Difference('x', text_of(wanted), running)]


def test_buffer_pool_is_rounded_up_to_chunks_of_every_instance():
    running = {'innodb_buffer_pool_chunk_size': '128', 'innodb_buffer_pool_instances': '2', 'innodb_buffer_pool_size': '512'}
    assert differences({'innodb_buffer_pool_size': 300}, running) == []
    assert differences({'innodb_buffer_pool_size': 513}, running) == [Difference('innodb_buffer_pool_size', '768', '512')]


def test_options_that_are_no_variables_and_loose_names():
    assert differences({'mysqlx': False, 'plugin_load_add': 'x.so', 'loose_group_replication_x': 1}, {}) == []
    assert differences({'loose-sort-buffer-size': 1}, {'sort_buffer_size': '2'}) == [Difference('sort_buffer_size', '1', '2')]


@pytest.mark.parametrize('name', ['x; DROP DATABASE d', 'a b', 'a`', ''])
def test_names_that_cannot_be(name):
    with pytest.raises(ValueError, match='cannot be the name'):
        differences({name: 1}, {})


def test_dynamic_variables_are_mended_without_restart():
    fake = FakeServer({'sort_buffer_size': '262144', 'sync_binlog': '1'})
    outcome = run(fake, {'sort_buffer_size': '64M', 'sync_binlog': 1})
    assert outcome.changed
    assert (outcome.restart, outcome.refused) == ([], [])
    assert fake.said == ['sort_buffer_size=67108864']
    assert not run(fake, {'sort_buffer_size': '64M', 'sync_binlog': 1}).changed


def test_check_mode_writes_nothing_and_foretells():
    fake = FakeServer({'sort_buffer_size': '262144'}, persisted=['sort_buffer_size'])
    outcome = run(fake, {'sort_buffer_size': 67108864}, check_mode=True)
    assert outcome.changed
    assert outcome.persisted == ['sort_buffer_size']
    assert fake.said == []


def test_static_variables_need_a_restart():
    outcome = run(FakeServer({'performance_schema': 'ON', 'gtid_mode': 'OFF'}), {'performance_schema': False, 'gtid_mode': 'ON'})
    assert [found.name for found in outcome.restart] == ['gtid_mode', 'performance_schema']
    assert outcome.refused == []


def test_persisted_values_of_our_names_only_are_forgotten():
    fake = FakeServer({'sync_binlog': '1', 'other': '1'}, persisted=['sync_binlog', 'other'])
    outcome = run(fake, {'sync_binlog': 1})
    assert outcome.changed
    assert fake.persisted == {'other'}


def test_a_value_that_the_server_clips_is_refused():
    outcome = run(FakeServer({'sort_buffer_size': '1'}, limits={'sort_buffer_size': 100}), {'sort_buffer_size': 1000})
    assert outcome.refused == [Difference('sort_buffer_size', '1000', '100')]


def test_a_variable_that_the_server_does_not_know_is_refused_and_not_set():
    fake = FakeServer({})
    assert run(fake, {'no_such': 1}).refused == [Difference('no_such', '1', None)]
    assert fake.said == []


def test_other_errors_of_the_server_are_not_swallowed():
    with pytest.raises(FakeError):
        run(FakeServer({'broken': '1'}), {'broken': 2})


@pytest.mark.parametrize(('one', 'other', 'same'), [
    ('10', '10.000000', True), (10.0, '10.000000', True), (2.5, '2.500000', True), (10, '10.500000', False),
    ('1G', '1073741824', True), ('8.0.31', '8.0.310', False),
])
def test_a_number_is_the_same_however_it_is_written(one, other, same):
    assert (canonical(one) == canonical(other)) is same
