# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second pool of four hosts behind the first: refused while the store is not whole, cut off, made; every object is there, new ones lie in both."""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from tests.drills.minio_host_loss import load, whole
from tests.drills.minio_upgrade import fill
from tests.drills.pair import must
from tests.drills.store import BUCKET, SERVERS, Store

NEW = ('s3-5', 's3-6', 's3-7', 's3-8')
POOLS = [{'hosts': list(SERVERS)}, {'hosts': list(NEW)}]


def held(store: Store, host: str) -> int:
    """How many of these objects have a part on the host's drive."""
    return int(store.on(host, 'sh', '-c', f'ls /data/1/{BUCKET}/expand 2>/dev/null | wc -l'))


def refusals(store: Store) -> None:
    """A pool that would grow, and an expansion of a store with a stopped server: nothing is written, no server is restarted."""
    pids, settings = [store.pid(host) for host in SERVERS], store.settings()
    store.describe(*SERVERS, *NEW)
    store.play('minio', fails='host.key is missing on s3-5. Run playbook wandb.onprem.pki first')
    store.play('pki')
    store.play('minio', fails='holds data and would grow')
    store.describe(*SERVERS, *NEW, wandb_minio_pools=POOLS[::-1])
    store.play('minio', fails='the order of pools must stay')
    store.describe(*SERVERS, *NEW, wandb_minio_pools=POOLS)
    checked = store.play('minio', '--check')
    must(store.changed(checked) > 0, 'check mode tells of changes')
    must(not any(store.exists(host, '/opt/minio') for host in NEW), 'and makes none on the new hosts')
    store.on('s3-4', 'systemctl', 'stop', 'minio.service')
    store.play('minio', '-e', 'wandb_minio_start_timeout=30', fails='the store is not whole')
    must(not any(store.runs(host) for host in NEW), 'no new server was started')
    store.on('s3-4', 'systemctl', 'start', 'minio.service')
    must([store.pid(host) for host in SERVERS[:3]] == pids[:3], 'no server was restarted by any of these')
    must(store.settings() == settings, 'the files that servers start with are as before')


def expanded(store: Store, objects: dict[str, str]) -> None:
    """The run is killed when the first new server runs, started again; nothing is lost, and the new pool takes its share."""
    running = load(store, 'grow')
    store.cut_off('the first new server runs', lambda: any(store.runs(host) for host in NEW), 'minio')
    store.play('minio')
    store.play('nginx')
    whole(store, 'eight servers and drives are there')
    running.stop()
    store.tell('a pool added, cut off and run again, under load', running.report())
    must(store.changed(store.play('minio')) == 0, 'playbook minio again: nothing to do')
    must(store.changed(store.play('nginx')) == 0, 'playbook nginx again: nothing to do')
    sets = store.state().drives_per_set
    must(sets == (4, 4), f'two pools of one erasure set: {sets}')
    every = {**objects, **running.written}
    for host in ('s3-1', 's3-8'):
        must(not store.checksums(host, every), f'the checksums of all {len(every)} objects equal, read from {host}')
    added = fill(store, 'expand', via='s3-5')
    shares = held(store, 's3-1'), held(store, 's3-5')
    must(min(shares) > 0 and sum(shares) == len(added), f'of {len(added)} new objects {shares[0]} lie in the first pool and {shares[1]} in the second')
    must(not store.checksums('s3-2', added), 'each of them can be read from the first pool')
    proxied = load(store, 'proxied')
    store.wait('the proxy goes to the new servers', lambda: all(store.proxied_to(host) for host in NEW), 30)
    proxied.stop()
    must(proxied.report()['retried'] == 0, f'{len(proxied.done)} requests through the proxy, none refused')


def shrunk(store: Store) -> None:
    """Without its second pool the store would lose what lies there."""
    store.describe()
    store.play('minio', fails='holds data and would be gone')
    store.describe(*SERVERS, *NEW, wandb_minio_pools=POOLS)
    whole(store, 'all eight are there as before')


def main() -> None:
    """All of it."""
    store = Store()
    store.build()
    for host in NEW:
        store.open_kernel(host)
    whole(store, 'the store is whole')
    objects = fill(store)
    refusals(store)
    store.describe()
    whole(store, 'the store is whole again')
    store.describe(*SERVERS, *NEW, wandb_minio_pools=POOLS)
    expanded(store, objects)
    shrunk(store)


if __name__ == '__main__':
    main()
