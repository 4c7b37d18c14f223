# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests over real sockets: TLS with a CA of the test's own, client certificates, exec plugins, a proxy, and what is told when one fails."""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import ssl
import subprocess
import threading

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import kubeconfig_document
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError, UnreachableError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.transport import PooledTransport

NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1'


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    """Folder with ca, other-ca, server and client, each .crt and .key."""
    folder = tmp_path_factory.mktemp('pki')

    def openssl(name, *more):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '9', '-subj', f'/CN={name}',
                        '-keyout', f'{name}.key', '-out', f'{name}.crt', *more], cwd=folder, check=True, capture_output=True)
    for name in ('ca', 'other-ca'):
        openssl(name)
    for name, names in (('server', NAMES), ('named', 'subjectAltName=DNS:api.test'), ('client', 'extendedKeyUsage=clientAuth')):
        openssl(name, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:false', '-addext', names)
    return folder


class Handler(http.server.BaseHTTPRequestHandler):
    """Tells what it got; as a proxy too."""

    protocol_version = 'HTTP/1.1'

    def answer(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        told = json.dumps({'path': self.path, 'method': self.command, 'headers': [list(one) for one in self.headers.items()],
                           'body': body.decode(), 'peer': bool(peer)}).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(told)))
        self.send_header('Warning', '299 - "old"')
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_PATCH = answer

    def log_message(self, *_arguments):
        """Quiet."""


class Server(http.server.ThreadingHTTPServer):
    """Clients that hang up, as those do that do not trust it, are no news."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Quiet."""


@pytest.fixture
def serve(pki):
    """serve(certificate) -> port; plain HTTP without one."""
    servers = []

    def start(certificate=''):
        server = Server(('127.0.0.1', 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki / f'{certificate}.crt', pki / f'{certificate}.key')
            context.load_verify_locations(pki / 'ca.crt')
            context.verify_mode = ssl.CERT_OPTIONAL
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1]
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def send(cluster, user=None, method='GET', body=None, **options):
    """What the server got, by a kubeconfig of one cluster and one user."""
    config = {'current-context': 'x', 'clusters': [{'name': 'c', 'cluster': cluster}], 'users': [{'name': 'u', 'user': user or {}}],
              'contexts': [{'name': 'x', 'context': {'cluster': 'c', 'user': 'u'}}]}
    transport = PooledTransport(kubeconfig_document({'kubeconfig': config, **options}, {}))
    answer = transport.send(method, '/api/v1/x', {'a': 'b c'}, 'application/apply-patch+yaml', body)
    assert answer.status == 200
    assert answer.warnings == ('299 - "old"',)
    return json.loads(answer.body)


def header(got, name):
    return [value for key, value in got['headers'] if key.lower() == name]


def data(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


def test_path_body_token_and_impersonation(serve):
    server = {'server': f'http://127.0.0.1:{serve()}'}
    got = send(server, method='PATCH', body=b'{}', api_key='k', impersonate_user='me', impersonate_groups=['a', 'b'])
    assert (got['method'], got['path'], got['body']) == ('PATCH', '/api/v1/x?a=b+c', '{}')
    assert header(got, 'authorization') == ['Bearer k']
    assert header(got, 'impersonate-user') == ['me']
    assert header(got, 'impersonate-group') == ['a', 'b']
    assert header(got, 'content-type') == ['application/apply-patch+yaml']


def test_users_of_a_kubeconfig(serve, tmp_path):
    server = {'server': f'http://127.0.0.1:{serve()}'}
    (tmp_path / 'token').write_text('of-a-file\n')
    assert header(send(server, {'tokenFile': str(tmp_path / 'token')}), 'authorization') == ['Bearer of-a-file']
    assert header(send(server, {'username': 'me', 'password': 'p'}), 'authorization') == ['Basic ' + base64.b64encode(b'me:p').decode()]
    assert header(send(server), 'authorization') == []


def test_tls_with_a_ca_in_each_form(serve, pki):
    url = f'https://127.0.0.1:{serve("server")}'
    for cluster, options in (
        ({'certificate-authority-data': data(pki / 'ca.crt')}, {}),
        ({'certificate-authority': str(pki / 'ca.crt')}, {}),
        ({'certificate-authority-data': data(pki / 'other-ca.crt')}, {'ca_cert': str(pki / 'ca.crt')}),
        ({'certificate-authority-data': data(pki / 'other-ca.crt')}, {'validate_certs': False}),
    ):
        assert send({'server': url, **cluster}, **options)['peer'] is False
    named = f'https://127.0.0.1:{serve("named")}'
    send({'server': named, 'certificate-authority': str(pki / 'ca.crt'), 'tls-server-name': 'api.test'})


def test_client_certificates(serve, pki):
    server = {'server': f'https://localhost:{serve("server")}', 'certificate-authority': str(pki / 'ca.crt')}
    assert send(server, {'client-certificate-data': data(pki / 'client.crt'), 'client-key-data': data(pki / 'client.key')})['peer'] is True
    assert send(server, client_cert=str(pki / 'client.crt'), client_key=str(pki / 'client.key'))['peer'] is True


def plugin(tmp_path, script, **more):
    program = tmp_path / 'login'
    program.write_text('#!/bin/sh\n' + script)
    program.chmod(0o700)
    return {'exec': {'apiVersion': 'client.authentication.k8s.io/v1', 'command': str(program), **more}}


def test_exec_plugins(serve, pki, tmp_path):
    server = {'server': f'https://localhost:{serve("server")}', 'certificate-authority': str(pki / 'ca.crt')}
    server['extensions'] = [{'name': 'client.authentication.k8s.io/exec', 'extension': {'audience': 'a'}}]
    says = r"""printf '{"status": {"token": "%s-%s"}}' "$1" "$LOGIN_WORD"; echo "$KUBERNETES_EXEC_INFO" >"$0.info"
"""
    user = plugin(tmp_path, says, args=['argument'], env=[{'name': 'LOGIN_WORD', 'value': 'word'}], provideClusterInfo=True)
    assert header(send(server, user), 'authorization') == ['Bearer argument-word']
    info = json.loads((tmp_path / 'login.info').read_text())
    told = {'server': server['server'], 'certificate-authority-data': data(pki / 'ca.crt'), 'config': {'audience': 'a'}}
    assert (info['kind'], info['spec']) == ('ExecCredential', {'interactive': False, 'cluster': told})
    pair = {'clientCertificateData': (pki / 'client.crt').read_text(), 'clientKeyData': (pki / 'client.key').read_text()}
    (tmp_path / 'answer').write_text(json.dumps({'status': pair}))
    assert send(server, plugin(tmp_path, f'cat {tmp_path}/answer\n'))['peer'] is True


@pytest.mark.parametrize(('script', 'said'), [
    ('echo "no session for $LOGIN_WORD" >&2; exit 3', r'exit code 3: no session for \(hidden\)'),
    ('echo hello', 'printed no ExecCredential'),
    ("echo '{\"status\": {}}'", 'neither token nor clientCertificateData'),
])
def test_an_exec_plugin_that_fails(tmp_path, script, said):
    user = plugin(tmp_path, script + '\n', env=[{'name': 'LOGIN_WORD', 'value': 'word-that-nobody-may-see'}])
    with pytest.raises(AuthConfigError, match=said) as raised:
        send({'server': 'http://127.0.0.1:1'}, user)
    assert 'nobody' not in str(raised.value)


def test_a_proxy_gets_its_credentials(serve):
    proxy = f'http://me:a%40b@127.0.0.1:{serve()}'
    got = send({'server': 'http://api.test:8001', 'proxy-url': proxy})
    assert got['path'] == 'http://api.test:8001/api/v1/x?a=b+c'
    assert header(got, 'proxy-authorization') == ['Basic ' + base64.b64encode(b'me:a@b').decode()]
    direct = f'http://127.0.0.1:{serve()}'
    assert send({'server': direct, 'proxy-url': proxy}, no_proxy='127.0.0.0/8')['path'] == '/api/v1/x?a=b+c'


@pytest.mark.parametrize(('server', 'cluster', 'said'), [
    ('https://127.0.0.1:{tls}', {'certificate-authority': '{pki}/other-ca.crt'}, 'is not trusted: .*Give the PEM of its CA in ca_cert'),
    ('https://127.0.0.1:{named}', {'certificate-authority': '{pki}/ca.crt'}, 'must be a name of its certificate'),
    ('https://127.0.0.1:{plain}', {'certificate-authority': '{pki}/ca.crt'}, 'TLS fails: .*https and port'),
    ('https://127.0.0.1:1', {}, 'Connection refused. Look at host, or server in the kubeconfig'),
    ('https://name.invalid', {}, 'its name does not resolve. Look at host'),
    ('https://api.test', {'proxy-url': 'http://me:word@127.0.0.1:1'}, 'through the proxy http://127.0.0.1:1: .*Look at proxy'),
])
def test_no_answer(serve, pki, monkeypatch, server, cluster, said):
    monkeypatch.setattr('urllib3.Retry.sleep', lambda *_arguments: None)
    ports = {'tls': serve('server'), 'named': serve('named'), 'plain': serve()}
    with pytest.raises(UnreachableError, match=said) as raised:
        send({'server': server.format(**ports), **{key: value.format(pki=pki) for key, value in cluster.items()}})
    assert 'word' not in str(raised.value)


@pytest.mark.parametrize(('cluster', 'user', 'options', 'said'), [
    ({}, {}, {'ca_cert': '/nonexistent'}, 'ca_cert .*/nonexistent cannot be read: No such file'),
    ({'certificate-authority': '{pki}/ca.key'}, {}, {}, 'is not PEM'),
    ({'certificate-authority-data': 'bm8='}, {}, {}, 'certificate-authority-data of the kubeconfig is not PEM'),
    ({'certificate-authority-data': 'x'}, {}, {}, 'certificate-authority-data of the kubeconfig is not base64'),
    ({}, {}, {'client_cert': '{pki}/client.crt', 'client_key': '{pki}/server.key'}, 'are no pair in PEM'),
    ({}, {}, {'client_cert': '{pki}/client.crt', 'client_key': '/nonexistent'}, 'client_key .*/nonexistent cannot be read'),
    ({}, {'tokenFile': '/nonexistent'}, {}, 'tokenFile: /nonexistent cannot be read'),
    ({}, {'auth-provider': {'name': 'oidc'}}, {}, 'use an exec plugin'),
    ({}, {'exec': {'apiVersion': 'x', 'command': '/nonexistent', 'installHint': 'Get it.'}}, {}, 'cannot be run: No such file or directory. Get it.'),
    ({}, {'exec': {}, 'x': 1}, {}, None),
    ({}, {'exec': {'command': 'x'}}, {}, 'needs command and apiVersion'),
])
def test_what_cannot_work_is_told_before_any_request(pki, cluster, user, options, said):
    def filled(section):
        return {key: value.format(pki=pki) if isinstance(value, str) else value for key, value in section.items()}
    with pytest.raises(AuthConfigError if said else UnreachableError, match=said):
        send({'server': 'https://127.0.0.1:1', **filled(cluster)}, filled(user), **filled(options))
