# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way of a run, against an API server in memory and a clock that only sleep moves."""

from __future__ import annotations

import json

import pytest
import server_objects as o
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.info import server_info
from ansible_collections.wandb.onprem.plugins.module_utils.server.waiting import ServerError
from server_cluster import CR, EXPIRED, HMAC, LICENSE, NAMESPACE, OPERATOR, Cluster, failing, good_operator, runner


def test_install_then_nothing_to_do():
    cluster = Cluster(good_operator)
    first = runner(cluster).present()
    assert (first['changed'], first['ready']) == (True, True)
    assert [path for dummy, path in cluster.writes()] == [HMAC, CR]
    cluster.log.clear()
    second = runner(cluster)
    result = second.present()
    assert (result['changed'], result['ready'], result['waited']) == (False, True, [])
    assert len(cluster.log) == second.service.client.requests == 13


def test_requests_do_not_grow_with_the_server():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    for number in range(30):
        cluster.objects[f'/apis/apps/v1/namespaces/wandb/deployments/more-{number}'] = o.deployment(f'more-{number}')
        cluster.objects[f'{NAMESPACE}/secrets/more-{number}'] = o.secret(f'more-{number}', {'k': 'v'})
    cluster.log.clear()
    runner(cluster).present()
    assert len(cluster.log) == 13


def test_a_rotated_secret_rolls_the_pods():
    cluster = Cluster(good_operator)
    annotations = [runner(cluster).present()['custom_resource']['spec']['values']['global']['pod']['annotations']]
    cluster.objects[f'{NAMESPACE}/secrets/wandb-mysql-in'] = o.secret('wandb-mysql-in', {'MYSQL_PASSWORD': 'new'})
    result = runner(cluster).present()
    annotations.append(result['custom_resource']['spec']['values']['global']['pod']['annotations'])
    assert result['changed'] is True
    assert [key for key in annotations[0] if annotations[0][key] != annotations[1][key]] == ['inputs.wandb.onprem/mysql']


@pytest.mark.parametrize('installed', [True, False])
def test_check_mode_writes_nothing_and_predicts(installed):
    cluster = Cluster(good_operator)
    if installed:
        runner(cluster).present()
    cluster.log.clear()
    result = runner(cluster, dry_run=True).present()
    assert result['changed'] is not installed
    assert result['assumed'] == []
    assert cluster.writes() == []
    changed = runner(cluster, dry_run=True, size='medium').present()
    assert changed['changed'] is True
    assert changed['diff']['after']['spec']['values']['global']['size'] == 'medium'


def test_check_mode_assumes_what_is_not_there_yet():
    cluster = Cluster()
    cluster.objects = {}
    result = runner(cluster, dry_run=True).present()
    assert result['changed'] is True
    assert 'license_secret: there is no Secret wandb-license-in in namespace wandb' in result['assumed']


def test_check_mode_takes_what_an_earlier_step_would_make():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    same = {'kind': 'Secret', 'name': 'wandb-mysql-in', 'namespace': 'wandb', 'data': {'MYSQL_PASSWORD': 'm'}}
    assert runner(cluster, dry_run=True, assumed_objects=[same]).present()['changed'] is False
    assert runner(cluster, dry_run=True, assumed_objects=[{**same, 'data': {'MYSQL_PASSWORD': 'new'}}]).present()['changed'] is True


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda objects: objects.pop(f'{NAMESPACE}/secrets/wandb-mysql-in'), 'mysql.password_secret'),
        (lambda objects: objects.update({f'{NAMESPACE}/secrets/wandb-license-in': o.secret('wandb-license-in', {'license': 'no'})}), 'is no licence'),
        (lambda objects: objects.update({f'{NAMESPACE}/secrets/wandb-license-in': o.secret('wandb-license-in', EXPIRED)}), 'expired'),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(change, said):
    cluster = Cluster(good_operator)
    change(cluster.objects)
    with pytest.raises(OptionsError, match=said):
        runner(cluster).present()
    assert cluster.writes() == []


def test_a_license_that_only_the_guides_values_name_is_looked_at():
    cluster = Cluster(good_operator)
    cluster.objects[f'{NAMESPACE}/secrets/wandb-license-in'] = o.secret('wandb-license-in', EXPIRED)
    pasted = {'global': {'licenseSecret': {'name': 'wandb-license-in', 'key': 'license'}}}
    with pytest.raises(OptionsError, match='expired'):
        runner(cluster, license_secret=None, guide_values=pasted).present()
    assert cluster.writes() == []


def test_an_expired_license_does_not_stop_a_running_site():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.objects[f'{NAMESPACE}/secrets/wandb-license-in'] = o.secret('wandb-license-in', EXPIRED)
    second = runner(cluster)
    assert second.present()['ready'] is True
    assert second.warnings == ['license_secret: the licence expired at 2001-09-09T01:46:39Z']


def test_operator_down_is_told_within_its_grace():
    cluster = Cluster()
    cluster.objects[OPERATOR]['status'] = {}
    error = failing(cluster)
    assert error.result['cause'] == 'operator_down'
    assert 60 <= error.result['waited_seconds'] < 70
    assert error.result['missing'][0] == 'Deployment wandb-operator/wandb-controller-manager has no available pod'
    assert error.result['waited'] == [{'stage': 'operator', 'seconds': error.result['waited_seconds']}]


def test_invalid_config_is_told_at_once_with_the_log():
    def operator(cluster):
        if CR in cluster.objects:
            cluster.objects[CR]['status'] = {'phase': 'Invalid Config'}

    cluster = Cluster(operator)
    operator_pod = {'metadata': {'name': 'operator-1', 'labels': {'control-plane': 'controller-manager'}}}
    cluster.objects['/api/v1/namespaces/wandb-operator/pods/operator-1'] = operator_pod
    cluster.texts['/api/v1/namespaces/wandb-operator/pods/operator-1/log'] = (200, o.line('Failed to apply', 'mysql://wandb:word@db: bad'))
    error = failing(cluster)
    assert (error.result['cause'], error.result['phase']) == ('invalid_config', 'Invalid Config')
    assert error.result['waited_seconds'] < 10
    assert 'Failed to apply: mysql://***@db: bad' in str(error)


def test_an_operator_that_does_nothing_is_told():
    error = failing(Cluster())
    assert error.result['cause'] == 'stale_phase'
    assert 180 <= error.result['waited_seconds'] < 190


@pytest.mark.parametrize(('timeout', 'cause'), [(10, 'timeout'), (60, 'stale_phase')])
def test_an_operator_has_a_moment_before_it_is_blamed(timeout, cause):
    error = failing(Cluster(), timeout=timeout)
    assert error.result['cause'] == cause
    assert any(one.startswith('the operator has not applied yet') for one in error.result['missing'])


def test_a_migration_ends_with_its_own_name_and_log():
    def operator(cluster):
        good_operator(cluster)
        if CR in cluster.objects:
            cluster.objects['/apis/apps/v1/namespaces/wandb/deployments/wandb-app-bc'] = o.deployment(availableReplicas=0)

    cluster = Cluster(operator)
    cluster.objects[f'{NAMESPACE}/pods/app-pod'] = o.pod(init=[{'name': 'init-db', 'state': {'running': {}}}])
    cluster.texts[f'{NAMESPACE}/pods/app-pod/log'] = (200, 'one\ntwo')
    error = failing(cluster, timeout=30)
    assert error.result['cause'] == 'migration_running'
    assert error.result['logs'] == {'Pod wandb/app-pod container init-db': ['one', 'two']}
    assert error.result['missing'] == ['Deployment wandb/wandb-app-bc: 0 of 1 replicas are available']


def test_a_passed_deadline_is_told_with_what_still_runs():
    conditions = [{'type': 'Progressing', 'status': 'False', 'reason': 'ProgressDeadlineExceeded', 'message': 'ReplicaSet timed out progressing'}]

    def operator(cluster):
        good_operator(cluster)
        if CR in cluster.objects:
            cluster.objects['/apis/apps/v1/namespaces/wandb/deployments/wandb-app-bc'] = o.deployment(availableReplicas=0, conditions=conditions)

    cluster = Cluster(operator)
    cluster.objects['/apis/apps/v1/namespaces/wandb/replicasets/wandb-app-1'] = o.replica_set()
    cluster.objects[f'{NAMESPACE}/pods/app-pod'] = o.pod(init=[{'name': 'init-db', 'state': {'running': {}}}])
    cluster.texts[f'{NAMESPACE}/pods/app-pod/log'] = (200, 'MySQL: access denied')
    error = failing(cluster)
    assert [one['code'] for one in error.result['causes']] == ['deadline', 'migration_running']
    assert error.result['cause'] == 'deadline'
    assert 'container init-db: is still running (last line of its log: MySQL: access denied)' in str(error)


def test_a_bare_timeout_tells_what_was_missing():
    cluster = Cluster(good_operator)
    cluster.texts[f'{NAMESPACE}/services/wandb-app%3A8080/proxy/ready'] = (503, 'no endpoints')
    error = failing(cluster, timeout=30)
    assert error.result['cause'] == 'timeout'
    assert error.result['missing'] == ['wandb-app:8080/ready answers 503: no endpoints']


@pytest.mark.parametrize(('looks', 'cause'), [(5, None), (1000, 'api_unreachable')])
def test_a_restarting_api_server_is_waited_for(looks, cause):
    def operator(cluster):
        good_operator(cluster)
        cluster.down = looks if CR in cluster.objects else 0

    cluster = Cluster(operator)
    if cause is None:
        assert runner(cluster).present()['waited'] == [{'stage': 'api', 'seconds': 15.0}]
    else:
        error = failing(cluster)
        assert error.result['cause'] == cause
        assert 60 <= error.result['waited_seconds'] < 70


def test_without_wait_nothing_is_waited_for():
    result = runner(Cluster(), wait=False).present()
    assert 'ready' not in result
    assert (result['waited'], result['waited_seconds']) == ([], 0.0)


def test_what_was_waited_for_is_told_in_any_case():
    cluster = Cluster(good_operator)
    for result in (runner(cluster, dry_run=True).present(), runner(cluster).present(), runner(cluster).present(), runner(cluster).absent()):
        assert isinstance(result['waited'], list)
        assert isinstance(result['waited_seconds'], float)


def test_removal():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.objects[f'{NAMESPACE}/secrets/wandb-gorilla-session-key'] = o.secret('wandb-gorilla-session-key', {})
    assert runner(cluster, dry_run=True).absent()['changed'] is True
    assert CR in cluster.objects
    result = runner(cluster).absent()
    assert (result['changed'], result['left_behind']) == (True, ['Secret wandb-gorilla-session-key'])
    assert CR not in cluster.objects
    assert HMAC not in cluster.objects
    assert runner(cluster).absent()['changed'] is False


def test_removal_is_refused_without_the_operator():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.objects[OPERATOR]['status'] = {}
    cluster.log.clear()
    with pytest.raises(ServerError, match='would hang in Terminating') as caught:
        runner(cluster).absent()
    assert caught.value.result['cause'] == 'operator_down'
    assert cluster.writes() == []


def test_info():
    cluster = Cluster(good_operator)
    assert server_info(Service(Client(cluster, True)), 'wandb', 'wandb', 'wandb-operator') == {'exists': False, 'ready': False}
    runner(cluster).present()
    info = server_info(Service(Client(cluster, True)), 'wandb', 'wandb', 'wandb-operator')
    assert (info['ready'], info['phase'], info['missing'], info['causes']) == (True, 'Completed', [], [])
    assert info['versions'] == {'chart': '0.43.8', 'operator': 'latest', 'app': '1.2.3', 'console': '1.2.3'}
    assert info['release'] == {'name': 'wandb', 'revision': 1, 'status': 'deployed', 'chart_version': '0.43.8'}
    assert info['license']['expires_at'] == '2096-10-02T07:06:40Z'
    assert info['console_url'] == 'https://wandb.example.com/console'
    assert info['console_password_secret'] == {}
    assert LICENSE not in json.dumps(info)


def pod_template(kind, image, init=''):
    spec = {'containers': [{'image': image}], 'initContainers': [{'image': init}] if init else []}
    template = {'template': {'spec': spec}}
    return json.dumps({'kind': kind, 'metadata': {'name': 'x'}, 'spec': {'jobTemplate': {'spec': template}} if kind == 'CronJob' else template})


def test_info_names_the_images_of_cron_jobs_and_hooks():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    hooks = [
        {'manifest': pod_template('Job', 'alpine/k8s:1'), 'events': ['pre-upgrade']},
        {'manifest': json.dumps({'kind': 'Pod', 'spec': {'containers': [{'image': 'python:3'}]}}), 'events': ['test']},
        {'manifest': json.dumps({'kind': 'Pod', 'spec': {'containers': [{'image': 'signer:1'}]}}), 'events': ['pre-install', 'test']},
    ]
    manifest = '\n---\n'.join([pod_template('CronJob', 'wandb/megabinary:1'), pod_template('Deployment', 'wandb/local:1', 'wandb/local:init'), '{}'])
    cluster.objects[f'{NAMESPACE}/secrets/sh.helm.release.v1.wandb.v1'] = o.release(manifest=manifest, hooks=hooks)
    info = server_info(Service(Client(cluster, True)), 'wandb', 'wandb', 'wandb-operator')
    assert info['images'] == [
        'alpine/k8s:1', 'registry:5000/wandb/app:1.2.3', 'registry:5000/wandb/console:1.2.3', 'signer:1', 'wandb/local:1', 'wandb/local:init',
        'wandb/megabinary:1',
    ]  # fmt: skip


def test_info_of_a_damaged_release_still_tells_what_runs():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.objects[f'{NAMESPACE}/secrets/sh.helm.release.v1.wandb.v1']['data']['release'] = o.b64('no release')
    info = server_info(Service(Client(cluster, True)), 'wandb', 'wandb', 'wandb-operator')
    assert info['images'] == ['registry:5000/wandb/app:1.2.3', 'registry:5000/wandb/console:1.2.3']
