# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to one kubeconfig document."""

from __future__ import annotations

import os
import stat

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube import auth
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import kubeconfig_document, kubeconfig_file
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError

CONFIG = {
    'current-context': 'one',
    'clusters': [{'name': 'c1', 'cluster': {'server': 'https://one:6443', 'certificate-authority': 'ca.crt'}},
                 {'name': 'c2', 'cluster': {'server': 'https://two:6443'}}],
    'users': [{'name': 'u', 'user': {'token': 'token-of-the-file'}}],
    'contexts': [{'name': 'one', 'context': {'cluster': 'c1', 'user': 'u'}}, {'name': 'two', 'context': {'cluster': 'c2', 'user': 'u'}}],
}


def cluster(document):
    return document['clusters'][0]['cluster']


def user(document):
    return document['users'][0]['user']


@pytest.fixture
def path(tmp_path):
    file = tmp_path / 'config'
    file.write_text(yaml.safe_dump(CONFIG))
    return str(file)


def test_paths_in_a_file_are_relative_to_it(path, tmp_path):
    document = kubeconfig_document({'kubeconfig': path}, {})
    assert cluster(document) == {'server': 'https://one:6443', 'certificate-authority': str(tmp_path / 'ca.crt')}
    assert user(document) == {'token': 'token-of-the-file'}


@pytest.mark.parametrize('given', [CONFIG, yaml.safe_dump(CONFIG)])
def test_content_in_place_of_a_path(given):
    assert cluster(kubeconfig_document({'kubeconfig': given, 'context': 'two'}, {}))['server'] == 'https://two:6443'


def test_options_win_over_the_file(path):
    document = kubeconfig_document({'kubeconfig': path, 'host': 'https://other', 'api_key': 'k', 'validate_certs': False, 'proxy': 'http://p',
                                    'impersonate_user': 'me', 'impersonate_groups': ['a', 'b']}, {})
    assert cluster(document) == {'server': 'https://other', 'insecure-skip-tls-verify': True, 'proxy-url': 'http://p'}
    assert user(document) == {'token': 'k', 'as': 'me', 'as-groups': ['a', 'b']}


def test_a_proxy_stands_in_the_document_with_its_credentials_or_not_at_all():
    given = {'host': 'https://api.example.com:6443', 'proxy': 'http://p:3128', 'proxy_headers': {'proxy_basic_auth': 'me:a@b'}}
    assert cluster(kubeconfig_document(given, {}))['proxy-url'] == 'http://me:a%40b@p:3128'
    assert 'proxy-url' not in cluster(kubeconfig_document({**given, 'no_proxy': 'localhost,.example.com'}, {}))
    assert 'proxy-url' in cluster(kubeconfig_document({**given, 'no_proxy': 'other.com'}, {}))


def test_the_environment_names_the_file(path):
    assert cluster(kubeconfig_document({}, {'KUBECONFIG': path}))['server'] == 'https://one:6443'
    # A context without a kubeconfig is one of the default file, also beside host.
    document = kubeconfig_document({'host': 'https://other', 'context': 'two'}, {'KUBECONFIG': path})
    assert (cluster(document)['server'], user(document)['token']) == ('https://other', 'token-of-the-file')


def test_files_are_merged_as_kubectl_does(path, tmp_path):
    other = tmp_path / 'other'
    other.write_text(yaml.safe_dump({
        'current-context': 'three', 'users': [{'name': 'u', 'user': {'token': 'second'}}], 'clusters': [{'name': 'c3', 'cluster': {'server': 'https://three'}}],
        'contexts': [{'name': 'three', 'context': {'cluster': 'c3', 'user': 'u'}}],
    }))
    both = f'/nonexistent:{path}:{other}'
    assert cluster(kubeconfig_document({'kubeconfig': both}, {}))['server'] == 'https://one:6443'
    third = kubeconfig_document({'kubeconfig': both, 'context': 'three'}, {})
    assert (cluster(third)['server'], user(third)) == ('https://three', {'token': 'token-of-the-file'})


def test_an_exec_plugin_is_found_beside_the_file(tmp_path):
    plugins = [{'name': name, 'user': {'exec': {'command': command}}} for name, command in (('a', './login'), ('b', 'login'))]
    contexts = [{'name': name, 'context': {'cluster': 'c2', 'user': name}} for name in 'ab']
    (tmp_path / 'config').write_text(yaml.safe_dump({**CONFIG, 'users': plugins, 'contexts': contexts}))
    found = [user(kubeconfig_document({'kubeconfig': str(tmp_path / 'config'), 'context': name}, {}))['exec']['command'] for name in 'ab']
    assert found == [str(tmp_path / 'login'), 'login']


POD = {'KUBECONFIG': '/nonexistent', 'KUBERNETES_SERVICE_HOST': 'fd00::1', 'KUBERNETES_SERVICE_PORT': '6443'}


def test_last_the_pods_own_service_account(tmp_path, monkeypatch):
    monkeypatch.setattr(auth, 'SERVICE_ACCOUNT_DIR', str(tmp_path))
    with pytest.raises(AuthConfigError, match='no service account token'):
        kubeconfig_document({}, POD)
    (tmp_path / 'token').write_text('t')
    document = kubeconfig_document({}, POD)
    assert cluster(document) == {'server': 'https://[fd00::1]:6443', 'certificate-authority': f'{tmp_path}/ca.crt'}
    assert user(document) == {'tokenFile': f'{tmp_path}/token'}
    # What is given wins.
    assert cluster(kubeconfig_document({'host': 'https://other', 'api_key': 'k'}, POD))['server'] == 'https://other'


@pytest.mark.parametrize(('options', 'text'), [
    ({'kubeconfig': '/nonexistent/config'}, '/nonexistent/config cannot be read'),
    ({'kubeconfig': CONFIG, 'context': 'three'}, 'no context named three .it has: one, two'),
    ({'kubeconfig': {'clusters': []}}, 'no current-context'),
    ({'kubeconfig': 'token: [secret\n'}, 'is not YAML'),
    ({'kubeconfig': 'just secret words\n'}, 'is not a kubeconfig'),
    ({'kubeconfig': {'users': {'secret': 1}}}, 'is not a kubeconfig'),
    ({'kubeconfig': {'users': ['secret']}}, 'is not a kubeconfig'),
    ({'kubeconfig': {**CONFIG, 'users': []}}, 'no user named u .it has: none'),
    ({'kubeconfig': CONFIG, 'client_cert': '/x'}, 'client_cert and client_key are given together'),
    ({}, 'no kubeconfig: /nonexistent does not exist'),
])
def test_what_cannot_work_is_told(options, text):
    with pytest.raises(AuthConfigError, match=text) as raised:
        kubeconfig_document(options, {'KUBECONFIG': '/nonexistent'})
    assert 'secret' not in str(raised.value)


def test_the_file_for_helm_is_private_and_goes(tmp_path):
    with kubeconfig_file({'kind': 'Config'}, str(tmp_path)) as name:
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        with open(name) as stream:
            assert yaml.safe_load(stream) == {'kind': 'Config'}
    assert not os.listdir(tmp_path)
