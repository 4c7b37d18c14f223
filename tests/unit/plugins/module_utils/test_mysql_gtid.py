# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils import mysql_gtid as gtid

A = 'aaaaaaaa-0000-0000-0000-000000000000'
B = 'bbbbbbbb-0000-0000-0000-000000000000'


@pytest.mark.parametrize(('text', 'shown'), [
    ('', ''),
    (f'{A}:1', f'{A}:1'),
    (f'{A}:1-5:7,\n{B}:2-3', f'{A}:1-5:7,{B}:2-3'),
    (f'{A}:4-6:1-3:10', f'{A}:1-6:10'),
    (f'{A.upper()}:1-2,{A}:2-9', f'{A}:1-9'),
    (f'{A}:1-3:tag:1-2:5', f'{A}:1-3,{A}:tag:1-2:5'),
])
def test_sets_are_read_and_written(text, shown):
    assert gtid.written(gtid.parse(text)) == shown


@pytest.mark.parametrize('text', ['x', f'{A}', 'a:1', f'{A}:1-x'])
def test_what_is_no_set_is_refused(text):
    with pytest.raises(ValueError):
        gtid.parse(text)


@pytest.mark.parametrize(('one', 'other', 'left'), [
    (f'{A}:1-10', '', f'{A}:1-10'),
    ('', f'{A}:1-10', ''),
    (f'{A}:1-10', f'{A}:1-10', ''),
    (f'{A}:1-10', f'{A}:4-6', f'{A}:1-3:7-10'),
    (f'{A}:1-10', f'{A}:1-2:5:9-20', f'{A}:3-4:6-8'),
    (f'{A}:1-10,{B}:1', f'{A}:1-20', f'{B}:1'),
    (f'{A}:5-6:8-9', f'{A}:6-8', f'{A}:5:9'),
    (f'{A}:1-3:tag:1-2', f'{A}:1-3', f'{A}:tag:1-2'),
])
def test_subtraction(one, other, left):
    assert gtid.subtract(one, other) == left
    assert gtid.subset(one, other) == (left == '')
    assert gtid.union(left, other) == gtid.union(one, other)


def test_counting_and_leaving_out_a_server():
    assert gtid.count(f'{A}:1-5:7,{B}:2-3') == 8
    assert gtid.without(f'{A}:1-5:tag:7,{B}:2-3', A) == f'{B}:2-3'
