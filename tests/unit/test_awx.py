# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX asks is what the collection takes: every survey field is an option of the argument_specs, alike in type, choices and default."""

from __future__ import annotations

import pathlib

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Loader(yaml.SafeLoader):
    """Knows Ansible's tag for text that is not templated."""


Loader.add_constructor('!unsafe', lambda loader, node: loader.construct_scalar(node))


def load(path):
    return yaml.load((ROOT / path).read_text(encoding='utf-8'), Loader=Loader)


def options():
    found = {}
    for path in ROOT.glob('roles/*/meta/argument_specs.yml'):
        for entry in yaml.safe_load(path.read_text(encoding='utf-8'))['argument_specs'].values():
            found.update(entry.get('options') or {})
    return found


OPTIONS = options()
TEMPLATES = load('awx/objects/job_templates.yml')['wandb_awx_job_templates']
FIELDS = [(template['name'], field) for template in TEMPLATES for field in template['survey']]
SURVEY_TYPES = {'str': {'text', 'textarea', 'password'}, 'path': {'text'}, 'int': {'integer'}, 'float': {'float'}}


@pytest.mark.parametrize(('template', 'field'), FIELDS, ids=[f'{name}-{field["variable"]}' for name, field in FIELDS])
def test_a_survey_field_is_an_option(template, field):
    option = OPTIONS[field['variable']]
    kind = option.get('type', 'str')
    if option.get('choices'):
        assert field['type'] == 'multiplechoice'
        assert field['choices'] == option['choices']
    else:
        assert field['type'] in SURVEY_TYPES[kind]
    assert field.get('default') == option.get('default')


@pytest.mark.parametrize('template', TEMPLATES, ids=lambda template: template['name'])
def test_a_template_starts_a_wrapper_of_a_playbook_that_exists(template):
    wrapper = load(f'awx/project/{template["playbook"]}')
    name = wrapper[0]['import_playbook']
    assert name.startswith('wandb.onprem.')
    assert (ROOT / 'playbooks' / f'{name.rsplit(".", 1)[1]}.yml').exists()


def test_every_wrapper_has_a_template():
    assert {path.name for path in (ROOT / 'awx/project').glob('*.yml')} == {template['playbook'] for template in TEMPLATES}


@pytest.mark.parametrize('kind', load('awx/objects/credential_types.yml')['wandb_awx_credential_types'], ids=lambda kind: kind['name'])
def test_a_credential_injects_only_variables_of_the_collection(kind):
    injected = kind['injectors']['extra_vars']
    assert injected
    assert set(injected) <= set(OPTIONS)
    fields = {field['id'] for field in kind['inputs']['fields']}
    assert {value.strip('{} ').split('.')[-1] for value in injected.values()} <= fields
    assert all(field['secret'] for field in kind['inputs']['fields'])


def test_every_secret_that_the_collection_makes_is_in_the_credential():
    made = set(load('roles/common/vars/main.yml')['__wandb_secrets_made'])
    injected = set(load('awx/objects/credential_types.yml')['wandb_awx_credential_types'][0]['injectors']['extra_vars'])
    assert made <= injected


def test_every_secret_that_only_the_user_knows_is_in_the_credential():
    known = {name for name, option in OPTIONS.items() if str(option['description']).endswith('A secret.') and name.endswith(('_password', '_secret'))}
    injected = set(load('awx/objects/credential_types.yml')['wandb_awx_credential_types'][0]['injectors']['extra_vars'])
    assert {'wandb_oidc_secret', 'wandb_operator_chart_password'} <= known
    assert known <= injected
