# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cluster_info makes of a cluster's objects."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.cluster import (
    ClusterReader,
    capacity,
    crd_versions,
    family,
    id_ranges,
    namespace_facts,
    node_facts,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.quantity import quantity
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from fake_server import FakeServer, status


@pytest.mark.parametrize(('text', 'number'), [('32', 32), ('3920m', 3.92), ('16Gi', 2**34), ('500M', 5e8), ('1e3', 1000), (4, 4),
                                              ('263856696Ki', 263856696 * 1024)])
def test_quantity(text, number):
    assert quantity(text) == pytest.approx(number)


@pytest.mark.parametrize(('controller', 'name'), [
    ('k8s.io/ingress-nginx', 'ingress-nginx'), ('nginx.org/ingress-controller', 'nginx-inc'), ('traefik.io/ingress-controller', 'traefik'),
    ('haproxy-ingress.github.io/controller', 'haproxy'), ('openshift.io/ingress-to-route', 'openshift'), ('example.com/x', 'other'), ('', 'other'),
])
def test_family(controller, name):
    assert family(controller) == name


def node(architecture, ready='True', **spec):
    return {'spec': spec, 'status': {
        'nodeInfo': {'architecture': architecture}, 'conditions': [{'type': 'Ready', 'status': ready}], 'allocatable': {'cpu': '3500m', 'memory': '1Gi'}}}


def test_capacity_counts_only_nodes_that_take_pods():
    tainted = {'taints': [{'key': 'a', 'effect': 'NoSchedule'}]}
    preferred = {'taints': [{'key': 'a', 'effect': 'PreferNoSchedule'}]}
    nodes = [node('amd64'), node('amd64', **preferred), node('amd64', ready='False'), node('amd64', unschedulable=True), node('amd64', **tainted)]
    nodes.append(node('arm64'))
    assert capacity(nodes) == {
        'amd64': {'nodes': 5, 'ready': 4, 'schedulable': 2, 'cpu': 7.0, 'memory': 2**31},
        'arm64': {'nodes': 1, 'ready': 1, 'schedulable': 1, 'cpu': 3.5, 'memory': 2**30},
    }


def test_one_node():
    one = {**node('amd64', taints=[{'key': 'a', 'effect': 'NoSchedule'}]), 'metadata': {'name': 'n1'}}
    one['status']['capacity'] = {'cpu': '4', 'memory': '2Gi', 'ephemeral-storage': '100Gi'}
    assert node_facts(one) == {'name': 'n1', 'architecture': 'amd64', 'ready': True, 'schedulable': False, 'cpu': 3.5, 'memory': 2**30, 'cpu_in_all': 4.0,
                               'memory_in_all': 2**31, 'disk_in_all': 100 * 2**30}
    assert node_facts({})['schedulable'] is False


def test_crd_versions():
    assert crd_versions(None) == {'exists': False, 'storage': '', 'served': [], 'stored_versions': [], 'managers': [], 'chart_version': ''}
    crd = {
        'metadata': {'annotations': {'wandb.onprem/chart-version': '1.4.8'}, 'managedFields': [
            {'manager': 'wandb.onprem', 'fieldsV1': {'f:metadata': {}, 'f:spec': {}}}, {'manager': 'helm', 'fieldsV1': {'f:spec': {}}},
            {'manager': 'kube-apiserver', 'subresource': 'status', 'fieldsV1': {'f:status': {}}},
        ]},
        'spec': {'versions': [{'name': 'v1', 'served': True}, {'name': 'v2', 'served': True, 'storage': True}]}, 'status': {'storedVersions': ['v1', 'v2']},
    }
    assert crd_versions(crd) == {'exists': True, 'storage': 'v2', 'served': ['v1', 'v2'], 'stored_versions': ['v1', 'v2'], 'managers': ['helm', 'wandb.onprem'],
                                 'chart_version': '1.4.8'}


@pytest.mark.parametrize(('text', 'found'), [
    ('1000650000/10000', [(1000650000, 1000659999, 10000)]), ('1000-1999', [(1000, 1999, 1000)]), ('1/1,5/2', [(1, 1, 1), (5, 6, 2)]), (None, []), ('x', []),
])
def test_id_ranges(text, found):
    assert [(one['first'], one['last'], one['size']) for one in id_ranges(text)] == found


def test_a_namespace_of_openshift():
    facts = namespace_facts({'metadata': {
        'labels': {'pod-security.kubernetes.io/enforce': 'restricted', 'a': 'b'},
        'annotations': {'openshift.io/sa.scc.uid-range': '1000650000/10000', 'openshift.io/sa.scc.supplemental-groups': '1000650000/10000'},
    }})
    span = {'first': 1000650000, 'last': 1000659999, 'size': 10000}
    assert facts == {
        'exists': True, 'terminating': False, 'labels': {'pod-security.kubernetes.io/enforce': 'restricted', 'a': 'b'},
        'pod_security': {'enforce': 'restricted', 'audit': '', 'warn': ''}, 'uid_range': span, 'supplemental_groups': [span],
    }
    assert namespace_facts(None)['exists'] is False


OBJECTS = {
    '/version': {'gitVersion': 'v1.35.4', 'major': '1', 'minor': '35+'},
    '/apis': {'groups': [{'name': 'apps'}]},
    '/apis/networking.k8s.io/v1/ingressclasses/nginx': {
        'metadata': {'name': 'nginx', 'annotations': {'ingressclass.kubernetes.io/is-default-class': 'true'}}, 'spec': {'controller': 'k8s.io/ingress-nginx'}},
    '/apis/apps.wandb.com/v1/weightsandbiases/w': {'metadata': {'namespace': 'n', 'name': 'w'}, 'status': {'phase': 'Completed'}},
}


def test_a_plain_cluster():
    client = Client(FakeServer(OBJECTS))
    found = ClusterReader(Service(client)).read()
    assert found['version'] == {'git_version': 'v1.35.4', 'major': 1, 'minor': 35}
    assert found['openshift'] is False
    assert found['ingress_classes'] == [{'name': 'nginx', 'controller': 'k8s.io/ingress-nginx', 'family': 'ingress-nginx', 'default': True}]
    assert found['custom_resources'] == [{'namespace': 'n', 'name': 'w', 'phase': 'Completed', 'host': '', 'chart_version': ''}]
    assert found['crd']['exists'] is False
    assert found['unreadable'] == []
    assert client.requests == 7


def test_openshift_and_what_may_not_be_seen():
    server = FakeServer({**OBJECTS, '/apis': {'groups': [{'name': 'config.openshift.io'}]},
                         '/apis/config.openshift.io/v1/clusterversions/version': {'status': {'desired': {'version': '4.20.1'}}}})
    server.answers['GET', '/api/v1/nodes'] = (403, status(403, 'Forbidden'))
    found = ClusterReader(Service(Client(server))).read()
    assert (found['openshift'], found['openshift_version']) == (True, '4.20.1')
    assert (found['capacity'], found['nodes'], found['unreadable']) == (None, None, ['Node'])


def test_openshift_without_a_version_of_its_own():
    found = ClusterReader(Service(Client(FakeServer({**OBJECTS, '/apis': {'groups': [{'name': 'security.openshift.io'}]}})))).read()
    assert (found['openshift'], found['openshift_version'], found['unreadable']) == (True, '', [])


NAMESPACE = {
    '/api/v1/namespaces/n': {'metadata': {'name': 'n'}},
    '/api/v1/namespaces/n/resourcequotas/q': {
        'metadata': {'name': 'q'}, 'spec': {'hard': {'pods': '9'}, 'scopes': ['BestEffort']}, 'status': {'used': {'pods': '2'}}},
    '/api/v1/namespaces/n/limitranges/l': {'metadata': {'name': 'l'}, 'spec': {'limits': [{'type': 'Container', 'defaultRequest': {'cpu': '100m'}}]}},
}


def test_namespaces_are_looked_into():
    client = Client(FakeServer({**OBJECTS, **NAMESPACE}))
    found = ClusterReader(Service(client)).read(['n', 'absent'])['namespaces']
    assert found['n']['quotas'] == [{'name': 'q', 'hard': {'pods': '9'}, 'used': {'pods': '2'}, 'scoped': True}]
    assert found['n']['limits'] == [{'name': 'l', 'type': 'Container', 'min': {}, 'max': {}, 'default': {}, 'default_request': {'cpu': '100m'}}]
    assert (found['n']['exists'], found['n']['custom_resources']) == (True, ['w'])
    assert (found['absent']['exists'], found['absent']['custom_resources'], found['absent']['quotas']) == (False, [], [])
    assert client.requests == 7 + 2 * 3


def test_a_user_of_one_namespace():
    server = FakeServer({'/version': OBJECTS['/version'], '/apis': OBJECTS['/apis']})
    for path in ('/api/v1/nodes', '/api/v1/namespaces/n', '/api/v1/namespaces/n/resourcequotas', '/apis/apps.wandb.com/v1/weightsandbiases'):
        server.answers['GET', path] = (403, status(403, 'Forbidden'))
    here = {'metadata': {'namespace': 'n', 'name': 'mine'}}
    server.answers['GET', '/apis/apps.wandb.com/v1/namespaces/n/weightsandbiases'] = (200, {'metadata': {}, 'items': [here]})
    found = ClusterReader(Service(Client(server))).read(['n'])
    assert found['unreadable'] == ['Node', 'WeightsAndBiases', 'Namespace n', 'ResourceQuota in n']
    assert (found['custom_resources'], found['namespaces']['n']['custom_resources']) == (None, ['mine'])
    assert (found['namespaces']['n']['exists'], found['namespaces']['n']['uid_range'], found['namespaces']['n']['quotas']) == (None, None, None)
    assert found['namespaces']['n']['limits'] == []


def test_permissions_are_asked_also_in_check_mode():
    server = FakeServer()
    path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    server.answers['POST', path] = (201, {'status': {'allowed': False, 'reason': 'no RBAC'}})
    reader = ClusterReader(Service(Client(server, dry_run=True)))
    asked = reader.allowed([{'verb': 'create', 'group': '', 'resource': 'secrets', 'namespace': 'n', 'name': None}])
    assert asked == [{'verb': 'create', 'resource': 'secrets', 'namespace': 'n', 'allowed': False, 'reason': 'no RBAC'}]
    assert server.log == [('POST', path, {}, 'application/json')]
