# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.site.snapshot import differences

BEFORE = {'db-1': ['/etc/a 1 100.0 644 0:0'], 'cluster': ['Secret wandb/a 7']}


def test_nothing_written_is_no_difference():
    assert differences(BEFORE, {place: list(lines) for place, lines in BEFORE.items()}) == []


@pytest.mark.parametrize(('place', 'lines', 'told'), [
    ('db-1', ['/etc/a 1 101.0 644 0:0'], 'db-1: + /etc/a 1 101.0 644 0:0'),
    ('db-1', ['/etc/a 1 100.0 644 0:0', '/etc/b 1 1.0 644 0:0'], 'db-1: + /etc/b'),
    ('db-1', [], 'db-1: - /etc/a'),
    ('cluster', ['Secret wandb/a 8'], 'cluster: + Secret wandb/a 8'),
])
def test_everything_written_is_told(place, lines, told):
    found = differences(BEFORE, {**BEFORE, place: lines})
    assert any(told in line for line in found)
