# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with nothing to do, side by side: wandb_operator + wandb_server, and what one would write with kubernetes.core.

Both sides are tasks of one `ansible-playbook` with a local connection, on the same interpreter, alternating round by round,
against the same Helm release and the same custom resource of the lab; seconds are those of the tasks, from start to end as
Ansible sees them, so that both carry its own share. The other side does less: without the helm-diff plugin, which is not
there, its helm module compares chart version and values only, and a Deployment that is rolled out is not a server that answers.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import subprocess
import sys

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.helm import newest_release
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import NAMESPACES, WANDBS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import ROOT, lab_dir, lab_vars, run_module
from server_lab import ANSWERS, LICENSE, app_row, chart_archive, config_map, image_rows, namespace, secret, site_operator, until

SERVER, OPERATOR, TAG = 'rt-bench', 'rt-bench-op', 'rt-bench'
# The first one fills caches (of kubernetes.core's discovery, for one) and does not count.
ROUNDS = 7
FACTOR = 0.5


@pytest.fixture(scope='module')
def service():
    kubeconfig = lab_dir() / 'kubeconfig'
    if not kubeconfig.exists():
        pytest.skip('the lab has no API server')
    return Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))


def operator_options(scope):
    return {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'helm_binary': lab_vars('kube-1')['lab_helm'], 'name': 'op', 'namespace': OPERATOR, 'airgapped': True,
        'chart': str(next((lab_dir() / 'charts').glob('operator-1*.tgz'))), 'image_tag': '1.22.0', 'namespace_isolation': True,
        'additional_namespaces': scope, 'extra_values': {'nameOverride': 'bench'}, 'wait_timeout': 300, 'allow_other_operators': True,
    }


def server_options(operator):
    return {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'name': 'bench', 'namespace': SERVER, 'operator_namespace': operator,
        'wandb_host': 'https://bench.lab.test', 'license_secret': {'name': 'license-in'}, 'size': 'testing',
        'chart': {'path': '/charts/operator-wandb'}, 'chart_version': '0.43.8', 'image_tag': '0.83.0', 'console_tag': '2.18.12',
        'mysql': {'host': 'db-1', 'password_secret': {'name': 'mysql-in'}}, 'redis': {'host': 'rd-1', 'password_secret': {'name': 'redis-in'}},
        'bucket': {'host': 's3.lab.test', 'name': 'wandb', 'region': 'us-east-1', 'secret': {'name': 'bucket-in'}},
        'ingress': {'enabled': False}, 'components': {'app': {'image': {'tag': TAG}}},
        # The operator may be isolated: then it may make no ClusterRole.
        'extra_values': {'console': {'role': {'type': 'Role'}}, 'app': {'internalJWTMap': []}}, 'timeout': 600,
    }


def gone(service, name):
    service.delete(NAMESPACES, None, name)
    until(lambda: service.get(NAMESPACES, None, name) is None, f'the end of namespace {name}')


@pytest.fixture(scope='module')
def ready(service):
    """(options of wandb_operator, options of wandb_server) of a server that is ready."""
    site = site_operator(service)
    ours = operator_options([] if site else [SERVER])
    server = server_options(site or OPERATOR)
    inputs = [secret('license-in', license=LICENSE), secret('mysql-in', MYSQL_PASSWORD='a'), secret('redis-in', REDIS_PASSWORD='a'),
              secret('bucket-in', ACCESS_KEY='a', SECRET_KEY='a')]
    for document in inputs:
        document['metadata']['namespace'] = SERVER
    for document in (namespace(SERVER), namespace(OPERATOR), config_map(OPERATOR, 'wandb-charts', {'operator-wandb': chart_archive()}), *inputs):
        service.apply(document)
    with image_rows({f'wandb/local:{TAG}': app_row(ANSWERS)}):
        try:
            for module, options in (('wandb_operator', ours), ('wandb_server', server)):
                made = run_module(f'wandb.onprem.{module}', options, limit=630)
                assert not made['failed'], made['msg']
            yield ours, server
        finally:
            run_module('wandb.onprem.wandb_server', {**server, 'state': 'absent'}, limit=630)
            gone(service, SERVER)
            gone(service, OPERATOR)


def sides(service, ours, server):
    """Side -> its tasks. The other side gets the values and the spec that ours made."""
    custom_resource = service.get(WANDBS, SERVER, 'bench')
    definition = {key: custom_resource[key] for key in ('apiVersion', 'kind', 'spec')}
    definition['metadata'] = {'name': 'bench', 'namespace': SERVER}
    reach = {'kubeconfig': ours['kubeconfig']}
    return {
        'ours': [{'wandb.onprem.wandb_operator': ours}, {'wandb.onprem.wandb_server': server}],
        'theirs': [
            {'kubernetes.core.helm': {
                **reach, 'binary_path': ours['helm_binary'], 'release_name': 'op', 'release_namespace': OPERATOR, 'chart_ref': ours['chart'],
                'release_values': newest_release(service, OPERATOR, 'op').values, 'wait': True, 'skip_crds': True,
            }},
            {'kubernetes.core.k8s': {**reach, 'state': 'present', 'definition': definition}},
            {'kubernetes.core.k8s_info': {
                **reach, 'api_version': 'apps/v1', 'kind': 'Deployment', 'namespace': SERVER, 'label_selectors': ['app.kubernetes.io/instance=bench'],
                'wait': True, 'wait_timeout': 300,
            }},
        ],
    }


def seconds_of(tasks, folder):
    """Name of each task -> (seconds, its result), in one run of Ansible."""
    play = [{'hosts': 'localhost', 'connection': 'local', 'gather_facts': False, 'tasks': tasks}]
    (folder / 'bench.yml').write_text(yaml.safe_dump(play))
    command = ['ansible-playbook', '-i', 'localhost,', '-e', f'ansible_python_interpreter={sys.executable}', str(folder / 'bench.yml')]
    environment = {**os.environ, 'ANSIBLE_STDOUT_CALLBACK': 'ansible.posix.jsonl'}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=1800)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    started, found = {}, {}
    for line in done.stdout.splitlines():
        event = json.loads(line) if line.startswith('{') else {}
        name = (event.get('task') or {}).get('name')
        if event.get('_event') == 'v2_playbook_on_task_start':
            started[name] = event['task']['duration']['start']
        elif event.get('_event') == 'v2_runner_on_ok':
            span = datetime.datetime.fromisoformat(event['task']['duration']['end']) - datetime.datetime.fromisoformat(started[name])
            found[name] = (span.total_seconds(), event['hosts']['localhost'])
    return found


def test_nothing_to_do_takes_half_the_time(service, ready, tmp_path, capsys):
    both = sides(service, *ready)
    names = {(number, side, index): f'{number} {side} {index}' for number in range(ROUNDS) for side in both for index in range(len(both[side]))}
    timed = seconds_of([{'name': name, **both[side][index]} for (_number, side, index), name in names.items()], tmp_path)
    changed = [name for name, (_seconds, result) in timed.items() if result.get('changed')]
    assert not changed, f'not a run with nothing to do: {changed} changed something'

    def median(side, index):
        return statistics.median(timed[names[number, side, index]][0] for number in range(1, ROUNDS))
    totals = {side: [sum(timed[names[number, side, index]][0] for index in range(len(both[side]))) for number in range(1, ROUNDS)] for side in both}
    ours, theirs = (statistics.median(totals[side]) for side in ('ours', 'theirs'))
    with capsys.disabled():
        print(f'\nnothing to do, {ROUNDS - 1} rounds in turn, median seconds of a task (Ansible\'s own share included)')
        for side, tasks in both.items():
            for index, task in enumerate(tasks):
                print(f'  {side:7} {next(iter(task)):28} {median(side, index):6.2f}')
        print(f'  ours {ours:.2f} s (from {min(totals["ours"]):.2f} to {max(totals["ours"]):.2f}), '
              f'theirs {theirs:.2f} s (from {min(totals["theirs"]):.2f} to {max(totals["theirs"]):.2f}): {ours / theirs:.2f} of their time')
    assert ours <= FACTOR * theirs
