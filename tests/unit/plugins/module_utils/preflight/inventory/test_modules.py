# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules would refuse, in the words of the inventory."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils import operator_options
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory import modules
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import check
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Options
from ansible_collections.wandb.onprem.plugins.module_utils.server import options
from sites import ROOT, SPECS, broken, site

SERVER = {
    'wandb_host': 'https://wandb.example.com', 'license_secret': {'name': 'l'}, 'image_tag': '0.83.0', 'console_tag': '2.18.12', 'chart_version': '0.43.8',
    'chart': {'url': 'https://charts.example.com', 'name': 'operator-wandb'}, 'mysql': {'host': 'm', 'password_secret': {'name': 'm'}},
    'bucket': {'name': 'b', 'secret': {'name': 's'}},
}
OPERATOR = {'chart': 'operator', 'image_tag': '1.22.0'}


def arguments(role, file, module):
    tasks = yaml.safe_load((ROOT / 'roles' / role / 'tasks' / file).read_text(encoding='utf-8'))
    return next(task[module] for task in tasks if module in task)


ARGUMENTS = [
    *((name, modules.server_variable) for name in arguments('server', 'custom_resource.yml', 'wandb.onprem.wandb_server')),
    *((f'ingress.{name}', modules.server_variable) for name in options.argument_spec()['ingress']['options']),
    *((name, modules.operator_variable) for name in arguments('operator', 'release.yml', 'wandb.onprem.wandb_operator')),
]


@pytest.mark.parametrize(('option', 'variable'), ARGUMENTS, ids=[f'{function.__name__}-{name}' for name, function in ARGUMENTS])
def test_every_option_that_a_role_hands_on_comes_from_a_variable(option, variable):
    assert option in modules.INTERNAL or variable(option, site()) in SPECS


@pytest.mark.parametrize(('option', 'groups', 'variable'), [
    ('mysql.database', {}, 'wandb_mysql_database'),
    ('mysql.database', {'wandb_mysql': []}, 'wandb_mysql_endpoint'),
    ('mysql.host', {}, 'wandb_mysql_endpoint'),
    ('bucket.name', {}, 'wandb_minio_bucket'),
    ('bucket.name', {'wandb_minio': []}, 'wandb_bucket_endpoint'),
    ('redis.params.ttlInSeconds', {}, 'wandb_server_redis_params'),
    ('chart.version', {}, 'wandb_server_chart_version'),
    ('components.app.image', {}, 'wandb_server_components'),
])
def test_the_variable_depends_on_where_the_service_comes_from(option, groups, variable):
    assert modules.server_variable(option, site({}, groups)) == variable


def server(failed=None, **change):
    return {'wandb_server': Options({**SERVER, **change}, failed or {})}


def operator(**change):
    return {'wandb_operator': Options({**OPERATOR, **change})}


def test_good_options_are_quiet():
    assert broken(modules.server_options, modules=server()) == []
    assert broken(modules.operator_options_hold, modules=operator()) == []
    assert broken(modules.server_options) == []


@pytest.mark.parametrize(('change', 'variable', 'text'), [
    ({'image_tag': '0.78.0'}, 'wandb_server_version', 'must not be installed'),
    ({'install': {'weev': True}}, 'wandb_server_install', 'weev: the chart has no such component (did you mean weave?)'),
    ({'chart': {'url': 'https://u:p@c', 'name': 'x'}}, 'wandb_server_chart', 'use wandb_server_chart.credential_secret'),
    ({'extra_values': {'global': {'mysql': {'password': 'very-secret'}}}}, 'wandb_server_extra_values', 'wandb_mysql_password'),
    ({'team_buckets': [{'name': 'a', 'region': 'r'}, {'name': 'b'}]}, 'wandb_team_buckets', 'entry 2: region is wanted'),
    ({'ingress': {'additional_hosts': ['https://x']}}, 'wandb_server_ingress_additional_hosts', 'no name of a host'),
    ({'size': 'huge'}, 'wandb_server_size', 'must be one of'),
    ({'bucket': {'provider': 's3'}}, 'wandb_bucket_endpoint', 'missing required arguments: name'),
    ({'nonsense': 1}, 'wandb_server_extra_values', 'Supported parameters'),
])
def test_what_wandb_server_would_refuse_is_said_of_the_variable(change, variable, text):
    found = broken(modules.server_options, {}, {'wandb_minio': []}, modules=server(**change))
    assert [one for one in found if one[0] == variable and text in one[1]], found
    assert 'very-secret' not in str(found)


@pytest.mark.parametrize(('change', 'variable', 'text'), [
    ({'image_repository': 'a/b:1'}, 'wandb_operator_image_repository', 'wandb_operator_image_tag'),
    ({'extra_env': {'API_TOKEN': 'very-secret'}}, 'wandb_operator_extra_env', 'secretKeyRef'),
    ({'service_account_create': False}, 'wandb_operator_service_account_name', 'is required'),
])
def test_what_wandb_operator_would_refuse_is_said_of_the_variable(change, variable, text):
    found = broken(modules.operator_options_hold, modules=operator(**change))
    assert [one for one in found if one[0] == variable and text in one[1]], found
    assert 'very-secret' not in str(found)


def test_a_broken_option_keeps_no_other_one_quiet():
    told = modules.told(Options({**SERVER, 'size': 'huge', 'image_tag': '0.78.0'}, {'mysql': 'undefined'}), options.argument_spec(), modules._build_server,
                        modules.builder.OptionsError)
    assert [len(told.refused), len(told.problems)] == [1, 1]
    # Nothing of mysql, which could not be read: another rule tells of it.
    assert 'must not be installed' in told.problems[0]


def test_warnings_of_a_builder_are_warnings():
    found = [problem for problem in check(site(modules=server(extra_values={'globl': {}}))) if problem.rule == 'server-options']
    assert [(problem.variable, problem.warning) for problem in found] == [('wandb_server_extra_values', True)]


def test_ids_of_openshift_are_assumed():
    assert broken(modules.server_options, modules=server(security_context={'preset': 'openshift'})) == []


def test_the_specs_have_the_options_that_are_mapped():
    assert {name.split('.')[0] for name in [*modules.SERVER_VARIABLES, *modules.MADE_VARIABLES, *modules.SECRET_VARIABLES]} <= set(options.argument_spec())
    assert set(modules.OPERATOR_VARIABLES) <= set(operator_options.argument_spec())
