# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/inventory_rules.md and docs/host_rules.md are what the rules say, all of them."""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'tools'))

import inventory_rules
import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.preflight import host_rules
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.shapes import ENTRY_FORMS, FORMS, RANGES
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import RULES


def test_the_committed_page_is_what_the_rules_say():
    assert inventory_rules.PAGE.read_text(encoding='utf-8') == inventory_rules.page(), 'run tools/inventory_rules.py'
    assert inventory_rules.HOST_PAGE.read_text(encoding='utf-8') == inventory_rules.host_page(), 'run tools/inventory_rules.py'


@pytest.mark.parametrize(('page', 'make', 'rule'), [('PAGE', 'page', RULES[0]), ('HOST_PAGE', 'host_page', host_rules.RULES[-1])])
def test_check_fails_on_another_page(tmp_path, monkeypatch, capsys, page, make, rule):
    assert inventory_rules.main(['--check']) == 0
    pages = {name: tmp_path / name for name in ('PAGE', 'HOST_PAGE')}
    for name, path in pages.items():
        path.write_text(getattr(inventory_rules, name).read_text(encoding='utf-8'), encoding='utf-8')
        monkeypatch.setattr(inventory_rules, name, path)
    wanted = getattr(inventory_rules, make)()
    pages[page].write_text(wanted.replace(inventory_rules.cell(rule.why), 'because'), encoding='utf-8')
    assert inventory_rules.main(['--check']) == 1
    assert 'run it' in capsys.readouterr().err
    assert inventory_rules.main([]) == 0
    assert pages[page].read_text(encoding='utf-8') == wanted


@pytest.mark.parametrize(('make', 'rules'), [('page', RULES), ('host_page', host_rules.RULES)])
def test_every_rule_stands_in_it_with_all_that_it_says(make, rules):
    lines = getattr(inventory_rules, make)().splitlines()
    for rule in rules:
        found = [line for line in lines if line.startswith(f'| `{rule.id}`')]
        assert len(found) == 1, rule.id
        for text in (rule.demand, rule.why, rule.mend):
            assert inventory_rules.cell(text) in found[0], rule.id
        assert ('*warning*' in found[0]) is rule.warning, rule.id


def test_every_line_of_a_table_has_its_cells():
    width = 0
    for line in [*inventory_rules.page().splitlines(), '', *inventory_rules.host_page().splitlines()]:
        if line.startswith('|---'):
            width = line.count('|')
        elif line.startswith('| ') and width:
            assert line.replace('\\|', '').count('|') == width, line
        elif not line:
            width = 0


def test_every_number_and_form_stands_in_it():
    text = inventory_rules.page()
    assert [name for name in [*RANGES, *FORMS, *ENTRY_FORMS] if f'| `{name}`' not in text] == []
