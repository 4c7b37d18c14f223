# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe against servers of this process, on addresses of its own."""

from __future__ import annotations

import datetime
import http.server
import io
import socket
import ssl
import threading
import time

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.probes import (
    Deadline,
    Expectation,
    ProbeError,
    Request,
    Response,
    exchange,
    judge,
    pieces,
    probe,
    send,
    valid_url,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime.now(datetime.timezone.utc)


def make_certificate(name, issuer=None, sans=(), days=1):
    """(certificate, key); self-signed CA without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer_name, signer_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=3))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key.public_key()), critical=False)
    )
    if issuer is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in sans]), critical=False)
    return builder.sign(signer_key, hashes.SHA256()), key


def pem(certificate):
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self):
        if self.path.startswith('/slow'):
            time.sleep(1)
        if self.path.startswith('/trickle'):
            self.send_response(200)
            self.send_header('Content-Length', '100')
            self.end_headers()
            for _count in range(100):
                self.wfile.write(b'x')
                time.sleep(0.05)
            return
        if self.path.startswith('/silent'):
            self.close_connection = True
            return
        status = int(self.path[1:4]) if self.path[1:4].isdigit() else 200
        body = f'{self.command} {self.path} for {self.headers["Host"]}'.encode()
        self.send_response(status)
        self.send_header('X-One', 'a')
        self.send_header('X-One', 'b')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.send_response(200)
        self.send_header('Content-Length', '1000')
        self.end_headers()

    def do_DELETE(self):
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def do_PATCH(self):
        self.send_response(200)
        self.send_header('Content-Length', '10')
        self.end_headers()
        self.wfile.write(b'half')
        self.close_connection = True

    def do_POST(self):
        length = int(self.headers['Content-Length'])
        if self.path == '/413':
            self.send_response(413)
            self.send_header('Connection', 'close')
            self.end_headers()
            return
        received = 0
        while received < length:
            received += len(self.rfile.read(min(65536, length - received)))
        body = f'{received} bytes of {self.headers["Content-Type"]}'.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Says nothing about clients that hang up."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def serve(context=None):
    """A server in a thread."""
    server = Server(('127.0.0.1', 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True).start()
    return server


CA = make_certificate('Right CA')
OTHER_CA = make_certificate('Other CA')


@pytest.fixture(scope='module')
def tls_port(tmp_path_factory):
    """Port of a server by SNI: good.test has a good certificate, ended.test one that has ended, old.test only TLS 1.1."""
    folder = tmp_path_factory.mktemp('tls')

    def context(name, sans, days=1):
        certificate, key = make_certificate(name, CA, sans, days)
        path = folder / f'{name}.pem'
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_text(pem(certificate) + private.decode())
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(path)
        return made

    good, ended = context('good.test', ['good.test']), context('ended.test', ['ended.test'], -1)

    def by_name(link, name, original):
        if name == 'refused.test':
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        link.context = ended if name == 'ended.test' else good
        return None

    good.sni_callback = by_name
    server = serve(good)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def plain_port():
    """Port of a server without TLS."""
    server = serve()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def https(port, name='good.test', path='/', **options):
    """A request to this process under a name that no DNS knows."""
    return Request(f'https://{name}:{port}{path}', **{'resolve': '127.0.0.1', 'ca_content': pem(CA[0]), 'timeout': 5, **options})


def test_answer_with_tls_facts(tls_port):
    response = send(https(tls_port, path='/path?secret=1'))
    assert (response.status, response.content) == (200, f'GET /path?secret=1 for good.test:{tls_port}')
    assert response.headers['x-one'] == 'a, b'
    assert response.tls['version'] == 'TLSv1.3'
    assert response.tls['subject'] == 'commonName=good.test'
    assert response.tls['issuer'] == 'commonName=Right CA'
    assert response.tls['sans'] == ['DNS:good.test']
    assert response.tls['not_after'] == f'{NOW + datetime.timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}'
    assert 0 < response.elapsed < 5


def test_host_header_has_no_default_port():
    sent = {}

    class Link:
        def settimeout(self, seconds):
            assert seconds > 0

        def sendall(self, data):
            sent['data'] = data

        def close(self):
            pass

        def makefile(self, mode):
            return io.BytesIO(b'HTTP/1.1 204 No Content\r\n\r\n')

    assert exchange(Request('https://good.test/'), Link(), Deadline(5)) == (204, {}, '')
    assert b'\r\nHost: good.test\r\n' in sent['data']


@pytest.mark.parametrize('method', ['HEAD', 'DELETE'])
def test_an_answer_without_a_body_ends_at_once(plain_port, method):
    response = send(Request(f'http://127.0.0.1:{plain_port}/', method=method, timeout=5))
    assert (response.status, response.content) == (200, '')
    assert response.elapsed < 4


def test_an_answer_that_is_cut_off_is_no_answer(plain_port):
    with pytest.raises(ProbeError, match='IncompleteRead'):
        send(Request(f'http://127.0.0.1:{plain_port}/', method='PATCH', timeout=5))


def test_large_body_and_kept_beginning(tls_port, plain_port):
    response = send(https(tls_port, method='POST', body_size=12_000_001))
    assert response.content == '12000001 bytes of application/octet-stream'
    response = send(Request(f'http://127.0.0.1:{plain_port}/', method='POST', body=b'abc', headers={'Content-Type': 'text/plain'}, content_limit=7))
    assert response.content == '3 bytes'


@pytest.mark.parametrize('size', [0, 1, 65536, 65537, 200_000])
def test_no_byte_more_than_announced(size):
    with socket.socket() as link:
        assert sum(len(piece) for piece in pieces(size, link, Deadline(5))) == size


def test_refusal_in_the_middle_of_a_body_is_heard(plain_port):
    response = send(Request(f'http://127.0.0.1:{plain_port}/413', method='POST', body_size=50_000_000))
    assert response.status == 413


@pytest.mark.parametrize(
    ('options', 'kind', 'told'),
    [
        ({'ca_content': pem(OTHER_CA[0])}, 'tls', 'its issuer is not in the CA file|ends in a CA'),
        ({'ca_content': None}, 'tls', 'its issuer is not in the CA file|ends in a CA'),
        ({'ca_content': 'x'}, 'tls', 'CA file given as text cannot be read'),
        ({'ca_content': None, 'ca_path': '/nonexistent/ca.crt'}, 'tls', 'CA file /nonexistent/ca.crt cannot be read'),
        ({'name': 'wrong.test'}, 'tls', 'the certificate is for other names'),
        ({'name': 'ended.test'}, 'tls', 'the certificate has ended'),
        ({'name': 'refused.test'}, 'tls', 'does the server know this name'),
        ({'name': 'nowhere.invalid', 'resolve': None}, 'dns', 'nowhere.invalid cannot be resolved'),
        ({'path': '/slow?secret', 'timeout': 0.3}, 'timeout', 'an answer of https://good.test:[0-9]+/slow at 127.0.0.1 took longer than 0.3 s'),
        ({'path': '/trickle', 'timeout': 0.5}, 'timeout', 'an answer'),
        ({'path': '/silent'}, 'protocol', 'RemoteDisconnected'),
    ],
)
def test_failures_over_tls(tls_port, options, kind, told):
    with pytest.raises(ProbeError, match=told) as caught:
        send(https(tls_port, **options))
    assert caught.value.kind == kind
    assert 'secret' not in str(caught.value)


def test_refused_connection():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        with pytest.raises(ProbeError, match='Connection refused') as caught:
            send(Request(f'http://127.0.0.1:{taken.getsockname()[1]}/', timeout=2))
    assert caught.value.kind == 'connect'


def test_handshake_that_never_comes():
    with socket.create_server(('127.0.0.1', 0)) as mute, pytest.raises(ProbeError, match='the TLS handshake with') as caught:
        send(https(mute.getsockname()[1], timeout=0.3))
    assert caught.value.kind == 'timeout'


def test_wrong_scheme(tls_port, plain_port):
    with pytest.raises(ProbeError, match='no TLS with') as caught:
        send(https(plain_port))
    assert caught.value.kind == 'tls'
    with pytest.raises(ProbeError, match='plain HTTP') as caught:
        send(Request(f'http://127.0.0.1:{tls_port}/', timeout=2))
    assert caught.value.kind == 'protocol'


ANSWER = Response(302, {'location': 'https://a/', 'x': 'yes'}, 'moved\nthere', {}, 0.1)


@pytest.mark.parametrize(
    ('expected', 'kind', 'told'),
    [
        (Expectation(), None, ''),
        (Expectation([200, 302], 'mo.ed', {'Location': '^https:', 'X': 'yes'}), None, ''),
        (Expectation([200, 201]), 'status', 'answered 302 instead of 200 or 201: moved there. Mend: it redirects'),
        (Expectation(body='stayed'), 'body', 'does not match "stayed"'),
        (Expectation(headers={'X': 'no'}), 'headers', 'header X of place is "yes", "no" is expected'),
        (Expectation(headers={'Y': '.'}), 'headers', 'header Y of place is missing'),
    ],
)
def test_judge(expected, kind, told):
    if kind is None:
        judge(ANSWER, expected, 'place')
        return
    with pytest.raises(ProbeError, match=told) as caught:
        judge(ANSWER, expected, 'place')
    assert caught.value.kind == kind


def test_retries_until_right():
    answers = [ProbeError('connect', 'no', 'x'), Response(503, {}, '', {}, 0.1), Response(200, {}, '', {}, 0.1)]
    slept = []

    def sender(request):
        answer = answers.pop(0)
        if isinstance(answer, ProbeError):
            raise answer
        return answer

    response, attempts = probe(Request('http://a/'), Expectation([200]), retries=5, delay=0.5, sleep=slept.append, sender=sender)
    assert (response.status, attempts, slept) == (200, 3, [0.5, 0.5])


def test_retries_end_with_the_last_failure():
    slept = []
    with pytest.raises(ProbeError, match='answered 503'):
        probe(
            Request('http://a/'),
            Expectation([200]),
            retries=2,
            sleep=slept.append,
            sender=lambda request: Response(503, {}, '', {}, 0.1),
        )
    assert len(slept) == 2


@pytest.mark.parametrize(
    ('url', 'valid'),
    [('https://a/', True), ('http://[::1]:80', True), ('ftp://a', False), ('https://', False), ('a', False), ('http://a:x', False), ('http://a:0', False)],
)
def test_valid_url(url, valid):
    assert valid_url(url) is valid
