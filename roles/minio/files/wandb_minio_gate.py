# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the proxies away from a MinIO server that has just started, until it really serves. Runs on the host, started by systemd.

A server that starts while others run takes requests as soon as it has found half of the drives, and looks for the rest every 15 seconds
only. Until then it answers 404 to objects that are there and 503 to writes, and every health page of it says that all is well (seen).
A proxy's retry does not help: 404 is an answer. So the proxies' connections are refused, which they take for "ask another server".
Other servers and administrators are let in all the time, and a proxy too if the server has begun and is not ready in time: reads may work.
One that has not begun, as beside servers with other settings, answers 503 to everything: it stays shut.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import time
import typing as t

TABLE = 'wandb_minio'
# The server looks for drives within a second after it has begun, and then every 15.
SETTLE_SECONDS = 18
OBJECT = '.wandb-onprem/gate'
OPEN = f'table inet {TABLE}\ndelete table inet {TABLE}\n'


def rules(port: int, addresses: t.Sequence[str]) -> str:
    """What nft reads: the table anew, with a refusal of these addresses. One transaction."""
    lines = []
    for family, mark in (('ip', '.'), ('ip6', ':')):
        chosen = sorted(address for address in addresses if mark in address and re.fullmatch('[0-9a-f.:]+', address))
        if chosen:
            lines.append(f'tcp dport {port} {family} saddr {{ {", ".join(chosen)} }} reject with tcp reset')
    # A line each: nft takes no closing brace on the line of another.
    return '\n'.join([f'{OPEN}table inet {TABLE} {{', 'chain input {', 'type filter hook input priority -10;', *lines, '}', '}', ''])


def settings(text: str) -> dict[str, str]:
    """The variables of a systemd environment file as the role writes it: one a line, in double quotes."""
    return {name: re.sub(r'\\(.)', r'\1', value) for name, value in re.findall(r'^([A-Z_0-9]+)="(.*)"$', text, re.MULTILINE)}


def signed(method: str, host: str, path: str, query: str, login: tuple[str, str, str], now: datetime.datetime) -> dict[str, str]:
    """Headers of a request without a body (AWS signature, version 4). `query` is sorted and encoded; `login` = region, key, secret."""
    region, key, secret = login
    stamp = now.strftime('%Y%m%dT%H%M%SZ')
    empty = hashlib.sha256(b'').hexdigest()
    headers = {'host': host, 'x-amz-content-sha256': empty, 'x-amz-date': stamp}
    names = ';'.join(headers)
    canonical = '\n'.join([method, path, query, *(f'{name}:{value}' for name, value in headers.items()), '', names, empty])
    scope = f'{stamp[:8]}/{region}/s3/aws4_request'
    digest = ('AWS4' + secret).encode()
    for part in scope.split('/'):
        digest = hmac.new(digest, part.encode(), hashlib.sha256).digest()
    text = '\n'.join(['AWS4-HMAC-SHA256', stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(digest, text.encode(), hashlib.sha256).hexdigest()
    return {**headers, 'authorization': f'AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}'}


class Server:
    """The server on this host. `ask(method, path, query, sign)` gives status, headers and text; OSError where nothing answers."""

    def __init__(self, ask: t.Callable[[str, str, str, bool], tuple[int, t.Mapping[str, str], str]], bucket: str) -> None:
        self._ask = ask
        self._path = f'/{bucket}/{OBJECT}'

    def has_begun(self) -> bool:
        """Whether it has found enough drives to begin. Without that it says so in a header of a page that is 200 all the time."""
        status, headers, _text = self._ask('GET', '/minio/health/live', '', False)
        return status == 200 and 'offline' not in headers.get('x-minio-server-status', '')

    def writes(self) -> bool:
        """Whether it takes an upload. It is begun and given up, which leaves nothing; without a bucket there is nothing to serve yet."""
        status, _headers, text = self._ask('POST', self._path, 'uploads=', True)
        if status == 404:
            return '<Code>NoSuchBucket</Code>' in text
        upload = re.search(r'<UploadId>([^<]+)</UploadId>', text)
        if status != 200 or not upload:
            return False
        self._ask('DELETE', self._path, f'uploadId={upload.group(1)}', True)
        return True


def holds(ask: t.Callable[[], bool]) -> bool:
    """What the server answers; no, where it does not answer yet."""
    try:
        return ask()
    except (OSError, http.client.HTTPException):
        return False


def wait(server: Server, seconds: float, clock: t.Callable[[], float] = time.monotonic, sleep: t.Callable[[float], None] = time.sleep) -> str:
    """Wait until the server has begun, however long that takes, and then for so many seconds until it is ready; says what came of it."""
    started = clock()
    while not holds(server.has_begun):
        sleep(1)
    begun = clock()
    while clock() - begun < seconds:
        if clock() - begun >= SETTLE_SECONDS and holds(server.writes):
            return f'ready after {clock() - started:.0f} s'
        sleep(1)
    return f'not ready after {clock() - started:.0f} s; proxies are let in nevertheless, for reads may work'


def asker(config: t.Mapping[str, t.Any]) -> t.Callable[[str, str, str, bool], tuple[int, t.Mapping[str, str], str]]:
    """Requests over loopback, with the certificate checked for the host's own name."""
    with open(config['settings'], encoding='utf-8') as stream:
        known = settings(stream.read())
    login = config['region'], known['MINIO_ROOT_USER'], known['MINIO_ROOT_PASSWORD']
    context = ssl.create_default_context(cafile=config['ca'])
    host = f'{config["name"]}:{config["port"]}'

    def ask(method: str, path: str, query: str, sign: bool) -> tuple[int, t.Mapping[str, str], str]:
        now = datetime.datetime.now(datetime.timezone.utc)
        headers = signed(method, host, path, query, login, now) if sign else {'host': host}
        connection = http.client.HTTPConnection('127.0.0.1', config['port'], timeout=10)
        with socket.create_connection(('127.0.0.1', config['port']), timeout=10) as plain:
            connection.sock = context.wrap_socket(plain, server_hostname=config['name'])
            connection.request(method, f'{path}?{query}' if query else path, headers=headers)
            answer = connection.getresponse()
            found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(65536).decode('utf-8', 'replace')
            connection.close()
        return found

    return ask


def addresses(proxies: t.Iterable[str]) -> list[str]:
    """Addresses of the proxies. A name that cannot be resolved keeps nobody out."""
    found = set()
    for proxy in proxies:
        try:
            found |= {str(entry[4][0]) for entry in socket.getaddrinfo(proxy, None)}
        except OSError as error:
            print(f'{proxy} is not known here ({error}); it is not kept out', file=sys.stderr)
    return sorted(found)


def nft(text: str, *options: str) -> int:
    """Give rules to the kernel, all or none."""
    return subprocess.run(['nft', *options, '-f', '-'], input=text, text=True, check=False).returncode


def main(argv: t.Sequence[str]) -> int:
    """`close` before the server starts; `open` = wait until it is ready and let the proxies in; `release` = let them in at once;
    `check` = whether nft would take the rules."""
    verb, path = argv
    with open(path, encoding='utf-8') as stream:
        config = json.load(stream)
    if verb == 'release':
        return nft(OPEN)
    if verb in ('close', 'check'):
        return nft(rules(config['port'], addresses(config['proxies'])), *(['--check'] if verb == 'check' else []))
    try:
        print(wait(Server(asker(config), config['bucket']), config['timeout']), flush=True)
    finally:
        code = nft(OPEN)
    return code


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
