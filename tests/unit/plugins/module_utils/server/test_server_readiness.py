# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import server_objects as o
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import epoch, written_at
from ansible_collections.wandb.onprem.plugins.module_utils.server.readiness import missing

OTHER = {'chart': {'path': '/charts/operator-wandb'}, 'values': {'global': {'host': 'https://old.example.com'}}}
SCALER = {'spec': {'scaleTargetRef': {'kind': 'Deployment', 'name': 'wandb-app-bc'}, 'minReplicas': 2}}
DAEMON = {'metadata': {'name': 'd', 'generation': 1}, 'status': {'observedGeneration': 1, 'desiredNumberScheduled': 3}}
STATEFUL = {
    'metadata': {'name': 's', 'generation': 1},
    'spec': {'replicas': 1},
    'status': {'observedGeneration': 1, 'replicas': 1, 'currentReplicas': 1, 'currentRevision': 'a', 'updateRevision': 'a'},
}


def test_a_ready_server_lacks_nothing():
    assert missing(o.observed(), o.wanted()) == []


def test_keys_and_list_entries_of_other_levels_do_no_harm():
    spec = {'chart': {**o.SPEC['chart']}, 'values': {'global': {'host': 'https://w.example.com', 'operator': {'namespace': 'x'}}, 'more': [1]}}
    assert missing(o.observed(active=o.active(spec)), o.wanted()) == []


@pytest.mark.parametrize(
    ('changes', 'stage', 'said'),
    [
        ({'operators': []}, 'operator', 'no Deployment of the operator'),
        ({'operators': [{**o.OPERATOR, 'status': {}}]}, 'operator', 'has no available pod'),
        ({'custom_resource': None}, 'applied', 'no custom resource'),
        ({'custom_resource': o.custom_resource('')}, 'applied', 'phase is not set'),
        ({'custom_resource': o.custom_resource('Loading')}, 'applied', 'phase is Loading'),
        # Completed, but of the spec before.
        ({'active': o.active(OTHER)}, 'applied', 'global.host'),
        ({'active': o.active({**o.SPEC, 'chart': {'url': 'https://channel'}})}, 'applied', 'chart'),
        ({'active': None}, 'applied', 'has not applied yet'),
        ({'releases': []}, 'release', 'no Helm release'),
        ({'releases': [o.release(1), o.release(2, 'pending-upgrade')]}, 'release', 'revision 2 of the Helm release is pending-upgrade'),
        ({'releases': [o.release(9), o.release(10, 'failed')]}, 'release', 'revision 10 of the Helm release is failed'),
        ({'releases': [o.release(version='0.42.0')]}, 'release', 'of chart 0.42.0, not 0.43.8'),
        ({'deployments': [o.deployment('console')]}, 'workloads', 'no Deployment of component app'),
        ({'deployments': [o.deployment(availableReplicas=0)]}, 'workloads', '0 of 1 replicas are available'),
        ({'deployments': [o.deployment(observedGeneration=1)]}, 'workloads', 'has not seen the last change'),
        ({'deployments': [o.deployment(replicas=0)]}, 'workloads', 'scaled to 0'),
        ({'autoscalers': [SCALER]}, 'workloads', '1 of at least 2 replicas'),
        ({'stateful_sets': [STATEFUL]}, 'workloads', 'StatefulSet s: 0 of 1'),
        ({'daemon_sets': [DAEMON]}, 'workloads', 'DaemonSet d: 0 of 3'),
        ({'answers': {'wandb-app:8080/ready': '503: no endpoints'}}, 'answers', 'wandb-app:8080/ready answers 503: no endpoints'),
    ],
)
def test_what_is_missing(changes, stage, said):
    found = missing(o.observed(**changes), o.wanted())
    assert [one.stage for one in found] == [stage]
    assert said in found[0].text


def test_scaled_to_zero_on_demand_is_ready():
    spec = {**o.SPEC, 'values': {**o.SPEC['values'], 'console': {'replicaCount': 0}}}
    changes = {'deployments': [o.deployment(), o.deployment('console', replicas=0)], 'active': o.active(spec)}
    assert missing(o.observed(**changes), o.wanted(spec=spec)) == []


def test_stages_come_in_their_order():
    found = missing(o.observed(operators=[], releases=[], deployments=[], custom_resource=o.custom_resource('Loading')), o.wanted())
    assert list(dict.fromkeys(one.stage for one in found)) == ['operator', 'applied', 'release', 'workloads']


def test_when_our_own_fields_changed_last():
    assert written_at(o.custom_resource(), 'wandb.onprem') == o.APPLIED
    assert written_at(None, 'wandb.onprem') == 0.0


@pytest.mark.parametrize('stamp', ['2026-11-23T14:00:00.25Z', '2026-11-23T14:00:00.250000000Z', '2026-11-23T15:00:00.25+01:00', o.APPLIED + 0.25])
def test_times(stamp):
    assert epoch(stamp) == o.APPLIED + 0.25


def test_no_time():
    assert epoch('soon') == epoch(None) == 0.0


LARGER = {**o.SPEC, 'values': {**o.SPEC['values'], 'app': {'extraEnv': {'GONE': '1'}}}}
OPERATORS = {**o.SPEC, 'values': {'global': {**o.SPEC['values']['global'], 'operator': {'namespace': 'x', 'apiVersion': 'y'}}}}


def spec_with(entries):
    return {**o.SPEC, 'values': {**o.SPEC['values'], 'entries': entries}}


@pytest.mark.parametrize(
    ('changes', 'more', 'ready'),
    [
        # This run took a key away: the active spec of before contains all that is left.
        ({'active': o.active(LARGER, version='7')}, {'active_before': '7'}, False),
        ({'active': o.active(version='8')}, {'active_before': '7'}, True),
        # A bad change was taken back: the operator finds nothing changed and writes nothing.
        ({'active': o.active(version='7')}, {'active_before': '7'}, True),
        # The console or the operator itself asks for what stands there too.
        ({'active': o.active(LARGER, version='7'), 'other_levels': [LARGER['values']]}, {'active_before': '7'}, True),
        ({'active': o.active(LARGER, version='7'), 'other_levels': [{'app': {'replicaCount': 1}}]}, {'active_before': '7'}, False),
        ({'active': o.active(OPERATORS, version='7')}, {'active_before': '7'}, True),
        # A list that lost an entry.
        ({'active': o.active(spec_with([1, 2]), version='7')}, {'active_before': '7', 'spec': spec_with([1])}, False),
        ({'active': o.active(spec_with([1]), version='7')}, {'active_before': '7', 'spec': spec_with([1])}, True),
        # Nothing was written, but it looked.
        ({'active': o.active(LARGER, version='7'), 'events': [o.event('Completed')]}, {'active_before': '7'}, True),
        ({'active': o.active(LARGER, version='7'), 'events': [o.event('Completed', stamp=o.BEFORE)]}, {'active_before': '7'}, False),
        ({'active': o.active(LARGER, version='7'), 'events': [{**o.event('Completed'), 'involvedObject': {'name': 'other'}}]}, {'active_before': '7'}, False),
        # It looks, or ends the look at the spec before: the phase is still the old one (seen).
        ({'active': o.active(LARGER, version='7'), 'events': [o.event('LoadingConfig')], 'seen_at': o.APPLIED + 5.0}, {'active_before': '7'}, False),
        ({'active': o.active(LARGER, version='7'), 'events': [o.event('LoadingConfig')]}, {'active_before': '7'}, True),
        ({'active': o.active(LARGER, version='8'), 'seen_at': o.APPLIED + 5.0}, {'active_before': '7'}, False),
        # An empty list is in every list.
        ({'active': o.active(spec_with([1]), version='7'), 'seen_at': o.APPLIED + 5.0}, {'active_before': '7', 'spec': spec_with([])}, False),
        # Long ago: its events are gone.
        ({'active': o.active(LARGER, written=o.BEFORE)}, {'age': 7200.0}, True),
        # A run before this one took it away and was killed.
        ({'active': o.active(LARGER, written=o.BEFORE)}, {}, False),
        ({'active': o.active(LARGER, written=o.AFTER)}, {}, True),
    ],
)
def test_what_was_taken_away_must_have_been_seen(changes, more, ready):
    found = missing(o.observed(**changes), o.wanted(**more))
    assert [one.text for one in found] == ([] if ready else ['the operator has not looked at the change yet'])
