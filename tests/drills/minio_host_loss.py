# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of four hosts is killed under load, then a drive is wiped, then a host loses its power: nothing fails, everything heals, and every object proves it."""

from __future__ import annotations

import pathlib
import sys
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from tests.drills.pair import must, say
from tests.drills.s3_load import Load, Target
from tests.drills.store import BUCKET, NAME, PROXY, SERVERS, Store

LOST = 's3-4'
RATE = 50


def load(store: Store, prefix: str) -> Load:
    """Readers and writers with the application's key through the proxy."""
    target = Target(store.lab.address(PROXY), NAME, store.ca, store.secret('wandb_minio_access_key'), store.secret('wandb_minio_secret_key'), BUCKET)
    return Load(target, prefix).start()


def phase(store: Store, running: Load, what: str, since: float) -> float:
    """Tell the figures of what was done since a moment; returns the present one."""
    now = running.now()
    store.tell(what, running.report(since, now))
    return now


def judge(store: Store, running: Load, what: str, rate: int) -> None:
    """What must hold of a whole load with one fault in it."""
    running.stop()
    found = running.report()
    store.tell(what, found)
    for line in running.errors():
        say(f'  {line}')
    must(found['per_second'] >= rate, f'{what}: {found["per_second"]} requests a second, at least {rate}')
    must(found['failed_reads'] == 0, f'{what}: no read of {found["reads"]} failed')
    must(found['failed_writes'] == 0, f'{what}: no write of {found["writes"]} failed')
    must(found['retried'] <= running.clients,
         f'{what}: {found["retried"]} requests needed their retry, at most those on their way ({running.clients})')


def whole(store: Store, what: str, seconds: float = 240) -> None:
    """All servers and drives are there, nothing is being healed."""
    lacks: list[str] = ['not asked yet']

    def nothing_lacks() -> bool:
        lacks[:] = store.lacks()
        return not lacks

    try:
        store.wait(what, nothing_lacks, seconds)
    except SystemExit:
        say(f'  {lacks}')
        raise


def heal(store: Store) -> None:
    """The verb for it, timed."""
    begun = time.monotonic()
    store.play('heal_minio')
    say(f'playbook heal_minio looked at every object ({time.monotonic() - begun:.1f} s)')


def proven(store: Store, expected: t.Mapping[str, str], healed: str) -> None:
    """Parity is 2 of 4: with two other hosts stopped, every object is made of the pieces on the healed host and one more."""
    others = [host for host in SERVERS if host != healed]
    for host in others[:2]:
        store.on(host, 'systemctl', 'stop', 'minio.service')
    via = others[2]
    wrong = store.checksums(via, expected)
    for line in wrong[:5]:
        say(f'  {line}')
    for host in others[:2]:
        store.on(host, 'systemctl', 'start', 'minio.service')
    must(not wrong, f'every checksum of {len(expected)} objects equals, read of {healed} and {via} alone')
    whole(store, 'all servers are there again')


def host_lost(store: Store, host: str, how: str, lose: t.Callable[[str], None], rate: int) -> None:
    """The host goes at once, is away a while, comes back."""
    running = load(store, host)
    time.sleep(15)
    now = phase(store, running, 'all four hosts', 0)
    lose(host)
    time.sleep(45)
    now = phase(store, running, f'{host} {how}', now)
    store.boot(host)
    whole(store, f'{host} is back')
    time.sleep(45)
    phase(store, running, f'{host} back', now)
    judge(store, running, f'{host} {how}, and back', rate)
    heal(store)
    proven(store, running.written, host)


def drive_wiped(store: Store) -> None:
    """Everything on a drive is gone while its server runs."""
    running = load(store, 'drive')
    time.sleep(15)
    now = phase(store, running, 'all four drives', 0)
    store.on(LOST, 'sh', '-c', 'find /data/1 -mindepth 1 -delete', check=False)
    say(f'the drive of {LOST} is empty')
    time.sleep(20)
    whole(store, f'MinIO formatted and filled the drive of {LOST}')
    phase(store, running, 'drive wiped', now)
    judge(store, running, 'a drive wiped', RATE)
    heal(store)
    proven(store, running.written, LOST)


def main() -> None:
    """All of it."""
    store = Store()
    store.build()
    whole(store, 'the store is whole')
    # All, or those that are named: killed, wiped, power.
    chosen = sys.argv[1:] or ['killed', 'wiped', 'power']
    if 'killed' in chosen:
        host_lost(store, LOST, 'killed', store.kill, RATE)
    if 'wiped' in chosen:
        drive_wiped(store)
    if 'power' in chosen:
        # Nobody is told that it is gone: MinIO itself holds requests until it finds out, so the rate is told and not judged.
        host_lost(store, 's3-3', 'without power', store.cut_power, 1)
    must(store.changed(store.play('minio')) == 0, 'playbook minio has nothing to do afterwards')


if __name__ == '__main__':
    main()
