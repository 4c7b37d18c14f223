# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_info against the lab's API server: what it tells of namespaces that the test makes, to an administrator and to a user with few rights."""

from __future__ import annotations

import time

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.cluster import LIMIT_RANGES, RESOURCE_QUOTAS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import NAMESPACES, NODES, WANDB_CRD
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import lab_dir, run_module

MODULE = 'wandb.onprem.cluster_info'
NAMESPACE, ABSENT = 'test-cluster-info', 'test-cluster-info-absent'
LABELS = {'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'baseline', 'team': 'a'}
SPAN = {'first': 1000650000, 'last': 1000659999, 'size': 10000}
ANNOTATIONS = {'openshift.io/sa.scc.uid-range': '1000650000/10000', 'openshift.io/sa.scc.supplemental-groups': '1000650000/10000'}
RBAC = 'rbac.authorization.k8s.io'


@pytest.fixture(scope='module')
def service():
    """With the namespace, its quota and limits, and a ServiceAccount `few` that may read the quota only."""
    kubeconfig = lab_dir() / 'kubeconfig'
    if not kubeconfig.exists():
        pytest.skip('the lab has no API server')
    service = Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))
    service.apply({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NAMESPACE, 'labels': LABELS, 'annotations': ANNOTATIONS}})
    metadata = {'name': 'few', 'namespace': NAMESPACE}
    for resource, spec in (
        (RESOURCE_QUOTAS, {'hard': {'pods': '7', 'requests.cpu': '16'}}),
        (LIMIT_RANGES, {'limits': [{'type': 'Container', 'defaultRequest': {'cpu': '100m'}, 'max': {'memory': '16Gi'}}]}),
    ):
        manifest = {'apiVersion': 'v1', 'kind': resource.kind, 'metadata': metadata, 'spec': spec}
        service.client.apply(resource.path(NAMESPACE, 'few'), manifest, 'test')
    service.apply({'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': metadata})
    service.apply({'apiVersion': f'{RBAC}/v1', 'kind': 'Role', 'metadata': metadata,
                   'rules': [{'apiGroups': [''], 'resources': ['resourcequotas'], 'verbs': ['get', 'list']}]})
    service.apply({'apiVersion': f'{RBAC}/v1', 'kind': 'RoleBinding', 'metadata': metadata, 'roleRef': {'apiGroup': RBAC, 'kind': 'Role', 'name': 'few'},
                   'subjects': [{'kind': 'ServiceAccount', 'name': 'few', 'namespace': NAMESPACE}]})
    yield service
    service.delete(NAMESPACES, None, NAMESPACE)
    for _look in range(200):
        if service.get(NAMESPACES, None, NAMESPACE) is None:
            return
        time.sleep(0.3)
    raise AssertionError(f'namespace {NAMESPACE} does not go')


def ask(**options):
    given = {'kubeconfig': str(lab_dir() / 'kubeconfig'), 'namespaces': [NAMESPACE, ABSENT], **options}
    result, checked = run_module(MODULE, given), run_module(MODULE, given, check=True)
    assert not result['failed'], result['msg']
    assert result['changed'] is False
    assert {key: value for key, value in checked.items() if key != 'invocation'} == {key: value for key, value in result.items() if key != 'invocation'}
    return result


def test_an_administrator_sees_everything(service):
    found = ask(permissions=[{'verb': 'create', 'group': 'apiextensions.k8s.io', 'resource': 'customresourcedefinitions'}])
    assert (found['unreadable'], found['openshift'], found['openshift_version']) == ([], False, '')
    assert (found['version']['major'], found['version']['minor'] >= 29) == (1, True)
    assert [one['allowed'] for one in found['permissions']] == [True]
    here = found['namespaces'][NAMESPACE]
    assert (here['exists'], here['terminating']) == (True, False)
    assert LABELS.items() <= here['labels'].items()
    assert here['pod_security'] == {'enforce': 'restricted', 'audit': '', 'warn': 'baseline'}
    assert (here['uid_range'], here['supplemental_groups']) == (SPAN, [SPAN])
    [quota] = here['quotas']
    assert (quota['name'], quota['hard'], quota['scoped']) == ('few', {'pods': '7', 'requests.cpu': '16'}, False)
    [limit] = here['limits']
    # The API server gives as a request what it may be at most.
    assert (limit['type'], limit['default_request'], limit['max']) == ('Container', {'cpu': '100m', 'memory': '16Gi'}, {'memory': '16Gi'})
    assert here['custom_resources'] == []
    absent = found['namespaces'][ABSENT]
    assert (absent['exists'], absent['labels'], absent['uid_range'], absent['quotas']) == (False, {}, None, [])
    # /version, /apis, five lists, three for each namespace, one permission.
    assert found['requests'] == 7 + 2 * 3 + 1
    assert found['lacking'] is None


INTO = {'namespace': NAMESPACE, 'operator_namespace': ABSENT}


def test_one_question_for_who_may_do_everything(service):
    found = ask(install_into=INTO)
    assert (found['lacking'], found['requests']) == ([], 7 + 2 * 3 + 1)


def test_a_user_with_few_rights_is_told_all_that_is_missing(service):
    found = ask(impersonate_user=f'system:serviceaccount:{NAMESPACE}:few', install_into=INTO)
    for right in (f'create secrets in namespace {NAMESPACE}', 'patch customresourcedefinitions', 'create clusterroles', 'create namespaces',
                  f'create deployments in namespace {ABSENT}', f'patch weightsandbiases in namespace {NAMESPACE}', f'get pods/log in namespace {NAMESPACE}'):
        assert right in found['lacking']
    isolated = ask(impersonate_user=f'system:serviceaccount:{NAMESPACE}:few', install_into={**INTO, 'isolated': True, 'crds': False})['lacking']
    assert [right for right in isolated if 'clusterrole' in right or 'customresourcedefinitions' in right] == []
    assert f'create roles in namespace {NAMESPACE}' in isolated


def test_it_agrees_with_the_cluster(service):
    found = ask()
    nodes = service.find(NODES)
    assert sum(one['nodes'] for one in found['capacity'].values()) == len(nodes) > 0
    assert sorted(one['name'] for one in found['nodes']) == sorted(one['metadata']['name'] for one in nodes)
    assert all(0 < one['cpu'] <= one['cpu_in_all'] and 0 < one['memory'] <= one['memory_in_all'] for one in found['nodes'])
    free = [one for one in nodes if not one['spec'].get('taints') and not one['spec'].get('unschedulable')]
    ready = [one for one in free if {'Ready': 'True'}.items() <= {state['type']: state['status'] for state in one['status']['conditions']}.items()]
    assert sum(one['schedulable'] for one in found['capacity'].values()) == len(ready)
    by_class = {one['name']: one for one in found['ingress_classes']}
    assert by_class['nginx']['family'] == 'ingress-nginx'
    crd = service.client.get(f'/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{WANDB_CRD}')
    assert (found['crd']['exists'], found['crd']['storage']) == (True, 'v1')
    assert found['crd']['stored_versions'] == crd['status']['storedVersions']
    assert set(found['crd']['managers']) <= {one['manager'] for one in crd['metadata']['managedFields']}
    assert found['crd']['managers']


def test_a_user_with_few_rights_sees_what_he_may(service):
    found = ask(
        impersonate_user=f'system:serviceaccount:{NAMESPACE}:few',
        permissions=[{'verb': 'list', 'resource': 'resourcequotas', 'namespace': NAMESPACE}, {'verb': 'create', 'resource': 'secrets', 'namespace': NAMESPACE}],
    )
    assert found['unreadable'] == [
        'IngressClass', 'StorageClass', 'Node', 'CustomResourceDefinition', 'WeightsAndBiases',
        f'Namespace {NAMESPACE}', f'LimitRange in {NAMESPACE}', f'WeightsAndBiases in {NAMESPACE}',
        f'Namespace {ABSENT}', f'ResourceQuota in {ABSENT}', f'LimitRange in {ABSENT}', f'WeightsAndBiases in {ABSENT}',
    ]
    assert {found[key] for key in ('ingress_classes', 'storage_classes', 'capacity', 'nodes', 'crd', 'custom_resources')} == {None}
    here = found['namespaces'][NAMESPACE]
    assert [one['name'] for one in here['quotas']] == ['few']
    assert {here[key] for key in ('exists', 'labels', 'uid_range', 'pod_security', 'limits', 'custom_resources')} == {None}
    assert [one['allowed'] for one in found['permissions']] == [True, False]
