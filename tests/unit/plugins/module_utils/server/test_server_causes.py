# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import server_objects as o
from ansible_collections.wandb.onprem.plugins.module_utils.server.causes import PATIENCE, causes, errors_since_apply, progressing

INVALID = o.custom_resource('Invalid Config')
ROLLING = {'deployments': [o.deployment(availableReplicas=0)], 'replica_sets': [o.replica_set(number=1), o.replica_set(number=2)]}
OLD = o.active({'chart': {}, 'values': {}})
IN_PROGRESS = 'another operation (install/upgrade/rollback) is in progress'
FORBIDDEN = 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'
REFUSED_JOB = o.event('FailedCreate', FORBIDDEN, kind='Job', name='wandb-app-rename-pre-hook')


def new_pod(**changes):
    return {**ROLLING, 'pods': [o.pod('replicaset-app-2', **changes)]}


def test_a_ready_server_has_no_causes():
    assert causes(o.observed(), o.wanted()) == []
    assert progressing(o.observed(), o.wanted()) == []


@pytest.mark.parametrize(
    ('changes', 'code', 'said'),
    [
        ({'operators': []}, 'operator_down', 'there is no Deployment with label control-plane=controller-manager'),
        ({'operators': [{**o.OPERATOR, 'status': {}}]}, 'operator_down', '0 available; it has no pod'),
        (
            {'operators': [{**o.OPERATOR, 'status': {}}], 'operator_pods': [o.pod(containers=[o.waiting('ImagePullBackOff')])]},
            'operator_down',
            'pod app-pod is Pending (image_pull: wandb/local:0.83.0: so it is)',
        ),
        (
            {'custom_resource': INVALID, 'operator_log': o.line('Failed to apply', 'execution error at (x)')},
            'invalid_config',
            'Failed to apply: execution error at (x)',
        ),
        ({'custom_resource': INVALID, 'events': [o.event('ApplyFailed')]}, 'invalid_config', 'does not say why'),
        ({'custom_resource': INVALID, 'operator_log': o.line('Failed', FORBIDDEN)}, 'admission_refused', 'violates PodSecurity'),
        ({'active': OLD, 'operator_log': o.line('Failed to merge specs', 'type not match')}, 'type_clash', 'wandb-spec-user'),
        (
            {'custom_resource': INVALID, 'releases': [o.release(2, 'pending-upgrade')], 'operator_log': o.line('x', IN_PROGRESS)},
            'pending_release',
            'v1.wandb.v2',
        ),
        ({'releases': [o.release(2, 'pending-install')]}, 'pending_release', 'revision 2 is pending-install'),
        (new_pod(containers=[o.waiting('ErrImagePull')]), 'image_pull', 'wandb/local:0.83.0'),
        (new_pod(containers=[o.waiting('CreateContainerConfigError', message='no Secret x')]), 'container_config', 'no Secret x'),
        (new_pod(containers=[o.waiting('CrashLoopBackOff', restartCount=4)]), 'crash_loop', '4 restarts'),
        (new_pod(conditions=[{'type': 'PodScheduled', 'reason': 'Unschedulable', 'message': '0/3 nodes'}]), 'unschedulable', '0/3 nodes'),
        (
            {'deployments': [o.deployment(updatedReplicas=0, conditions=[{'type': 'ReplicaFailure', 'status': 'True', 'message': FORBIDDEN}])]},
            'admission_refused',
            'violates PodSecurity',
        ),
        (
            {
                'custom_resource': o.custom_resource('Loading'),
                'jobs': [o.job()],
                'events': [o.event('FailedCreate', FORBIDDEN, kind='Job', name='wandb-app-rename-pre-hook')],
            },
            'admission_refused',
            'violates PodSecurity',
        ),
        (
            {
                'custom_resource': o.custom_resource('Loading'),
                'jobs': [o.job()],
                'pods': [o.pod('job-wandb-app-rename-pre-hook', containers=[o.waiting('ImagePullBackOff')])],
            },
            'image_pull',
            'so it is',
        ),
        ({'active': OLD}, 'stale_phase', 'phase stays Completed'),
        ({'custom_resource': o.custom_resource('')}, 'stale_phase', 'phase stays not set'),
    ],
)
def test_one_cause_is_named(changes, code, said):
    found = [one for one in causes(o.observed(**changes), o.wanted()) if one.code != 'stale_phase' or code == 'stale_phase']
    assert [one.code for one in found] == [code]
    assert said in found[0].message
    assert code in PATIENCE


@pytest.mark.parametrize(
    ('changes', 'code'),
    [
        # What stands there from before our apply is no cause.
        ({'custom_resource': INVALID, 'operator_log': o.line('x', 'y', stamp=o.BEFORE)}, 'invalid_config'),
        ({'custom_resource': INVALID, 'events': [o.event('ApplyFailed', stamp=o.BEFORE)]}, 'invalid_config'),
        ({'custom_resource': INVALID, 'operator_log': o.line('x', 'y', name='other')}, 'invalid_config'),
        ({'custom_resource': INVALID, 'operator_log': o.line('x', 'y', namespace='other')}, 'invalid_config'),
        ({'custom_resource': INVALID, 'operator_log': o.line('fine', level='info')}, 'invalid_config'),
        ({'active': OLD, 'operator_log': o.line('x', 'type not match', stamp=o.BEFORE)}, 'type_clash'),
        # Cured, although the line is still in the log.
        ({'operator_log': o.line('x', 'type not match')}, 'type_clash'),
        ({'custom_resource': o.custom_resource('Loading'), 'operator_log': o.line('x', 'type not match')}, 'type_clash'),
        # Helm is at work.
        ({'custom_resource': o.custom_resource('Loading'), 'releases': [o.release(2, 'pending-upgrade')]}, 'pending_release'),
        # The old pod is what the rollout mends.
        ({**ROLLING, 'pods': [o.pod('replicaset-app-1', containers=[o.waiting('ImagePullBackOff')])]}, 'image_pull'),
        ({'custom_resource': o.custom_resource('Loading')}, 'stale_phase'),
        ({'active': OLD, 'operators': []}, 'stale_phase'),
        ({'jobs': [o.job(ended=True)], 'events': [REFUSED_JOB]}, 'admission_refused'),
        # The operator still waits for a hook of the spec before.
        ({'jobs': [o.job(made=o.BEFORE)], 'events': [REFUSED_JOB]}, 'admission_refused'),
    ],
)
def test_no_false_cause(changes, code):
    assert code not in [one.code for one in causes(o.observed(**changes), o.wanted())]


def test_without_chart_and_channel_the_config_is_invalid():
    found = causes(o.observed(custom_resource=INVALID), o.wanted(spec={'values': {}}))
    assert [(one.code, one.message) for one in found if one.code == 'invalid_config'] == [
        ('invalid_config', 'the operator says: neither the custom resource nor a channel gives a chart'),
    ]


def test_a_container_that_runs_and_is_not_ready_is_told_with_its_probe():
    running = o.pod(containers=[{'name': 'app', 'ready': False, 'state': {'running': {}}}])
    unhealthy = o.event('Unhealthy', 'Startup probe failed: 503', kind='Pod', name=running['metadata']['name'])
    observed = o.observed(
        deployments=[o.deployment(updatedReplicas=1, availableReplicas=0)], replica_sets=[o.replica_set()], pods=[running], events=[unhealthy]
    )
    found = progressing(observed, o.wanted())
    assert [one.code for one in found] == ['not_ready']
    assert found[0].subject.endswith('container app')
    assert 'Startup probe failed: 503' in found[0].message
    assert causes(observed, o.wanted()) == []


@pytest.mark.parametrize(
    'changes',
    [
        {'pods': [o.pod(init=[{'name': 'init-db', 'state': {'running': {}}}])]},
        {'jobs': [o.job()]},
    ],
)
def test_a_migration_is_told_and_no_failure(changes):
    observed = o.observed(custom_resource=o.custom_resource('Loading'), **changes)
    assert [one.code for one in progressing(observed, o.wanted())] == ['migration_running']
    assert causes(observed, o.wanted()) == []


@pytest.mark.parametrize(
    'changes',
    [
        {'pods': [o.pod(init=[{'name': 'init-db', 'state': {'terminated': {'exitCode': 0}}}])]},
        {'pods': [o.pod(init=[{'name': 'certificates', 'state': {'running': {}}}])]},
        {'jobs': [o.job(ended=True)]},
    ],
)
def test_what_is_over_is_no_migration(changes):
    assert progressing(o.observed(**changes), o.wanted()) == []


def test_plain_lines_of_a_log_count():
    assert errors_since_apply(o.observed(operator_log='E1123 an error of klog\nall is well\n'), o.wanted()) == ['E1123 an error of klog']
