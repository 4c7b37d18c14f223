# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import brought
import in_process

SHIPPED = ('production', 'airgapped', 'openshift', 'external')


@pytest.fixture(scope='session')
def folder(tmp_path_factory):
    """The folder beside an inventory, with the files that a user brings."""
    path = tmp_path_factory.mktemp('site')
    brought.files(path)
    return path


@pytest.fixture(scope='session')
def good(folder):
    """Name -> a shipped inventory with what a user brings to it. Not to be changed: copy it."""
    found = {}
    for name in SHIPPED:
        inventory = in_process.load(in_process.ROOT / 'inventories' / name)
        for place, values in brought.variables(inventory.variables['all'], folder).items():
            inventory.give(place, values)
        found[name] = inventory
    return found
