# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input to wandb_server, against the lab's API server: the option is named, nothing is written."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube import access
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import SECRETS, SERVICE_ACCOUNTS
from harness import lab_dir
from server_lab import EXPIRED, LICENSE, SERVER, ready_and_unchanged, run, secret, spec_of

pytest_plugins = ['server_fixtures']

# A custom resource that no test makes.
NEW = {'name': 'refused'}
FROM_REPOSITORY = {'url': 'https://charts.lab.test', 'name': 'operator-wandb'}


@pytest.fixture
def unwritten(server):
    """The cluster has neither the custom resource nor its HMAC Secret, before and after."""

    def there():
        return spec_of(server, 'refused') or server.get(SECRETS, SERVER, 'refused-hmac')

    assert there() is None
    yield server
    assert there() is None, 'something was written'


@pytest.mark.parametrize('check', [False, True])
@pytest.mark.parametrize(
    ('data', 'said'),
    [
        ('no-licence', 'license_secret: key license of Secret bad-license is no licence: three parts'),
        (f'{LICENSE}\n', 'has white space or a line break around it'),
        (EXPIRED, 'license_secret: the licence expired at 2001'),
    ],
)
def test_a_license_that_is_none(unwritten, data, said, check):
    unwritten.apply(secret('bad-license', license=data))
    refused = run(error=said, check=check, license_secret={'name': 'bad-license'}, **NEW)
    assert len(refused['problems']) == 1


def test_a_license_that_expired_on_a_running_site(server):
    ready_and_unchanged()
    server.apply(secret('bad-license', license=EXPIRED))
    result = run(license_secret={'name': 'bad-license'})
    assert result['ready'] is True
    assert any('the licence expired at 2001' in str(warning) for warning in result['warnings'])
    assert run()['ready'] is True


def test_a_missing_secret_and_a_missing_key_are_told_together(unwritten):
    refused = run(
        error='Nothing was written. ',
        mysql={'host': 'db-1', 'password_secret': {'name': 'mysql-in', 'key': 'OTHER'}},
        redis={'host': 'rd-1', 'password_secret': {'name': 'none-in'}},
        **NEW,
    )
    assert [one.split(':')[0] for one in refused['problems']] == ['mysql.password_secret', 'redis.password_secret']


def test_a_missing_key_on_a_running_site(server):
    run()
    before = spec_of(server)
    other = {'host': 'db-1', 'password_secret': {'name': 'mysql-in', 'key': 'OTHER'}}
    refused = run(error='mysql.password_secret: Secret mysql-in', size='small', mysql=other)
    assert len(refused['problems']) == 1
    assert spec_of(server) == before


def test_a_missing_namespace(server):
    refused = run(error='namespace: there is no namespace rt-test-none', namespace='rt-test-none', **NEW)
    assert len(refused['problems']) == 1


def limited(service, tmp_path, without):
    """A kubeconfig whose user has all that an installation needs, in one namespace, but for one verb."""
    rules = [
        {'apiGroups': [one.group], 'resources': [f'{one.resource}/{one.subresource}' if one.subresource else one.resource], 'verbs': [one.verb]}
        for one in access.to_apply(SERVER, SERVER, [SERVER])
        if str(one) not in without
    ]
    head = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'metadata': {'name': 'rt-limited', 'namespace': SERVER}}
    reference = {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Role', 'name': 'rt-limited'}
    service.apply({'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'rt-limited', 'namespace': SERVER}})
    service.apply({**head, 'kind': 'Role', 'rules': rules})
    service.apply({**head, 'kind': 'RoleBinding', 'roleRef': reference, 'subjects': [{'kind': 'ServiceAccount', 'name': 'rt-limited', 'namespace': SERVER}]})
    request = {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenRequest', 'spec': {'expirationSeconds': 3600}}
    token = service.client.review(SERVICE_ACCOUNTS.path(SERVER, 'rt-limited', 'token'), request)['status']['token']
    config = yaml.safe_load((lab_dir() / 'kubeconfig').read_text(encoding='utf-8'))
    config['users'] = [{'name': one['name'], 'user': {'token': token}} for one in config['users']]
    path = tmp_path / 'kubeconfig'
    path.write_text(yaml.safe_dump(config), encoding='utf-8')
    return str(path)


@pytest.mark.parametrize('check', [False, True])
@pytest.mark.parametrize(
    'without',
    [
        ['patch weightsandbiases'],
        # Needed after the first write only, and refused before it all the same.
        ['list jobs', 'get pods/log'],
        # Refused at the first look.
        ['list secrets'],
    ],
)
def test_a_user_without_permission(unwritten, tmp_path, without, check):
    lacking = [f'{one} in namespace {SERVER}' for one in without]
    kubeconfig = limited(unwritten, tmp_path, lacking)
    refused = run(error='Nothing was written: ', check=check, kubeconfig=kubeconfig, operator_namespace=SERVER, chart=FROM_REPOSITORY, **NEW)
    assert sorted(refused['lacking_permissions']) == sorted(lacking)
    for one in lacking:
        assert one in refused['msg']


def test_a_user_with_just_the_permissions_of_the_list_predicts(unwritten, tmp_path):
    kubeconfig = limited(unwritten, tmp_path, [])
    predicted = run(check=True, kubeconfig=kubeconfig, operator_namespace=SERVER, chart=FROM_REPOSITORY, **NEW)
    assert predicted['changed'] is True
