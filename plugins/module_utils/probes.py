# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request as a careful client makes it, and, when it fails, at which link and what to do.

Standard library only: it runs on any host. No redirect is followed, no proxy of the environment used, TLS always verified.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import re
import socket
import ssl
import time
import typing as t
import urllib.parse

CHUNK = 65536

# OpenSSL's verification results (X509_V_ERR_*).
VERIFY_MENDS = {
    9: 'the certificate is not valid yet: compare the clocks of both hosts',
    10: 'the certificate has ended: issue it again (playbook pki) and reload the service',
    18: 'the server shows a self-signed certificate: is it another program, or was the certificate never installed?',
    19: 'the chain ends in a CA that is not in the CA file: give the right one (wandb_ca_file)',
    20: 'its issuer is not in the CA file: give the right CA (wandb_ca_file), or let the server send its intermediate certificates',
    21: 'its issuer is not in the CA file: give the right CA (wandb_ca_file), or let the server send its intermediate certificates',
    62: 'the certificate is for other names: issue it for this one (wandb_pki_extra_sans)',
    64: 'the certificate is for other addresses: issue it for this one (wandb_pki_extra_sans), or use the name',
}


class ProbeError(Exception):
    """A failed link: ``kind`` is one of dns, connect, tls, timeout, protocol, status, headers, body."""

    def __init__(self, kind: str, what: str, mend: str) -> None:
        super().__init__(f'{what}. Mend: {mend}.')
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Request:
    """What to send. ``timeout`` = seconds for the whole exchange; ``resolve`` = address in place of DNS (SNI and Host stay)."""

    url: str
    method: str = 'GET'
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = None
    body_size: int | None = None
    timeout: float = 10.0
    resolve: str | None = None
    ca_path: str | None = None
    ca_content: str | None = None
    content_limit: int = 4096

    @property
    def host(self) -> str:
        return urllib.parse.urlsplit(self.url).hostname or ''

    @property
    def tls(self) -> bool:
        return urllib.parse.urlsplit(self.url).scheme == 'https'

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.url).port or (443 if self.tls else 80)

    @property
    def target(self) -> str:
        parts = urllib.parse.urlsplit(self.url)
        return (parts.path or '/') + (f'?{parts.query}' if parts.query else '')

    @property
    def place(self) -> str:
        """For messages: without the query, which may hold a signature."""
        where = f' at {self.resolve}' if self.resolve else ''
        return f'{self.url.partition("?")[0]}{where}'


@dataclasses.dataclass(frozen=True)
class Response:
    """What came back. Header names are in lower case, repeated ones joined by commas; ``elapsed`` in seconds."""

    status: int
    headers: dict[str, str]
    content: str
    tls: dict[str, t.Any]
    elapsed: float


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What the answer must be; empty = anything. Patterns are searched (`re.search`), header names in any case."""

    status: t.Sequence[int] = ()
    body: str | None = None
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


class Deadline:
    """Seconds left of a time-out that spans several calls."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise socket.timeout('timed out')
        return remaining


def valid_url(url: str) -> bool:
    """Whether this is an http or https URL with a host and a possible port."""
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ('http', 'https') and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def send(request: Request) -> Response:
    """Make the request; raises ProbeError."""
    started = time.monotonic()
    deadline = Deadline(request.timeout)
    step = 'connecting to'
    try:
        with connect(request, deadline) as plain:
            step = 'the TLS handshake with'
            with secure(request, plain, deadline) as link:
                tls = tls_facts(link) if isinstance(link, ssl.SSLSocket) else {}
                step = 'an answer of'
                status, headers, content = exchange(request, link, deadline)
    except socket.timeout as error:
        raise ProbeError(
            'timeout',
            f'{step} {request.place} took longer than {request.timeout:g} s',
            'look at the load and the log of the server, at firewalls that drop packets, or allow more time',
        ) from error
    except ssl.SSLError as error:
        raise tls_error(request, error) from error
    except (http.client.HTTPException, OSError) as error:
        raise ProbeError(
            'protocol',
            f'{request.place} gave no HTTP answer ({type(error).__name__}: {error})',
            f'look at the log of the server; does this port speak {"HTTPS" if request.tls else "plain HTTP"}',
        ) from error
    return Response(status, headers, content, tls, round(time.monotonic() - started, 3))


def connect(request: Request, deadline: Deadline) -> socket.socket:
    """A TCP connection to the first address that answers."""
    address = request.resolve or request.host
    try:
        return socket.create_connection((address, request.port), timeout=deadline.left())
    except socket.gaierror as error:
        raise ProbeError(
            'dns', f'the name {address} cannot be resolved ({error.strerror})', 'enter it in DNS (or /etc/hosts) of the machine that asks, or mend its spelling'
        ) from error
    except socket.timeout:
        raise
    except OSError as error:
        raise ProbeError(
            'connect',
            f'no connection to {address} port {request.port} ({error.strerror or error})',
            'is the service running and listening there, and does a firewall let this port through?',
        ) from error


def secure(request: Request, plain: socket.socket, deadline: Deadline) -> socket.socket:
    """The connection itself, or TLS with a verified certificate on it."""
    if not request.tls:
        return plain
    try:
        context = ssl.create_default_context(cafile=request.ca_path, cadata=request.ca_content)
    except (ssl.SSLError, OSError) as error:
        file = request.ca_path or 'given as text'
        raise ProbeError('tls', f'the CA file {file} cannot be read ({error})', 'give a file of PEM certificates (wandb_ca_file)') from error
    plain.settimeout(deadline.left())
    return context.wrap_socket(plain, server_hostname=request.host)


def tls_error(request: Request, error: ssl.SSLError) -> ProbeError:
    """The handshake's failure in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        mend = VERIFY_MENDS.get(error.verify_code, 'look at the certificate: openssl s_client -connect HOST:PORT -servername NAME')
        return ProbeError('tls', f'the certificate of {request.place} is refused ({error.verify_message})', mend)
    return ProbeError(
        'tls',
        f'no TLS with {request.place} ({error.reason or error})',
        'does this port speak TLS 1.2 or newer, and does the server know this name?',
    )


def exchange(request: Request, link: socket.socket, deadline: Deadline) -> tuple[int, dict[str, str], str]:
    """Send the request and read the answer, the beginning of its body kept."""
    connection = http.client.HTTPConnection(request.host, request.port)
    # The port that is left out of the Host header.
    connection.default_port = 443 if request.tls else 80
    connection.sock = link
    link.settimeout(deadline.left())
    headers = {'Accept': '*/*', 'User-Agent': 'wandb.onprem http_probe', 'Connection': 'close', **request.headers}
    if request.body_size is not None:
        headers = {'Content-Length': str(request.body_size), 'Content-Type': 'application/octet-stream', **headers}
    body = request.body if request.body_size is None else pieces(request.body_size, link, deadline)
    # A server that refuses a large body answers (413) and closes while it is still being sent. What it said counts.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(request.method, request.target, body=body, headers=headers)
    link.settimeout(deadline.left())
    response = connection.getresponse()
    content = b''
    # An answer to HEAD never closes itself; one that is cut off ends with an empty piece too.
    piece = b'-'
    while piece and not response.isclosed():
        link.settimeout(deadline.left())
        piece = response.read1(CHUNK)
        content += piece[: max(0, request.content_limit - len(content))]
    if response.length and request.method != 'HEAD':
        raise http.client.IncompleteRead(content, response.length)
    joined: dict[str, str] = {}
    for name, value in response.getheaders():
        joined[name.lower()] = f'{joined[name.lower()]}, {value}' if name.lower() in joined else value
    return response.status, joined, content.decode('utf-8', errors='replace')


def pieces(size: int, link: socket.socket, deadline: Deadline) -> t.Iterator[bytes]:
    """``size`` bytes, piece by piece: nothing large is held in memory, and the time-out spans all of them."""
    piece = b'0' * CHUNK
    for start in range(0, size, CHUNK):
        link.settimeout(deadline.left())
        yield piece[: size - start]


def tls_facts(link: ssl.SSLSocket) -> dict[str, t.Any]:
    """Version, cipher and certificate of a verified connection."""
    certificate: t.Any = link.getpeercert() or {}
    cipher = link.cipher()
    return {
        'version': link.version(),
        'cipher': cipher[0] if cipher else None,
        'subject': distinguished_name(certificate.get('subject', ())),
        'issuer': distinguished_name(certificate.get('issuer', ())),
        'not_after': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(ssl.cert_time_to_seconds(certificate['notAfter']))),
        'sans': [f'{kind.replace("IP Address", "IP")}:{value}' for kind, value in certificate.get('subjectAltName', ())],
    }


def distinguished_name(parts: t.Iterable[t.Iterable[tuple[str, str]]]) -> str:
    """As ``organizationName=Example, commonName=wandb.example.com``."""
    return ', '.join(f'{key}={value}' for part in parts for key, value in part)


def judge(response: Response, expected: Expectation, place: str) -> None:
    """Raise ProbeError unless the answer is as expected."""
    beginning = ' '.join(response.content[:200].split())
    if expected.status and response.status not in expected.status:
        wanted = ' or '.join(str(status) for status in expected.status)
        raise ProbeError('status', f'{place} answered {response.status} instead of {wanted}: {beginning}', status_mend(response.status))
    for name, pattern in expected.headers.items():
        value = response.headers.get(name.lower())
        if value is None or not re.search(pattern, value):
            found = 'is missing' if value is None else f'is "{value}"'
            raise ProbeError('headers', f'header {name} of {place} {found}, "{pattern}" is expected', 'look at who answers, and at the proxies between')
    if expected.body is not None and not re.search(expected.body, response.content):
        raise ProbeError('body', f'the answer of {place} does not match "{expected.body}": {beginning}', 'look at who answers, and at the proxies between')


def status_mend(status: int) -> str:
    """Where to look first."""
    if status == 413:
        return 'a proxy between limits the body: client_max_body_size 0 on Nginx, proxy-body-size "0" on the ingress'
    if status in (301, 302, 307, 308):
        return 'it redirects: is the scheme of the URL right, and is X-Forwarded-Proto kept on the way (else a loop)?'
    if status in (401, 403):
        return 'look at the credentials, and at allow lists'
    if status == 404:
        return 'is this path routed to the right service?'
    if status in (502, 503, 504):
        return 'the service behind the proxy does not answer: look at its pods or units, and at the error log of the proxy'
    return 'look at the log of the service'


def probe(
    request: Request,
    expected: Expectation,
    *,
    retries: int = 0,
    delay: float = 1.0,
    sleep: t.Callable[[float], None] = time.sleep,
    sender: t.Callable[[Request], Response] = send,
) -> tuple[Response, int]:
    """The first answer that is as expected, and the number of attempts; the last ProbeError when there is none."""
    for attempt in range(1, retries + 2):
        try:
            response = sender(request)
            judge(response, expected, request.place)
        except ProbeError:
            if attempt > retries:
                raise
            sleep(delay)
        else:
            return response, attempt
    raise ValueError('retries must not be negative')
