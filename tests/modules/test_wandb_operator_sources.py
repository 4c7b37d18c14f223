# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts out of a repository and a registry, fetched by the real helm ($WANDB_TEST_HELM: another one than the lab's), in check mode
against the lab's API server. Repository and registry are stand-ins (chart_server.py)."""

from __future__ import annotations

import os
import shutil

import chart_server
import pytest
from harness import lab_dir, lab_vars, run_module

MODULE = 'wandb.onprem.wandb_operator'
PASSWORD = 'pass word:%1'
LOGIN = {'chart_username': 'puller', 'chart_password': PASSWORD}


def archive():
    return next((lab_dir() / 'charts').glob('operator-1*.tgz'))


@pytest.fixture(scope='module', params=['http', 'https'])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('ca') if request.param == 'https' else None
    with chart_server.serving(archive(), ('puller', PASSWORD), folder) as listening:
        yield listening


def run(error=None, **more):
    options = {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'helm_binary': os.environ.get('WANDB_TEST_HELM') or lab_vars('kube-1')['lab_helm'],
        'name': 'op-test', 'namespace': 'test-operator-sources', 'image_tag': '1', 'name_override': 'op-test', 'namespace_isolation': True,
        'allow_other_operators': True, **more,
    }
    result = run_module(MODULE, options, check=True, secrets=[PASSWORD])
    assert result['failed'] is (error is not None), result.get('msg') or result
    if error:
        assert result['msg'].startswith(error), result['msg']
    return result


def repository(server, **more):
    return {'chart': 'operator', 'chart_repo_url': f'{server.url}/repo', 'chart_version': '1.4.8', 'chart_ca_file': server.ca_file or None, **LOGIN, **more}


def registry(server, **more):
    return {'chart': f'oci://{server.host}/charts/operator', 'chart_version': '1.4.8', 'chart_ca_file': server.ca_file or None,
            'chart_plain_http': not server.ca_file, **LOGIN, **more}


@pytest.mark.parametrize('source', [repository, registry])
def test_a_chart_is_fetched_with_a_login(server, source):
    assert run(**source(server))['action'] == 'install'


@pytest.mark.parametrize('source', [repository, registry])
def test_a_missing_version_a_wrong_login_and_an_unknown_ca_are_told_by_option(server, source):
    place = 'chart_repo_url' if source is repository else 'chart'
    missing = run(error=f'{place}: ', **source(server, chart_version='9.9.9'))
    assert 'there is no such chart or version' in missing['msg']
    run(error='chart_username: ', **source(server, chart_password='wrong'))
    if server.ca_file:
        run(error='chart_ca_file: ', **source(server, chart_ca_file=None))
    elif source is registry:
        run(error='chart_plain_http: ', **source(server, chart_plain_http=False))


def test_without_a_login_none_is_sent(server):
    server.seen.clear()
    run(error='chart_username: ', **registry(server, chart_username=None, chart_password=None))
    assert {given for _path, given in server.seen} == {''}


def test_an_archive_is_fetched_by_its_url(tmp_path):
    with chart_server.serving(archive()) as listening:
        assert run(chart=f'{listening.url}/repo/operator-1.4.8.tgz')['action'] == 'install'
        missing = run(error='chart: ', chart=f'{listening.url}/repo/operator-9.9.9.tgz')
        assert 'there is no such chart or version' in missing['msg']


def test_a_server_that_is_not_there_is_told():
    told = run(error='chart_repo_url: ', chart='operator', chart_repo_url='http://127.0.0.1:9/repo', chart_version='1.4.8')
    assert 'is not reached' in told['msg']


def test_helm_leaves_nothing_in_the_users_home(server, tmp_path, monkeypatch):
    for name in ('HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'):
        monkeypatch.setenv(name, str(tmp_path))
    run(**repository(server))
    run(**registry(server))
    shutil.rmtree(tmp_path / '.ansible', ignore_errors=True)
    assert [path for path in tmp_path.rglob('*') if path.is_file()] == []
