# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers and writers on presigned URLs through the proxy, as browsers and SDKs are: kept connections, one retry, every body checked."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import random
import ssl
import threading
import time
import typing as t

import urllib3
from minio import Minio

SIZES = (1 << 10, 16 << 10, 64 << 10, 256 << 10)
HOUR = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Done:
    """One request: `begun` and `took` in seconds; `first` = what its first try failed with, `failed` = what its second did."""

    kind: str
    begun: float
    took: float
    first: str = ''
    failed: str = ''


@dataclasses.dataclass(frozen=True)
class Target:
    """The proxy's address, and the name under which it is the store. `context`: trust that changes while the load runs, in place of the file `ca`."""

    address: str
    name: str
    ca: str
    access_key: str
    secret_key: str
    bucket: str = 'wandb'
    context: ssl.SSLContext | None = None


class Load:
    """Threads that write new objects and read acknowledged ones until `stop`, or for so many `seconds`."""

    def __init__(self, target: Target, prefix: str, writers: int = 6, readers: int = 6, pace: float = 0.08, seconds: float = 7200) -> None:
        self._seconds = seconds
        self._target = target
        self._prefix = prefix
        self._pace = pace
        self._signer = Minio(endpoint=target.name, access_key=target.access_key, secret_key=target.secret_key, region='us-east-1')
        self._pool = urllib3.HTTPSConnectionPool(
            target.address, 443, ca_certs=None if target.context else target.ca, ssl_context=target.context, server_hostname=target.name,
            assert_hostname=target.name, maxsize=writers + readers, retries=False, timeout=urllib3.Timeout(connect=5, read=180))
        self._end = threading.Event()
        self._lock = threading.Lock()
        self.written: dict[str, str] = {}
        self._names: list[str] = []
        self.done: list[Done] = []
        self.clients = writers + readers
        self._threads = [threading.Thread(target=self._run, args=(work, number), daemon=True)
                         for work, count in ((self._write, writers), (self._read, readers)) for number in range(count)]
        self.begun = time.monotonic()

    def start(self) -> Load:
        """Go."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """No further requests; those on their way are waited for."""
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=400)
        self.ended = time.monotonic()

    def once(self) -> None:
        """One more write, after `stop`."""
        self._write(random.Random('once'), 999_999_999)

    def _run(self, work: t.Callable[[random.Random, int], None], number: int) -> None:
        chance = random.Random(f'{self._prefix}{work.__name__}{number}')
        count = 0
        while not self._end.is_set() and self.now() < self._seconds:
            begun = time.monotonic()
            work(chance, number * 1_000_000 + count)
            count += 1
            self._end.wait(max(0, self._pace - (time.monotonic() - begun)))

    def _write(self, chance: random.Random, number: int) -> None:
        name = f'{self._prefix}/{number}'
        body = chance.randbytes(chance.choice(SIZES))
        sha256 = hashlib.sha256(body).hexdigest()
        if not self._request('PUT', name, body, ''):
            with self._lock:
                self.written[name] = sha256
                self._names.append(name)

    def _read(self, chance: random.Random, _number: int) -> None:
        if self._names:
            name = chance.choice(self._names)
            self._request('GET', name, None, self.written[name])

    def _request(self, method: str, name: str, body: bytes | None, sha256: str) -> str:
        url = self._signer.get_presigned_url(method=method, bucket_name=self._target.bucket, object_name=name, expires=HOUR)
        begun = time.monotonic()
        first = self._try(method, url, body, sha256)
        failed = self._try(method, url, body, sha256) if first else ''
        self.done.append(Done({'PUT': 'write', 'GET': 'read'}[method], begun - self.begun, time.monotonic() - begun, first, failed))
        return failed

    def _try(self, method: str, url: str, body: bytes | None, sha256: str) -> str:
        try:
            answer = self._pool.request(method, url.partition(self._target.name)[2], body=body, headers={'Host': self._target.name})
        except urllib3.exceptions.HTTPError as error:
            return f'{type(error).__name__}: {str(error)[:120]}'
        if answer.status != 200:
            return f'{answer.status} {answer.data[:150].decode("utf-8", "replace")}'
        if sha256 and hashlib.sha256(answer.data).hexdigest() != sha256:
            return 'another body than was written'
        return ''

    def report(self, since: float = 0.0, until: float = float('inf')) -> dict[str, t.Any]:
        """Figures of the requests that began between two moments (seconds after the start)."""
        chosen = [done for done in list(self.done) if since <= done.begun < until]
        seconds = max((done.begun + done.took for done in chosen), default=0.0) - since
        failed = [done for done in chosen if done.failed]
        return {
            'requests': len(chosen), 'per_second': round(len(chosen) / seconds, 1) if seconds else 0.0,
            'reads': sum(done.kind == 'read' for done in chosen), 'writes': sum(done.kind == 'write' for done in chosen),
            'failed_reads': sum(done.kind == 'read' and bool(done.failed) for done in chosen),
            'failed_writes': sum(done.kind == 'write' and bool(done.failed) for done in chosen),
            'seconds_with_failures': round(max(one.begun + one.took for one in failed) - min(one.begun for one in failed), 1) if failed else 0.0,
            'retried': sum(bool(done.first) for done in chosen),
            'longest_stall': round(max((done.took for done in chosen), default=0.0), 2),
            'slower_than_1s': sum(done.took > 1 for done in chosen), 'slower_than_5s': sum(done.took > 5 for done in chosen),
        }

    def errors(self) -> list[str]:
        """What took longer than 5 seconds, and what first and second tries failed with, with the moment; at most 12."""
        chosen = sorted((done for done in self.done if done.first or done.took > 5), key=lambda done: done.took <= 5)
        return [' '.join(f'{done.begun:.1f}s {done.kind} took {done.took:.1f}: {done.first} | {done.failed}'.split()) for done in chosen][:12]

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun
