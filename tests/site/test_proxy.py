# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies' one address as a client meets it, and every TLS port of the site: protocols, chains, names, ciphers."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import time
import typing as t
import urllib.parse
import uuid
import warnings

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.probes import Request, send

from lab.podman import podman
from tests.site.outside import HOST, STORE, Site
from tests.site.test_outside import store

MINUTE = datetime.timedelta(minutes=1)
QUERY = b'{"query": "query Viewer { viewer { id } }"}'
GIB = 1 << 30
CHUNK = os.urandom(1 << 20)


def context(site: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(site.ca))


@contextlib.contextmanager
def connected(site: Site, name: str) -> t.Iterator[ssl.SSLSocket]:
    """A connection through the proxy on which the test says what is sent, and when."""
    with socket.create_connection((site.proxy_address, 443), 30) as plain, context(site).wrap_socket(plain, server_hostname=name) as link:
        link.settimeout(60)
        yield link


def head(method: str, target: str, host: str, headers: t.Mapping[str, str]) -> bytes:
    lines = [f'{method} {target} HTTP/1.1', f'Host: {host}', *(f'{name}: {value}' for name, value in headers.items())]
    return '\r\n'.join([*lines, '', '']).encode()


def presigned(site: Site, method: str, key: str) -> str:
    """Path and query of a URL as the application hands them out: the signature is made for the public name."""
    client = store(site)
    signer = type(client)(STORE, site.secrets['wandb_minio_access_key'], site.secrets['wandb_minio_secret_key'], region='us-east-1')
    url = urllib.parse.urlsplit(signer.get_presigned_url(method, 'wandb', key, expires=30 * MINUTE))
    return f'{url.path}?{url.query}'


@pytest.fixture
def key(site):
    """The name of an object that is gone afterwards."""
    name = f'proxy-test/{uuid.uuid4().hex}'
    yield name
    store(site).remove_object('wandb', name)


def test_the_address_is_on_one_of_the_proxies(site):
    holders = [host for host in ('lb-1', 'lb-2') if f' {site.proxy_address}/' in site.lab.exec(host, ['ip', '-4', 'address'])]
    assert len(holders) == 1


@pytest.mark.parametrize('name', [HOST, STORE])
def test_the_public_names_lead_to_the_address(site, name):
    assert site.lab.exec('kube-1', ['getent', 'hosts', name]).split()[0] == site.proxy_address


def test_plain_http_is_redirected_for_good_with_its_method(site):
    answer = send(Request(url=f'http://{HOST}/graphql?x=1', method='POST', body=QUERY, resolve=site.proxy_address))
    assert (answer.status, answer.headers['location']) == (308, f'https://{HOST}/graphql?x=1')


@pytest.mark.parametrize('name', [HOST, STORE])
def test_browsers_are_told_to_insist_on_https(site, name):
    assert int(site.request('GET', f'https://{name}/').headers['strict-transport-security'].partition('max-age=')[2]) >= 31536000


def test_security_headers_are_the_sites_and_not_the_stores(site):
    headers = site.request('GET', f'https://{HOST}/').headers
    assert (headers['x-content-type-options'], headers['referrer-policy']) == ('nosniff', 'strict-origin-when-cross-origin')
    assert "frame-ancestors 'self'" in headers['content-security-policy']
    assert "frame-ancestors" not in site.request('GET', f'https://{STORE}/').headers.get('content-security-policy', '')


@pytest.mark.parametrize(('method', 'allowed'), [('GET', True), ('HEAD', True), ('PUT', True), ('POST', False), ('DELETE', False), ('PATCH', False)])
def test_pages_may_use_the_methods_of_presigned_urls_alone(site, method, allowed):
    asked = {'Origin': f'https://{HOST}', 'Access-Control-Request-Method': method}
    answer = site.request('OPTIONS', f'https://{STORE}/wandb/any', headers=asked)
    assert (answer.headers.get('access-control-allow-origin') is not None) is allowed


def test_a_name_that_is_not_the_sites_gets_no_certificate(site):
    with socket.create_connection((site.proxy_address, 443), 30) as plain, pytest.raises(ssl.SSLError, match=r'(?i)unrecognized.name'):
        context(site).wrap_socket(plain, server_hostname='another.test')


def test_a_slow_client_is_waited_for(site):
    """Longer than the 10 s that short time-outs give, byte by byte at the beginning and in the body."""
    headers = {**site.credentials(), 'Content-Length': str(len(QUERY)), 'Connection': 'close'}
    text = head('POST', '/graphql', HOST, headers)
    with connected(site, HOST) as link:
        for part in (text[:20], text[20:60], text[60:], QUERY[:10], QUERY[10:20], QUERY[20:]):
            time.sleep(3)
            link.sendall(part)
        assert link.recv(16).startswith(b'HTTP/1.1 200')


def test_a_websocket_is_opened_and_carries_frames(site):
    nonce = base64.b64encode(os.urandom(16)).decode()
    accept = base64.b64encode(hashlib.sha1(f'{nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11'.encode()).digest()).decode()
    headers = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Key': nonce, 'Sec-WebSocket-Version': '13'}
    mask, text = os.urandom(4), b'both ways'
    with connected(site, HOST) as link:
        link.sendall(head('GET', '/lab/echo', HOST, headers))
        answer = b''
        while b'\r\n\r\n' not in answer:
            part = link.recv(4096)
            assert part, answer
            answer += part
        assert answer.startswith(b'HTTP/1.1 101')
        assert f'sec-websocket-accept: {accept}'.lower() in answer.decode().lower()
        for _ in range(3):
            # A proxy that took it for a request would have closed by its keepalive or answered otherwise.
            time.sleep(1)
            link.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(text)))
            assert link.recv(64) == bytes([0x81, len(text)]) + text


def test_a_client_that_waits_for_100_continue_gets_it(site, key):
    with connected(site, STORE) as link:
        link.sendall(head('PUT', presigned(site, 'PUT', key), STORE, {'Content-Length': '5', 'Expect': '100-continue', 'Connection': 'close'}))
        link.settimeout(10)
        assert link.recv(4096).startswith(b'HTTP/1.1 100')
        link.sendall(b'hello')
        answer = b''
        while part := link.recv(4096):
            answer += part
    assert b'HTTP/1.1 200' in answer
    assert store(site).get_object('wandb', key).read() == b'hello'


def proxy_use(site: Site) -> int:
    """The most memory that each process of Nginx ever had, and what it wrote to disk, on both hosts; seen from the machine under the lab's hosts."""
    found = []
    for host in ('lb-1', 'lb-2'):
        rows = [row.split() for row in podman('top', site.lab.container(host), 'hpid', 'comm').stdout.splitlines()]
        for process in (pathlib.Path('/proc', number) for number, name in rows if name == 'nginx'):
            found += [1024 * int(number) for number in re.findall(r'^VmHWM:\s+(\d+)', (process / 'status').read_text(), re.MULTILINE)]
            found += [int(number) for number in re.findall(r'^write_bytes: (\d+)', (process / 'io').read_text(), re.MULTILINE)]
    assert len(found) >= 8, 'a master and a worker on each of both, with two figures each'
    return sum(found)


def test_a_gibibyte_streams_through(site, key):
    """Sent and read back whole; the proxies hold a bounded part of it, in memory and on disk."""
    before = proxy_use(site)
    link = http.client.HTTPSConnection(site.proxy_address, 443, timeout=600)
    link.sock = context(site).wrap_socket(socket.create_connection((site.proxy_address, 443), 30), server_hostname=STORE)
    link.sock.settimeout(600)
    sent, got, size = hashlib.sha256(), hashlib.sha256(), 0
    link.putrequest('PUT', presigned(site, 'PUT', key), skip_host=True)
    link.putheader('Host', STORE)
    link.putheader('Content-Length', str(GIB))
    link.endheaders()
    for _ in range(GIB // len(CHUNK)):
        sent.update(CHUNK)
        link.send(CHUNK)
    answer = link.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    link.putrequest('GET', presigned(site, 'GET', key), skip_host=True)
    link.putheader('Host', STORE)
    link.endheaders()
    answer = link.getresponse()
    while part := answer.read(1 << 20):
        got.update(part)
        size += len(part)
    assert (size, got.hexdigest()) == (GIB, sent.hexdigest())
    assert 0 <= proxy_use(site) - before < 64 << 20


def test_ten_megabytes_of_graphql_stream_through(site):
    before = proxy_use(site)
    body = QUERY[:-1] + b', "padding": "' + b'x' * 10**7 + b'"}'
    answer = site.request('POST', f'https://{HOST}/graphql', headers=site.credentials(), body=body)
    assert json.loads(answer.body)['data']['viewer']
    assert 0 <= proxy_use(site) - before < 8 << 20


def test_no_log_has_a_query_string(site):
    secret, path = uuid.uuid4().hex, f'/{uuid.uuid4().hex}'
    for name in (HOST, STORE):
        site.request('GET', f'https://{name}{path}?X-Amz-Signature={secret}', headers={'Referer': f'https://{HOST}/?token={secret}'})
    logs = ''.join(site.lab.exec(host, ['sh', '-c', 'cat /var/log/nginx/*.log']) for host in ('lb-1', 'lb-2'))
    lines = [json.loads(line) for line in logs.splitlines() if path in line and line.startswith('{')]
    assert [line['host'] for line in lines] == [HOST, STORE]
    assert secret not in logs


class Port(t.NamedTuple):
    """A TLS port: where it is, the name in its certificate, and what comes before TLS."""

    address: str
    port: int
    name: str
    start: t.Callable[[socket.socket], None] | None = None


def mysql_start(plain: socket.socket) -> None:
    """MySQL speaks first; the client's answer asks for TLS (SSLRequest: PROTOCOL_41, SSL, SECURE_CONNECTION; no user yet)."""
    with plain.makefile('rb') as stream:
        stream.read(int.from_bytes(stream.read(4)[:3], 'little'))
    payload = (0x8a00).to_bytes(4, 'little') + (1 << 24).to_bytes(4, 'little') + bytes([45]) + bytes(23)
    plain.sendall(len(payload).to_bytes(3, 'little') + b'\x01' + payload)


def port(site: Site, service: str) -> Port:
    return {
        'nginx': lambda: Port(site.proxy_address, 443, HOST),
        'nginx-store': lambda: Port(site.proxy_address, 443, STORE),
        'minio': lambda: Port(site.address('s3-2'), 9000, STORE),
        'mysql': lambda: Port(site.mysql_address, 3306, site.mysql_address, mysql_start),
        'redis': lambda: Port(site.redis_address, 6379, site.redis_address),
        'sentinel': lambda: Port(site.address('rd-2'), 26379, site.address('rd-2')),
    }[service]()


SERVICES = ('nginx', 'nginx-store', 'minio', 'mysql', 'redis', 'sentinel')
# No authentication, no encryption, no forward secrecy, and what has been broken since.
WEAK = 'aNULL:eNULL:kRSA:RC4:3DES:MD5:EXPORT:@SECLEVEL=0'


def handshake(there: Port, with_context: ssl.SSLContext, name: str = '') -> tuple[str, str]:
    """Protocol and cipher that both agree on."""
    with socket.create_connection((there.address, there.port), 30) as plain:
        if there.start:
            there.start(plain)
        with with_context.wrap_socket(plain, server_hostname=name or there.name) as link:
            return str(link.version()), str((link.cipher() or ('',))[0])


def only(version: ssl.TLSVersion, ciphers: str = 'ALL:@SECLEVEL=0') -> ssl.SSLContext:
    """A client that takes anything, but in one version of TLS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        made.minimum_version = made.maximum_version = version
    return made


@pytest.mark.parametrize('service', SERVICES)
def test_chain_and_name_are_right(site, service):
    there = port(site, service)
    assert handshake(there, context(site))[0] in ('TLSv1.2', 'TLSv1.3')
    with pytest.raises(ssl.SSLError, match=r'(?i)certificate verify failed'):
        handshake(there, ssl.create_default_context())
    with pytest.raises(ssl.SSLError, match=r'(?i)certificate verify failed|unrecognized.name'):
        handshake(there, context(site), 'another.test')


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=['1.0', '1.1'])
@pytest.mark.parametrize('service', SERVICES)
def test_old_tls_is_refused_by_the_server(site, service, version):
    """With an alert: where the client cannot speak it itself, the test fails."""
    with pytest.raises(ssl.SSLError, match=r'(?i)alert'):
        handshake(port(site, service), only(version))


@pytest.mark.parametrize('service', SERVICES)
def test_tls_1_2_has_forward_secrecy_and_no_weak_cipher(site, service):
    there = port(site, service)
    version, cipher = handshake(there, only(ssl.TLSVersion.TLSv1_2))
    assert version == 'TLSv1.2'
    assert cipher.startswith('ECDHE-')
    with pytest.raises(ssl.SSLError, match=r'(?i)alert'):
        handshake(there, only(ssl.TLSVersion.TLSv1_2, WEAK))


@pytest.mark.parametrize('service', ['nginx', 'nginx-store'])
def test_nginx_has_no_cipher_without_authenticated_encryption(site, service):
    with pytest.raises(ssl.SSLError, match=r'(?i)alert'):
        handshake(port(site, service), only(ssl.TLSVersion.TLSv1_2, 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0'))
