# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_waves import waves

FOUR = ['1', '2', '3', '4']


@pytest.mark.parametrize(('active', 'outdated', 'options', 'expected'), [
    (FOUR, [], {}, []),
    (FOUR, [], {'rolling': True}, []),
    ([], [], {}, [FOUR]),
    ([], [], {'rolling': True}, [FOUR]),
    (FOUR, FOUR, {}, [FOUR]),
    # Two, for each waits for one other server like itself.
    (FOUR, FOUR, {'rolling': True}, [['1', '2'], ['3'], ['4']]),
    (FOUR, FOUR, {'rolling': True, 'unlike': False}, [['1'], ['2'], ['3'], ['4']]),
    # Alike: what stands still is not joined by another, and nobody waits.
    (['1', '2', '3'], ['1', '2', '3'], {'rolling': True, 'unlike': False}, [['4'], ['1'], ['2'], ['3']]),
    # Cut off after the first server.
    (FOUR, ['2', '3', '4'], {}, [['2', '3', '4']]),
    (FOUR, ['2', '3', '4'], {'rolling': True}, [['2'], ['3'], ['4']]),
    (FOUR, ['4'], {'rolling': True}, [['4']]),
    # One stands still: it starts, with one that is restarted to be like it.
    (['1', '2', '3'], ['1', '2', '3'], {'rolling': True}, [['1', '4'], ['2'], ['3']]),
    (['1', '2', '3'], [], {}, [['4']]),
    (['1', '2', '3'], ['1', '2', '3'], {}, [FOUR]),
])
def test_waves(active, outdated, options, expected):
    assert waves(FOUR, active, outdated, **options) == expected


@pytest.mark.parametrize(('count', 'rolling'), list(itertools.product([1, 2, 3, 4, 5, 8, 16], [False, True])))
def test_no_wave_waits_for_ever(count, rolling):
    """Played through: whoever starts finds half of the others running like itself, or starting with it."""
    hosts = [f'{number:02d}' for number in range(count)]
    for stopped in range(count + 1):
        active = hosts[stopped:]
        for done in range(len(active) + 1):
            outdated = active[done:]
            new = set(hosts) - set(outdated) - set(hosts[:stopped])
            seen = []
            for wave in waves(hosts, active, outdated, rolling=rolling):
                new |= set(wave)
                assert len(new) - 1 >= (count - 1) // 2
                seen += wave
            assert sorted(seen) == sorted([*hosts[:stopped], *outdated])
