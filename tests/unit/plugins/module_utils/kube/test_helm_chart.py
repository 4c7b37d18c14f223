# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts on disk, and how they come there. helm is played; tests/modules has the real one."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import tarfile

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.helm import Helm, HelmError
from ansible_collections.wandb.onprem.plugins.module_utils.helm_chart import read_chart
from ansible_collections.wandb.onprem.plugins.module_utils.helm_source import Source, explained, fetch


def archive(tmp_path, files):
    path = tmp_path / 'chart.tgz'
    with tarfile.open(path, 'w:gz') as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    return str(path)


FILES = {'operator/Chart.yaml': 'name: operator\nversion: 1.4.8\n', 'operator/crds/a.yaml': 'kind: A\n---\nkind: B\n',
         'operator/values.yaml': 'image: {}\nextraEnv: []\n',
         'operator/charts/sub/Chart.yaml': 'name: sub\n', 'operator/templates/x.yaml': '{{ not yaml }}'}


def test_chart_archive_and_folder_are_read_alike(tmp_path):
    from_archive = read_chart(archive(tmp_path, FILES))
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    from_folder = read_chart(str(tmp_path / 'operator'))
    for chart in (from_archive, from_folder):
        assert (chart.name, chart.version, chart.crds) == ('operator', '1.4.8', ({'kind': 'A'}, {'kind': 'B'}))
        assert chart.value_keys == ('image', 'extraEnv')


def test_what_is_no_chart_is_told(tmp_path):
    with pytest.raises(HelmError, match=r'nowhere.tgz does not exist'):
        read_chart(str(tmp_path / 'nowhere.tgz'))
    with pytest.raises(HelmError, match=r'holds no Chart.yaml'):
        read_chart(archive(tmp_path, {'x/README': ''}))
    archive(tmp_path, FILES)
    whole = (tmp_path / 'chart.tgz').read_bytes()
    (tmp_path / 'chart.tgz').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HelmError, match=r'^chart: .*chart.tgz is damaged'):
        read_chart(str(tmp_path / 'chart.tgz'))
    (tmp_path / 'chart.tgz').write_bytes(whole[:30] + bytes(30) + whole[60:])
    with pytest.raises(HelmError, match=r'is damaged'):
        read_chart(str(tmp_path / 'chart.tgz'))
    (tmp_path / 'page.html').write_text('<html>not found</html>')
    with pytest.raises(HelmError, match=r'is not a chart archive'):
        read_chart(str(tmp_path / 'page.html'))
    with pytest.raises(HelmError, match=r'has no version'):
        read_chart(archive(tmp_path, {'operator/Chart.yaml': 'name: operator\n'}))


class Program:
    """Plays helm: notes what it was called with and what the files it was pointed to hold, and leaves a chart where it should."""

    def __init__(self, chart, error='', index=True):
        self.chart, self.error, self.index = chart, error, index
        self.calls, self.files = [], {}

    def __call__(self, arguments, environment):
        self.calls.append(arguments[1:])
        for name in ('HELM_REPOSITORY_CONFIG', 'HELM_REGISTRY_CONFIG'):
            path = environment.get(name)
            if path and os.path.exists(path):
                with open(path, encoding='utf-8') as stream:
                    self.files[name] = stat.S_IMODE(os.stat(path).st_mode), yaml.safe_load(stream)
        if arguments[1] == 'repo' and self.index:
            os.makedirs(environment['HELM_REPOSITORY_CACHE'])
            with open(os.path.join(environment['HELM_REPOSITORY_CACHE'], 'chart-index.yaml'), 'w', encoding='utf-8'):
                pass
        if arguments[1] == 'pull' and not self.error:
            target = arguments[arguments.index('--destination') + 1]
            with open(self.chart, 'rb') as source, open(os.path.join(target, 'operator-1.4.8.tgz'), 'wb') as stream:
                stream.write(source.read())
        return (1, '', self.error) if self.error else (0, 'hang tight', '')


@pytest.fixture
def program(tmp_path):
    return Program(archive(tmp_path, FILES))


def fetched(program, tmp_path, **source):
    folder = tmp_path / 'private'
    folder.mkdir()
    return fetch(Helm(program, 'helm', 'kubeconfig', str(folder)), Source(**source), str(folder))


def test_a_login_for_a_repository_is_a_private_file_and_no_argument(program, tmp_path):
    ca = tmp_path / 'ca.pem'
    ca.write_text('')
    chart = fetched(program, tmp_path, chart='operator', version='1.4.8', repo_url='https://charts.example.com/wandb', username='me', password='pass word',
                    ca_file=str(ca))
    assert chart.version == '1.4.8'
    assert [call[:2] for call in program.calls] == [['repo', 'update'], ['pull', 'chart/operator']]
    mode, document = program.files['HELM_REPOSITORY_CONFIG']
    assert mode == 0o600
    assert document['repositories'] == [
        {'name': 'chart', 'url': 'https://charts.example.com/wandb', 'username': 'me', 'password': 'pass word', 'caFile': str(ca)}]
    assert 'pass word' not in json.dumps(program.calls)


@pytest.mark.parametrize(('host', 'key'), [('registry.example.com:5000', 'registry.example.com:5000'), ('docker.io', 'https://index.docker.io/v1/')])
def test_a_login_for_a_registry_is_a_private_file_and_no_argument(program, tmp_path, host, key):
    fetched(program, tmp_path, chart=f'oci://{host}/wandb/operator', version='1.4.8', username='me', password='pass:word', plain_http=True)
    [call] = program.calls
    assert call[:2] == ['pull', f'oci://{host}/wandb/operator']
    assert '--plain-http' in call
    mode, document = program.files['HELM_REGISTRY_CONFIG']
    assert mode == 0o600
    assert document == {'auths': {key: {'auth': base64.b64encode(b'me:pass:word').decode()}}}
    assert 'pass:word' not in json.dumps(program.calls)


def test_without_a_login_the_users_own_registry_login_stays_in_force(program, tmp_path):
    fetched(program, tmp_path, chart='oci://registry.example.com/operator', version='1.4.8')
    assert 'HELM_REGISTRY_CONFIG' not in program.files


def test_the_index_that_did_not_come_is_told(program, tmp_path):
    program.index = False
    with pytest.raises(HelmError, match=r'^chart_repo_url: operator 1.4.8 of https://charts.example.com cannot be fetched|^chart: operator 1.4.8'):
        fetched(program, tmp_path, chart='operator', version='1.4.8', repo_url='https://charts.example.com')


@pytest.mark.parametrize(('source', 'words'), [
    ({'chart': 'operator', 'repo_url': 'https://me:word@charts.example.com', 'version': '1'}, 'chart_repo_url: a URL with a login'),
    ({'chart': 'oci://me:word@registry.example.com/operator', 'version': '1'}, 'chart: a URL with a login'),
    ({'chart': 'oci://registry.example.com/operator', 'repo_url': 'https://charts.example.com', 'version': '1'}, 'chart: with chart_repo_url'),
    ({'chart': 'operator', 'repo_url': 'oci://registry.example.com', 'version': '1'}, 'chart_repo_url: of a registry'),
    ({'chart': 'operator', 'repo_url': 'charts.example.com', 'version': '1'}, 'chart_repo_url: begins with https://'),
    ({'chart': 'operator', 'repo_url': 'https://charts.example.com'}, 'chart_version: is required'),
    ({'chart': 'oci://registry.example.com/operator'}, 'chart_version: is required'),
    ({'chart': '/chart.tgz', 'username': 'me', 'password': 'word'}, 'chart_username: is for a repository'),
    ({'chart': 'https://example.com/operator-1.4.8.tgz', 'username': 'me', 'password': 'word'}, 'chart_username: is for a repository'),
    ({'chart': '/chart.tgz', 'plain_http': True}, 'chart_plain_http: is for a registry'),
    ({'chart': '/chart.tgz', 'ca_file': '/ca.pem'}, 'chart_ca_file: is for a chart that is fetched'),
    ({'chart': 'oci://registry.example.com/operator', 'version': '1', 'ca_file': '/nowhere.pem'}, 'chart_ca_file: /nowhere.pem does not exist'),
])
def test_what_contradicts_itself_is_refused_before_helm_runs(program, tmp_path, source, words):
    with pytest.raises(HelmError) as caught:
        fetched(program, tmp_path, **source)
    assert words in str(caught.value)
    assert 'word@' not in str(caught.value)
    assert program.calls == []


@pytest.mark.parametrize(('said', 'option'), [
    ('Error: chart "operator" version "9.9.9" not found in https://charts.example.com repository', 'chart_repo_url'),
    ('failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized', 'chart_username'),
    ('Get "https://charts.example.com": tls: failed to verify certificate: x509: certificate signed by unknown authority', 'chart_ca_file'),
    ('dial tcp: lookup charts.example.com: no such host', 'chart_repo_url'),
    ('http: server gave HTTP response to HTTPS client', 'chart_plain_http'),
    ('something else', 'chart'),
])
def test_helms_words_are_told_behind_the_option_they_are_about(said, option):
    error = str(explained(Source('operator', '9.9.9', 'https://charts.example.com'), said))
    assert error.startswith(f'{option}: operator 9.9.9 of https://charts.example.com cannot be fetched')
    assert said in error


def answering(calls, version):
    """A helm that notes its arguments and says its version."""
    def run(arguments, environment):
        calls.append(arguments)
        return 0, version, ''
    return run


def test_replacing_objects_is_called_otherwise_in_every_generation_of_helm():
    for version, flags in (('v3.22.0', ['--force']), ('v4.3', ['--force-replace', '--server-side=false'])):
        calls: list[list[str]] = []
        run = answering(calls, version)
        helm = Helm(run, 'helm', 'kubeconfig')
        helm.upgrade('r', 'n', 'c', 'v.yaml', 30)
        assert calls[-1][-1] == '--reset-values'
        helm.upgrade('r', 'n', 'c', 'v.yaml', 30, replace=True)
        assert calls[-1][-len(flags):] == flags
