# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of 64 MiB by presigned URLs: through Nginx beside the servers directly, in turns, on the lab's object store (LAB).

BENCH_ROUNDS (default 12) is how often each way is taken. Everything shares this machine's cores, the client too: the proxy's own work is taken
from the others', which it would not be on hosts of their own. So it is measured twice: as fast as these cores go, and with a link of 1 Gbit/s
at each host, both directions, as a host of its own has at least. The bound is the same.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import subprocess
import time

import pytest
import urllib3
from minio import Minio

from tests.drills.store import BUCKET, HOUR, NAME, PROXY, SERVERS, Store

SIZE = 64 << 20
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '12'))
WANTED = 0.8


class Way:
    """One way to the store, by one or more servers in turn: for each a name for signing and TLS, an address and a port to connect to."""

    def __init__(self, store, *servers):
        made = [Server(store, *server) for server in servers]
        self.turns = {'PUT': itertools.cycle(made), 'GET': itertools.cycle(made)}
        self.seconds = {'PUT': 0.0, 'GET': 0.0}

    def go(self, method, key, body=None, timed=True):
        server = next(self.turns[method])
        begun = time.monotonic()
        size = server.go(method, key, body)
        assert method != 'GET' or size == SIZE
        if timed:
            self.seconds[method] += time.monotonic() - begun


class Server:
    """A server of objects, with a connection that is kept."""

    def __init__(self, store, name, address, port):
        self.host = name if port == 443 else f'{name}:{port}'
        self.signer = Minio(endpoint=self.host, access_key=store.secret('wandb_minio_access_key'), secret_key=store.secret('wandb_minio_secret_key'),
                            region='us-east-1')
        self.pool = urllib3.HTTPSConnectionPool(address, port, ca_certs=store.ca, server_hostname=name, assert_hostname=name, retries=False, timeout=120)

    def go(self, method, key, body):
        """The bytes that the answer had."""
        url = self.signer.get_presigned_url(method=method, bucket_name=BUCKET, object_name=key, expires=HOUR)
        answer = self.pool.request(method, url.partition(self.host)[2], body=body, headers={'Host': self.host}, preload_content=False)
        size = sum(len(piece) for piece in answer.stream(1 << 20))
        answer.release_conn()
        assert answer.status in (200, 204), answer.status
        return size


def outer(store, host):
    """The machine's end of a host's link."""
    index = store.on(host, 'cat', '/sys/class/net/eth0/iflink').strip()
    return next(link.parent.name for link in pathlib.Path('/sys/class/net').glob('*/ifindex') if link.read_text().strip() == index)


@contextlib.contextmanager
def links(store, rate):
    """Each host sends and is sent at most at this rate; None = no limit. The limits go with the containers, whatever becomes of this run."""
    limit = ['tbf', 'rate', rate or '', 'burst', '512kb', 'latency', '20ms']
    hosts = (*SERVERS, PROXY) if rate else ()
    with contextlib.ExitStack() as stack:
        for host in hosts:
            for link, run in (('eth0', lambda *words, host=host: store.on(host, *words)),
                              (outer(store, host), lambda *words: subprocess.run(words, check=True))):
                run('tc', 'qdisc', 'replace', 'dev', link, 'root', *limit)
                stack.callback(run, 'tc', 'qdisc', 'del', 'dev', link, 'root')
        yield


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def ways(store):
    """Directly to each server in turn, as Nginx does it: one that has a part of the object is quicker than one that fetches all of them (seen)."""
    direct = [(host, store.lab.address(host), 9000) for host in SERVERS]
    yield {'direct': Way(store, *direct), 'proxied': Way(store, (NAME, store.lab.address(PROXY), 443))}
    cleaner = Server(store, *direct[0])
    for number in range(ROUNDS + 1):
        cleaner.go('DELETE', key_of(number), None)


def key_of(number):
    """Where the parts of an object lie goes by its name: with one for each round, neither way has the better servers."""
    return f'bench/64MiB-{number}'


@pytest.mark.parametrize('rate', [None, '1gbit'])
def test_through_the_proxy_beside_direct(store, ways, rate):
    with links(store, rate):
        ratios = measure(ways, rate or 'as fast as these cores go')
    assert min(ratios.values()) >= WANTED, ratios


def measure(ways, what):
    """Speed through the proxy over speed without it, for each method."""
    body = os.urandom(SIZE)
    for way in ways.values():
        # Connections and caches are warm before it counts.
        for _server in SERVERS:
            way.go('PUT', key_of(ROUNDS), body, timed=False)
            way.go('GET', key_of(ROUNDS), timed=False)
    # All that is written first: what a write leaves to be done on the disks is no part of the read after it.
    for method in ('PUT', 'GET'):
        for number in range(ROUNDS):
            # Whoever is first meets a machine in another state: they take turns in that too.
            for name in sorted(ways, reverse=bool(number % 2)):
                ways[name].go(method, key_of(number), body if method == 'PUT' else None)
    ratios = {}
    for method in ('PUT', 'GET'):
        speed = {name: ROUNDS * SIZE / 2**20 / way.seconds[method] for name, way in ways.items()}
        ratios[method] = speed['proxied'] / speed['direct']
        print(f'\n{method} of 64 MiB, {what}: direct {speed["direct"]:.0f} MiB/s, through Nginx {speed["proxied"]:.0f} MiB/s, ratio {ratios[method]:.2f}')
    return ratios
