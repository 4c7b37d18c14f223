# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what hosts registered to the table, the file and the exit code, through ``ansible-playbook``."""

from __future__ import annotations

import json
import time

import as_files
import in_process
import pytest

PLAYBOOK = as_files.ROOT / 'tests' / 'inventories' / 'observed.yml'
HIDDEN = 'not-to-be-shown'
GOOD = {
    'version': {'git_version': 'v1.35.4', 'major': 1, 'minor': 35}, 'openshift': False, 'openshift_version': '', 'ingress_classes': None,
    'storage_classes': None, 'nodes': None, 'crd': None, 'custom_resources': None, 'namespaces': {}, 'unreadable': [], 'permissions': [], 'lacking': [],
}


@pytest.fixture
def run(good, folder, tmp_path):
    """Runs the playbook with a cluster that is so; the finished run and the report."""

    def runs(*arguments, cluster=None, api_hosts=(), **values):
        site, home = tmp_path / 'site', tmp_path / 'home'
        site.mkdir(exist_ok=True)
        home.mkdir(exist_ok=True)
        inventory = good['external'].copy()
        # The controller is the API host.
        inventory.members['wandb_kube'] = list(api_hosts)
        inventory.give('all', values)
        in_process.dump(inventory, site)
        now = time.time()
        api_host = {
            'python': [3, 13, 5], 'executable': '/usr/bin/python3', 'clock': now, 'controller_before': now, 'names': {}, 'links': [], 'missing_packages': [],
            'missing_files': {}, 'versions': {},
        }
        seen = tmp_path / 'seen.json'
        seen.write_text(json.dumps({'seen_api_host': api_host, 'seen_cluster': {**GOOD, **(cluster or {})}}), encoding='utf-8')
        done, _recap = as_files.play(PLAYBOOK, site, home, '-e', f'@{seen}', *arguments)
        path = folder / 'preflight.json'
        report = json.loads(path.read_text(encoding='utf-8')) if path.exists() else None
        path.unlink(missing_ok=True)
        return done, report

    return runs


def test_a_good_one_passes(run):
    done, report = run()
    assert done.returncode == 0, done.stdout
    assert (report['passed'], report['checked']) == (True, ['inventory', 'hosts', 'cluster'])
    assert f'Preflight of inventory and hosts and cluster: 0 error(s), {report["warnings"]} warning(s). Nothing was changed.' in done.stdout
    assert 'changed=0' in done.stdout


def test_what_was_found_in_the_inventory_and_in_the_cluster_comes_together(run):
    done, report = run(cluster={'lacking': ['create secrets in namespace wandb'], 'version': {'major': 1, 'minor': 31}}, wandb_redis_password=HIDDEN)
    assert done.returncode != 0
    told = [(one['severity'], one['where'], one['rule']) for one in report['problems']]
    assert ('error', 'cluster', 'permissions') in told
    assert ('warning', 'cluster', 'kube-version') in told
    # Of the inventory itself, though only doubtful: it was brought in plain text.
    assert ('warning', 'site', 'secret-in-clear') in told
    assert [one[0] for one in told] == sorted(one[0] for one in told), 'errors first'
    table = done.stdout[done.stdout.index('SEVERITY'):done.stdout.index('Preflight of')]
    assert all(text in table for text in ('error', 'cluster', 'wandb_kubeconfig', '[permissions]', '[kube-version]', '[secret-in-clear]'))
    assert '[permissions]' in ' '.join((done.stdout + done.stderr)[done.stdout.index('Preflight of'):].split())
    assert HIDDEN not in done.stdout + done.stderr + json.dumps(report)


def test_a_controller_that_is_in_no_inventory_is_looked_at_too(run):
    done, report = run(cluster={'error': 'connection refused'})
    assert done.returncode != 0
    assert [one['why'] for one in report['problems'] if one['rule'] == 'kube-answers'] == ['the Kubernetes API does not answer: connection refused']


def test_an_api_host_that_nobody_looked_at_is_an_error(run):
    done, report = run(api_hosts=['bastion.example.com'])
    assert done.returncode != 0
    assert [(one['where'], one['rule']) for one in report['problems'] if one['severity'] == 'error'] == [('bastion.example.com', 'host-reached')]


def test_what_is_accepted_passes(run):
    done, report = run(cluster={'lacking': ['create secrets in namespace wandb']}, wandb_preflight_accept=['permissions'])
    assert done.returncode == 0, done.stdout
    assert [one['severity'] for one in report['problems'] if one['rule'] == 'permissions'] == ['warning']


def test_check_mode_tells_the_same_and_writes_nothing(run):
    done, report = run('--check', cluster={'lacking': ['create secrets in namespace wandb']})
    assert done.returncode != 0
    assert '[permissions]' in done.stdout
    assert report is None


def test_a_report_that_cannot_be_written_is_no_failure(run, tmp_path):
    done, report = run(wandb_preflight_report=str(tmp_path / 'nosuch' / 'preflight.json'))
    assert done.returncode == 0, done.stdout
    assert report is None
    assert 'nosuch/preflight.json cannot be written: No such file or directory' in ' '.join((done.stdout + done.stderr).split())
    done, report = run(wandb_preflight_report='')
    assert (done.returncode, report) == (0, None)
