# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values are collected. With Ansible's own templates this is tried in tests/inventories; here a templar stands in for it."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Unreadable
from ansible_collections.wandb.onprem.plugins.plugin_utils import inventory_site


class AnsibleVaultEncryptedUnicode:
    """As before ansible-core 2.19: no text, but made text it is decrypted."""

    def __str__(self):
        return 'decrypted'


class Templar:
    """Fills in ``{{ name }}``, counts, and fails for what is not there."""

    def __init__(self, variables=None):
        self.variables, self.made = variables, []

    def copy_with_new_env(self, available_variables):
        return Templar(available_variables)

    def is_template(self, value):
        return '{{' in str(value)

    def template(self, value):
        if isinstance(value, dict):
            return {name: self.template(inner) for name, inner in value.items()}
        if not isinstance(value, str) or '{{' not in value:
            return value
        self.made.append(value)
        name = value.strip('{} ')
        if name not in self.variables:
            raise AnsibleError(f'{name} is undefined\nand more')
        return self.template(self.variables[name])


def templated(**raw):
    return inventory_site.Templated(Templar(), raw, {})


def test_a_value_is_what_the_inventory_says_else_the_roles_default():
    values = templated(wandb_mysql_port=3307)
    assert (values['wandb_mysql_port'], values['wandb_redis_port']) == (3307, 6379)


def test_a_template_is_filled_in_once():
    values = templated(wandb_host='{{ site_url }}', site_url='https://w')
    assert [values['wandb_host'], values['wandb_host']] == ['https://w', 'https://w']
    assert values._templar.made == ['{{ site_url }}']


def test_what_cannot_be_read_is_told_with_one_line_of_reason():
    assert templated(wandb_host='{{ nobody }}')['wandb_host'] == Unreadable('nobody is undefined')


def test_a_default_that_cannot_be_read_is_missing():
    # It needs facts of the host.
    assert 'wandb_mysql_virtual_interface' in inventory_site.role_variables('defaults')
    assert templated().get('wandb_mysql_virtual_interface') is None


def test_an_encrypted_value_is_text():
    assert templated(wandb_license=AnsibleVaultEncryptedUnicode())['wandb_license'] == 'decrypted'


@pytest.mark.parametrize(('value', 'plain'), [
    ('text', True), ('{{ x }}', False), ('{% if %}', False), (['a', {'b': 'c'}], True), (['a', {'b': '{{ c }}'}], False), (None, True), (3, True),
    (AnsibleVaultEncryptedUnicode(), False),
])
def test_what_is_plain(value, plain):
    assert inventory_site.is_plain(value) is plain


def test_the_arguments_of_a_module_are_those_of_the_roles_task(monkeypatch):
    arguments = {'size': '{{ wandb_server_size }}', 'context': '{{ wandb_kube_context or omit }}', 'name': '{{ wandb_name }}', 'timeout': '{{ nobody }}'}
    monkeypatch.setattr(inventory_site, 'module_arguments', lambda _module: arguments)
    monkeypatch.setattr(inventory_site, 'module_internals', lambda _module: ())
    made = templated(wandb_server_size='large', wandb_name='{{ nobody }}').arguments('wandb_server')
    assert made.values == {'size': 'large'}
    assert made.failed == {'name': 'nobody is undefined', 'timeout': 'nobody is undefined'}


@pytest.mark.parametrize('module', inventory_site.MODULES)
def test_a_module_has_arguments_and_what_they_are_made_of(module):
    arguments = inventory_site.module_arguments(module)
    assert {'kubeconfig', 'namespace', 'name'} <= set(arguments)
    internals = inventory_site.module_internals(module)
    known = inventory_site.role_variables('vars')
    # Each stands behind the ones that it is made of.
    for position, name in enumerate(internals):
        for other in inventory_site._INTERNAL.findall(str(known[name])):
            assert other == name or other not in known or other in internals[:position], (name, other)


def test_every_variable_knows_its_roles():
    specified = inventory_site.specified()
    assert specified['wandb_mysql_port']['roles'] == ['mysql']
    assert specified['wandb_minio_root_user']['required'] is True
    assert specified['wandb_host']['roles'] == ['common']
