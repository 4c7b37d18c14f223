# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every wrong inventory of the tables is refused, with the right variable and mend, by the action plugin in this process."""

from __future__ import annotations

import collections

import in_process
import pytest
import wrong
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import RULES

WRONG, WARNED = wrong.rows('wrong'), wrong.rows('warned')
# What a message must never show, wherever it stands.
HIDDEN = 'not-to-be-shown'


def ids(rows):
    return [row['id'] for row in rows]


def told(result):
    """Everything that a person reads."""
    return '\n'.join([str(result.get('msg', '')), *result['warnings'], str(result['problems']), str(result['warned'])])


@pytest.mark.parametrize('row', WRONG, ids=ids(WRONG))
def test_a_wrong_inventory_is_refused(row, good, folder):
    result = in_process.check(wrong.changed(row, good), folder, row.get('set'))
    variable, rule, mend = row['says']
    named = [problem for problem in result['problems'] if problem['variable'] == variable and problem['rule'] == rule]
    assert result.get('failed') is True
    assert result['changed'] is False
    assert named, result.get('msg')
    assert any(mend in f'{problem["why"]} - {problem["mend"]}' for problem in named), named
    # One change breaks one rule, or those that the row says; nothing else is spoken of.
    assert {problem['rule'] for problem in result['problems']} == {rule, *row.get('also', ())}, result['msg']
    assert HIDDEN not in told(result)


@pytest.mark.parametrize('row', WARNED, ids=ids(WARNED))
def test_a_doubtful_inventory_is_warned_of_and_passes(row, good, folder):
    result = in_process.check(wrong.changed(row, good), folder, row['set'] if row.get('said') else None)
    variable, rule, mend = row['says']
    assert 'failed' not in result, result['msg']
    assert result['problems'] == []
    named = [warning for warning in result['warned'] if warning['variable'] == variable and warning['rule'] == rule]
    assert any(mend in f'{warning["why"]} - {warning["mend"]}' for warning in named), result['warned']
    assert {warning['rule'] for warning in result['warned']} == {rule, *row.get('also', ())}
    assert all(warning['warning'] for warning in result['warned'])
    assert len(result['warnings']) == len(result['warned'])


PREPARED = [row for row in WRONG if row.get('with') or row.get('there')]


@pytest.mark.parametrize('row', PREPARED, ids=ids(PREPARED))
def test_what_a_row_starts_from_is_good(row, good, folder):
    result = in_process.check(wrong.prepared(row, good), folder)
    assert 'failed' not in result, result['msg']


def test_there_are_enough_of_them_and_each_is_one_change():
    assert len(WRONG) >= 200
    for row in WRONG + WARNED:
        assert set(row) <= wrong.KEYS, row['id']
        assert wrong.changes(row) == 1, row['id']
    assert [name for name, number in collections.Counter(ids(WRONG + WARNED)).items() if number > 1] == []


def test_every_rule_is_broken_by_at_least_one():
    refusing = {rule.id for rule in RULES if not rule.warning}
    warning = {rule.id for rule in RULES if rule.warning}
    assert refusing - {row['says'][1] for row in WRONG} == set()
    assert warning - {row['says'][1] for row in WARNED} == set()
