# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that runs and is not ready: told with its probe when the time is up, and never before."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import unready_causes
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.rollout import rollout_probe
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter, WaitError
from fake_server import FakeServer

POD = {
    'metadata': {'name': 'd-1', 'namespace': 'n', 'uid': 'p', 'ownerReferences': [{'uid': 'r'}]},
    'status': {'containerStatuses': [{'name': 'manager', 'state': {'running': {}}, 'ready': False}]},
}


def event(message, at, name='d-1', reason='Unhealthy', **more):
    return {'metadata': {'name': message}, 'reason': reason, 'message': message, 'lastTimestamp': at, 'involvedObject': {'kind': 'Pod', 'name': name, **more}}


LATE, EARLY = '2026-01-01T00:00:09Z', '2026-01-01T00:00:01Z'


def test_the_probes_last_words_about_this_pod_are_told():
    after = '2026-02-01T00:00:00Z'
    events = [event('late', LATE), event('early', EARLY), event('another pod', after, 'd-2'), event('its forerunner', after, uid='o'),
              event('no probe', after, reason='Pulled')]
    [cause] = unready_causes(POD, events)
    assert (cause.code, cause.subject, cause.message) == ('not_ready', 'Pod n/d-1 container manager', 'runs but is not ready: late')
    assert unready_causes(POD, ())[0].message == 'runs but is not ready'


@pytest.mark.parametrize('status', [
    {'name': 'manager', 'state': {'running': {}}, 'ready': True},
    {'name': 'manager', 'state': {'waiting': {'reason': 'ImagePullBackOff'}}, 'ready': False},
    {'name': 'manager', 'state': {'terminated': {}}, 'ready': False},
])
def test_only_what_runs_and_is_not_ready_counts(status):
    assert unready_causes({**POD, 'status': {'containerStatuses': [status]}}, [event('late', LATE)]) == ()


def server():
    base, core = '/apis/apps/v1/namespaces/n', '/api/v1/namespaces/n'
    return FakeServer({
        f'{base}/deployments/d': {'metadata': {'name': 'd', 'namespace': 'n', 'uid': 'd', 'generation': 1}, 'spec': {'selector': {'matchLabels': {'a': 'b'}}},
                                  'status': {'observedGeneration': 1, 'replicas': 1, 'updatedReplicas': 1}},
        f'{base}/replicasets/r': {'metadata': {'name': 'r', 'uid': 'r', 'ownerReferences': [{'uid': 'd'}]}},
        f'{core}/pods/d-1': POD,
        f'{core}/events/e': event('HTTP probe failed', LATE),
    })


def test_it_ends_no_wait_and_is_told_when_the_time_is_up():
    times = iter(range(0, 10000, 10))
    service = Service(Client(server()))
    with pytest.raises(WaitError) as caught:
        Waiter(lambda: next(times), lambda seconds: None).wait('release', rollout_probe(service, [(DEPLOYMENTS, 'n', 'd')]), 200, grace=60)
    assert caught.value.seconds == 200
    assert [(cause.code, cause.message) for cause in caught.value.causes] == [('not_ready', 'runs but is not ready: HTTP probe failed')]


def test_nothing_is_asked_about_pods_while_all_is_well():
    api = server()
    api.objects['/apis/apps/v1/namespaces/n/deployments/d']['status']['availableReplicas'] = 1
    assert rollout_probe(Service(Client(api)), [(DEPLOYMENTS, 'n', 'd')])().done
    assert len(api.log) == 1
