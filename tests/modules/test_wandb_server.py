# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wandb_server against the lab's API server, in a namespace that the runtime plays.

The operator is the site's, where one runs (two at one custom resource get into each other's way), else one of this test:
the lab's stand-in both times. The app's image is a row of this test, a program that answers probes, so that no MySQL, Redis or bucket is needed.
"""

from __future__ import annotations

import base64
import json
import time

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, NAMESPACES, PODS, SECRETS, WANDBS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import lab_dir, lab_vars, run_module

from lab.state import Lab, lab_name

MODULE = 'wandb.onprem.wandb_server'
SERVER, OWN_OPERATOR = 'rt-test-server', 'rt-test-server-op'
# Where the operator is; found out by the fixture.
OPERATOR = [OWN_OPERATOR]
ROWS = '/var/lib/lab/images.yml'
IMAGE = 'wandb/local:rt-test-server'
ANSWERS = 'case "$0" in init-db) exit 0;; *) exec python3 /opt/lab/src/standins/run healthy 8080;; esac'
# exp 2096
LICENSE = 'e30.eyJleHAiOjQwMDAwMDAwMDB9.c2ln'
APP = {'app': {'image': {'tag': IMAGE.split(':')[1]}}}
SECRET_WORD = 'word-that-nobody-may-see'


@pytest.fixture(scope='module')
def service():
    kubeconfig = lab_dir() / 'kubeconfig'
    if not kubeconfig.exists():
        pytest.skip('the lab has no API server')
    return Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))


@pytest.fixture(scope='module')
def app_image():
    """A row for the app's image over those of the lab."""
    lab = Lab.load(lab_name())
    before = lab.exec('kube-1', ['sh', '-c', f'cat {ROWS} 2>/dev/null || true'])
    rows = {**(yaml.safe_load(before) or {}).get('images', {}), IMAGE: {'entrypoint': ['/bin/sh', '-c', ANSWERS], 'user': 999}}
    lab.exec('kube-1', ['tee', ROWS], data=yaml.safe_dump({'images': rows}))
    yield
    lab.exec('kube-1', ['tee', ROWS], data=before) if before else lab.exec('kube-1', ['rm', '-f', ROWS])


def secret(name, **data):
    encoded = {key.replace('__', '.'): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name, 'namespace': SERVER}, 'data': encoded}


def config_map(namespace, name, data):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name, 'namespace': namespace}, 'data': data}


def options(**more):
    return {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'name': 'test', 'namespace': SERVER, 'operator_namespace': OPERATOR[0],
        'wandb_host': 'https://test-server.lab.test', 'license_secret': {'name': 'license-in'}, 'size': 'testing',
        'chart': {'path': '/charts/operator-wandb'}, 'chart_version': '0.43.8', 'image_tag': '0.83.0', 'console_tag': '2.18.12',
        'mysql': {'host': 'db-1', 'password_secret': {'name': 'mysql-in'}},
        'redis': {'host': 'rd-1', 'password_secret': {'name': 'redis-in'}},
        'bucket': {'host': 's3.lab.test', 'name': 'wandb', 'region': 'us-east-1', 'secret': {'name': 'bucket-in'}},
        'custom_ca_configmap': 'custom-ca',
        'ingress': {'enabled': False},
        'components': APP,
        # The operator of the test is isolated: it may make no ClusterRole.
        'extra_values': {'console': {'role': {'type': 'Role'}}, 'app': {'internalJWTMap': []}},
        'timeout': 100, **more,
    }  # fmt: skip


def run(error='', check=False, **more):
    result = run_module(MODULE, options(**more), check=check, secrets=[SECRET_WORD, LICENSE])
    assert result['failed'] is bool(error), result.get('msg') or result
    assert error in result.get('msg', ''), result['msg']
    return result


def chart_archive():
    return base64.b64encode(next((lab_dir() / 'charts').glob('operator-wandb-*.tgz')).read_bytes()).decode()


def app_pods(service):
    found = service.find(PODS, SERVER, 'app.kubernetes.io/name=app')
    return {pod['metadata']['uid'] for pod in found if not pod['metadata'].get('deletionTimestamp')}


def until(holds, what, limit=60):
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f'waited {limit} s in vain for {what}'
        time.sleep(0.5)


def namespace(name):
    labels = {'pod-security.kubernetes.io/enforce': 'restricted'}
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name, 'labels': labels}}


def site_operator(service):
    """Namespace of an operator that looks after all namespaces, or none."""
    for one in service.find(DEPLOYMENTS, labels='control-plane=controller-manager'):
        arguments = one['spec']['template']['spec']['containers'][0].get('args') or []
        if one['status'].get('availableReplicas') and not any(argument.startswith('--isolation-namespaces') for argument in arguments):
            return one['metadata']['namespace']
    return None


@pytest.fixture(scope='module')
def operator(service):
    """Namespace of the operator."""
    found = site_operator(service)
    OPERATOR[0] = found or OWN_OPERATOR
    if found:
        yield found
        return
    service.apply(namespace(OWN_OPERATOR))
    service.apply(config_map(OWN_OPERATOR, 'wandb-charts', {'operator-wandb': chart_archive()}))
    options = {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'helm_binary': lab_vars('kube-1')['lab_helm'], 'name': 'op', 'namespace': OWN_OPERATOR, 'airgapped': True,
        'chart': str(next((lab_dir() / 'charts').glob('operator-1*.tgz'))), 'image_tag': '1.22.0', 'namespace_isolation': True,
        'additional_namespaces': [SERVER], 'extra_values': {'nameOverride': 'test-server'}, 'wait_timeout': 90,
    }  # fmt: skip
    service.apply(namespace(SERVER))
    installed = run_module('wandb.onprem.wandb_operator', options)
    assert not installed['failed'], installed.get('msg')
    yield OWN_OPERATOR
    service.delete(NAMESPACES, None, OWN_OPERATOR)
    until(lambda: service.get(NAMESPACES, None, OWN_OPERATOR) is None, 'the end of the namespace')


@pytest.fixture(scope='module')
def server(service, operator, app_image):
    """Namespace and inputs; gone afterwards, the custom resource first."""
    for document in (
        namespace(SERVER),
        secret('license-in', license=LICENSE),
        secret('mysql-in', MYSQL_PASSWORD=SECRET_WORD),
        secret('redis-in', REDIS_PASSWORD=SECRET_WORD),
        secret('bucket-in', ACCESS_KEY='a', SECRET_KEY=SECRET_WORD),
        config_map(SERVER, 'custom-ca', {'ca.crt': 'not looked into'}),
    ):
        service.apply(document)
    # Of a run that was cut off.
    run(state='absent')
    yield service
    run(state='absent')
    service.delete(NAMESPACES, None, SERVER)
    until(lambda: service.get(NAMESPACES, None, SERVER) is None, 'the end of the namespace')


def spec_of(service):
    found = service.get(WANDBS, SERVER, 'test')
    return found and (found['spec'], found['metadata']['generation'])


@pytest.mark.parametrize(
    ('title', 'change'),
    [
        ('create', {}),
        ('modify a value', {'size': 'small', 'reconcile_frequency': '50m'}),
        ('modify back', {}),
    ],
)
def test_create_modify(server, title, change):
    before = spec_of(server)
    checked = run(check=True, **change)
    assert checked['changed'] is True
    assert spec_of(server) == before, 'check mode wrote'
    real = run(**change)
    assert (real['changed'], real['ready'], real['phase']) == (True, True, 'Completed')
    assert real['diff'] == checked['diff'] or before is None, 'check mode predicted another change'
    after = spec_of(server)
    again = run(**change)
    assert (again['changed'], again['ready']) == (False, True)
    checked = run(check=True, **change)
    assert (checked['changed'], checked['requests']) == (False, 5)
    assert spec_of(server) == after, 'a run with nothing to do wrote'


def test_nothing_to_do_takes_few_requests(server):
    run()
    # The best of three: a lab-wide operator may just be at work on the same custom resource.
    assert min(run()['requests'] for _look in range(3)) == 13


def test_info_of_a_ready_server(server):
    run()
    asked = {key: options()[key] for key in ('kubeconfig', 'name', 'namespace', 'operator_namespace')}
    info = run_module('wandb.onprem.wandb_server_info', asked, secrets=[LICENSE])
    assert not info['failed'], info.get('msg')
    assert (info['ready'], info['causes'], info['versions']['chart'], info['versions']['console']) == (True, [], '0.43.8', '2.18.12')
    assert info['license']['expires_at'].startswith('2096')


def test_a_rotated_secret_restarts_the_pods(server):
    run()
    pods = app_pods(server)
    server.apply(secret('mysql-in', MYSQL_PASSWORD=SECRET_WORD + '-2'))
    assert run()['changed'] is True
    assert pods
    assert pods.isdisjoint(app_pods(server))
    assert run()['changed'] is False


def test_a_missing_key_is_refused_before_anything_is_written(server):
    run()
    before = spec_of(server)
    other = {'host': 'db-1', 'password_secret': {'name': 'mysql-in', 'key': 'OTHER'}}
    refused = run(error='mysql.password_secret: Secret mysql-in', size='small', mysql=other)
    assert len(refused['problems']) == 1
    assert spec_of(server) == before


@pytest.mark.parametrize(
    ('cause', 'said', 'change'),
    [
        # What the operator says stands in its log only.
        ('invalid_config', 'the operator says: Failed to apply', {'extra_values': {'app': {'image': 'text'}}}),
        ('image_pull', 'wandb/nowhere', {'components': {'app': {'image': {'repository': 'wandb/nowhere', 'tag': '1'}}}}),
        ('admission_refused', 'violates PodSecurity', {'components': {**APP, 'console': {'security_context': {'capabilities': {'drop': []}}}}}),
    ],
)
def test_a_cause_is_named_and_mended(server, cause, said, change):
    failed = run(error=said, **change)
    assert (failed['cause'], failed['changed']) == (cause, True)
    assert run()['ready'] is True


def test_a_clash_with_the_consoles_settings(server):
    run()
    values = {'global': {'mysql': 'text'}}
    server.apply(secret('test-spec-user', values=json.dumps(values), chart=json.dumps({})))
    failed = run(error='type not match', reconcile_frequency='40m')
    assert failed['cause'] == 'type_clash'
    server.delete(SECRETS, SERVER, 'test-spec-user')
    assert run()['ready'] is True


def test_the_operator_is_down(server, operator):
    run()
    [deployment] = server.find(DEPLOYMENTS, operator, 'control-plane=controller-manager')
    path = DEPLOYMENTS.path(operator, deployment['metadata']['name'])
    server.client.merge_patch(path, {'spec': {'replicas': 0}}, 'test')
    try:
        until(lambda: not server.client.get(path)['status'].get('availableReplicas'), 'the end of the operator')
        failed = run(error='operator_down', reconcile_frequency='30m')
        assert (failed['cause'], failed['changed']) == ('operator_down', True)
        assert 60 <= failed['waited_seconds'] < 80
        refused = run(error='would hang in Terminating', state='absent')
        assert refused['cause'] == 'operator_down'
    finally:
        server.client.merge_patch(path, {'spec': {'replicas': 1}}, 'test')
    assert run(reconcile_frequency='30m')['ready'] is True


def test_remove(server):
    run()
    assert run(check=True, state='absent')['changed'] is True
    assert spec_of(server)
    removed = run(state='absent')
    kept = ['test-clickhouse', 'test-gorilla-session-key', 'test-license', 'test-mysql', 'wandb-password']
    assert (removed['changed'], removed['left_behind']) == (True, [f'Secret {name}' for name in kept])
    assert spec_of(server) is None
    for check in (False, True):
        assert run(check=check, state='absent')['changed'] is False
