# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of wandb_operator's decision table, each brought about in the lab: drift, other charts, other operators, CRDs, broken releases."""

from __future__ import annotations

import operator_lab
import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CRDS, DEPLOYMENTS, ROLES, SECRETS, SERVICE_ACCOUNTS
from operator_lab import PLAYED, chart_copy, doctor, generation, state

DEPLOYMENT = DEPLOYMENTS.path(PLAYED, 'op-test-controller-manager')
ROLE = ROLES.path(PLAYED, 'op-test-manager-role')
THINGS = 'things.op-test.example.com'


@pytest.fixture(scope='module')
def service():
    return operator_lab.connect()


@pytest.fixture
def run(service):
    with operator_lab.fresh(service, PLAYED) as call:
        yield call


def scale(service):
    service.client.merge_patch(DEPLOYMENT, {'spec': {'replicas': 3}}, 'kubectl-scale')


def change_container(**change):
    def change_it(service):
        [container] = service.client.get(DEPLOYMENT)['spec']['template']['spec']['containers']
        changed = {**container, **{key: [*container[key], *value] if isinstance(value, list) else value for key, value in change.items()}}
        service.client.merge_patch(DEPLOYMENT, {'spec': {'template': {'spec': {'containers': [changed]}}}}, 'kubectl-edit')
    return change_it


def delete_role(service):
    service.client.delete(ROLE)


def open_role(service):
    service.client.merge_patch(ROLE, {'rules': [{'apiGroups': ['*'], 'resources': ['*'], 'verbs': ['*']}]}, 'kubectl-edit')


def delete_account(service):
    service.client.delete(SERVICE_ACCOUNTS.path(PLAYED, 'op-test-manager'))


CONTAINER = 'spec.template.spec.containers[manager]'
DRIFTS = [
    (scale, f'Deployment {PLAYED}/op-test-controller-manager was changed: spec.replicas', False),
    (change_container(env=[{'name': 'X', 'value': '1'}]), f'Deployment {PLAYED}/op-test-controller-manager was changed: {CONTAINER}.env[X]', False),
    (change_container(image='mine:1'), f'Deployment {PLAYED}/op-test-controller-manager was changed: {CONTAINER}.image', False),
    (delete_role, f'Role {PLAYED}/op-test-manager-role is gone', True),
    (open_role, f'Role {PLAYED}/op-test-manager-role was changed: rules', True),
    (delete_account, f'ServiceAccount {PLAYED}/op-test-manager is gone', True),
]


def test_live_objects_that_drifted_are_seen_and_put_right(run, service):
    run()
    for drift, reason, restarted in DRIFTS:
        drift(service)
        before, started = state(service), generation(service)
        checked = run(check=True)
        assert state(service) == before, f'{reason}: check mode wrote'
        if drift is scale:
            assert not run(mend_drift=False, wait=False)['changed']
        real = run()
        for result in (checked, real):
            assert (result['changed'], result['action'], result['restarted']) == (True, 'upgrade', restarted), reason
            assert [one for one in result['reasons'] if one.startswith(reason)], result['reasons']
        assert real['diff'] == checked['diff']
        assert generation(service) > started, f'{reason}: no new pods'
        again = run()
        assert (again['changed'], again['action']) == (False, 'nothing'), again['reasons']


def test_another_version_or_another_chart(run, tmp_path):
    run()
    chart = chart_copy(tmp_path, version='1.4.9', replace=[('terminationGracePeriodSeconds: 10', 'terminationGracePeriodSeconds: 11')])
    checked = run(check=True, chart=chart)
    upgraded = run(chart=chart)
    assert 'chart 1.4.8 -> 1.4.9' in upgraded['reasons']
    assert (upgraded['release']['chart_version'], upgraded['diff']) == ('1.4.9', checked['diff'])
    assert not run(chart=chart)['changed']
    # The same version, rendered differently.
    chart_copy(tmp_path, version='1.4.9', replace=[('terminationGracePeriodSeconds: 10', 'terminationGracePeriodSeconds: 12')])
    assert 'is rendered differently by the same chart version' in run(chart=chart)['reasons'][0]
    # Back again: the CRD stays the newer chart's.
    back = run()
    assert back['release']['chart_version'] == '1.4.8'
    assert not run()['changed']
    run(error='release op-test is of chart operator, not renamed', chart=chart_copy(tmp_path, name='renamed'), repair=True)


@pytest.mark.parametrize('status', ['pending-rollback', 'uninstalled', 'superseded'])
def test_a_release_in_an_odd_state_is_told_and_mended(run, service, status):
    run()
    doctor(service, status)
    before = state(service)
    run(error=f'revision 1 is {status}')
    predicted = run(check=True, repair=True)
    assert predicted['changed']
    assert state(service) == before
    mended = run(repair=True)
    assert (mended['release']['status'], mended['restarted']) == ('deployed', predicted['restarted'])
    # Uninstalling takes the pods away; otherwise they stay the same and would not look at their custom resources.
    assert mended['restarted'] is (status != 'uninstalled')
    assert not run()['changed']


def test_another_release_of_the_operator_is_not_mixed_with(run, service):
    run()
    before = state(service)
    told = f'Deployment {PLAYED}/op-test-controller-manager, of Helm release {PLAYED}/op-test, runs in the same namespace'
    run(error=told, name='op-two', name_override='op-two', allow_other_operators=False, repair=True)
    run(error='exists already, of Helm release', name='op-two', repair=True)
    operator_lab.gone(service, 'test-operator-two')
    operator_lab.make(service, 'test-operator-two')
    run(error=f'looks after {PLAYED}, too', name='op-two', name_override='op-two', namespace='test-operator-two', additional_namespaces=[PLAYED],
        allow_other_operators=False)
    operator_lab.gone(service, 'test-operator-two')
    assert state(service) == before


def things(versions=('v1',), storage='v1', annotations=None, **schema):
    return {
        'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': THINGS, 'annotations': annotations or {}},
        'spec': {'group': 'op-test.example.com', 'scope': 'Namespaced', 'names': {'kind': 'Thing', 'plural': 'things'}, 'versions': [
            {'name': name, 'served': True, 'storage': name == storage,
             'schema': {'openAPIV3Schema': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True, **schema}}} for name in versions]},
    }


@pytest.fixture
def no_things(service):
    """A further CRD of the chart, so that the lab's own is left alone."""
    def clear():
        service.delete(CRDS, None, THINGS)
        operator_lab.until(lambda: service.get(CRDS, None, THINGS) is None, f'{THINGS} does not go')
    clear()
    yield
    clear()


def written_by(service):
    return service.get(CRDS, None, THINGS)['metadata']['annotations']['wandb.onprem/chart-version']


def test_a_crd_is_applied_kept_when_newer_and_taken_over_when_told(run, service, no_things, tmp_path):
    chart = chart_copy(tmp_path, crd=things())
    assert THINGS in run(chart=chart, apply_crds=True)['crds']
    assert written_by(service) == '1.4.8'
    # Older: applied, although the release stays the same.
    service.apply(things(annotations={'wandb.onprem/chart-version': '1.4.7'}, description='older'))
    changed = run(chart=chart, apply_crds=True)
    assert (changed['changed'], changed['action'], written_by(service)) == (True, 'nothing', '1.4.8')
    # Newer: stays, and is told.
    service.apply(things(annotations={'wandb.onprem/chart-version': '9.0.0'}, description='newer'), force=True)
    kept = run(chart=chart, apply_crds=True)
    assert not kept['changed']
    assert any('newer than 1.4.8' in str(warning) for warning in kept['warnings'])
    assert service.get(CRDS, None, THINGS)['spec']['versions'][0]['schema']['openAPIV3Schema']['description'] == 'newer'
    # Another manager's field.
    service.apply(things(annotations={'wandb.onprem/chart-version': '1.4.8'}), force=True)
    path = CRDS.path(name=THINGS)
    service.client.apply(path, things(description='theirs'), 'somebody', force=True)
    mine = chart_copy(tmp_path, crd=things(description='ours'))
    for check in (True, False):
        run(error='manager "somebody" owns', check=check, chart=mine, apply_crds=True)
    assert run(chart=mine, force_conflicts=True, apply_crds=True)['changed']
    assert not run(chart=mine, apply_crds=True)['changed']


def test_a_crd_of_another_generation_is_refused_before_anything_is_written(run, service, no_things, tmp_path):
    service.apply(things(('v1', 'v2'), 'v2'))
    chart = chart_copy(tmp_path, crd=things())
    for check in (True, False):
        run(error=f'CRD {THINGS} stores v2', check=check, chart=chart, repair=True, apply_crds=True)
    service.apply(things(('v1', 'v2'), 'v1'))
    run(error='has objects stored as v2', chart=chart, apply_crds=True)
    assert not service.find(SECRETS, PLAYED)
