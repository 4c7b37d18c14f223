# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `systemctl show` tells of units, as printed by systemd 257."""

from __future__ import annotations

import os

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.systemd import PROPERTIES, modification_times, parse_show

BOOT = 1_790_000_000.0
SERVICE = {
    'LoadState': 'loaded', 'ActiveState': 'active', 'UnitFileState': 'enabled',
    'ExecMainStartTimestampMonotonic': '100000000', 'ActiveEnterTimestampMonotonic': '105000000', 'StateChangeTimestampMonotonic': '300500000',
}
TIMER = {name: value for name, value in SERVICE.items() if not name.startswith('ExecMain')}


def shown(values, **more):
    return '\n'.join(f'{name}={value}' for name, value in {**values, **more}.items()) + '\n'


@pytest.mark.parametrize(('values', 'started'), [(SERVICE, BOOT + 100), (TIMER, BOOT + 105)])
def test_start_of_a_process_or_of_a_unit_without_one(values, started):
    state = parse_show(shown(values), BOOT)
    assert (state.exists, state.active, state.enabled, state.started, state.changed) == (True, True, True, started, BOOT + 300.5)
    assert state.newer({'/before': started - 1, '/after': started + 1}, state.started) == ['/after']


def test_a_unit_that_never_ran_and_one_that_is_not_there():
    never = parse_show(shown(SERVICE, ActiveState='inactive', ExecMainStartTimestampMonotonic='0', ActiveEnterTimestampMonotonic='0'), BOOT)
    assert (never.exists, never.active, never.started) == (True, False, 0.0)
    assert not parse_show(shown({'LoadState': 'not-found', 'ActiveState': 'inactive'}), BOOT).exists


@pytest.mark.parametrize(('state', 'active'), [('active', True), ('reloading', True), ('activating', False), ('failed', False)])
def test_states_in_which_a_unit_runs(state, active):
    assert parse_show(shown(SERVICE, ActiveState=state), BOOT).active is active


def test_every_property_is_asked_for():
    assert set(SERVICE) == set(PROPERTIES)


def test_times_of_the_files_that_are_there(tmp_path):
    there = tmp_path / 'unit'
    there.write_text('')
    os.utime(there, (5, 5))
    assert modification_times([str(there), str(tmp_path / 'missing')]) == {str(there): 5.0}
