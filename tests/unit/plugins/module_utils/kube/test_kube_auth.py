# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to one kubeconfig document."""

from __future__ import annotations

import os
import stat

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import kubeconfig_document, kubeconfig_file
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import PooledTransport
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


def test_the_environment_and_then_the_pod(path):
    assert cluster(kubeconfig_document({}, {'KUBECONFIG': path}))['server'] == 'https://one:6443'
    in_pod = kubeconfig_document({}, {'KUBECONFIG': '/nonexistent', 'KUBERNETES_SERVICE_HOST': 'fd00::1', 'KUBERNETES_SERVICE_PORT': '443'})
    assert cluster(in_pod)['server'] == 'https://[fd00::1]:443'
    assert user(in_pod)['tokenFile'].endswith('/token')


@pytest.mark.parametrize(('options', 'text'), [
    ({'kubeconfig': '/nonexistent/config'}, '/nonexistent/config cannot be read'),
    ({'kubeconfig': CONFIG, 'context': 'three'}, 'no context named three .it has: one, two'),
    ({'kubeconfig': {'clusters': []}}, 'no current-context'),
    ({'kubeconfig': 'token: [secret\n'}, 'is not YAML'),
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


def test_the_transport_sends_token_and_impersonation():
    document = kubeconfig_document({'host': 'http://127.0.0.1:1', 'api_key': 'k', 'impersonate_user': 'me', 'impersonate_groups': ['a', 'b']}, {})
    transport = PooledTransport(document)
    seen = {}

    class Pool:
        def request(self, method, url, **more):
            seen.update(more, method=method, url=url)
            return type('Answer', (), {'status': 200, 'data': b'{}', 'headers': transport._urllib3.HTTPHeaderDict()})()
    transport._pool = Pool()
    transport.send('PATCH', '/api/v1/x', {'a': 'b c'}, 'application/apply-patch+yaml', b'{}')
    assert seen['url'] == 'http://127.0.0.1:1/api/v1/x?a=b+c'
    assert seen['headers']['authorization'] == 'Bearer k'
    assert seen['headers'].getlist('Impersonate-Group') == ['a', 'b']
    assert seen['headers']['Impersonate-User'] == 'me'
    assert seen['headers']['Content-Type'] == 'application/apply-patch+yaml'
