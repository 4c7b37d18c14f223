# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some of the wrong inventories as files, through ``ansible-playbook wandb.onprem.preflight``: refused, no host asked, nothing changed."""

from __future__ import annotations

import json

import as_files
import in_process
import pytest
import wrong

PLAYBOOK = as_files.ROOT / 'playbooks' / 'preflight.yml'
# At least one of every subject.
CHOSEN = (
    'misspelt-host', 'misspelt-on-host', 'group-with-dashes', 'undefined-template', 'text-false', 'oidc-no-issuer', 'mysql-port-of-group',
    'placeholder-password', 'port-70000', 'latest-server', 'host-http', 'licence-ran-out', 'two-redises', 'no-external-bucket', 'default-minio',
    'equal-passwords', 'pair-without-address', 'reseed-left', 'target-is-database', 'two-drives', 'redis-evicts', 'upstream-is-proxy',
    'host-certificate-names', 'virtual-elsewhere', 'one-machine', 'otel-on-openshift', 'gap-turned-on', 'chart-with-password',
    'weave-without-clickhouse', 'operator-env-secret',
)
ROWS = {row['id']: row for row in wrong.rows('wrong')}
HIDDEN = 'not-to-be-shown'


@pytest.fixture
def run(good, folder, tmp_path, report):
    """Runs the playbook on an inventory as files."""
    recorder = as_files.Recorder(tmp_path)
    site, home = tmp_path / 'site', tmp_path / 'home'
    site.mkdir()
    home.mkdir()

    def runs(inventory):
        inventory.give('all', recorder.variables())
        in_process.dump(inventory, site)
        before = as_files.state(site), as_files.state(folder)
        done, recap = as_files.play(PLAYBOOK, site, home)
        file = folder / 'preflight.json'
        report.update(json.loads(file.read_text(encoding='utf-8')) if file.exists() else {})
        file.unlink(missing_ok=True)
        assert (as_files.state(site), as_files.state(folder)) == before
        return done, recap, recorder.calls

    return runs


@pytest.fixture
def report():
    """What the run wrote for programs: the only thing that it writes."""
    return {}


@pytest.mark.parametrize('name', CHOSEN)
def test_it_is_refused_before_any_host_is_asked(name, good, run, report):
    row = ROWS[name]
    variable, rule, mend = row['says']
    done, recap, calls = run(wrong.changed(row, good))
    told = ' '.join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert calls == []
    assert recap == {'localhost': {**recap['localhost'], 'ok': 0, 'changed': 0, 'unreachable': 0, 'failed': 1}}
    assert variable in told
    assert f'[{rule}]' in told
    assert mend in told
    assert HIDDEN not in told
    assert 'Look at the host' not in told
    assert 'SEVERITY' in told
    assert (report['passed'], report['checked'], report['errors'] > 0) == (False, ['inventory'], True)
    assert {'severity': 'error', 'rule': rule, 'variable': variable}.items() <= next(one for one in report['problems'] if one['rule'] == rule).items()
    assert HIDDEN not in json.dumps(report)


def test_a_good_one_goes_on_to_the_hosts_which_the_recorder_sees(good, run, report):
    """Without it an empty list of calls would prove nothing."""
    done, recap, calls = run(good['production'].copy())
    assert done.returncode != 0
    hosts = {host for hosts in good['production'].members.values() for host in hosts}
    assert set(recap) == {'localhost', *hosts}
    assert all(recap[host]['unreachable'] == 1 for host in hosts)
    assert len(calls) >= len(hosts)
    # Nothing is known of them: without that being said the run would go on without them.
    assert recap['localhost']['failed'] == 1
    [problem] = [one for one in report['problems'] if one['severity'] == 'error' and one['rule'] == 'host-reached']
    assert set(problem['where'].split(', ')) == hosts


def test_no_secret_of_the_inventory_is_shown(good, run, report):
    inventory = wrong.changed(ROWS['host-http'], good)
    secrets = [str(value) for name, value in inventory.variables['all'].items() if name.endswith(('_password', '_secret_key', '_license'))]
    done, _recap, _calls = run(inventory)
    assert len(secrets) >= 8
    assert [secret for secret in secrets if secret in done.stdout + done.stderr + json.dumps(report)] == []


def test_enough_of_them_run_so():
    assert len(CHOSEN) >= 20
