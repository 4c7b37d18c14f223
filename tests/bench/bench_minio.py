# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of 64 MiB by presigned URLs: through Nginx beside one server directly, in turns, on the lab's object store (LAB).

BENCH_ROUNDS (default 6) is how often each way is taken. Everything shares this machine's cores, the client too: the proxy's own work is taken
from the others', which it would not be on hosts of their own.
"""

from __future__ import annotations

import os
import time

import pytest
import urllib3
from minio import Minio

from tests.drills.store import BUCKET, HOUR, NAME, PROXY, Store

SIZE = 64 << 20
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '6'))
WANTED = 0.8


class Way:
    """One way to the store: a name for signing and TLS, an address to connect to."""

    def __init__(self, store, name, address, port):
        self.host = name if port == 443 else f'{name}:{port}'
        self.signer = Minio(endpoint=self.host, access_key=store.secret('wandb_minio_access_key'), secret_key=store.secret('wandb_minio_secret_key'),
                            region='us-east-1')
        self.pool = urllib3.HTTPSConnectionPool(address, port, ca_certs=store.ca, server_hostname=name, assert_hostname=name, retries=False, timeout=120)
        self.seconds = {'PUT': 0.0, 'GET': 0.0}

    def go(self, method, body=None, timed=True):
        url = self.signer.get_presigned_url(method=method, bucket_name=BUCKET, object_name='bench/64MiB', expires=HOUR)
        begun = time.monotonic()
        answer = self.pool.request(method, url.partition(self.host)[2], body=body, headers={'Host': self.host}, preload_content=False)
        size = sum(len(piece) for piece in answer.stream(1 << 20))
        answer.release_conn()
        assert answer.status in (200, 204), answer.status
        assert method != 'GET' or size == SIZE
        if timed:
            self.seconds[method] += time.monotonic() - begun


@pytest.fixture
def ways():
    store = Store()
    found = {'direct': Way(store, 's3-1', store.lab.address('s3-1'), 9000), 'proxied': Way(store, NAME, store.lab.address(PROXY), 443)}
    yield found
    found['direct'].go('DELETE', timed=False)


def test_through_the_proxy_beside_direct(ways):
    body = os.urandom(SIZE)
    for way in ways.values():
        # Connections and caches are warm before it counts.
        way.go('PUT', body, timed=False)
        way.go('GET', timed=False)
    for number in range(ROUNDS):
        # Whoever is first meets a machine in another state: they take turns in that too.
        for name in sorted(ways, reverse=bool(number % 2)):
            ways[name].go('PUT', body)
            ways[name].go('GET')
    ratios = {}
    for method in ('PUT', 'GET'):
        speed = {name: ROUNDS * SIZE / 2**20 / way.seconds[method] for name, way in ways.items()}
        ratios[method] = speed['proxied'] / speed['direct']
        print(f'\n{method} of 64 MiB: direct {speed["direct"]:.0f} MiB/s, through Nginx {speed["proxied"]:.0f} MiB/s, ratio {ratios[method]:.2f}')
    assert min(ratios.values()) >= WANTED, ratios
