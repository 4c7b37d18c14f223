# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable given as ``-e name=10`` is text: text times 1000 is long text, text through 2 is an error. So roles say ``| int`` before they reckon."""

from __future__ import annotations

import pathlib
import re

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
FILES = sorted(path for folder in ('roles', 'playbooks') for path in (TOP / folder).rglob('*') if path.suffix in ('.yml', '.j2'))
# A site variable directly beside a sign and a number, or a number and a sign directly beside one.
UNTOLD = re.compile(r'\bwandb_\w+ *(?://?|\*|%|[<>]=?|-|\+) *\(?\d+|\b\d+ *(?://?|\*|%|[<>]=?|-|\+) *\(?wandb_\w+\b(?! *\| *(?:int|float))')


def reckoned(text):
    return [found.group() for line in text.splitlines() if '{{' in line or 'wandb_' in line.partition(':')[2] for found in UNTOLD.finditer(line)]


@pytest.mark.parametrize(('line', 'found'), [
    ('retries: "{{ (wandb_minio_start_timeout / 2) | int }}"', ['wandb_minio_start_timeout / 2']),
    ('a: "{{ 1000 * wandb_mysql_semi_sync_timeout }}"', ['1000 * wandb_mysql_semi_sync_timeout']),
    ('when: wandb_minio_port < 1024', ['wandb_minio_port < 1024']),
    ('a: "{{ (wandb_minio_start_timeout | int / 2) | int }}"', []),
    ('a: "{{ [2, wandb_nginx_connect_timeout | int] | min }}"', []),
])
def test_the_check_finds_what_it_is_for(line, found):
    assert reckoned(line) == found


def test_roles_reckon_with_numbers():
    assert len(FILES) > 100
    told = {str(path.relative_to(TOP)): found for path in FILES if (found := reckoned(path.read_text(encoding='utf-8')))}
    assert told == {}
