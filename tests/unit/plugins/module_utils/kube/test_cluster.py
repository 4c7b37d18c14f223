# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cluster_info makes of a cluster's objects."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.cluster import ClusterReader, capacity, crd_versions, family, quantity
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
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


def node(architecture, ready='True', unschedulable=False):
    return {'spec': {'unschedulable': unschedulable}, 'status': {
        'nodeInfo': {'architecture': architecture}, 'conditions': [{'type': 'Ready', 'status': ready}], 'allocatable': {'cpu': '3500m', 'memory': '1Gi'}}}


def test_capacity_counts_only_nodes_that_take_pods():
    nodes = [node('amd64'), node('amd64'), node('amd64', ready='False'), node('amd64', unschedulable=True), node('arm64')]
    assert capacity(nodes) == {'amd64': {'nodes': 4, 'ready': 2, 'cpu': 7.0, 'memory': 2**31}, 'arm64': {'nodes': 1, 'ready': 1, 'cpu': 3.5, 'memory': 2**30}}


def test_crd_versions():
    assert crd_versions(None) == {'exists': False, 'storage': '', 'served': []}
    crd = {'spec': {'versions': [{'name': 'v1', 'served': True}, {'name': 'v2', 'served': True, 'storage': True}]}}
    assert crd_versions(crd) == {'exists': True, 'storage': 'v2', 'served': ['v1', 'v2']}


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
    assert found['custom_resources'] == [{'namespace': 'n', 'name': 'w', 'phase': 'Completed'}]
    assert found['crd']['exists'] is False
    assert found['unreadable'] == []
    assert client.requests == 7


def test_openshift_and_what_may_not_be_seen():
    server = FakeServer({**OBJECTS, '/apis': {'groups': [{'name': 'config.openshift.io'}]},
                         '/apis/config.openshift.io/v1/clusterversions/version': {'status': {'desired': {'version': '4.20.1'}}}})
    server.answers['GET', '/api/v1/nodes'] = (403, status(403, 'Forbidden'))
    found = ClusterReader(Service(Client(server))).read()
    assert (found['openshift'], found['openshift_version']) == (True, '4.20.1')
    assert (found['capacity'], found['unreadable']) == (None, ['Node'])


def test_permissions_are_asked_also_in_check_mode():
    server = FakeServer()
    path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    server.answers['POST', path] = (201, {'status': {'allowed': False, 'reason': 'no RBAC'}})
    reader = ClusterReader(Service(Client(server, dry_run=True)))
    asked = reader.allowed([{'verb': 'create', 'group': '', 'resource': 'secrets', 'namespace': 'n', 'name': None}])
    assert asked == [{'verb': 'create', 'resource': 'secrets', 'namespace': 'n', 'allowed': False, 'reason': 'no RBAC'}]
    assert server.log == [('POST', path, {}, 'application/json')]
