# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site with a pair on MySQL 9.7 (semi-sync, clone), under load: the primary killed and replaced, re-seeded, switched over, every host rebooted."""

from __future__ import annotations

import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from lab.podman import podman
from tests.drills.mysql8 import follows, replicates
from tests.drills.pair import Pair, must, say, steps
from tests.site.outside import HOST, Site

SEMI_SYNC = "(SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_status')"
WRITTEN = '(SELECT COUNT(*) FROM wandb_local.acknowledged)'


def ready(site: Site) -> bool:
    """Whether the application answers through Nginx, and keeps what is written through it."""
    if site.request('GET', f'https://{HOST}/ready').status != 200:
        return False
    site.make_run()
    return True


def converge(pair: Pair, site: Site) -> None:
    """The site stands."""
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')
    must(pair.value('db-1', SEMI_SYNC) == 'ON', 'db-1 waits for db-2 before it acknowledges')
    must(ready(site), 'the application is ready through Nginx')
    pair.prepare_client()


def forced(pair: Pair, site: Site) -> None:
    """The primary is killed under load."""
    writer = pair.writer(900)
    begun = time.monotonic()
    pair.wait('the writer has written 3000 rows', lambda: int(pair.value('db-1', WRITTEN)) > 3000)
    before, begun = int(pair.value('db-1', WRITTEN)), time.monotonic()
    time.sleep(10)
    rate = (int(pair.value('db-1', WRITTEN)) - before) / (time.monotonic() - begun)
    must(rate >= 200, f'{rate:.0f} acknowledged inserts a second')
    must(pair.value('db-1', SEMI_SYNC) == 'ON', 'semi-sync is ON at the kill')
    podman('kill', pair.lab.container('db-1'))
    begun = time.monotonic()
    pair.play('promote_mysql', '-e', 'confirm=db-2')
    took = time.monotonic() - begun
    must(pair.writable() == ['db-2'] and pair.holder() == ['db-2'], f'db-2 is primary and has the address {took:.1f} s after the command')
    must(took <= 30, 'that is within 30 s')
    pair.wait('the application is ready again through Nginx, and writes', lambda: ready(site))
    time.sleep(5)
    found = writer.stop()
    must(writer.lost('db-2') == [], f'every one of {found["acknowledged"]} acknowledged inserts is on db-2')


def comes_back(pair: Pair, _site: Site) -> None:
    """The old primary is back, with a transaction that nobody acknowledged."""
    podman('start', pair.lab.container('db-1'))
    pair.wait('db-1 is back, read-only', lambda: pair.running('db-1') and pair.value('db-1', '@@global.super_read_only') == '1')
    # The kill may have left none in its binary log: one is made for certain.
    pair.sql('db-1', 'SET GLOBAL super_read_only = OFF', 'CREATE DATABASE unacknowledged', 'SET GLOBAL super_read_only = ON')
    must(pair.writable() == ['db-2'], 'only db-2 accepts writes')
    pair.play('mysql', fails='-e wandb_mysql_reseed=db-1')
    pair.play('mysql', '-e', 'wandb_mysql_reseed=db-1')
    must(follows(pair, 'db-1') and not pair.sql('db-1', "SHOW DATABASES LIKE 'unacknowledged'"), 'db-1 was re-seeded by a clone and follows')
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')
    must(pair.value('db-2', SEMI_SYNC) == 'ON', 'db-2 waits for db-1 before it acknowledges')


def planned(pair: Pair, site: Site) -> None:
    """Switched back under load."""
    writer = pair.writer(900)
    pair.wait('the writer has written 1000 rows', lambda: int(pair.value('db-2', WRITTEN)) > 1000)
    pair.play('promote_mysql', '-e', 'confirm=db-1')
    time.sleep(5)
    found = writer.stop()
    must(pair.writable() == ['db-1'] and pair.holder() == ['db-1'], 'db-1 is primary and has the address')
    must(float(str(found['longest'])) <= 5, f'no write took longer than {found["longest"]} s, tries included')
    must(writer.lost('db-1') == [], f'every one of {found["acknowledged"]} acknowledged inserts is on db-1')
    pair.wait('the application is ready through Nginx, and writes', lambda: ready(site))


def reboots(pair: Pair, site: Site) -> None:
    """Each host, and both at once, under load."""
    for hosts in (['db-2'], ['db-1'], ['db-1', 'db-2']):
        writer = pair.writer(600)
        pair.wait('the writer has written 300 rows', lambda: int(pair.value('db-1', WRITTEN)) > 300)
        podman('restart', '--time', '60', *(pair.lab.container(host) for host in hosts))
        pair.wait(f'after a reboot of {" and ".join(hosts)} db-1 accepts writes and has the address, db-2 replicates',
                  lambda: len(pair.writable()) < 2 and pair.writable() == ['db-1'] and pair.holder() == ['db-1'] and replicates(pair, 'db-2'), 180)
        time.sleep(3)
        found = writer.stop()
        must(writer.lost('db-1') == [], f'every one of {found["acknowledged"]} acknowledged inserts is on db-1')
    pair.wait('the application is ready through Nginx, and writes', lambda: ready(site))
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')


def main() -> None:
    """Entry point."""
    pair, site = Pair(), Site()
    for step in steps(converge, forced, comes_back, planned, reboots):
        step(pair, site)
    say('all of it holds')


if __name__ == '__main__':
    main()
