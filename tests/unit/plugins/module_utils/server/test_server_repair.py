# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``repair``: an operator that stands still until it is restarted, against an API server in memory."""

from __future__ import annotations

import copy

import pytest
import server_objects as o
from server_cluster import CR, NAMESPACE, Cluster, failing, good_operator, runner

POD = '/api/v1/namespaces/wandb-operator/pods/operator-1'
ELSEWHERE = '/api/v1/namespaces/other/pods/elsewhere-1'
PENDING = f'{NAMESPACE}/secrets/sh.helm.release.v1.wandb.v2'
RESTART = 'restart the operator (delete the pods with label control-plane=controller-manager in namespace wandb-operator)'
LEFT_OVER = [o.event('ApplyFailed', stamp='2026-11-23T14:00:05Z')]


class Stuck(Cluster):
    """A server whose operator does nothing more until its pod is deleted, and then only if nothing is pending."""

    def __init__(self, pending=False, failed=True, mended=True):
        super().__init__(good_operator)
        runner(self).present()
        self.mended = mended
        pod = {'metadata': {'name': 'operator-1', 'uid': 'pod-1', 'labels': {'control-plane': 'controller-manager'}}}
        self.objects[POD] = pod
        self.objects[ELSEWHERE] = copy.deepcopy(pod)
        self.objects[ELSEWHERE]['metadata']['name'] = 'elsewhere-1'
        self.operator = self.come_by
        if failed:
            self.objects[CR]['status'] = {'phase': 'Invalid Config'}
            self.texts[f'{POD}/log'] = (200, o.line('Failed to apply', 'cannot re-use a name', stamp='2026-11-23T14:00:05Z'))
            for number, event in enumerate(LEFT_OVER):
                self.objects[f'{NAMESPACE}/events/event-{number}'] = event
        if pending:
            self.objects[PENDING] = o.release(2, 'pending-upgrade')
        self.log.clear()

    def come_by(self, cluster):
        """After every write."""
        if POD in self.objects:
            return
        self.objects[POD] = {'metadata': {'name': 'operator-1', 'uid': 'pod-2', 'labels': {'control-plane': 'controller-manager'}}}
        self.texts.pop(f'{POD}/log', None)
        if PENDING not in self.objects and self.mended:
            self.objects[CR]['status'] = {'phase': 'Completed'}

    def deleted(self):
        return [path for method, path, query in self.log if method == 'DELETE']


def test_a_pending_release_is_told_with_what_repair_would_do():
    cluster = Stuck(pending=True)
    error = failing(cluster)
    assert error.result['cause'] == 'pending_release'
    assert 'repair=true deletes Secret wandb/sh.helm.release.v1.wandb.v2 and restarts the operator' in str(error)
    assert (error.result['repaired'], error.result['changed'], cluster.deleted()) == ([], False, [])


def test_a_pending_release_is_mended():
    cluster = Stuck(pending=True)
    result = runner(cluster, repair=True).present()
    assert (result['ready'], result['changed']) == (True, True)
    assert result['repaired'] == ['delete Secret wandb/sh.helm.release.v1.wandb.v2', RESTART]
    assert cluster.deleted() == [PENDING, POD]
    assert ELSEWHERE in cluster.objects
    again = runner(cluster, repair=True).present()
    assert (again['changed'], again['repaired'], again['ready']) == (False, [], True)


@pytest.mark.parametrize(('pending', 'steps'), [(True, ['delete Secret wandb/sh.helm.release.v1.wandb.v2', RESTART]), (False, [RESTART])])
def test_check_mode_tells_what_would_be_mended(pending, steps):
    cluster = Stuck(pending=pending)
    result = runner(cluster, dry_run=True, repair=True).present()
    assert (result['repaired'], result['changed'], cluster.deleted()) == (steps, True, [])
    without = runner(cluster, dry_run=True).present()
    assert (without['repaired'], without['changed']) == ([], False)


def test_check_mode_finds_nothing_to_mend_on_a_good_server():
    cluster = Stuck(failed=False)
    result = runner(cluster, dry_run=True, repair=True).present()
    assert (result['repaired'], result['changed']) == ([], False)


def test_a_failure_left_over_makes_the_operator_look_again():
    cluster = Stuck()
    told = failing(cluster)
    assert told.result['cause'] == 'invalid_config'
    assert f'once the cause is mended, repair=true would {RESTART}.' in str(told)
    assert cluster.deleted() == []
    result = runner(cluster, repair=True).present()
    assert (result['ready'], result['changed'], result['repaired'], cluster.deleted()) == (True, True, [RESTART], [POD])


def test_it_is_done_once_and_the_old_trouble_counts_no_more():
    # Nothing new is said: what stood there before the restart must not end the wait, nor start a second repair.
    cluster = Stuck(mended=False)
    error = failing(cluster, repair=True)
    assert (error.result['cause'], error.result['repaired'], error.result['changed']) == ('stale_phase', [RESTART], True)
    assert cluster.deleted() == [POD]
    assert 'repair=true would' not in str(error)


def test_an_operator_that_was_restarted_has_its_time_to_begin():
    # It stood still for three minutes. After its restart it needs some looks, in which nothing has changed yet.
    cluster = Stuck(failed=False, mended=False)
    cluster.objects[CR]['status'] = {}
    send, looks = cluster.send, []

    def later(method, path, query, content_type, body):
        if cluster.deleted() and path == CR:
            looks.append(path)
            if len(looks) == 5:
                cluster.objects[CR]['status'] = {'phase': 'Completed'}
        return send(method, path, query, content_type, body)

    cluster.send = later
    result = runner(cluster, repair=True).present()
    assert (result['ready'], result['repaired'], len(looks)) == (True, [RESTART], 5)


def test_a_changed_spec_starts_a_reconcile_without_a_restart():
    cluster = Stuck()
    error = failing(cluster, size='medium', repair=True)
    assert (error.result['cause'], error.result['repaired'], cluster.deleted()) == ('invalid_config', [], [])
    assert 'repair=true would' not in str(error)


def test_helm_at_work_is_left_alone():
    cluster = Stuck(pending=True, failed=False)
    cluster.objects[CR]['status'] = {'phase': 'Loading'}
    error = failing(cluster, repair=True, timeout=40)
    assert (error.result['repaired'], cluster.deleted()) == ([], [])


def test_without_wait_nothing_is_mended_and_that_is_told():
    cluster = Stuck(pending=True)
    run = runner(cluster, repair=True, wait=False)
    assert run.present()['repaired'] == []
    assert 'nothing is mended with wait=false' in run.warnings[0]
    assert cluster.deleted() == []
