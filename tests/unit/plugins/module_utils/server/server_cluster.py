# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory, an operator that comes by after every write, and a clock that only sleep moves."""

from __future__ import annotations

import copy
import json

import pytest
import server_objects as o
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, Response
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import UnreachableError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter
from ansible_collections.wandb.onprem.plugins.module_utils.server.runner import Runner
from ansible_collections.wandb.onprem.plugins.module_utils.server.waiting import ServerError
from server_options import site

NAMESPACE = '/api/v1/namespaces/wandb'
REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
CR = '/apis/apps.wandb.com/v1/namespaces/wandb/weightsandbiases/wandb'
HMAC = f'{NAMESPACE}/secrets/wandb-hmac'
OPERATOR = '/apis/apps/v1/namespaces/wandb-operator/deployments/wandb-controller-manager'
# exp 2096
LICENSE = 'e30.eyJleHAiOjQwMDAwMDAwMDB9.c2ln'
# exp 2001
EXPIRED = {'license': 'e30.eyJleHAiOjk5OTk5OTk5OX0.c2ln'}


class Cluster:
    """Objects by path. ``operator`` is called after every write, as the real one would come by."""

    def __init__(self, operator=None):
        self.objects = {}
        self.operator = operator or (lambda cluster: None)
        self.log = []
        self.down = 0
        self.applied = None
        self.texts = {}
        # (verb, resource[/subresource], namespace) that reviews refuse, and paths that answer 403.
        self.refused = set()
        self.forbidden = set()
        for name, data in (
            ('wandb-license-in', {'license': LICENSE}),
            ('wandb-mysql-in', {'MYSQL_PASSWORD': 'm'}),
            ('wandb-redis-in', {'REDIS_PASSWORD': 'r'}),
            ('wandb-bucket-in', {'ACCESS_KEY': 'a', 'SECRET_KEY': 's'}),
            ('wandb-ingress-tls', {'tls.crt': 'c', 'tls.key': 'k'}),
        ):
            self.objects[f'{NAMESPACE}/secrets/{name}'] = o.secret(name, data)
        self.objects[f'{NAMESPACE}/configmaps/wandb-custom-ca'] = {'kind': 'ConfigMap', 'metadata': {'name': 'wandb-custom-ca'}, 'data': {'ca.crt': 'pem'}}
        self.objects['/api/v1/namespaces/wandb-operator/configmaps/wandb-charts'] = {
            'kind': 'ConfigMap',
            'metadata': {'name': 'wandb-charts'},
            'data': {'operator-wandb': 'tgz'},
        }
        operator_object = copy.deepcopy(o.OPERATOR)
        operator_object['metadata']['labels'] = {'control-plane': 'controller-manager'}
        self.objects[OPERATOR] = operator_object

    def secret(self, name, data, **metadata):
        """One more Secret."""
        document = o.secret(name, data)
        document['metadata'].update(metadata)
        self.objects[f'{NAMESPACE}/secrets/{name}'] = document

    def send(self, method, path, query, content_type, body):
        self.log.append((method, path, dict(query)))
        if self.down > 0:
            self.down -= 1
            raise UnreachableError('connection refused')
        if (method, path) in self.forbidden:
            return Response(403, json.dumps({'kind': 'Status', 'reason': 'Forbidden', 'message': 'no RBAC policy matched'}).encode())
        if method == 'GET':
            return self._get(path, query)
        document = json.loads(body)
        if path == REVIEWS:
            asked = document['spec']['resourceAttributes']
            resource = '/'.join(filter(None, [asked['resource'], asked.get('subresource')]))
            allowed = (asked['verb'], resource, asked.get('namespace')) not in self.refused
            return Response(201, json.dumps({'status': {'allowed': allowed}}).encode())
        if method == 'PATCH':
            old = self.objects.get(path, {})
            after = {**old, **document, 'metadata': {**old.get('metadata', {}), **document['metadata']}}
            if path == CR and old.get('spec') != after['spec']:
                after['metadata'] = {**after['metadata'], 'uid': 'cr', 'managedFields': [{'manager': 'wandb.onprem', 'time': '2026-11-23T14:00:00Z'}]}
        else:
            after = None
        # As the real one: of a DELETE with a body the query is not read.
        if not (document.get('dryRun') if method == 'DELETE' else 'dryRun' in query):
            self._store(path, after)
            self.operator(self)
        return Response(200, json.dumps(after or {}).encode())

    def _store(self, path, document):
        if document is None:
            self.objects.pop(path, None)
        else:
            self.objects[path] = document

    def _get(self, path, query):
        if '/proxy/' in path or path.endswith('/log'):
            status, text = self.texts.get(path, (200 if '/proxy/' in path else 404, 'ok'))
            return Response(status, text.encode())
        if path in self.objects:
            return Response(200, json.dumps(self.objects[path]).encode())
        found = [one for key, one in self.objects.items() if key.rsplit('/', 1)[0] == path and _selected(one, query)]
        collection = path.rsplit('/', 1)[1]
        if collection in ('secrets', 'deployments', 'statefulsets', 'daemonsets', 'horizontalpodautoscalers', 'pods', 'events', 'jobs', 'replicasets',
                          'persistentvolumeclaims'):
            return Response(200, json.dumps({'items': found}).encode())
        status = {'kind': 'Status', 'reason': 'NotFound', 'message': 'not found', 'details': {'name': path.rsplit('/', 1)[1]}}
        return Response(404, json.dumps(status).encode())

    def writes(self):
        return [(method, path) for method, path, query in self.log if method != 'GET' and 'dryRun' not in query and path != REVIEWS]

    def reviews(self):
        return [path for _method, path, _query in self.log if path == REVIEWS]


def _selected(document, query):
    labels = document.get('metadata', {}).get('labels') or {}
    if query.get('fieldSelector') == 'type!=helm.sh/release.v1' and labels.get('owner') == 'helm':
        return False
    for part in filter(None, query.get('labelSelector', '').split(',')):
        key, value = part.split('!=' if '!=' in part else '=', 1)
        if (labels.get(key) == value) == ('!=' in part):
            return False
    return True


def good_operator(cluster):
    """Applies at once, and every pod comes up."""
    cr = cluster.objects.get(CR)
    if cr is None:
        return
    cr['status'] = {'phase': 'Completed'}
    if cr['spec'] != cluster.applied:
        cluster.applied = cr['spec']
        cluster.objects[f'{NAMESPACE}/secrets/wandb-spec-active'] = o.active(cr['spec'], version=str(len(cluster.log)))
    cluster.objects[f'{NAMESPACE}/secrets/sh.helm.release.v1.wandb.v1'] = o.release()
    for component in ('app', 'console'):
        cluster.objects[f'/apis/apps/v1/namespaces/wandb/deployments/wandb-{component}-bc'] = o.deployment(component)


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def runner(cluster, dry_run=False, **changes):
    time = Time()
    client = Client(cluster, dry_run)
    return Runner(Service(client), site(**changes), Waiter(time, time.sleep, 3.0), time)


def failing(cluster, **changes):
    with pytest.raises(ServerError) as caught:
        runner(cluster, **changes).present()
    return caught.value
