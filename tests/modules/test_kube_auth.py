# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules reach an API server: no secret is printed on any way out, and what does not work is told with option and mend.

The first half needs no lab; the second one reads from the lab's API server and keeps to namespace `test-kube-auth`.
"""

from __future__ import annotations

import base64
import copy
import os
import pathlib
import subprocess
import sys

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.cluster import ClusterReader
from ansible_collections.wandb.onprem.plugins.module_utils.kube import auth
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CLUSTER_ROLE_BINDINGS, NAMESPACES, SERVICE_ACCOUNTS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import COLLECTIONS, lab_dir, lab_vars, run_module

INFO = 'wandb.onprem.cluster_info'
NAMESPACE = 'test-kube-auth'
WORD = 'word-that-nobody-may-see'
SECRETS = [f'{kind}-{WORD}' for kind in ('token', 'key', 'password', 'id', 'plugin', 'flag', 'proxy', 'basic')]
TOKEN, KEY, PASSWORD, ID, PLUGIN, FLAG, PROXY, BASIC = SECRETS
KUBECONFIG = {
    'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'token',
    'clusters': [{'name': 'c', 'cluster': {'server': 'http://127.0.0.1:1', 'proxy-url': f'http://me:{PROXY}@127.0.0.1:2'}}],
    'users': [
        {'name': 'token', 'user': {'token': TOKEN, 'client-key-data': KEY}},
        {'name': 'password', 'user': {'username': 'me', 'password': PASSWORD}},
        {'name': 'provider', 'user': {'auth-provider': {'name': 'oidc', 'config': {'id-token': ID}}}},
        {'name': 'exec', 'user': {'exec': {'apiVersion': 'client.authentication.k8s.io/v1', 'command': 'false', 'args': [f'--client-secret={FLAG}'],
                                           'env': [{'name': 'LOGIN', 'value': PLUGIN}]}}},
    ],
    'contexts': [{'name': name, 'context': {'cluster': 'c', 'user': name}} for name in ('token', 'password', 'provider', 'exec')],
}
MODULES = {
    INFO: {},
    'wandb.onprem.wandb_server_info': {},
    'wandb.onprem.wandb_operator': {'chart': '/nonexistent.tgz', 'image_tag': '1'},
    'wandb.onprem.wandb_server': {'wandb_host': 'https://a.example.com', 'license_secret': {'name': 'l'}, 'chart_version': '0.43.8', 'image_tag': '1',
                                  'chart': {'path': '/charts/operator-wandb'}, 'console_tag': '1', 'mysql': {'host': 'm', 'password_secret': {'name': 'm'}},
                                  'redis': {'host': 'r'}, 'bucket': {'host': 's', 'name': 'b', 'secret': {'name': 's'}}, 'ingress': {'enabled': False}},
}


def call(module, secrets=(*SECRETS, WORD), **options):
    return run_module(module, {**MODULES[module], '_ansible_inject_invocation': True, **options}, secrets=secrets)


TEXT = yaml.safe_dump(KUBECONFIG)
# Every way out of one module, which all of them share, and the first and the last of each.
WAYS_OUT = [
    *((INFO, content, options) for content in (KUBECONFIG, TEXT, yaml.safe_dump(KUBECONFIG, width=20, default_style='>'))
      for options in ({'context': 'exec'}, {'context': 'provider'}, {'context': 'absent'}, {'validate_certs': 'perhaps'})),
    *((module, KUBECONFIG, options) for module in MODULES for options in ({'context': 'exec'}, {'misspelt': True})),
    (INFO, KUBECONFIG, {}),
    # What a message quotes is not in its place.
    (INFO, KUBECONFIG, {'context': TOKEN}),
]


@pytest.mark.parametrize(('module', 'content', 'options'), WAYS_OUT)
def test_the_content_of_a_kubeconfig_is_shown_without_its_secrets(module, content, options):
    result = call(module, kubeconfig=content, proxy_headers={'proxy_basic_auth': f'me:{BASIC}'}, **options)
    assert result['failed']
    shown = result['invocation']['module_args']['kubeconfig']
    assert shown['contexts'] == KUBECONFIG['contexts']
    assert shown['users'][0] == {'name': 'token', 'user': {'token': '(hidden)', 'client-key-data': '(hidden)'}}
    assert shown['users'][3]['user']['exec']['env'] == [{'name': 'LOGIN', 'value': '(hidden)'}]


@pytest.mark.parametrize('module', MODULES)
def test_a_path_stays_readable_and_the_file_is_not_shown(module, tmp_path):
    (tmp_path / 'config').write_text(yaml.safe_dump(KUBECONFIG))
    result = call(module, kubeconfig=str(tmp_path / 'config'), context='exec', proxy=f'http://me:{PROXY}@127.0.0.1:2')
    assert result['failed']
    shown = result['invocation']['module_args']
    assert (shown['kubeconfig'], shown['proxy']) == (str(tmp_path / 'config'), 'http://me:(hidden)@127.0.0.1:2')


def test_content_that_is_no_kubeconfig_is_not_shown_at_all():
    for content in (f'token: [{WORD}\n', f'just {WORD}\n'):
        result = call(INFO, kubeconfig=content)
        assert 'is not' in result['msg']
        assert result['invocation']['module_args']['kubeconfig'] == '(hidden): not a kubeconfig'


def test_content_in_the_environment_is_not_shown(monkeypatch):
    monkeypatch.setenv('K8S_AUTH_KUBECONFIG', TEXT)
    result = call(INFO, context='exec')
    assert result['invocation']['module_args']['kubeconfig']['users'][0]['user']['token'] == '(hidden)'


def play(tmp_path, kubeconfig, *tasks):
    """What a real ansible-playbook -vvv prints."""
    def task(module, options):
        return {'name': module, module: {'kubeconfig': '{{ given }}', **MODULES[module], **options}, 'failed_when': False, 'diff': True, 'check_mode': True}
    document = [{'hosts': 'localhost', 'connection': 'local', 'gather_facts': False, 'tasks': [task(*one) for one in tasks]}]
    (tmp_path / 'play.yml').write_text(yaml.safe_dump(document))
    (tmp_path / 'vars.yml').write_text(yaml.safe_dump({'given': kubeconfig, 'ansible_python_interpreter': sys.executable}))
    command = ['ansible-playbook', '-vvv', '-i', 'localhost,', '-e', f'@{tmp_path}/vars.yml', str(tmp_path / 'play.yml')]
    # Ansible before 2.21 shows the options by itself.
    environment = {**os.environ, 'ANSIBLE_INJECT_INVOCATION': 'true', 'ANSIBLE_COLLECTIONS_PATH': str(COLLECTIONS)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(('content', 'modules'), [(KUBECONFIG, MODULES), (TEXT, [INFO])], ids=['map', 'text'])
def test_a_real_run_prints_no_secret(tmp_path, content, modules):
    tasks = [(module, options) for module in modules for options in ({'context': 'exec'}, {'misspelt': 1})]
    said = play(tmp_path, content, *tasks)
    assert WORD not in said
    assert said.count('id-token: (hidden)') == len(tasks)
    assert said.count('Unsupported parameters') == len(modules)


# --- the lab ---


@pytest.fixture(scope='module')
def kubeconfig():
    path = lab_dir() / 'kubeconfig'
    if not path.exists():
        pytest.skip('the lab has no API server')
    return path


@pytest.fixture(scope='module')
def service(kubeconfig):
    return Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))


def token_of(service, account):
    """A new token of a ServiceAccount in the namespace of the test."""
    service.apply({'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': account, 'namespace': NAMESPACE}})
    request = {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenRequest', 'spec': {}}
    return service.client.review(f'{SERVICE_ACCOUNTS.path(NAMESPACE, account)}/token', request)['status']['token']


@pytest.fixture(scope='module')
def token(service):
    """Of a ServiceAccount that may view everything."""
    service.apply({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NAMESPACE}})
    service.apply({
        'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRoleBinding', 'metadata': {'name': NAMESPACE},
        'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'cluster-admin'},
        'subjects': [{'kind': 'ServiceAccount', 'name': 'reader', 'namespace': NAMESPACE}],
    })
    yield token_of(service, 'reader')
    service.delete(CLUSTER_ROLE_BINDINGS, None, NAMESPACE)
    service.delete(NAMESPACES, None, NAMESPACE)


def content(kubeconfig, **user):
    """The lab's kubeconfig with another user."""
    document = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
    return {**document, 'users': [{**document['users'][0], 'user': user}]} if user else document


def cluster_of(document):
    return document['clusters'][0]['cluster']


def authority(document, tmp_path):
    path = tmp_path / 'ca.crt'
    path.write_bytes(base64.b64decode(cluster_of(document)['certificate-authority-data']))
    return str(path)


def test_every_way_to_say_the_same(kubeconfig, token, tmp_path, monkeypatch):
    document = content(kubeconfig)
    given = {'host': cluster_of(document)['server'], 'ca_cert': authority(document, tmp_path), 'api_key': token}
    ways = [
        {'kubeconfig': str(kubeconfig)},
        {'kubeconfig': document},
        {'kubeconfig': yaml.safe_dump(document)},
        {'kubeconfig': f'/nonexistent:{kubeconfig}'},
        {'kubeconfig': document, 'context': document['current-context']},
        {'kubeconfig': str(kubeconfig), 'api_key': token},
        {'kubeconfig': content(kubeconfig, token=token)},
        given,
        {**given, 'ca_cert': None, 'validate_certs': False},
        {**given, 'proxy': 'http://127.0.0.1:1', 'no_proxy': '0.0.0.0/0,*'},
        {'kubeconfig': str(kubeconfig), 'impersonate_user': 'somebody', 'impersonate_groups': ['system:masters', 'others']},
    ]
    secrets = [token, document['users'][0]['user']['client-key-data']]
    for way in ways:
        result = call(INFO, secrets=secrets, **way)
        assert not result['failed'], result['msg']
        assert result['version']['git_version'].startswith('v1.'), way
    monkeypatch.setenv('K8S_AUTH_HOST', given['host'])
    monkeypatch.setenv('K8S_AUTH_SSL_CA_CERT', given['ca_cert'])
    monkeypatch.setenv('K8S_AUTH_API_KEY', token)
    assert not call(INFO, secrets=secrets)['failed']


def test_impersonation_is_not_only_sent_but_counts(kubeconfig):
    result = call(INFO, kubeconfig=str(kubeconfig), impersonate_user='nobody-at-all', impersonate_groups=['system:authenticated'])
    assert not result['failed'], result['msg']
    assert 'Node' in result['unreadable']


def test_what_does_not_work_is_told_with_option_and_mend(kubeconfig, token, service, tmp_path):
    document = content(kubeconfig)
    gone = token_of(service, 'gone')
    service.delete(SERVICE_ACCOUNTS, NAMESPACE, 'gone')
    other = tmp_path / 'other.crt'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-subj', '/CN=other',
                    '-keyout', str(tmp_path / 'other.key'), '-out', str(other)], check=True, capture_output=True)
    (tmp_path / 'notes.txt').write_text('token: [ no yaml')
    no_name = copy.deepcopy(document)
    cluster_of(no_name)['server'] = 'https://api.invalid:6443'
    rows = [
        ({'api_key': 'wrong-token'}, 'wrong or expired token or certificate in kubeconfig or api_key'),
        ({'api_key': gone}, 'wrong or expired token or certificate in kubeconfig or api_key'),
        ({'kubeconfig': '/nonexistent/config'}, 'kubeconfig /nonexistent/config cannot be read: No such file'),
        ({'context': 'absent'}, 'the kubeconfig has no context named absent (it has: '),
        ({'kubeconfig': str(tmp_path / 'notes.txt')}, 'notes.txt is not YAML'),
        ({'kubeconfig': no_name}, 'its name does not resolve. Look at host, or server in the kubeconfig'),
        ({'host': 'https://127.0.0.1:1'}, 'Connection refused. Look at host, or server in the kubeconfig'),
        ({'ca_cert': str(other)}, 'its certificate is not trusted: '),
        ({'ca_cert': '/nonexistent.crt'}, 'ca_cert (or certificate-authority of the kubeconfig): /nonexistent.crt cannot be read'),
        ({'proxy': 'http://127.0.0.1:1'}, 'does not answer through the proxy http://127.0.0.1:1'),
        ({'client_cert': str(other)}, 'client_cert and client_key are given together or not at all'),
    ]
    for options, said in rows:
        result = call(INFO, secrets=[gone, token], **{'kubeconfig': str(kubeconfig), **options})
        assert result['failed'], options
        assert said in result['msg'], result['msg']


def test_an_exec_plugin_serves_the_modules_and_helm(kubeconfig, token, tmp_path):
    (tmp_path / 'token').write_text(token)
    program = tmp_path / 'login'
    program.write_text('#!/bin/sh\nprintf \'{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}\' '
                       f'"$(cat {tmp_path}/token)"\n')
    program.chmod(0o700)
    plugin = {'apiVersion': 'client.authentication.k8s.io/v1', 'command': str(program), 'interactiveMode': 'Never', 'provideClusterInfo': True}
    document = content(kubeconfig, exec=plugin)
    result = call(INFO, secrets=[token], kubeconfig=document)
    assert not result['failed'], result['msg']
    assert result['unreadable'] == []
    with auth.kubeconfig_file(auth.kubeconfig_document({'kubeconfig': document})) as path:
        helm = os.environ.get('WANDB_TEST_HELM') or lab_vars('kube-1')['lab_helm']
        environment = {'KUBECONFIG': path, 'PATH': os.environ['PATH']}
        done = subprocess.run([helm, 'list', '--namespace', NAMESPACE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_in_a_pod(kubeconfig, token, tmp_path, monkeypatch):
    """The environment of a pod and the folder that every pod gets, with a real token of a real ServiceAccount."""
    document = content(kubeconfig)
    authority(document, tmp_path)
    (tmp_path / 'token').write_text(token)
    monkeypatch.setattr(auth, 'SERVICE_ACCOUNT_DIR', str(tmp_path))
    monkeypatch.setattr(auth, 'DEFAULT_KUBECONFIG', '/nonexistent')
    monkeypatch.delenv('KUBECONFIG', raising=False)
    host, _colon, port = cluster_of(document)['server'].rpartition('/')[2].partition(':')
    monkeypatch.setenv('KUBERNETES_SERVICE_HOST', host)
    monkeypatch.setenv('KUBERNETES_SERVICE_PORT', port)
    found = ClusterReader(Service(client_from({}, dry_run=True))).read()
    assert found['unreadable'] == []


def test_a_real_run_that_works_prints_no_secret(tmp_path, kubeconfig, token):
    document = content(kubeconfig, token=token)
    said = play(tmp_path, document, (INFO, {}), ('wandb.onprem.wandb_server_info', {'namespace': NAMESPACE}),
                ('wandb.onprem.wandb_server', {'namespace': NAMESPACE, 'misspelt': 1}), ('wandb.onprem.wandb_operator', {'namespace': NAMESPACE}))
    assert token not in said
    assert 'git_version' in said
    assert '(hidden)' in said
