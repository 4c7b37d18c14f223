# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract that every role keeps (docs/architecture.md)."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
ROLES = sorted(path.name for path in (ROOT / 'roles').iterdir() if (path / 'meta').is_dir())
SECRET = re.compile(r'(_password|_secret_key|_access_key|_api_key|_(oidc|slack)_secret|_license|_root_user|_passphrase|_private_key)$')


def load(role, path):
    file = ROOT / 'roles' / role / path
    return yaml.safe_load(file.read_text(encoding='utf-8')) if file.exists() else {}


def entries(role):
    return load(role, 'meta/argument_specs.yml')['argument_specs']


def options(role):
    found = {}
    for entry in entries(role).values():
        found.update(entry.get('options') or {})
    return found


@pytest.mark.parametrize('role', ROLES)
def test_defaults_are_the_specified_options(role):
    specified = {name for name, option in options(role).items() if 'default' in option}
    assert set(load(role, 'defaults/main.yml') or {}) == specified


@pytest.mark.parametrize('role', ROLES)
def test_defaults_have_the_specified_values(role):
    defaults = load(role, 'defaults/main.yml') or {}
    for name, option in options(role).items():
        if name in defaults:
            assert option['default'] == defaults[name], name


@pytest.mark.parametrize('role', ROLES)
def test_every_option_is_described_and_in_the_readme(role):
    readme = (ROOT / 'roles' / role / 'README.md').read_text(encoding='utf-8')
    for name, option in options(role).items():
        assert option.get('description'), name
        assert role == 'common' or name in readme, f'{name} is not in the README of {role}'


@pytest.mark.parametrize('role', ROLES)
def test_secret_options_are_plain_text(role):
    # A failed conversion, or a value that is not among the choices, would print the secret.
    for name, option in options(role).items():
        if SECRET.search(name):
            assert option.get('type', 'str') in ('str', 'path'), name
            assert 'choices' not in option, name


@pytest.mark.parametrize('role', ROLES)
def test_names_begin_with_the_role(role):
    wanted = 'wandb_' if role == 'common' else f'wandb_{role}_'
    # What a destructive verb asks for is given at the command line, and belongs to no role.
    assert [name for name in options(role) if not name.startswith(wanted) and name != 'confirm'] == []


@pytest.mark.parametrize('role', ROLES)
def test_task_files_are_short(role):
    for path in (ROOT / 'roles' / role / 'tasks').glob('*.yml'):
        assert len(path.read_text(encoding='utf-8').splitlines()) <= 100, path


@pytest.mark.parametrize('role', [role for role in ROLES if role != 'common'])
def test_a_role_depends_on_common(role):
    assert {'role': 'wandb.onprem.common'} in load(role, 'meta/main.yml')['dependencies']


def test_nothing_is_swallowed():
    pattern = re.compile(r'ignore_errors:|failed_when:\s*false')
    found = [f'{path.relative_to(ROOT)}:{number}' for path in (ROOT / 'roles').rglob('*.yml')
             for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1) if pattern.search(line)]
    assert found == []
