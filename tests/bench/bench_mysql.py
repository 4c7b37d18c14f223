# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup, restore and seeding of about 1 GiB beside `mysqldump | gzip`, on the pair of the drill mysql-restore (molecule converge -s mysql-restore).

A table of its own database, half of it text that compresses. BENCH_MIB (default 1024) is its size.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time

import pytest

from tests.drills.mysql8 import follows
from tests.drills.pair import ROOT, Pair

PAIR = Pair()
PAIR.inventories.append(ROOT / 'molecule' / 'mysql-restore' / 'inventory')
PRIMARY, REPLICA = sorted(('db-1', 'db-2'), key=lambda host: host not in PAIR.writable())
MIB = int(os.environ.get('BENCH_MIB', '1024'))
CLIENT = '--defaults-file=/etc/wandb/mysql/root.cnf'
# The role's settings, with another database and one target on the host itself: what is measured is the dump, not a network.
SETTINGS = """import json
settings = json.load(open('/etc/wandb/mysql/backup.json'))
settings.update(database='bench', state_dir='/root/bench/state', targets=[{'name': 'here', 'type': 'directory', 'path': '/root/bench/target'}])
json.dump(settings, open('/root/bench/backup.json', 'w'))"""


def on(command):
    """Run a shell command on the primary; returns (its output, seconds)."""
    begin = time.monotonic()
    argv = ['podman', 'exec', '-i', PAIR.lab.container(PRIMARY), 'bash', '-o', 'pipefail', '-c', command]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, time.monotonic() - begin


@pytest.fixture(scope='module')
def bytes_of_data():
    rows = MIB << 4
    on('rm -rf /root/bench && mkdir -p /root/bench/target')
    on(f"python3 - <<'END'\n{SETTINGS}\nEND")
    # 32 KiB of random bytes and 32 KiB of text a row, by doubling: a backup needs no fresh content, only its size.
    on(f"""mysql {CLIENT} -e "CREATE DATABASE bench; CREATE TABLE bench.t (id INT PRIMARY KEY AUTO_INCREMENT, b MEDIUMBLOB, c MEDIUMTEXT);
        SET SESSION cte_max_recursion_depth = 100000000;
        INSERT INTO bench.t (b, c) WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < {rows})
        SELECT CONCAT({', '.join(['RANDOM_BYTES(1024)'] * 32)}), REPEAT(CONCAT('metric ', i, ' '), 3000) FROM r" """)
    yield int(on(f'mysql {CLIENT} -N -e "SELECT SUM(LENGTH(b) + LENGTH(c)) FROM bench.t"')[0])
    on(f'mysql {CLIENT} -e "DROP DATABASE bench"; rm -rf /root/bench')


def told(name, size, seconds, written):
    print(f'\n{name}: {size / 2**20:.0f} MiB in {seconds:.1f} s = {size / 2**20 / seconds:.1f} MiB/s, {written / 2**20:.0f} MiB written')


def test_backup_beside_mysqldump_and_gzip(bytes_of_data):
    plain = f'mysqldump {CLIENT} --single-transaction --quick --hex-blob --set-gtid-purged=OFF --no-tablespaces bench'
    _other, seconds = on(f'{plain} | gzip > /root/bench/plain.gz')
    told('mysqldump | gzip', bytes_of_data, seconds, int(on('stat -c %s /root/bench/plain.gz')[0]))
    _other, seconds = on('wandb-mysql-backup --config /root/bench/backup.json run --force')
    rows = json.loads(on('wandb-mysql-backup --config /root/bench/backup.json list --json')[0])
    told('wandb-mysql-backup run (with checksums of every table)', bytes_of_data, seconds, rows[0]['size'])
    assert rows[0]['good']
    _other, seconds = on('wandb-mysql-backup --config /root/bench/backup.json verify')
    told('wandb-mysql-backup verify', bytes_of_data, seconds, 0)
    _other, seconds = on('wandb-mysql-backup --config /root/bench/backup.json restore --confirm bench --no-safety-backup')
    told('wandb-mysql-backup restore', bytes_of_data, seconds, 0)


def test_seeding_of_the_replica(bytes_of_data):
    PAIR.wait('the replica has all of it', lambda: follows(PAIR, REPLICA), 900)
    PAIR.sql(REPLICA, 'SET GLOBAL super_read_only = OFF', 'CREATE DATABASE stray', 'SET GLOBAL super_read_only = ON')
    output = PAIR.play('mysql', '-e', f'wandb_mysql_reseed={REPLICA}')
    found = re.search(r'copied by a (\w+) in ([0-9.]+) s', output)
    assert found, output[-3000:]
    told(f'seeding by a {found[1]}', bytes_of_data, float(found[2]), 0)
    rows = 'SELECT COUNT(*) AS rows_there, SUM(LENGTH(b)) AS size FROM bench.t'
    assert PAIR.sql(REPLICA, rows) == PAIR.sql(PRIMARY, rows)
