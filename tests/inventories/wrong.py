# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables in ``wrong/`` and ``warned/``: a row makes one inventory out of a good one by one change. Their form is told in wrong/variables.yml."""

from __future__ import annotations

import copy
import pathlib

from ansible.parsing.dataloader import DataLoader

HERE = pathlib.Path(__file__).resolve().parent
CHANGES = ('set', 'unset', 'merge', 'members')
KEYS = {'id', 'base', 'in', 'says', 'also', 'with', 'there', 'said', *CHANGES}


def rows(kind):
    """All rows of a folder; templates in them are templates."""
    loader = DataLoader()
    return [row for path in sorted((HERE / kind).glob('*.yml')) for row in loader.load_from_file(str(path), cache='none', trusted_as_template=True)]


def prepared(row, good):
    """The good inventory that the row starts from."""
    inventory = good[row.get('base', 'production')].copy()
    for name, value in (row.get('with') or {}).items():
        _merge(inventory, 'all', name, value)
    for place, values in (row.get('there') or {}).items():
        inventory.give(place, values)
    return inventory


def changed(row, good):
    """The inventory with the row's one change in it."""
    inventory, place = prepared(row, good), row.get('in', 'all')
    for name, value in (row.get('set') or {}).items():
        inventory.give(place, {name: value})
    for name, value in (row.get('merge') or {}).items():
        _merge(inventory, place, name, value)
    if row.get('unset'):
        del inventory.variables[place][row['unset']]
    inventory.members.update(row.get('members') or {})
    return inventory


def _merge(inventory, place, name, value):
    """Keys of a dictionary beside those that are there, None takes one away; anything else, and an empty one, takes the variable's place."""
    there = inventory.variables[place].get(name)
    if isinstance(value, dict) and value and isinstance(there, dict):
        value = {key: inner for key, inner in {**there, **value}.items() if inner is not None}
    inventory.give(place, {name: copy.copy(value)})


def changes(row):
    """How many things a row changes."""
    number = 0
    for kind in CHANGES:
        value = row.get(kind)
        if value is not None:
            number += len(value) if isinstance(value, dict) and kind != 'merge' else sum(len(inner) for inner in value.values()) if kind == 'merge' else 1
    return number
