# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server does not become ready: each cause provoked for real, named, mended, and a further run with nothing to do."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ConflictError, NotFoundError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, PODS, SECRETS, Resource
from server_lab import APP, OPERATORS_LABEL, SERVER, app_row, image_rows, phase_of, ready_and_unchanged, run, secret, until

pytest_plugins = ['server_fixtures']

LEASES = Resource('coordination.k8s.io/v1', 'Lease', 'leases')
QUOTAS = Resource('v1', 'ResourceQuota', 'resourcequotas')
# The app alone, and one of the two hooks: a change takes seconds. Without either, the chart would take their service account away,
# and the first upgrade with hooks again would wait for a pod that needs it.
SMALL = {'parquet': False, 'weave': False, 'console': False, 'appRenamePreHook': False}
WITH_WEAVE = {'install': {**SMALL, 'weave': True}}
ROWS = {
    'wandb/local:rt-crash': app_row('case "$0" in init-db) exit 0;; *) echo these are the last words; exit 3;; esac'),
    'wandb/local:rt-migrate': app_row('echo table 7 of 9; exec sleep 600'),
}


@pytest.fixture
def small(server):
    """A ready server with `SMALL`, whatever the test before left."""
    with image_rows(ROWS):
        run(install=SMALL)
        yield server


def failing(error, cause, **change):
    failed = run(error=error, **{'install': SMALL, **change})
    assert failed['cause'] == cause, failed['causes']
    assert failed['missing']
    return failed


@pytest.mark.parametrize(
    ('cause', 'said', 'change'),
    [
        # What the operator says stands in its log only.
        ('invalid_config', 'the operator says: Failed to apply', {'extra_values': {'app': {'image': 'text'}}}),
        ('image_pull', 'wandb/nowhere', {'components': {'app': {'image': {'repository': 'wandb/nowhere', 'tag': '1'}}}}),
        ('admission_refused', 'violates PodSecurity', {'components': {'app': {**APP['app'], 'security_context': {'capabilities': {'drop': []}}}}}),
        ('crash_loop', 'these are the last words', {'components': {'app': {'image': {'tag': 'rt-crash'}}}, 'timeout': 60}),
        ('unschedulable', 'nodes are available', {'components': {'app': {**APP['app'], 'node_selector': {'rt-test': 'nowhere'}}}, 'timeout': 40}),
        ('migration_running', 'table 7 of 9', {'components': {'app': {'image': {'tag': 'rt-migrate'}}}, 'timeout': 40}),
    ],
)
def test_a_cause_in_the_spec(small, cause, said, change):
    failed = failing(said, cause, **change)
    assert failed['changed'] is True
    ready_and_unchanged(install=SMALL)


def test_a_clash_with_the_consoles_settings(small):
    small.apply(secret('test-spec-user', values=json.dumps({'global': {'mysql': 'text'}}), chart=json.dumps({})))
    failing('type not match', 'type_clash', reconcile_frequency='40m')
    small.delete(SECRETS, SERVER, 'test-spec-user')
    ready_and_unchanged(install=SMALL)


def test_the_operator_is_down(small, operator):
    [deployment] = small.find(DEPLOYMENTS, operator, OPERATORS_LABEL)
    path = DEPLOYMENTS.path(operator, deployment['metadata']['name'])
    small.client.merge_patch(path, {'spec': {'replicas': 0}}, 'test')
    try:
        until(lambda: not small.client.get(path)['status'].get('availableReplicas'), 'the end of the operator')
        failed = failing('operator_down', 'operator_down', reconcile_frequency='30m')
        # It ends with its cause, long before the time is up.
        assert 60 <= failed['waited_seconds'] < 150
        refused = run(error='would hang in Terminating', state='absent')
        assert refused['cause'] == 'operator_down'
    finally:
        small.client.merge_patch(path, {'spec': {'replicas': 1}}, 'test')
    ready_and_unchanged(install=SMALL, reconcile_frequency='30m')


def operator_pods(service, operator):
    return [one for one in service.find(PODS, operator, OPERATORS_LABEL) if not one['metadata'].get('deletionTimestamp')]


def pending(service):
    return [one['metadata']['name'] for one in service.find(SECRETS, SERVER, 'owner=helm,name=test,status=pending-upgrade')]


def test_an_operator_killed_within_helm_is_mended_by_repair(small, operator):
    """Helm waits for a hook whose image cannot be pulled; then the operator is killed, as a node that dies would."""
    hook = {
        'install': {**SMALL, 'appRenamePreHook': True},
        'components': {**APP, 'appRenamePreHook': {'image': {'repository': 'rt-test/hook', 'tag': '1'}}},
    }
    run(wait=False, **hook)
    until(lambda: pending(small), 'the pending release')
    for pod in operator_pods(small, operator):
        body = json.dumps({'gracePeriodSeconds': 0}).encode()
        small.client.transport.send('DELETE', PODS.path(operator, pod['metadata']['name']), {}, 'application/json', body)
    with image_rows({'rt-test/hook': ['/bin/sh']}):
        # The next operator takes the lease of the dead one after 15 s, and fails on what that one left.
        until(lambda: phase_of(small) == 'Invalid Config', 'the next operator')
        [stuck] = pending(small)
        steps = [f'delete Secret {SERVER}/{stuck}', f'restart the operator (delete the pods with label {OPERATORS_LABEL} in namespace {operator})']
        checked = run(check=True, repair=True, **hook)
        assert (checked['repaired'], checked['changed']) == (steps, True)
        failed = failing(f'repair=true deletes Secret {SERVER}/{stuck} and restarts the operator', 'pending_release', **hook)
        assert failed['changed'] is False
        assert pending(small) == [stuck]
        before = {one['metadata']['uid'] for one in operator_pods(small, operator)}
        mended = run(repair=True, **hook)
        assert (mended['ready'], mended['changed'], mended['repaired']) == (True, True, steps)
        assert before.isdisjoint(one['metadata']['uid'] for one in operator_pods(small, operator))
        again = run(repair=True, **hook)
        assert (again['changed'], again['repaired']) == (False, [])


def test_a_cause_outside_the_spec_that_is_gone_is_mended_by_repair(small):
    """A quota refused what Helm made. It is lifted, and the operator would look again in an hour only."""
    count = len(small.find(DEPLOYMENTS, SERVER))
    quota = {'metadata': {'name': 'rt-test', 'namespace': SERVER}, 'spec': {'hard': {'count/deployments.apps': str(count)}}}
    path = QUOTAS.path(SERVER, 'rt-test')
    small.client.apply(path, {'apiVersion': 'v1', 'kind': 'ResourceQuota', **quota}, 'test')
    try:
        until(lambda: (small.client.get(path).get('status') or {}).get('used'), 'the quota')
        failed = failing('exceeded quota', 'admission_refused', **WITH_WEAVE)
        assert 'repair=true' not in failed['msg'], 'the spec was changed: that starts a reconcile itself'
    finally:
        small.client.delete(path)
    told = failing('once the cause is mended, repair=true would restart the operator', 'admission_refused', **WITH_WEAVE)
    assert told['changed'] is False
    mended = run(repair=True, **WITH_WEAVE)
    assert (mended['ready'], mended['changed'], len(mended['repaired'])) == (True, True, 1)
    assert ready_and_unchanged(**WITH_WEAVE)['changed'] is False


@contextlib.contextmanager
def lease_held_by_another(service, operator):
    """The operator runs, answers its probes, and does nothing: somebody else holds its lease and renews it."""
    path, ended = LEASES.path(operator, '3009dfa6.apps.wandb.com'), threading.Event()

    def starts():
        """Restarts of the operator's container, where it is ready."""
        [pod] = operator_pods(service, operator)
        [container] = pod['status']['containerStatuses']
        return container['restartCount'] if container['ready'] else -1

    before = starts()

    def renew():
        while not ended.is_set():
            now = time.strftime('%Y-%m-%dT%H:%M:%S.000000Z', time.gmtime())
            with contextlib.suppress(ConflictError):
                service.client.merge_patch(path, {'spec': {'holderIdentity': 'rt-test', 'renewTime': now}}, 'test')
            ended.wait(1)

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        # It ends when it sees that it lost the lease, and waits for it from its next start on.
        until(lambda: starts() > before, 'the operator that lost its lease')
        yield
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(NotFoundError):
            service.client.delete(path)


def test_an_operator_that_does_nothing(small, operator):
    with lease_held_by_another(small, operator):
        # So soon it may be a slow one as well.
        failed = failing('timeout: no cause was found', 'timeout', reconcile_frequency='45m', timeout=1)
        assert any('has not applied yet: reconcileFrequency' in one for one in failed['missing']), failed['missing']
        failed = failing('does not take up the custom resource', 'stale_phase', reconcile_frequency='35m', timeout=45)
        assert failed['waited_seconds'] >= 45
    ready_and_unchanged(install=SMALL, reconcile_frequency='35m')
