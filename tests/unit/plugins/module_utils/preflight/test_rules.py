# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import dataclasses
import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.preflight import rules
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Site, Unreadable


def licence(**claims) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')
    return f'e30.{middle}.c2ln'


KNOWN = {
    'wandb_host': 'str', 'wandb_license': 'str',
    'wandb_redis_bundled': 'bool', 'wandb_kubeconfig': 'path', 'wandb_helm_binary': 'str', 'wandb_minio_address': 'str',
    'wandb_mysql_endpoint': 'dict', 'wandb_redis_endpoint': 'dict', 'wandb_bucket_endpoint': 'dict', 'wandb_airgapped': 'bool',
    'wandb_nginx_ingress_upstreams': 'list', 'wandb_server_chart_archive': 'path', 'wandb_mysql_port': 'int', 'wandb_minio_drives': 'list',
    'wandb_operator_chart': 'str', 'wandb_operator_chart_username': 'str', 'wandb_operator_chart_archive': 'path',
    'wandb_server_object_metadata': 'dict', 'wandb_server_bucket_locked': 'bool',
    'wandb_server_ingress_annotations': 'dict', 'wandb_team_buckets': 'list', 'wandb_server_security_context': 'dict',
    **dict.fromkeys(rules.SECRETS, 'str'), **dict.fromkeys(rules.REQUIRED, 'dict'), **{secret: 'str' for _other, _other, secret, _other in rules.PASSWORDS},
}
OPTIONS = {
    'wandb_clickhouse_endpoint': {'host': {}, 'port': {'type': 'int'}, 'password_secret': {'options': {'name': {'required': True}, 'key': {}}}},
    'wandb_team_buckets': {'name': {'required': True}, 'provider': {'choices': ['s3', 'gcs', 'az', 'cw']}, 'access_key': {}, 'secret_key': {}},
    'wandb_server_security_context': {'preset': {'choices': ['restricted', 'openshift', 'chart']}, 'run_as_user': {'type': 'int'}},
    **{name: {key: {} for key in (*keys, 'secret')} for name, keys in rules.REQUIRED.items() if name.startswith('wandb_server_')},
}
OPTIONS['wandb_server_ldap'].update(bind_dn={}, bind_password_secret={})
OPTIONS['wandb_server_smtp'].update(user={}, password_secret={})


@pytest.fixture
def good(tmp_path) -> Site:
    kubeconfig = tmp_path / 'kubeconfig'
    kubeconfig.touch()
    return Site(
        groups={'wandb_mysql': ['db'], 'wandb_redis': ['rd'], 'wandb_minio': ['a', 'b', 'c', 'd'], 'wandb_nginx': ['lb']},
        values={
            'wandb_host': 'https://wandb.example.com', 'wandb_license': licence(exp=4102444800), 'wandb_kubeconfig': str(kubeconfig),
            'wandb_helm_binary': 'sh', 'wandb_minio_address': 's3.example.com', 'wandb_airgapped': False,
            **dict.fromkeys(rules.SECRETS, 'a-long-enough-secret'),
        },
        hosts={'lb': {'wandb_nginx_ingress_upstreams': ['10.0.0.1:443']}},
        known=KNOWN,
        options=OPTIONS,
    )


def test_a_good_inventory_has_no_problem(good):
    assert rules.check(good) == []


WRONG_VALUES = [
    ('wandb_host', None, 'wandb_host', 'is missing'),
    ('wandb_host', 'http://wandb.example.com', 'wandb_host', 'no http://'),
    ('wandb_host', 'https://wandb.example.com/', 'wandb_host', 'trailing slash'),
    ('wandb_host', 'https://wandb.example.com/w', 'wandb_host', 'no path'),
    ('wandb_license', None, 'wandb_license', 'is missing'),
    ('wandb_license', 'abc', 'wandb_license', '1 part(s)'),
    ('wandb_license', 'e30.%%%.c2ln', 'wandb_license', 'base64url'),
    ('wandb_license', licence(exp=1), 'wandb_license', 'ran out on 1970-01-01'),
    ('wandb_kubeconfig', '/nowhere/kubeconfig', 'wandb_kubeconfig', 'no such file'),
    ('wandb_helm_binary', 'no-such-helm', 'wandb_helm_binary', 'install Helm'),
    ('wandb_minio_address', '', 'wandb_minio_address', 'is missing'),
    ('wandb_mysql_password', None, 'wandb_mysql_password', 'wandb.onprem.secrets'),
    ('wandb_mysql_password', 'short', 'wandb_mysql_password', '5 characters'),
    ('wandb_airgapped', 'false', 'wandb_airgapped', 'is a str, must be a bool'),
    ('wandb_mysql_port', True, 'wandb_mysql_port', 'is a bool, must be a int'),
    ('wandb_hots', 'x', 'wandb_hots', 'did you mean wandb_host?'),
    ('wandb_host', Unreadable('undefined'), 'wandb_host', 'cannot be read'),
    ('wandb_server_chart_archive', '/nowhere.tgz', 'wandb_server_chart_archive', 'is not there'),
    ('wandb_mysql_endpoint', {'host': 'db.example.com'}, 'wandb_mysql_endpoint', 'has hosts too'),
    ('wandb_redis_bundled', True, 'wandb_redis_bundled', 'leave one'),
    ('wandb_mysql_endpoint', {'port': 3306}, 'wandb_mysql_endpoint', 'has no host'),
    ('wandb_server_pod_annotations', {'a': 'b'}, 'wandb_server_pod_annotations', 'wandb_server_object_metadata: {pod'),
    ('wandb_server_security_context', {'preset': 'openshft'}, 'wandb_server_security_context', 'must be one of restricted, openshift, chart'),
    ('wandb_server_security_context', {'run_as_usr': 1}, 'wandb_server_security_context', 'did you mean run_as_user?'),
    ('wandb_server_security_context', 'restricted', 'wandb_server_security_context', 'is no dictionary'),
    ('wandb_server_oidc', {'client_id': 'wandb'}, 'wandb_server_oidc', 'has no issuer'),
    ('wandb_server_ldap', {'host': 'ldap://d', 'base_dn': 'dc=d', 'bind_dn': 'cn=w'}, 'wandb_ldap_bind_password', 'has no bind_password_secret'),
    ('wandb_server_smtp', {'host': 'mail', 'user': 'wandb'}, 'wandb_smtp_password', 'vault'),
    ('wandb_server_slack', {'client_id': '1.2'}, 'wandb_slack_secret', 'wandb_server_slack has no secret'),
    ('wandb_clickhouse_endpoint', {'host': 'ch.example.com'}, 'wandb_clickhouse_password', 'is missing'),
    ('wandb_clickhouse_endpoint', {'port': 8443}, 'wandb_clickhouse_endpoint', 'has no host'),
    ('wandb_clickhouse_endpoint', {'host': 'c', 'password_secret': {'key': 'p'}}, 'wandb_clickhouse_endpoint', 'password_secret: has no name'),
    ('wandb_team_buckets', [{'name': 'a'}, {'provider': 's4', 'name': 'b'}], 'wandb_team_buckets', "entry 2: provider is 's4'"),
    ('wandb_team_buckets', [{'provider': 's3'}], 'wandb_team_buckets', 'entry 1: has no name'),
    ('wandb_team_buckets', [{'name': 'a', 'access_key': 'k'}], 'wandb_team_buckets', 'has access_key alone'),
    ('wandb_operator_chart_username', 'bot', 'wandb_operator_chart_password', 'vault'),
    ('wandb_operator_chart_archive', '/nowhere.tgz', 'wandb_operator_chart_archive', 'is not there'),
]


@pytest.mark.parametrize(('name', 'value', 'variable', 'text'), WRONG_VALUES)
def test_a_wrong_value_is_named_with_its_mend(good, name, value, variable, text):
    values = {**good.values, name: value}
    if value is None:
        del values[name]
    site = dataclasses.replace(good, values=values, literal=frozenset(values))
    found = [problem for problem in rules.check(site) if problem.variable == variable]
    assert any(text in str(problem) for problem in found), found
    assert all(problem.mend for problem in found)


@pytest.mark.parametrize(('groups', 'variable', 'text'), [
    ({'wandb_mysql': []}, 'wandb_mysql', 'comes from nowhere'),
    ({'wandb_minio': ['a', 'b']}, 'wandb_minio', 'four drives'),
    ({'wandb_mysql': ['db', 'db2', 'db3']}, 'wandb_mysql', 'primary and its standby'),
    ({'wandb_kube': ['k1', 'k2']}, 'wandb_kube', 'leave one'),
    ({'wandb_nginx': ['lb', 'lb2']}, 'wandb_nginx_ingress_upstreams', 'lb2'),
])
def test_a_wrong_group_is_named_with_its_mend(good, groups, variable, text):
    found = rules.check(dataclasses.replace(good, groups={**good.groups, **groups}))
    assert [problem.variable for problem in found] == [variable]
    assert text in str(found[0])


PAIR = {**dict.fromkeys(rules.PAIR_SECRETS, 'a' * 32), 'wandb_mysql_virtual_address': '10.0.0.20/24', 'wandb_mysql_address': '10.0.0.20'}


@pytest.mark.parametrize(('change', 'variable', 'text'), [
    ({}, None, ''),
    *(({name: ''}, name, 'wandb.onprem.secrets') for name in rules.PAIR_SECRETS),
    ({'wandb_mysql_replication_password': 'a' * 33}, 'wandb_mysql_replication_password', '32'),
    ({'wandb_mysql_virtual_address': '', 'wandb_mysql_address': 'db'}, 'wandb_mysql_virtual_address', 'follows the primary'),
    ({'wandb_mysql_virtual_address': '', 'wandb_mysql_address': 'mysql.example.com'}, None, ''),
])
def test_what_a_pair_needs(good, change, variable, text):
    known = {**good.known, **dict.fromkeys(PAIR, 'str')}
    site = dataclasses.replace(good, known=known, groups={**good.groups, 'wandb_mysql': ['db', 'db2']}, values={**good.values, **PAIR, **change})
    found = list(rules.check(site))
    assert [problem.variable for problem in found] == ([variable] if variable else [])
    assert text in ''.join(map(str, found))


def test_all_problems_come_at_once(good):
    values = {name: value for name, value in good.values.items() if name not in ('wandb_host', 'wandb_license', 'wandb_kubeconfig', 'wandb_helm_binary')}
    found = {problem.variable for problem in rules.check(dataclasses.replace(good, values=values, groups={**good.groups, 'wandb_redis': []}))}
    assert found == {'wandb_host', 'wandb_license', 'wandb_kubeconfig', 'wandb_helm_binary', 'wandb_redis'}


def test_no_message_shows_a_secret(good):
    values = {**good.values, **dict.fromkeys(rules.SECRETS, 'pw-1234'), 'wandb_license': 'very.secret'}
    text = '\n'.join(str(problem) for problem in rules.check(dataclasses.replace(good, values=values)))
    assert 'pw-1234' not in text
    assert 'very.secret' not in text
    assert text


def test_the_bundled_redis_is_a_source_too(good):
    site = dataclasses.replace(good, groups={**good.groups, 'wandb_redis': []}, values={**good.values, 'wandb_redis_bundled': True})
    assert rules.check(site) == []


def test_a_template_may_give_text_for_a_number(good):
    site = dataclasses.replace(good, values={**good.values, 'wandb_mysql_port': '3306'}, literal=frozenset({'wandb_host'}))
    assert rules.check(site) == []


def test_an_external_service_needs_no_group(good):
    site = dataclasses.replace(good, groups={**good.groups, 'wandb_mysql': []}, values={**good.values, 'wandb_mysql_endpoint': {'host': 'db.example.com'}})
    assert rules.check(site) == []


def test_what_a_dictionary_needs_comes_with_it_or_out_of_the_vault(good):
    values = {
        **good.values,
        'wandb_server_oidc': {'client_id': 'wandb', 'issuer': 'https://login.example.com'},
        'wandb_server_ldap': {'host': 'ldap://d', 'base_dn': 'dc=d'},
        'wandb_server_smtp': {'host': 'mail', 'user': 'wandb', 'password_secret': {'name': 'own'}},
        'wandb_server_slack': {'client_id': '1.2'}, 'wandb_slack_secret': 'a-slack-secret',
        'wandb_clickhouse_endpoint': {'host': 'c', 'password_secret': {'name': 'own'}},
        'wandb_team_buckets': [{'name': 'a', 'access_key': 'k', 'secret_key': 's'}, {'name': 'a/b', 'provider': 'az', 'access_key': 'k'}, {'name': 'c'}],
    }
    assert rules.check(dataclasses.replace(good, values=values)) == []


@pytest.mark.parametrize(('bucket', 'unneeded'), [
    ({'name': 'b', 'pod_identity': True}, ['wandb_minio_access_key', 'wandb_minio_secret_key']),
    ({'name': 'b', 'secret': {'name': 'own'}}, ['wandb_minio_access_key', 'wandb_minio_secret_key']),
    ({'name': 'b', 'provider': 'gcs'}, ['wandb_minio_access_key', 'wandb_minio_secret_key']),
    ({'name': 'a/b', 'provider': 'az'}, ['wandb_minio_secret_key']),
    ({'name': 'b', 'provider': 's3'}, []),
])
def test_keys_of_the_bucket_are_wanted_where_it_has_any(good, bucket, unneeded):
    keys = ['wandb_minio_access_key', 'wandb_minio_secret_key']
    values = {name: value for name, value in good.values.items() if name not in keys}
    values['wandb_bucket_endpoint'] = bucket
    found = rules.check(dataclasses.replace(good, groups={**good.groups, 'wandb_minio': []}, values=values))
    assert [problem.variable for problem in found] == [key for key in keys if key not in unneeded]


@pytest.mark.parametrize('key', ['queue', 'proxied'])
def test_what_only_a_locked_bucket_can_have(good, key):
    values = {**good.values, 'wandb_server_bucket_locked': False, 'wandb_bucket_endpoint': {'name': 'b', key: 'x'}}
    found = rules.check(dataclasses.replace(good, groups={**good.groups, 'wandb_minio': []}, values=values))
    assert [(problem.variable, key in problem.why) for problem in found] == [('wandb_bucket_endpoint', True)]


# As base64 an archive is a third larger; the API server's limit is for the whole object.
@pytest.mark.parametrize(('size', 'refused'), [(783360, False), (783361, True)])
def test_a_chart_that_no_configmap_can_hold(good, tmp_path, size, refused):
    archive = tmp_path / 'operator-wandb.tgz'
    archive.write_bytes(b'x' * size)
    found = rules.check(dataclasses.replace(good, values={**good.values, 'wandb_server_chart_archive': str(archive)}))
    assert [problem.variable for problem in found] == (['wandb_server_chart_archive'] if refused else [])
    assert all('1 MiB' in problem.why and 'wandb_server_chart)' in problem.mend for problem in found)


def test_the_operators_chart_comes_from_one_place(good, tmp_path):
    archive = tmp_path / 'operator.tgz'
    archive.touch()
    values = {**good.values, 'wandb_operator_chart_archive': str(archive)}
    assert rules.check(dataclasses.replace(good, values=values)) == []
    found = rules.check(dataclasses.replace(good, values={**values, 'wandb_operator_chart': '/opt/operator.tgz'}))
    assert [problem.variable for problem in found] == ['wandb_operator_chart_archive']


def test_no_dictionary_shows_a_secret(good):
    values = {**good.values, 'wandb_team_buckets': [{'nam': 'a', 'access_key': 'very-secret'}, 'very-secret'],
              'wandb_server_slack': {'secret': 'very-secret', 'client_id': ''}}
    found = rules.check(dataclasses.replace(good, values=values))
    assert found
    assert 'very-secret' not in '\n'.join(str(problem) for problem in found)


def test_in_an_air_gap_charts_come_from_the_user(good):
    values = {**good.values, 'wandb_airgapped': True}
    found = rules.check(dataclasses.replace(good, values=values))
    assert [problem.variable for problem in found] == ['wandb_operator_chart_archive', 'wandb_server_chart_archive']
    values.update(wandb_operator_chart='oci://registry.example.com/operator', wandb_server_chart={'url': 'oci://registry.example.com/operator-wandb'})
    assert rules.check(dataclasses.replace(good, values=values, known={**KNOWN, 'wandb_server_chart': 'dict'})) == []


@pytest.mark.parametrize(('hosts', 'values', 'variables'), [
    (1, {}, []),
    (2, {}, ['wandb_redis']),
    (3, {}, ['wandb_redis_replication_password', 'wandb_redis_sentinel_password', 'wandb_redis_virtual_address']),
    (3, {'wandb_redis_replication_password': 'x', 'wandb_redis_sentinel_password': 'y', 'wandb_redis_virtual_address': '10.0.0.30/24'}, []),
    (3, {'wandb_redis_replication_password': 'x', 'wandb_redis_sentinel_password': 'y', 'wandb_redis_address': 'redis.example.com'}, []),
    (3, {'wandb_redis_replication_password': 'x', 'wandb_redis_sentinel_password': 'y', 'wandb_redis_address': 'rd-1'}, ['wandb_redis_virtual_address']),
])
def test_redis_is_one_server_or_has_a_majority_and_one_address(good, hosts, values, variables):
    names = [f'rd-{number + 1}' for number in range(hosts)]
    known = {**KNOWN, **dict.fromkeys(values, 'str')}
    site = dataclasses.replace(good, groups={**good.groups, 'wandb_redis': names}, values={**good.values, **values}, known=known)
    assert [problem.variable for problem in rules.check(site)] == variables
