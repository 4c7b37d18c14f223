# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another version on all hosts: refused while the store is not whole, together, cut off in the middle, and rolling under load."""

from __future__ import annotations

import hashlib
import pathlib
import random
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

import io

from ansible_collections.wandb.onprem.plugins.module_utils import minio

from tests.drills.minio_host_loss import load, whole
from tests.drills.pair import must, say
from tests.drills.store import BUCKET, SERVERS, Store

# The same source twice, with another version stamped in: what differs between two releases for the role and for the servers.
FIRST, SECOND = '2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z'
OBJECTS = 200


def to(stamp: str, **more: object) -> list[str]:
    """Options of playbook minio that ask for a version."""
    variables = {'wandb_minio_install_method': 'source', 'wandb_minio_binary_sha256': '', 'wandb_minio_source_stamp': stamp, **more}
    return [option for name, value in variables.items() for option in ('-e', f'{name}={value}')]


def versions(store: Store) -> list[str]:
    """What the servers that answer say they run."""
    return [store.running_version(host) for host in SERVERS]


def fill(store: Store, prefix: str = 'upgrade', via: str = 's3-1') -> dict[str, str]:
    """Objects of several sizes, one in parts, that one server takes; name to SHA-256."""
    client = minio.s3_client(store.connection(via), minio.http_pool(store.connection(via)))
    chance = random.Random(prefix)
    found = {}
    for number in range(OBJECTS):
        body = chance.randbytes(12 << 20 if number == 0 else 1 << chance.randrange(8, 19))
        found[f'{prefix}/{number}'] = hashlib.sha256(body).hexdigest()
        client.put_object(bucket_name=BUCKET, object_name=f'{prefix}/{number}', data=io.BytesIO(body), length=len(body), part_size=5 << 20)
    return found


def intact(store: Store, objects: dict[str, str], version: str) -> None:
    """One version, and nothing lost."""
    must(set(versions(store)) == {version}, f'all four run {version}')
    must(not store.lacks(), 'servers and drives are whole')
    must(not store.checksums('s3-2', objects), f'the checksums of all {len(objects)} objects equal')


def refusals(store: Store) -> None:
    """No restart of a store that is not whole, and none of a part of it."""
    pids, settings = [store.pid(host) for host in SERVERS], store.settings()
    store.play('minio', '--limit', 's3-1:localhost', *to(FIRST), fails='Run this on all hosts of wandb_minio, without --limit')
    store.on('s3-4', 'systemctl', 'stop', 'minio.service')
    store.play('minio', *to(FIRST, wandb_minio_start_timeout=30), fails='the store is not whole')
    store.on('s3-4', 'systemctl', 'start', 'minio.service')
    must([store.pid(host) for host in SERVERS[:3]] == pids[:3], 'no server was restarted by either')
    must(store.settings() == settings, 'the files that servers start with are as before')


def together(store: Store, objects: dict[str, str]) -> None:
    """All at once, as MinIO asks. How long nobody is served, is told."""
    running = load(store, 'together')
    time.sleep(5)
    store.play('minio', *to(FIRST))
    time.sleep(10)
    running.stop()
    store.tell('restarted together, under load', running.report())
    intact(store, {**objects, **running.written}, FIRST)
    must(store.changed(store.play('minio', *to(FIRST))) == 0, 'again: nothing to do')


def mixed(store: Store) -> bool:
    """Whether servers run different programs; one that is between two runs none."""
    return len(set(store.programs()) - {''}) > 1


def cut_off(store: Store, objects: dict[str, str]) -> None:
    """The run is killed while two of the servers run the new version, then started again."""
    options = to(SECOND, wandb_minio_rolling='true')
    store.cut_off('some servers run the new program and others the old one', lambda: mixed(store), 'minio', *options)
    must(mixed(store), f'the run was killed in between: {store.programs()}')
    store.play('minio', *options)
    intact(store, objects, SECOND)
    must(store.changed(store.play('minio', *options)) == 0, 'again: nothing to do')


def rolling(store: Store, objects: dict[str, str]) -> None:
    """Two at once, then one by one: reads go on."""
    running = load(store, 'rolling')
    time.sleep(5)
    store.play('minio', *to(FIRST, wandb_minio_rolling='true'))
    time.sleep(10)
    running.stop()
    found = running.report()
    store.tell('rolling, under load', found)
    for line in running.errors()[:6]:
        say(f'  {line}')
    must(found['failed_reads'] == 0, f'no read of {found["reads"]} failed')
    # Two of four servers are no quorum for writes: those fail until the first two are back, and no longer.
    lost = found['seconds_with_failures']
    must(lost <= 10, f'writes failed within {lost} s only, while two of the four were away')
    intact(store, {**objects, **running.written}, FIRST)


def key_rotated(store: Store) -> None:
    """A new key under load of the old one. The server's part (platform, wandb) is not in this drill: there is no cluster."""
    old = store.secret('wandb_minio_access_key')
    running = load(store, 'key')
    store.play('rotate_minio_key', '--check', '--tags', 'new_key')
    must(store.secret('wandb_minio_access_key') == old, 'check mode leaves the key in the vault file')
    store.play('rotate_minio_key', '--tags', 'new_key')
    new = store.secret('wandb_minio_access_key')
    store.play('rotate_minio_key', '--tags', 'new_key')
    must(new != old and store.secret('wandb_minio_access_key') == new, 'a new key is in the vault file; run again, no further one is made')
    running.stop()
    must(running.report()['retried'] == 0 and running.done, f'{len(running.done)} requests with the old key meanwhile, none was refused')
    store.play('rotate_minio_key', '--tags', 'old_key')
    must(load_once(store), 'requests with the new key are served')
    must(store.changed(store.play('rotate_minio_key', '--tags', 'old_key')) == 0, 'the old key is gone; again: nothing to do')
    before = running.report()['requests']
    running.once()
    must(running.done[-1].failed.startswith('403') and len(running.done) == before + 1, 'a request with the old key is refused')


def load_once(store: Store) -> bool:
    """Whether the key of the vault file works."""
    running = load(store, 'newkey')
    time.sleep(2)
    running.stop()
    return bool(running.done) and not any(done.first for done in running.done)


def main() -> None:
    """All of it."""
    store = Store()
    store.build()
    whole(store, 'the store is whole')
    objects = fill(store)
    refusals(store)
    whole(store, 'the store is whole again')
    together(store, objects)
    cut_off(store, objects)
    rolling(store, objects)
    key_rotated(store)


if __name__ == '__main__':
    main()
