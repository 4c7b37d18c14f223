# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for people and for programs."""

from __future__ import annotations

import json

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.table import document, summary, table

WARNING = Problem('wandb_host', 'name wandb.example.com does not resolve', 'give the name to DNS', 'db-1, db-2, lb-1', 'name-resolves', "'https://w'", True)
ERROR = Problem('wandb_mysql_port', 'port 3306 is held by mariadbd (pid 712, mariadb.service)', 'stop that program, or take another port', 'db-1',
                'port-held', '3306')
CHECKED = ['inventory', 'hosts', 'cluster']


def test_errors_come_first():
    lines = table([WARNING, ERROR]).splitlines()
    assert lines[0].split() == ['SEVERITY', 'HOST', 'VARIABLE', 'WHAT', 'IS', 'WRONG', 'HOW', 'TO', 'MEND', 'IT']
    assert [line.split()[0] for line in lines[2:] if line[0] != ' '] == ['error', 'warning']


def test_nothing_is_lost_and_nothing_too_wide():
    for width in (20, 100, 160, 1000):
        text = table([WARNING, ERROR], width)
        assert max(map(len, text.splitlines())) <= max(100, min(width, 200))
        for word in f'{ERROR.variable} = 3306 [port-held] {ERROR.why} {ERROR.mend} {WARNING.where} {WARNING.why} {WARNING.mend}'.split():
            assert word in text, (width, word)


def test_columns_do_not_run_into_each_other():
    head, _line, *rows = table([ERROR], 120).splitlines()
    for name in ('HOST', 'VARIABLE', 'WHAT', 'HOW'):
        place = head.index(name)
        assert all(row[place - 1:place] in (' ', '') for row in rows), name


def test_a_long_word_is_broken_rather_than_too_wide():
    text = table([Problem('wandb_x', 'a' * 300, 'b', 'h')], 100)
    assert max(map(len, text.splitlines())) <= 100
    assert ''.join(text.split()).count('a') >= 300


def test_no_problem_no_table():
    assert table([]) == ''
    assert summary([], CHECKED) == 'Preflight of inventory and hosts and cluster: 0 error(s), 0 warning(s). Nothing was changed.'


def test_the_document():
    found = json.loads(json.dumps(document([WARNING, ERROR], CHECKED, '2026-11-28T00:00:00+00:00')))
    assert (found['passed'], found['errors'], found['warnings'], found['checked']) == (False, 1, 1, CHECKED)
    assert found['problems'][0] == {'severity': 'error', 'variable': 'wandb_mysql_port', 'why': ERROR.why, 'mend': ERROR.mend, 'where': 'db-1',
                                    'rule': 'port-held', 'value': '3306'}
    assert document([WARNING], CHECKED, '')['passed'] is True
