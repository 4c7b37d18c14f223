# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wandb_operator against the lab's API server: real helm, real releases, real admission.

$WANDB_TEST_HELM names another helm (v3) than the lab's. The operator is isolated in a namespace and named otherwise than
the lab's own; in namespaces `test-...` kwok plays its pod, in `rt-...` the runtime, which pulls no image it does not know.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import time

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import lab_dir, lab_vars, run_module

MODULE = 'wandb.onprem.wandb_operator'
PLAYED = 'test-operator'
REAL = 'rt-test-operator'


@pytest.fixture(scope='module')
def service():
    kubeconfig = lab_dir() / 'kubeconfig'
    if not kubeconfig.exists():
        pytest.skip('the lab has no API server')
    return Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))


def options(namespace):
    return {
        'kubeconfig': str(lab_dir() / 'kubeconfig'),
        'helm_binary': os.environ.get('WANDB_TEST_HELM') or lab_vars('kube-1')['lab_helm'],
        'chart': str(next((lab_dir() / 'charts').glob('operator-1*.tgz'))),
        'name': 'op-test', 'namespace': namespace, 'image_repository': 'test/controller', 'image_tag': '1', 'namespace_isolation': True,
        'extra_values': {'nameOverride': 'op-test'}, 'wait_timeout': 60,
    }


def gone(service, namespace):
    """Without the namespace nothing is left: with isolation the chart makes no cluster-wide object but the CRD, which stays."""
    service.delete(NAMESPACES, None, namespace)
    for _look in range(100):
        if service.get(NAMESPACES, None, namespace) is None:
            return
        time.sleep(0.3)
    raise AssertionError(f'namespace {namespace} does not go')


@pytest.fixture
def run(service, request):
    """run(check=..., **options) in a fresh namespace that enforces PodSecurity restricted."""
    namespace = getattr(request, 'param', PLAYED)
    gone(service, namespace)
    service.apply({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': namespace, 'labels': {'pod-security.kubernetes.io/enforce': 'restricted'}}})

    def call(check=False, error=None, **more):
        result = run_module(MODULE, {**options(namespace), **more}, check=check)
        assert result['failed'] is (error is not None), result.get('msg') or result
        if error:
            assert error in result['msg'], result['msg']
        return result
    yield call
    gone(service, namespace)


def state(service, namespace=PLAYED):
    """What a write would change, as the API server counts: resource versions."""
    return {one['metadata']['name']: one['metadata']['resourceVersion']
            for resource in (SECRETS, DEPLOYMENTS, SERVICE_ACCOUNTS) for one in service.find(resource, namespace)}


def doctor(service, status, namespace=PLAYED):
    """Leave the newest revision as a helm that was killed, or that failed, leaves it."""
    newest = max(service.find(SECRETS, namespace, labels='owner=helm,name=op-test'), key=lambda one: int(one['metadata']['labels']['version']))
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(newest['data']['release']))))
    release['info']['status'] = status
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    path = SECRETS.path(namespace, newest['metadata']['name'])
    service.client.merge_patch(path, {'metadata': {'labels': {'status': status}}, 'data': {'release': data}}, 'test')


def test_create_modify_delete(run, service):
    """{create, modify, delete} x {check, real, again, check again}."""
    rows = [
        ('create', {}, 'install', 'the release does not exist'),
        ('modify a value', {'image_tag': '2'}, 'upgrade', 'value image.tag differs'),
        ('modify two', {'image_tag': '2', 'extra_env': {'NO_PROXY': '.svc'}, 'pod_annotations': {'a': 'b'}}, 'upgrade', 'value extraEnv differs'),
    ]
    for title, change, action, reason in rows:
        before = state(service)
        checked = run(check=True, **change)
        assert (checked['changed'], checked['action']) == (True, action), title
        assert reason in checked['reasons'], title
        assert [diff for diff in checked['diff'] if diff['before'] != diff['after']], title
        assert state(service) == before, f'{title}: check mode wrote'
        real = run(**change)
        assert (real['changed'], real['reasons'], real['diff']) == (True, checked['reasons'], checked['diff']), title
        assert real['release']['status'] == 'deployed'
        after = state(service)
        for check in (False, True):
            again = run(check=check, **change)
            assert (again['changed'], again['action'], again['diff']) == (False, 'nothing', []), title
            assert again['requests'] <= 5, title
        assert state(service) == after, f'{title}: a run with nothing to do wrote'
    assert run(check=True, state='absent')['changed']
    assert state(service) == after
    assert run(state='absent')['changed']
    assert not run(state='absent')['changed']
    assert not run(check=True, state='absent')['changed']
    assert not service.find(DEPLOYMENTS, PLAYED)


def test_the_pod_passes_restricted_and_runs(run, service):
    run()
    [deployment] = service.find(DEPLOYMENTS, PLAYED)
    assert deployment['status']['availableReplicas'] == 1


@pytest.mark.parametrize('status', ['failed', 'pending-upgrade'])
def test_a_broken_upgrade_is_told_and_mended(run, service, status):
    run()
    run(image_tag='2')
    doctor(service, status)
    before = state(service)
    run(error=f'revision 2 is {status}', image_tag='2')
    run(error='With repair=true this module would', check=True, image_tag='2')
    assert run(check=True, repair=True, image_tag='2')['changed']
    assert state(service) == before
    mended = run(repair=True, image_tag='2')
    assert mended['release']['status'] == 'deployed'
    assert not run(image_tag='2')['changed']


@pytest.mark.parametrize('status', ['failed', 'pending-install', 'uninstalling'])
def test_a_broken_first_install_is_mended(run, service, status):
    run()
    doctor(service, status)
    run(error=f'revision 1 is {status}')
    assert run(repair=True)['release']['status'] == 'deployed'
    assert not run()['changed']


def test_an_installation_without_helm_is_not_mixed(run, service):
    service.apply({'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'op-test-manager', 'namespace': PLAYED}})
    for check in (True, False):
        run(error=f'ServiceAccount {PLAYED}/op-test-manager exists already, not made by Helm', check=check, repair=True)
    assert not service.find(SECRETS, PLAYED)


def test_a_pod_that_admission_refuses_is_named(run):
    result = run(error='violates PodSecurity "restricted:latest"', security_context={'allowPrivilegeEscalation': True}, wait_timeout=6)
    assert 'admission_refused' in [cause['code'] for cause in result['causes']]


@pytest.mark.parametrize('run', [REAL], indirect=True)
def test_an_image_that_cannot_be_pulled_is_named(run):
    result = run(error='test/controller:1', wait_timeout=15)
    assert [cause['code'] for cause in result['causes']] == ['image_pull']


def test_check_mode_assumes_a_missing_namespace(service):
    gone(service, PLAYED)
    assert run_module(MODULE, options(PLAYED), check=True)['changed']
    refused = run_module(MODULE, options(PLAYED))
    assert f'namespace {PLAYED} does not exist' in refused['msg']
    assert service.get(NAMESPACES, None, PLAYED) is None


def test_wrong_input_is_refused_before_anything_is_written(run, service, tmp_path):
    damaged = tmp_path / 'damaged.tgz'
    damaged.write_bytes(b'\x1f\x8bnope')
    before = state(service)
    run(error='/nonexistent.tgz does not exist', chart='/nonexistent.tgz')
    run(error='is damaged', chart=str(damaged))
    run(error='chart_version asks for 9.9.9', chart_version='9.9.9')
    run(error='kubeconfig /nonexistent cannot be read', kubeconfig='/nonexistent')
    run(error='helm template failed', extra_values={'image': 'not a map', 'nameOverride': 'op-test'})
    run(error='does not accept the credentials', api_key='expired-token')
    assert state(service) == before
