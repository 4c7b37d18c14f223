# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates and the polling loop, on a clock that does not run."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import (
    crd_established,
    event_causes,
    pod_causes,
    pods_of_rollout,
    rollout,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Progress, Waiter, WaitError


def workload(kind='Deployment', generation=2, wanted=2, **status):
    return {'kind': kind, 'metadata': {'name': 'w', 'namespace': 'n', 'generation': generation, 'uid': 'w1'},
            'spec': {'replicas': wanted}, 'status': {'observedGeneration': 2, **status}}


READY = {'replicas': 2, 'updatedReplicas': 2, 'availableReplicas': 2}


@pytest.mark.parametrize(('given', 'missing'), [
    (workload(**READY), ''),
    (workload(wanted=0), ''),
    (workload(generation=3, **READY), 'has not seen the last change'),
    (workload(**{**READY, 'updatedReplicas': 1}), '1 of 2 replicas are of the new version'),
    (workload(**{**READY, 'replicas': 3}), '1 old replicas are still there'),
    (workload(**{**READY, 'availableReplicas': 1}), '1 of 2 replicas are available'),
    (workload(), '0 of 2 replicas are of the new version'),
    (workload('StatefulSet', currentRevision='a', updateRevision='a', replicas=2, currentReplicas=2, availableReplicas=2), ''),
    (workload('StatefulSet', currentRevision='a', updateRevision='b', replicas=2, currentReplicas=1, updatedReplicas=1, availableReplicas=2), '1 of 2'),
    (workload('DaemonSet', desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=3), ''),
    (workload('DaemonSet', desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=2), '2 of 3 replicas are available'),
])
def test_rollout(given, missing):
    progress = rollout(given)
    assert progress.done is (missing == '')
    assert missing in progress.missing


def test_replica_failure_is_an_admission_that_refused():
    progress = rollout(workload(conditions=[{'type': 'ReplicaFailure', 'status': 'True', 'reason': 'FailedCreate', 'message': 'violates PodSecurity'}]))
    assert progress.causes == (Cause('admission_refused', 'Deployment n/w', 'violates PodSecurity'),)


def test_the_default_of_replicas_is_one():
    given = workload(wanted=1, replicas=1, updatedReplicas=1, availableReplicas=1)
    given['spec'] = {}
    assert rollout(given).done


def pod(container=None, init=None, conditions=None):
    status = {'conditions': conditions or [], 'containerStatuses': [{'name': 'c', 'image': 'i:1', **container}] if container else [],
              'initContainerStatuses': [{'name': 'init', **init}] if init else []}
    return {'metadata': {'name': 'p', 'namespace': 'n'}, 'status': status}


@pytest.mark.parametrize(('given', 'code', 'words'), [
    (pod({'state': {'waiting': {'reason': 'ImagePullBackOff', 'message': 'not found'}}}), 'image_pull', 'i:1: not found'),
    (pod({'state': {'waiting': {'reason': 'ErrImagePull'}}}), 'image_pull', 'ErrImagePull'),
    (pod({'state': {'waiting': {'reason': 'CreateContainerConfigError', 'message': 'secret "s" not found'}}}), 'container_config', 'secret "s" not found'),
    (pod({'state': {'waiting': {'reason': 'CrashLoopBackOff'}}, 'restartCount': 4, 'lastState': {'terminated': {'exitCode': 3, 'reason': 'Error'}}}),
     'crash_loop', '4 restarts, last exit code 3 Error'),
    (pod({'state': {'running': {}}, 'restartCount': 2, 'ready': False, 'lastState': {'terminated': {'exitCode': 1}}}), 'crash_loop', '2 restarts'),
    (pod(init={'state': {'waiting': {'reason': 'CrashLoopBackOff'}}, 'restartCount': 9}), 'crash_loop', '9 restarts'),
    (pod(conditions=[{'type': 'PodScheduled', 'status': 'False', 'reason': 'Unschedulable', 'message': '0/3 nodes: Insufficient cpu'}]),
     'unschedulable', 'Insufficient cpu'),
])
def test_pod_causes(given, code, words):
    [cause] = pod_causes(given)
    assert cause.code == code
    assert words in cause.message
    assert 'Pod n/p' in cause.subject


@pytest.mark.parametrize('given', [
    pod({'state': {'waiting': {'reason': 'ContainerCreating'}}}),
    pod({'state': {'running': {}}, 'restartCount': 5, 'ready': True, 'lastState': {'terminated': {'exitCode': 1}}}),
    pod({'state': {'running': {}}, 'restartCount': 0, 'ready': False}),
])
def test_a_pod_that_only_needs_time_has_no_cause(given):
    assert pod_causes(given) == ()


def test_events_tell_pods_that_were_never_made():
    def event(kind, name, reason='FailedCreate'):
        return {'reason': reason, 'message': 'quota exceeded', 'involvedObject': {'kind': kind, 'name': name, 'namespace': 'n'}}
    events = [event('Job', 'hook'), event('Job', 'other'), event('ReplicaSet', 'rs'), event('Job', 'hook', 'SuccessfulCreate')]
    assert event_causes(events, {('Job', 'hook'), ('ReplicaSet', 'rs')}) == (
        Cause('admission_refused', 'Job n/hook', 'quota exceeded'), Cause('admission_refused', 'ReplicaSet n/rs', 'quota exceeded'))


def test_pods_of_the_old_version_do_not_count():
    def owned(name, owner, **metadata):
        return {'metadata': {'name': name, 'ownerReferences': [{'uid': owner}], **metadata}}
    sets = [owned('old', 'w1', uid='r1', annotations={'deployment.kubernetes.io/revision': '9'}),
            owned('new', 'w1', uid='r2', annotations={'deployment.kubernetes.io/revision': '10'}),
            owned('foreign', 'w9', uid='r3', annotations={'deployment.kubernetes.io/revision': '99'})]
    pods = [owned('a', 'r1'), owned('b', 'r2'), owned('c', 'r2', deletionTimestamp='now'), owned('d', 'r3')]
    assert [one['metadata']['name'] for one in pods_of_rollout(workload(), sets, pods)] == ['b']


def test_crd_established():
    assert not crd_established(None).done
    crd = {'kind': 'CustomResourceDefinition', 'metadata': {'name': 'x'}, 'status': {'conditions': [{'type': 'Established', 'status': 'True'}]}}
    assert crd_established(crd).done
    crd['status']['conditions'] = [{'type': 'NamesAccepted', 'status': 'False', 'message': 'taken by another'}]
    assert crd_established(crd).fatal[0].message == 'taken by another'


class Clock:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def waiter(self):
        return Waiter(lambda: self.now, self.sleep, interval=2.0)


def test_waits_until_done():
    clock, answers = Clock(), [Progress(False, 'x'), Progress(False, 'x'), Progress(True)]
    waited = clock.waiter().wait('it', lambda: answers.pop(0), timeout=60)
    assert (waited.seconds, waited.looks) == (4.0, 3)


def test_done_at_once_never_sleeps():
    clock = Clock()
    assert clock.waiter().wait('it', lambda: Progress(True), timeout=60).looks == 1
    assert clock.slept == []


def test_a_time_out_tells_what_is_missing_and_is_not_overrun():
    clock = Clock()
    with pytest.raises(WaitError, match=r'it is not ready after 5 s. no cause was found. Still missing: two pods'):
        clock.waiter().wait('it', lambda: Progress(False, 'two pods'), timeout=5)
    assert clock.now == 5


def test_a_cause_ends_the_wait_when_it_lasts():
    clock, cause = Clock(), Cause('image_pull', 'Pod n/p', 'not found')
    with pytest.raises(WaitError) as raised:
        clock.waiter().wait('it', lambda: Progress(False, 'm', (cause,)), timeout=600, grace=10)
    assert clock.now == 10
    assert raised.value.causes == (cause,)
    assert 'image_pull: Pod n/p: not found' in str(raised.value)


def test_a_cause_that_goes_away_starts_anew():
    clock, cause = Clock(), Cause('image_pull', 'Pod n/p', 'not found')
    causes = [(cause,), (cause,), (), (cause,), (cause,), ()]
    answers = [Progress(False, 'm', one) for one in causes] + [Progress(True)]
    assert clock.waiter().wait('it', lambda: answers.pop(0), timeout=600, grace=4).looks == 7


def test_a_fatal_cause_ends_it_at_once():
    clock = Clock()
    with pytest.raises(WaitError):
        clock.waiter().wait('it', lambda: Progress(False, 'm', fatal=(Cause('crd_names', 'x', 'taken'),)), timeout=600)
    assert clock.now == 0
