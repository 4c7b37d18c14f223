# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills cut runs off at tasks that they name: each of them must be there, or the drill waits for it until the run is over."""

from __future__ import annotations

import pathlib

import pytest

from tests.drills import ca_rotation, interrupt

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize('place', [*interrupt.PLACES, ca_rotation.PLACE])
def test_the_task_is_in_its_role(place):
    role, task = place.split(' : ')
    lines = [line.strip() for file in (ROOT / 'roles' / role / 'tasks').glob('*.yml') for line in file.read_text(encoding='utf-8').splitlines()]
    assert f'- name: {task}' in lines


def test_the_step_is_in_its_playbook():
    assert f'- name: {ca_rotation.STEP}' in (ROOT / 'playbooks' / 'rotate_ca.yml').read_text(encoding='utf-8')
