# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/guide_keys.md is what the builder makes, it has every key of the list, and the list has every key of the guide."""

from __future__ import annotations

import os
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'tools'))

import guide_keys

# The guide and the facts lie beside the checkout, outside the collection; in a nested clone further up.
SHARED = next((parent / 'shared' for parent in ROOT.parents if (parent / 'shared' / 'reference').is_dir()), ROOT.parent / 'shared')
GUIDE = SHARED / 'reference' / 'wandb-hosting-guide.ja.txt'
FACTS = SHARED / 'facts' / 'wandb.md'
# Headings between which the guide has YAML of the server and its operator: first line, and the line behind the last.
PARTS = (
    ('W&B Server の構成リファレンス', '個々の pod の目的/役割は何ですか?'),
    ('ステップ 5: Kubernetes operator のインストール', 'ステップ 7: W&B platform のデプロイ'),
)
# The custom resource of the online installation, which the guide prints on one line.
ONE_LINE = 'kind: WeightsAndBiases metadata:'
KEY = re.compile(r'^\s*#?\s*([A-Za-z][A-Za-z0-9-]*):')


@pytest.fixture(scope='module')
def page():
    return guide_keys.page()


@pytest.fixture(scope='module')
def listed():
    return guide_keys.key_list()


def shared_text(path):
    if not path.exists() and not os.environ.get('CI'):
        pytest.skip(f'{path.name} is no part of the collection; CI lays it beside the checkout')
    return path.read_text(encoding='utf-8')


def test_the_committed_page_is_what_the_builder_makes(page):
    assert guide_keys.PAGE.read_text(encoding='utf-8') == page, 'run tools/guide_keys.py'


def test_check_fails_on_another_page(page, tmp_path, monkeypatch, capsys):
    other = tmp_path / 'guide_keys.md'
    other.write_text(page.replace('`wandb_host`', '`host`'), encoding='utf-8')
    monkeypatch.setattr(guide_keys, 'PAGE', other)
    monkeypatch.setattr(guide_keys, 'page', lambda: page)
    assert guide_keys.main(['--check']) == 1
    assert 'run it' in capsys.readouterr().err
    assert guide_keys.main([]) == 0
    assert guide_keys.main(['--check']) == 0


def test_no_key_of_the_list_is_missing_from_the_page(page, listed):
    first_cells = {line.split('|')[1].strip().strip('`').split(' (')[0] for line in page.splitlines() if line.startswith('| `')}
    wanted = {row['key'] for part in ('keys', 'chart', 'operator') for row in listed[part]}
    assert wanted - first_cells == set()
    assert len(wanted) > 80


def test_every_row_says_where_its_key_goes(page):
    rows = [line.split(' | ') for line in page.splitlines() if line.startswith('| `')]
    assert all(cell.strip() for row in rows for cell in row[:6])


def names_of(listed):
    """Every name of a key in the list, also those inside samples and what a row stands on."""
    found = set(listed['no_values'])
    for part in ('keys', 'chart', 'operator'):
        for row in listed[part]:
            found.update(row['key'].split('.'))
            found.update(row.get('components', []))
            found.update(inner(row['sample']))
    return found


def inner(sample):
    if isinstance(sample, list):
        return {name for one in sample for name in inner(one)}
    if isinstance(sample, dict):
        return set(sample) | {name for one in sample.values() for name in inner(one)}
    return set()


def guide_names():
    """Names with a colon behind them in the guide's YAML."""
    lines = [line.strip() for line in shared_text(GUIDE).splitlines()]
    found = set()
    for first, behind in PARTS:
        start = lines.index(first)
        end = next((index for index in range(start, len(lines)) if lines[index] == behind), None)
        assert end, f'the guide has no line "{behind}" behind "{first}"'
        found |= {match.group(1) for line in lines[start:end] if (match := KEY.match(line))}
    one_line = next(line for line in lines if ONE_LINE in line)
    found |= set(re.findall(r'(?<![\w/.-])([A-Za-z][A-Za-z0-9-]*):(?=\s)', one_line[one_line.index('apiVersion') :]))
    return found


def test_the_list_has_every_key_of_the_guide(listed):
    found = guide_names()
    assert {'kmsKey', 'bindPW', 'seccompProfile', 'airgapped', 'tlsCert', 'proxy-body-size'} - found == {'proxy-body-size'}
    assert found - names_of(listed) == set()


def test_what_is_named_as_no_value_is_in_the_guide_and_no_key(listed):
    keys = {row['key'].split('.')[-1] for part in ('keys', 'chart', 'operator') for row in listed[part]}
    assert set(listed['no_values']) - guide_names() == set()
    assert set(listed['no_values']) & keys == set()


def test_evidence_stands_on_a_section_of_the_facts(listed):
    sections = set(re.findall(r'^#{2,3} (\d+(?:\.\d+)?)[. ]', shared_text(FACTS), re.M))
    rows = [row for part in ('keys', 'chart', 'operator') for row in listed[part]]
    assert {row['facts'] for row in rows} - sections == set()
    # Only the running operator and the rendered pod show an effect.
    assert {row['facts'] for row in rows if row['evidence'] == 'seen'} == {'9', '10'}
    assert {row['evidence'] for row in rows} == set(guide_keys.EVIDENCE)


@pytest.mark.parametrize(
    ('row', 'said'),
    [
        ({'key': 'global.hots', 'sample': 'x', 'evidence': 'seen', 'facts': '10'}, 'does not build'),
        ({'key': 'global.host', 'sample': 'https://a.example.com', 'other': 'https://b.example.com', 'evidence': 'refused', 'facts': '10'}, 'is not refused'),
        ({'key': 'global.license', 'sample': 'x.y.z', 'evidence': 'seen', 'facts': '10'}, 'does not build'),
        ({'key': 'global.caCertsConfigMap', 'sample': 'x', 'before': 'refused', 'evidence': 'seen', 'facts': '10'}, 'is not refused by charts before'),
    ],
)
def test_a_row_that_is_wrong_is_told(row, said):
    with pytest.raises(guide_keys.KeyListError, match=said):
        guide_keys.traced(row, row['key'])
