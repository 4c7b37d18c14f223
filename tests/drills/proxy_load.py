# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred requests a second through the proxies' one address: half on new connections without a second try, half on kept ones with one, as clients do."""

from __future__ import annotations

import dataclasses
import ssl
import threading
import time
import typing as t

import urllib3

RATE = 100
CLIENTS = 40
TIMEOUT = 30.0


class Ask(t.NamedTuple):
    """One request. ``then``: makes the next one of the answer's body, such as an upload of the URL in it."""

    name: str
    host: str
    method: str
    path: str
    headers: t.Mapping[str, str] = {}
    body: bytes | None = None
    then: t.Callable[[bytes], Ask] | None = None


@dataclasses.dataclass(frozen=True)
class Done:
    """``begun`` and ``took`` in seconds, ``first`` = what the first try failed with, ``failed`` = what the last one did."""

    name: str
    begun: float
    took: float
    kept: bool
    first: str
    failed: str


class Load:
    """Clients at a steady rate until :meth:`stop`, or until ``seconds`` are over."""

    def __init__(self, address: str, ca: str, asks: t.Sequence[t.Callable[[int], Ask]], seconds: float) -> None:
        self._asks, self._until = asks, seconds
        self._address = address
        # One for all: reading the CA anew for each connection would cost more than the connection.
        self._context = ssl.create_default_context(cafile=ca)
        self._end = threading.Event()
        self.done: list[Done] = []
        self.begun = time.monotonic()
        self._pools = {(host, kept): self._pool(host) for host in {ask(0).host for ask in asks} for kept in (True, False)}
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(CLIENTS)]

    def _pool(self, host: str) -> urllib3.HTTPSConnectionPool:
        return urllib3.HTTPSConnectionPool(
            self._address, 443, ssl_context=self._context, server_hostname=host, assert_hostname=host, maxsize=CLIENTS, retries=False, timeout=TIMEOUT)

    def start(self) -> Load:
        """Go."""
        for thread in self._threads:
            thread.start()
        return self

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def stop(self) -> list[Done]:
        """No further requests; those on their way are waited for."""
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=3 * TIMEOUT)
        return self.done

    def _run(self, number: int) -> None:
        slot = number
        while not self._end.is_set() and self.now() < self._until:
            # What a stall has passed over is left out, or a storm would follow it.
            slot += CLIENTS * max(0, int((self.now() - slot / RATE) * RATE / CLIENTS))
            if self._end.wait(max(0.0, slot / RATE - self.now())):
                return
            ask: Ask | None = self._asks[slot % len(self._asks)](slot)
            kept = slot // len(self._asks) % 2 == 0
            while ask is not None:
                ask = self._send(ask, kept)
            slot += CLIENTS

    def _send(self, ask: Ask, kept: bool) -> Ask | None:
        begun = self.now()
        first, body = self._try(ask, kept)
        failed = first
        if first and kept:
            failed, body = self._try(ask, kept)
        self.done.append(Done(ask.name, begun, self.now() - begun, kept, first, failed))
        return ask.then(body) if ask.then and not failed else None

    def _try(self, ask: Ask, kept: bool) -> tuple[str, bytes]:
        if (ask.host, kept) not in self._pools:
            self._pools.setdefault((ask.host, kept), self._pool(ask.host))
        headers = {'Host': ask.host, **ask.headers, **({} if kept else {'Connection': 'close'})}
        try:
            answer = self._pools[ask.host, kept].request(ask.method, ask.path, body=ask.body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            return f'{type(error).__name__}: {str(error)[:120]}', b''
        if answer.status != 200 or b'"errors"' in answer.data:
            return f'{answer.status} {" ".join(answer.data[:120].decode("utf-8", "replace").split())}', answer.data
        return '', answer.data

    def between(self, since: float, until: float = float('inf')) -> list[Done]:
        """Requests that began between two moments."""
        return [done for done in list(self.done) if since <= done.begun < until]

    def gap(self, since: float, until: float) -> tuple[float, float]:
        """Beginning and end of the longest time between two moments in which no request on a new connection had its answer."""
        answered = sorted(done.begun + done.took for done in list(self.done) if not done.kept and not done.failed)
        inside = [since, *(moment for moment in answered if since < moment < until), until]
        return max(zip(inside, inside[1:]), key=lambda pair: pair[1] - pair[0])


def figures(chosen: t.Sequence[Done]) -> dict[str, t.Any]:
    """What happened, in numbers."""
    span = max((done.begun + done.took for done in chosen), default=0.0) - min((done.begun for done in chosen), default=0.0)
    return {
        'requests': len(chosen), 'per_second': round(len(chosen) / span, 1) if span else 0.0, 'failed': sum(bool(done.failed) for done in chosen),
        'on_new_connections': sum(not done.kept for done in chosen), 'second_tries': sum(done.kept and bool(done.first) for done in chosen),
        'longest': round(max((done.took for done in chosen), default=0.0), 2),
    }
