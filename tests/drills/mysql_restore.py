# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill: a marker, a backup, more writes, the database dropped, restored; and everything that may go wrong meanwhile.

Names of steps as arguments run only those.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP)
from lab.state import Lab, lab_name

LAB = Lab.load(lab_name())
BACKUP = '/usr/local/sbin/wandb-mysql-backup'
BEGIN = time.monotonic()


def say(text):
    print(f'{time.monotonic() - BEGIN:6.1f} s  {text}', flush=True)


def on(host, command, code=0):
    """Run a shell command on a host; returns what it said. It must end with `code`."""
    done = subprocess.run(['podman', 'exec', LAB.container(host), 'sh', '-c', command], capture_output=True, text=True, check=False)
    assert done.returncode == code, f'{command}: code {done.returncode} instead of {code}\n{done.stdout}{done.stderr}'
    return done.stdout + done.stderr


def sql(statement):
    return on('db-bk', f"mysql --defaults-file=/etc/wandb/mysql/root.cnf --batch --skip-column-names -e \"{statement}\"").strip()


def playbook(name, *extra, works=True):
    """Run a playbook of the collection; returns its output."""
    inventory = ['-i', str(LAB.state_dir / 'inventory'), '-i', os.path.join(TOP, 'molecule/mysql-restore/inventory')]
    done = subprocess.run(
        ['ansible-playbook', *inventory, f'wandb.onprem.{name}', *[part for one in extra for part in ('-e', one)]],
        capture_output=True, text=True, check=False, cwd=TOP, stdin=subprocess.DEVNULL)
    assert (done.returncode == 0) is works, f'{name}: code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-2000:]}'
    return re.sub(r'\s+', ' ', done.stdout)


def sums():
    return sql('CHECKSUM TABLE wandb_local.runs, wandb_local.projects, wandb_local.log')


def names():
    return sql('SELECT GROUP_CONCAT(name ORDER BY id) FROM wandb_local.runs')


def newest():
    rows = [row for row in json.loads(on('db-bk', f'{BACKUP} list --target sftp --json')) if row['good']]
    return rows[-1]


def write(name):
    sql(f"INSERT INTO wandb_local.runs (name) VALUES ('{name}')")
    time.sleep(1.2)


def moment():
    """The server's time, between two writes."""
    found = sql('SELECT UTC_TIMESTAMP(3)')
    time.sleep(1.2)
    return found


def fill():
    sql("""
DROP DATABASE IF EXISTS wandb_local; CREATE DATABASE wandb_local CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE wandb_local;
CREATE TABLE runs (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(64), cfg JSON, at DATETIME(6) DEFAULT NOW(6), d DOUBLE, b BLOB);
INSERT INTO runs (name, cfg, d, b) VALUES ('marker', JSON_OBJECT('a', JSON_ARRAY(1, 2.5, 'märker 🎉')), 1/3, x'00ff0a0d27');
CREATE TABLE projects (id INT PRIMARY KEY, t TEXT, n INT UNSIGNED, g INT AS (n + 1) STORED, big LONGBLOB, KEY (n));
INSERT INTO projects (id, t, n) VALUES (1, CONCAT('one', CHAR(10), 'two', CHAR(13, 10), CHAR(92)), 7);
CREATE TABLE log (id INT PRIMARY KEY AUTO_INCREMENT, rid INT, FOREIGN KEY (rid) REFERENCES runs (id));
CREATE VIEW v AS SELECT id, name FROM runs;
CREATE TRIGGER tr AFTER INSERT ON runs FOR EACH ROW INSERT INTO log (rid) VALUES (NEW.id);
CREATE PROCEDURE p() SELECT 1;
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM log WHERE id < 0;
SET SESSION cte_max_recursion_depth = 100000;
INSERT INTO projects (id, n, big) WITH RECURSIVE r AS (SELECT 2 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 60000) SELECT i, i, RANDOM_BYTES(1000) FROM r
""".replace('\n', ' '))


def restores():
    fill()
    playbook('backup')
    first = newest()['id']
    backed_up = sums()
    say(f'marker and 60 MB written, backed up as {first}')
    write('wanted')
    at_moment, then = sums(), moment()
    write('unwanted')
    sql('DROP DATABASE wandb_local')
    say(f'more writes, the database dropped; to be restored to {then}')
    assert 'does not exist: nothing is backed up' in on('db-bk', f'{BACKUP} run', 1)
    assert 'confirm=wandb_local' in playbook('restore', works=False)

    playbook('restore', 'confirm=wandb_local')
    assert (names(), sums()) == ('marker', backed_up)
    say('restored to the backup, every checksum as before')
    said = playbook('restore', 'confirm=wandb_local', f"wandb_mysql_restore_to='{then}'")
    assert (names(), sums()) == ('marker,wanted', at_moment), names()
    assert ' safety ' in on('db-bk', f'{BACKUP} list'), said
    say('restored to the point in time, every checksum as then; what was there before is in a safety backup')
    assert sql('SHOW GRANTS FOR wandb_local').count('ALL PRIVILEGES') == 1
    on('db-bk', 'systemctl start wandb-mysql-restore-test')
    assert on('db-bk', 'ls -A /var/lib/wandb/mysql-scratch') == ''
    say('restore test passed on a scratch instance, and left nothing')


def damage():
    before = sums()
    key = f'/srv/sftp/backups/wandb_local/backups/{newest()["id"]}/dump.sql.zst'
    flip = f'import sys; f = open("{key}", "r+b"); f.seek(1000); b = f.read(1); f.seek(1000); f.write(bytes([b[0] ^ 1]))'
    on('bk-1', f"python3 -c '{flip}'")
    assert 'is damaged' in on('db-bk', f'{BACKUP} verify --target sftp --backup {newest()["id"]}', 3)
    assert 'is damaged' in playbook('restore', 'confirm=wandb_local', f'wandb_mysql_restore_backup={newest()["id"]}', works=False)
    assert sums() == before
    on('db-bk', f'{BACKUP} verify --target s3 --backup {newest()["id"]}')
    on('bk-1', f"python3 -c '{flip}'")
    on('db-bk', f'{BACKUP} verify --all')
    say('a flipped byte was found, and the restore refused before anything was touched')


def failing_targets():
    last = newest()['id']
    on('bk-1', 'systemctl stop minio')
    assert 'Target s3' in on('db-bk', f'{BACKUP} run --force', 1)
    assert newest()['id'] != last, 'the other target must have it'
    on('bk-1', 'systemctl start minio')
    say('a target that was down was told; the other one has the backup')
    last = newest()['id']
    on('bk-1', 'mount -t tmpfs -o size=1m tmpfs /srv/sftp/backups && chown wandb-backup /srv/sftp/backups')
    on('db-bk', 'systemctl start wandb-mysql-backup', 1)
    assert 'Target sftp' in on('db-bk', 'journalctl -u wandb-mysql-backup -n 20 -o cat')
    assert on('bk-1', 'find /srv/sftp/backups -name dump.sql.zst') == ''
    assert 'failed' in on('db-bk', 'systemctl is-failed wandb-mysql-backup')
    on('bk-1', 'umount /srv/sftp/backups')
    assert newest()['id'] == last
    on('db-bk', 'systemctl start wandb-mysql-backup')
    assert newest()['id'] != last
    say('a full disk made the service fail; the last good backup stayed, and the next run made another')


def killed():
    last = newest()['id']
    on('db-bk', 'systemctl start --no-block wandb-mysql-backup')
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not on('bk-1', 'find /srv/sftp/backups -name "*.part" -size +0'):
        time.sleep(0.05)
    on('db-bk', 'systemctl kill --signal=KILL wandb-mysql-backup')
    time.sleep(2)
    left = on('bk-1', 'find /srv/sftp/backups -name "*.part"')
    assert left, 'the run was not killed in its middle'
    assert newest()['id'] == last
    assert sql("SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_USER = 'wandb_backup'") == '0'
    on('db-bk', f'{BACKUP} run --force')
    say('a backup that was killed in its middle does not count, and holds no lock')

    on('db-bk', f'{BACKUP} restore --confirm wandb_local --no-safety-backup >/dev/null 2>&1 & while ! test -s /var/lib/wandb/mysql-backup/restore.json; '
       'do sleep 0.05; done; sleep 0.5; kill -9 $!; pkill -9 -f "^/usr/bin/mysql " || true')
    time.sleep(1)
    assert 'A restore did not end' in on('db-bk', f'{BACKUP} run --force', 1)
    assert 'A restore did not end' in on('db-bk', 'systemctl start wandb-mysql-backup; journalctl -u wandb-mysql-backup -n 8 -o cat')
    said = playbook('restore', 'confirm=wandb_local')
    assert 'what a restore left that did not end' in said
    on('db-bk', f'{BACKUP} run --force')
    say('a restore that was killed keeps half a database from being backed up, and is finished by the next')


def wrong_password():
    sql("ALTER USER wandb_backup IDENTIFIED BY 'another'")
    assert 'Access denied' in on('db-bk', f'{BACKUP} run --force', 1)
    playbook('mysql')
    on('db-bk', f'{BACKUP} run --force')
    say('a wrong password was told, and mended by the role')


for step in (restores, damage, failing_targets, killed, wrong_password):
    if not sys.argv[1:] or step.__name__ in sys.argv[1:]:
        step()
playbook('backup')
assert 'changed=0' in playbook('mysql')
say('converged: changed=0')
