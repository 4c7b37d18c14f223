# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.host_rules import check_hosts

HOST = {
    'architecture': 'x86_64', 'python': [3, 13, 5], 'executable': '/usr/bin/python3', 'systemd': True, 'root': True,
    'clock': 1000.5, 'controller_before': 1000.0, 'controller_after': 1004.0, 'disks': {'/var/lib': {'free_bytes': 50 * 1024**3}},
}
API_HOST = {'missing_packages': [], 'missing_files': {}, 'executable': '/usr/bin/python3'}
CLUSTER = {'version': {'major': '1', 'minor': '35'}}


def problems(kind, base, **change):
    return [str(problem) for problem in check_hosts([{'kind': kind, 'host': 'h1', 'seen': {**base, **change}}])]


@pytest.mark.parametrize(('kind', 'base'), [('host', HOST), ('api_host', API_HOST), ('cluster', CLUSTER)])
def test_a_good_one_has_no_problem(kind, base):
    assert problems(kind, base) == []


@pytest.mark.parametrize(('kind', 'base', 'change', 'text'), [
    ('host', HOST, {'architecture': 'aarch64'}, 'x86-64 only'),
    ('host', HOST, {'python': [3, 8, 1]}, 'Python 3.8 on h1'),
    ('host', HOST, {'systemd': False}, 'systemd'),
    ('host', HOST, {'root': False}, 'ansible_become'),
    ('host', HOST, {'clock': 990.0}, '-10.0 s off'),
    ('host', HOST, {'clock': 1010.0}, '+6.0 s off'),
    ('host', HOST, {'disks': {'/opt': {'free_bytes': 10}}}, 'free under /opt'),
    ('api_host', API_HOST, {'missing_packages': ['kubernetes']}, 'requirements.txt'),
    ('api_host', API_HOST, {'missing_files': {'wandb_kubeconfig': '/x'}}, 'wandb_kubeconfig: /x: not there'),
    ('cluster', CLUSTER, {'version': {'major': '1', 'minor': '28'}}, '1.29 or newer'),
    ('cluster', CLUSTER, {'error': 'connection refused'}, 'connection refused'),
])
def test_a_wrong_one_is_named(kind, base, change, text):
    found = problems(kind, base, **change)
    assert len(found) == 1
    assert text in found[0]


def test_a_clock_within_the_bounds_of_the_measurement_is_accepted():
    assert problems('host', HOST, clock=1003.5) == []
