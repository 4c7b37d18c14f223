# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wandb_operator against the lab's API server: real helm, real releases, real admission (operator_lab.py tells how)."""

from __future__ import annotations

import operator_lab
import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, NAMESPACES, SECRETS
from harness import run_module
from operator_lab import MODULE, PLAYED, REAL, chart_copy, doctor, options, state


@pytest.fixture(scope='module')
def service():
    return operator_lab.connect()


@pytest.fixture
def run(service, request):
    """run(check=..., error=..., **options) in a fresh namespace that enforces PodSecurity restricted."""
    with operator_lab.fresh(service, getattr(request, 'param', PLAYED)) as call:
        yield call


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
            # version, CRD, release, and one list for each kind: service account, role, binding, Deployment.
            assert again['requests'] == 7, title
        assert state(service) == after, f'{title}: a run with nothing to do wrote'
    checked = run(check=True, state='absent')
    assert (checked['changed'], checked['action']) == (True, 'uninstall')
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


MANY = """{{- range until %d }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: many-{{ . }}, namespace: {{ $.Release.Namespace }}}
data: {number: "{{ . }}"}
{{- end }}
"""


def test_requests_do_not_grow_with_the_number_of_objects(run, tmp_path):
    counted = []
    for number in (5, 30):
        chart = chart_copy(tmp_path)
        (tmp_path / 'operator' / 'templates' / 'many.yaml').write_text(MANY % number)
        run(chart=chart)
        again = run(chart=chart)
        assert not again['changed']
        counted.append(again['requests'])
    # One list more than without ConfigMaps.
    assert counted == [8, 8]


def test_a_pod_that_admission_refuses_is_named(run):
    result = run(error='violates PodSecurity "restricted:latest"', security_context={'allowPrivilegeEscalation': True}, wait_timeout=6)
    assert 'admission_refused' in [cause['code'] for cause in result['causes']]


def test_a_quota_that_is_used_up_is_named(run, service):
    service.client.apply(f'/api/v1/namespaces/{PLAYED}/resourcequotas/none', {
        'apiVersion': 'v1', 'kind': 'ResourceQuota', 'metadata': {'name': 'none'}, 'spec': {'hard': {'pods': '0'}}}, 'test')
    operator_lab.until(lambda: service.client.get(f'/api/v1/namespaces/{PLAYED}/resourcequotas/none')['status'].get('hard'), 'the quota is not counted')
    result = run(error='exceeded quota: none', wait_timeout=6)
    assert {cause['code'] for cause in result['causes']} == {'admission_refused'}


@pytest.mark.parametrize('run', [REAL], indirect=True)
def test_an_image_that_cannot_be_pulled_is_named(run):
    result = run(error='test/controller:1', wait_timeout=15)
    assert [cause['code'] for cause in result['causes']] == ['image_pull']


@pytest.mark.parametrize('run', [REAL], indirect=True)
def test_a_pod_that_runs_and_does_not_get_ready_is_named_with_its_probe(run, tmp_path):
    chart = chart_copy(tmp_path, replace=[('command: [/manager]', 'command: [/bin/sh, -c, "sleep 600"]'), ('initialDelaySeconds: 5', 'initialDelaySeconds: 1'),
                                          ('periodSeconds: 10', 'periodSeconds: 2')])
    result = run(error='runs but is not ready: ', chart=chart, image_repository='lab/sh', wait_timeout=30,
                 pod_security_context={'runAsNonRoot': True, 'runAsUser': 65532, 'seccompProfile': {'type': 'RuntimeDefault'}})
    assert [cause['code'] for cause in result['causes']] == ['not_ready']
    # Both probes of the pod fail; the one that failed last is told.
    assert ' probe failed: ' in result['msg']


@pytest.mark.parametrize('run', [REAL], indirect=True)
def test_a_pod_that_no_node_takes_is_named(run):
    result = run(error='unschedulable: ', node_selector={'no-such': 'node'}, wait_timeout=15)
    assert [cause['code'] for cause in result['causes']] == ['unschedulable']


def test_values_are_rendered_for_gitops_without_api_and_helm(tmp_path):
    given = {'render': True, 'render_to': str(tmp_path), 'chart': 'operator', 'chart_repo_url': 'https://charts.example.com', 'chart_version': '1.4.8',
             'image_tag': '1', 'kubeconfig': '/nonexistent', 'helm_binary': '/nonexistent'}
    path = tmp_path / 'operator-values.yaml'
    predicted = run_module(MODULE, given, check=True)
    assert (predicted['failed'], predicted['changed'], path.exists()) == (False, True, False), predicted.get('msg')
    real = run_module(MODULE, given)
    assert (real['changed'], real['diff'], real['rendered_to']) == (True, predicted['diff'], str(path))
    assert yaml.safe_load(path.read_text()) == real['chart_values']
    for check in (True, False):
        assert not run_module(MODULE, given, check=check)['changed']
    assert run_module(MODULE, {**given, 'image_tag': '2'}, check=True)['changed']


def test_check_mode_assumes_a_missing_namespace(service):
    operator_lab.gone(service, PLAYED)
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
    (tmp_path / 'page.tgz').write_text('<html>')
    run(error='is not a chart archive', chart=str(tmp_path / 'page.tgz'))
    run(error='extra_values.replicaCount: does nothing', extra_values={'replicaCount': 2})
    run(error='service_account_name: is required', service_account_create=False)
    run(error='render_to: does nothing without render=true', render_to=str(tmp_path))
    run(error='chart_version: asks for 9.9.9', chart_version='9.9.9')
    run(error='kubeconfig /nonexistent cannot be read', kubeconfig='/nonexistent')
    run(error='helm template failed', extra_values={'image': 'not a map'})
    run(error='does not accept the credentials', api_key='expired-token')
    assert state(service) == before


def right(service, kind, name, namespace=None, rules=None, role=None, user=None):
    """A (Cluster)Role, or its binding to a user."""
    body = {'rules': rules} if rules else {'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': kind.replace('Binding', ''), 'name': role},
                                           'subjects': [{'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'User', 'name': user}]}
    metadata = {'name': name, **({'namespace': namespace} if namespace else {})}
    service.apply({'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': kind, 'metadata': metadata, **body})


def test_rights_in_two_namespaces_are_enough(run, service):
    """Somebody who has no right in the cluster but in the operator's two namespaces; and what the operator itself then may."""
    user, further = 'op-test-installer', 'test-operator-two'
    given = {'impersonate_user': user, 'additional_namespaces': [further], 'allow_other_operators': False}
    run(error=f'User "{user}" cannot list resource "secrets"', check=True, **given)
    operator_lab.gone(service, further)
    operator_lab.make(service, further)
    for verbs in (['get', 'list'], ['*']):
        for place in (PLAYED, further):
            right(service, 'Role', 'installer', place, rules=[{'apiGroups': ['*'], 'resources': ['*'], 'verbs': verbs}])
            right(service, 'RoleBinding', 'installer', place, role='installer', user=user)
        if verbs != ['*']:
            for check in (True, False):
                refused = run(error='not permitted for the user of kubeconfig', check=check, **given)
                assert f'create roles.rbac.authorization.k8s.io in namespace {further}' in refused['msg']
            assert not service.find(SECRETS, PLAYED)
    # One who sees all would be told of the lab's own operator; one who sees only their own namespaces is not.
    assert run(check=True, **given)['changed']
    assert run(**given)['changed']
    for check in (True, False):
        assert not run(check=check, **given)['changed']
    account = f'system:serviceaccount:{PLAYED}:op-test-manager'
    for place, verdict in ((PLAYED, True), (further, True), ('default', False), ('', False)):
        answer = service.client.review('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
            'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SubjectAccessReview',
            'spec': {'user': account, 'resourceAttributes': {'verb': 'create', 'group': 'apps', 'resource': 'deployments', 'namespace': place}}})
        assert answer['status']['allowed'] is verdict, place
    assert run(state='absent', **given)['changed']
    operator_lab.gone(service, further)
