# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers over a fake transport."""

from __future__ import annotations

import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, Response
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import (
    ConflictError,
    ForbiddenError,
    KubeError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CONFIG_MAPS, NAMESPACES, WANDBS, resource_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service, contains, masked_diff, stripped
from fake_server import FakeServer, status

PATH = '/api/v1/namespaces/n/configmaps/c'
MAP = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c', 'namespace': 'n'}, 'data': {'a': '1'}}


def service(server, dry_run=False):
    return Service(Client(server, dry_run))


def test_paths():
    assert CONFIG_MAPS.path('n', 'c') == PATH
    assert CONFIG_MAPS.path() == '/api/v1/configmaps'
    assert NAMESPACES.path('n', 'n') == '/api/v1/namespaces/n'
    assert WANDBS.path('n', 'w', 'status') == '/apis/apps.wandb.com/v1/namespaces/n/weightsandbiases/w/status'
    assert resource_of(MAP) == CONFIG_MAPS
    with pytest.raises(KubeError, match=r'Widget of example.com/v1 is not known'):
        resource_of({'apiVersion': 'example.com/v1', 'kind': 'Widget'})


def test_apply_creates_then_changes_nothing():
    server = FakeServer()
    first = service(server).apply(MAP)
    assert first.changed
    assert first.before is None
    assert server.objects[PATH]['data'] == {'a': '1'}
    again = service(server).apply(MAP)
    assert not again.changed
    method, path, query, content_type = server.log[1]
    assert (method, path, query, content_type) == ('PATCH', PATH, {'fieldManager': 'wandb.onprem', 'force': 'false'}, 'application/apply-patch+yaml')


def test_apply_sees_a_removed_field():
    server = FakeServer({PATH: {**MAP, 'data': {'a': '1', 'b': '2'}}})
    applied = service(server).apply(MAP)
    assert applied.changed
    assert applied.diff['before']['data'] == {'a': '1', 'b': '2'}
    assert applied.diff['after']['data'] == {'a': '1'}


def test_dry_run_writes_nothing_and_predicts():
    server = FakeServer(no_writes=True)
    client = Client(server, dry_run=True)
    assert Service(client).apply(MAP).changed
    assert not server.objects
    assert (client.requests, client.writes) == (2, 0)
    assert server.log[-1][2]['dryRun'] == 'All'


def test_dry_run_delete_writes_nothing():
    server = FakeServer({PATH: MAP}, no_writes=True)
    assert service(server, dry_run=True).delete(CONFIG_MAPS, 'n', 'c').changed
    assert PATH in server.objects


def test_delete_and_delete_again():
    server = FakeServer({PATH: MAP})
    assert service(server).delete(CONFIG_MAPS, 'n', 'c').changed
    assert not service(server).delete(CONFIG_MAPS, 'n', 'c').changed


@pytest.mark.parametrize(('prepare', 'assumed'), [
    (lambda server: server.missing_namespaces.add('n'), 'namespace'),
    (lambda server: server.missing_kinds.add('configmaps'), 'kind'),
])
def test_what_an_earlier_step_would_make_is_assumed_in_check_mode_only(prepare, assumed):
    server = FakeServer()
    prepare(server)
    applied = service(server, dry_run=True).apply(MAP)
    assert applied.changed
    assert applied.assumed == assumed
    assert applied.after == MAP
    with pytest.raises(NotFoundError):
        service(server).apply(MAP)


def test_a_conflict_names_the_other_manager_and_its_fields():
    server = FakeServer({PATH: MAP})
    server.answers['PATCH', PATH] = (409, status(409, 'Conflict', causes=[
        {'reason': 'FieldManagerConflict', 'message': 'conflict with "kubectl-edit" using v1', 'field': '.data.a'}]))
    with pytest.raises(ConflictError, match=r'manager "kubectl-edit" owns .data.a.*force_conflicts=true'):
        service(server).apply(MAP)


@pytest.mark.parametrize(('code', 'error', 'text'), [(401, UnauthorizedError, 'expired token'), (403, ForbiddenError, 'not permitted: you may not')])
def test_refusals_are_not_taken_for_absence(code, error, text):
    server = FakeServer()
    server.answers['GET', PATH] = (code, status(code, 'No', 'you may not'))
    with pytest.raises(error, match=text):
        service(server).get(CONFIG_MAPS, 'n', 'c')


def test_an_answer_that_is_no_json_is_told():
    class Page:
        def send(self, *arguments):
            return Response(200, b'<html>')
    with pytest.raises(UnreachableError, match=r'is this address a Kubernetes API server'):
        Client(Page()).get('/version')


def test_lists_are_read_page_by_page():
    class Pages:
        def __init__(self):
            self.asked = []

        def send(self, method, path, query, content_type, body):
            self.asked.append(query.get('continue'))
            more = {'continue': 't'} if len(self.asked) == 1 else {}
            return Response(200, json.dumps({'metadata': more, 'items': [{'n': len(self.asked)}]}).encode())
    server = Pages()
    assert Client(server).items('/api/v1/pods') == [{'n': 1}, {'n': 2}]
    assert server.asked == [None, 't']


def test_secrets_never_reach_a_diff():
    before = {'kind': 'Secret', 'metadata': {'name': 's'}, 'data': {'same': 'YQ==', 'old': 'b2xk', 'gone': 'Z29uZQ=='}}
    after = {'kind': 'Secret', 'metadata': {'name': 's'}, 'data': {'same': 'YQ==', 'old': 'bmV3', 'more': 'bW9yZQ=='}, 'stringData': {'plain': 'secret'}}
    diff = masked_diff(before, after)
    assert not [value for value in ('YQ==', 'b2xk', 'Z29uZQ==', 'bmV3', 'bW9yZQ==', "'secret'") if value in str(diff)]
    assert diff['before']['data']['same'] == diff['after']['data']['same']
    assert diff['before']['data']['old'] != diff['after']['data']['old']
    assert set(diff['after']['data']) == {'same', 'old', 'more'}
    assert before['data']['old'] == 'b2xk'


def test_noise_is_stripped_and_nothing_else():
    noisy = {'kind': 'X', 'status': {}, 'spec': 1, 'metadata': {
        'name': 'x', 'uid': 'u', 'managedFields': [], 'annotations': {'deployment.kubernetes.io/revision': '1'}}}
    assert stripped(noisy) == {'kind': 'X', 'metadata': {'name': 'x'}, 'spec': 1}
    assert stripped({'metadata': {'annotations': {'mine': '1'}}}) == {'metadata': {'annotations': {'mine': '1'}}}


@pytest.mark.parametrize(('actual', 'wanted', 'expected'), [
    ({'a': 1, 'b': 2}, {'a': 1}, True), ({'a': 1}, {'a': 1, 'b': 2}, False), ({'a': {'b': [1, 2]}}, {'a': {'b': [1]}}, True),
    ({'a': [2, 1]}, {'a': [1]}, False), ({'a': [1]}, {'a': [1, 2]}, False), ('1', 1, False),
])
def test_contains(actual, wanted, expected):
    assert contains(actual, wanted) is expected
