# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a change of a live object and what is the API server's own way of writing it."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.drift import LiveObjects, comparable, drift_of, pod_template_differs
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from fake_server import FakeServer, status

WANTED = {
    'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'd', 'labels': {'a': 'b'}, 'creationTimestamp': None},
    'spec': {'replicas': 1, 'template': {
        'metadata': {'annotations': {}},
        'spec': {'nodeSelector': {}, 'hostNetwork': False, 'imagePullSecrets': None, 'tolerations': [{'key': 'k', 'effect': 'NoSchedule'}],
                 'volumes': [{'name': 'helm', 'emptyDir': {}}],
                 'containers': [{'name': 'manager', 'image': 'i', 'args': ['--x'], 'env': [{'name': 'A', 'value': ''}, {'name': 'B', 'value': '1000m'}],
                                 'resources': {'limits': {'cpu': '1000m', 'memory': '2048Mi'}, 'requests': {'cpu': 1}},
                                 'volumeMounts': [{'name': 'helm', 'mountPath': '/a'}, {'name': 'helm', 'mountPath': '/b'}]}]}}},
}
LIVE = {
    'metadata': {'name': 'd', 'namespace': 'n', 'labels': {'a': 'b', 'app.kubernetes.io/managed-by': 'Helm'}, 'resourceVersion': '7', 'generation': 2},
    'spec': {'replicas': 1, 'progressDeadlineSeconds': 600, 'template': {
        'metadata': {'labels': {'x': 'y'}},
        'spec': {'restartPolicy': 'Always', 'tolerations': [{'key': 'k', 'effect': 'NoSchedule'}], 'volumes': [{'name': 'helm', 'emptyDir': {}}],
                 'containers': [{'name': 'manager', 'image': 'i', 'args': ['--x'], 'env': [{'name': 'A'}, {'name': 'B', 'value': '1000m'}],
                                 'terminationMessagePath': '/dev/log',
                                 'resources': {'limits': {'cpu': '1', 'memory': '2Gi'}, 'requests': {'cpu': '1'}},
                                 'volumeMounts': [{'name': 'helm', 'mountPath': '/a'}, {'name': 'helm', 'mountPath': '/b'}]}]}}},
    'status': {'replicas': 1},
}


def changed(change):
    live = copy.deepcopy(LIVE)
    change(live)
    return drift_of(WANTED, live, 'n')


def container(live):
    return live['spec']['template']['spec']['containers'][0]


def test_defaults_quantities_and_what_is_empty_are_no_change():
    assert drift_of(WANTED, LIVE, 'n') is None


@pytest.mark.parametrize(('change', 'path', 'pair'), [
    (lambda live: live['spec'].update(replicas=0), 'spec.replicas', (0, 1)),
    (lambda live: live['metadata']['labels'].update(a='c'), 'metadata.labels.a', ('c', 'b')),
    (lambda live: container(live).update(image='j'), 'spec.template.spec.containers[manager].image', ('j', 'i')),
    (lambda live: container(live).update(args=['--x', '--y']), 'spec.template.spec.containers[manager].args', (['--x', '--y'], ['--x'])),
    (lambda live: container(live)['env'].pop(), 'spec.template.spec.containers[manager].env[B]', None),
    (lambda live: container(live)['env'].append({'name': 'C', 'value': '1'}), 'spec.template.spec.containers[manager].env[C]', None),
    (lambda live: container(live)['env'][1].update(value='1'), 'spec.template.spec.containers[manager].env[B].value', ('1', '1000m')),
    (lambda live: container(live)['resources']['limits'].update(cpu='2'), 'spec.template.spec.containers[manager].resources.limits.cpu', ('2', '1000m')),
    (lambda live: container(live)['volumeMounts'].pop(), 'spec.template.spec.containers[manager].volumeMounts', None),
    (lambda live: container(live)['volumeMounts'][1].update(mountPath='/c'), 'spec.template.spec.containers[manager].volumeMounts[1].mountPath', ('/c', '/b')),
    (lambda live: live['spec']['template']['spec'].update(tolerations=[]), 'spec.template.spec.tolerations', None),
    (lambda live: live['spec']['template']['spec'].update(hostNetwork=True), 'spec.template.spec.hostNetwork', (True, False)),
])
def test_what_somebody_changed_is_told_by_path(change, path, pair):
    drift = changed(change)
    assert list(drift.paths) == [path]
    assert pair in (None, drift.paths[path])
    assert str(drift) == f'Deployment n/d was changed: {path}'
    assert drift.diff['before'] != drift.diff['after']


def test_what_is_gone_is_told():
    drift = drift_of(WANTED, None, 'n')
    assert str(drift) == 'Deployment n/d is gone'
    assert (drift.diff['before'], drift.diff['after']) == ({}, {'exists': True})


def test_the_data_of_a_configmap_is_compared_whole_and_of_a_secret_never_shown():
    wanted = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c'}, 'data': {'a': '1'}}
    assert drift_of(wanted, {'data': {'a': '1'}}, 'n') is None
    assert list(drift_of(wanted, {'data': {'a': '1', 'b': '2'}}, 'n').paths) == ['data.b']
    drift = drift_of({**wanted, 'kind': 'Secret'}, {'data': {'a': 'c2VjcmV0'}}, 'n')
    assert drift.diff['before'] == {'data.a': '(hidden, live)'}
    assert 'c2VjcmV0' not in str(drift.diff)


def test_what_openshift_adds_to_a_service_account_is_no_change():
    wanted = {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 's'}, 'imagePullSecrets': [{'name': 'mine'}]}
    assert drift_of(wanted, {'imagePullSecrets': [{'name': 'mine'}, {'name': 's-dockercfg'}], 'secrets': [{'name': 's-dockercfg'}]}, 'n') is None
    assert drift_of(wanted, {'imagePullSecrets': [{'name': 's-dockercfg'}]}, 'n')


def test_rules_are_compared_in_order_and_whole():
    wanted = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRole', 'metadata': {'name': 'r'}, 'rules': [{'apiGroups': [''], 'verbs': ['get']}]}
    assert drift_of(wanted, {'rules': [{'apiGroups': [''], 'verbs': ['get']}]}, 'n') is None
    for rules in ([], [{'apiGroups': ['apps'], 'verbs': ['get']}], [*wanted['rules'], *wanted['rules']]):
        assert str(drift_of(wanted, {'rules': rules}, 'n')).startswith('ClusterRole r was changed: rules')


def test_the_pod_template_alone_decides_whether_new_pods_come():
    assert not pod_template_differs(WANTED, LIVE)
    live = copy.deepcopy(LIVE)
    live['spec']['replicas'] = 3
    assert not pod_template_differs(WANTED, live)
    container(live)['image'] = 'j'
    assert pod_template_differs(WANTED, live)


def roles(namespaces):
    return [{'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': f'r{index}', 'namespace': namespace}}
            for namespace in namespaces for index in range(10)]


BASE = '/apis/rbac.authorization.k8s.io/v1'


def test_requests_do_not_grow_with_the_number_of_objects():
    made = [*roles(['n']), {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c'}}]
    server = FakeServer({f"{BASE}/namespaces/n/roles/{one['metadata']['name']}": one for one in made[:-1]})
    assert len(LiveObjects(Service(Client(server)), 'n').of(made)) == 10
    assert [(path, query['labelSelector']) for _method, path, query, _type in server.log] == [
        (f'{BASE}/namespaces/n/roles', 'app.kubernetes.io/managed-by=Helm'), ('/api/v1/namespaces/n/configmaps', 'app.kubernetes.io/managed-by=Helm')]


def test_several_namespaces_are_one_request_or_one_each_where_only_that_is_permitted():
    server = FakeServer()
    LiveObjects(Service(Client(server)), 'n').of(roles(['n', 'm']))
    assert [entry[1] for entry in server.log] == [f'{BASE}/roles']
    server = FakeServer()
    server.answers['GET', f'{BASE}/roles'] = (403, status(403, 'Forbidden'))
    LiveObjects(Service(Client(server)), 'n').of(roles(['n', 'm']))
    assert [entry[1] for entry in server.log] == [f'{BASE}/roles', f'{BASE}/namespaces/m/roles', f'{BASE}/namespaces/n/roles']


def test_kinds_that_nobody_here_knows_are_left_to_helm():
    unknown = {'apiVersion': 'monitoring.coreos.com/v1', 'kind': 'ServiceMonitor', 'metadata': {'name': 'm'}}
    assert comparable([unknown, WANTED]) == [WANTED]
