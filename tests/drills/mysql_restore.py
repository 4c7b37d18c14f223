# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill: a marker, a backup, more writes, the database dropped, restored under the application; and everything that may go wrong meanwhile.

On the converged site: db-1 and db-2 are a pair, bk-1 is the other facility. Names of steps as arguments run only those.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP), str(TOP / '.cache' / 'collections')]

from tests.site.outside import HOST, PLAIN, Site

SITE = Site()
LAB = SITE.lab
BACKUP = '/usr/local/sbin/wandb-mysql-backup'
BEGIN = time.monotonic()
# Of the database that the application uses: these are the drill's own.
TABLES = ('drill_runs', 'drill_projects', 'drill_log')


def say(text):
    print(f'{time.monotonic() - BEGIN:6.1f} s  {text}', flush=True)


def on(host, command, code=0):
    """Run a shell command on a host; returns what it said. It must end with `code`."""
    done = subprocess.run(['podman', 'exec', LAB.container(host), 'sh', '-c', command], capture_output=True, text=True, check=False)
    assert done.returncode == code, f'{command}: code {done.returncode} instead of {code}\n{done.stdout}{done.stderr}'
    return done.stdout + done.stderr


def sql(statement, host=''):
    return on(host or PRIMARY, f"mysql --defaults-file=/etc/wandb/mysql/root.cnf --batch --skip-column-names -e \"{statement}\"").strip()


def playbook(name, *extra, works=True):
    """Run a playbook of the collection; returns its output."""
    inventory = [*SITE.inventory, '-i', str(TOP / 'molecule/mysql-restore/inventory')]
    done = subprocess.run(
        ['ansible-playbook', *inventory, f'wandb.onprem.{name}', *[part for one in extra for part in ('-e', one)]],
        capture_output=True, text=True, check=False, cwd=TOP, stdin=subprocess.DEVNULL, env={**os.environ, **PLAIN})
    assert (done.returncode == 0) is works, f'{name}: code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-2000:]}'
    return re.sub(r'\s+', ' ', done.stdout)


def until(what, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f'not within {seconds} s: {what}'
        time.sleep(0.5)


def roles():
    """(primary, replica), as the servers say."""
    found = {sql('SELECT @@global.super_read_only', host): host for host in ('db-1', 'db-2')}
    return found['0'], found['1']


def sums(host=''):
    return sql('CHECKSUM TABLE ' + ', '.join(f'wandb_local.{table}' for table in TABLES), host)


def names():
    return sql('SELECT GROUP_CONCAT(name ORDER BY id) FROM wandb_local.drill_runs')


def newest():
    rows = [row for row in json.loads(on(PRIMARY, f'{BACKUP} list --target sftp --json')) if row['good']]
    return rows[-1]


def write(name):
    sql(f"INSERT INTO wandb_local.drill_runs (name) VALUES ('{name}')")
    time.sleep(1.2)


def moment():
    """The server's time, between two writes."""
    found = sql('SELECT UTC_TIMESTAMP(3)')
    time.sleep(1.2)
    return found


def caught_up():
    """Whether the replica runs, and has all that the primary had when we asked."""
    return sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{sql('SELECT @@global.gtid_executed')}', 60)".replace('\\n', ''), REPLICA) == '0'


def ready():
    return SITE.request('GET', f'https://{HOST}/ready').status == 200


def after_a_restore(wanted_names, wanted_sums):
    """What was restored, the replica and the application."""
    assert (names(), sums()) == (wanted_names, wanted_sums), names()
    assert caught_up(), 'the replica does not follow'
    assert sums(REPLICA) == wanted_sums, 'the replica holds something else'
    until('the application is ready', ready)


def fill():
    sql("""
USE wandb_local; DROP TABLE IF EXISTS drill_log, drill_runs, drill_projects; DROP VIEW IF EXISTS v; DROP PROCEDURE IF EXISTS p; DROP EVENT IF EXISTS ev;
CREATE TABLE drill_runs (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(64), cfg JSON, at DATETIME(6) DEFAULT NOW(6), d DOUBLE, b BLOB);
INSERT INTO drill_runs (name, cfg, d, b) VALUES ('marker', JSON_OBJECT('a', JSON_ARRAY(1, 2.5, 'märker 🎉')), 1/3, x'00ff0a0d27');
CREATE TABLE drill_projects (id INT PRIMARY KEY, t TEXT, n INT UNSIGNED, g INT AS (n + 1) STORED, big LONGBLOB, KEY (n));
INSERT INTO drill_projects (id, t, n) VALUES (1, CONCAT('one', CHAR(10), 'two', CHAR(13, 10), CHAR(92)), 7);
CREATE TABLE drill_log (id INT PRIMARY KEY AUTO_INCREMENT, rid INT, FOREIGN KEY (rid) REFERENCES drill_runs (id));
CREATE VIEW v AS SELECT id, name FROM drill_runs;
CREATE TRIGGER tr AFTER INSERT ON drill_runs FOR EACH ROW INSERT INTO drill_log (rid) VALUES (NEW.id);
CREATE PROCEDURE p() SELECT 1;
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM drill_log WHERE id < 0;
SET SESSION cte_max_recursion_depth = 100000;
INSERT INTO drill_projects (id, n, big) WITH RECURSIVE r AS (SELECT 2 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 60000) SELECT i, i, RANDOM_BYTES(1000) FROM r
""".replace('\n', ' '))


def restores():
    fill()
    run = SITE.make_run()
    playbook('backup')
    first = newest()['id']
    assert first.endswith(REPLICA), first
    backed_up = sums()
    say(f'marker and 60 MB written, backed up as {first}, by the replica')
    write('wanted')
    at_moment, then = sums(), moment()
    write('unwanted')
    sql('DROP DATABASE wandb_local')
    until('the application is not ready', lambda: not ready())
    say(f'more writes, the database dropped, the application is down; to be restored to {then}')
    assert caught_up()
    assert 'does not exist: nothing is backed up' in on(REPLICA, f'{BACKUP} run', 1)
    assert 'confirm=wandb_local' in playbook('restore', works=False)

    playbook('restore', 'confirm=wandb_local')
    after_a_restore('marker', backed_up)
    say('restored to the backup: every checksum as before, on the replica too; the application is ready')
    said = playbook('restore', 'confirm=wandb_local', f"wandb_mysql_restore_to='{then}'")
    after_a_restore('marker,wanted', at_moment)
    assert ' safety ' in on(PRIMARY, f'{BACKUP} list'), said
    assert sql(f"SELECT COUNT(*) FROM wandb_local.runs WHERE name = '{run}'") == '1', "the application's own row"
    say('restored to the point in time: every checksum as then, on the replica too; the application is ready; what was there before is in a safety backup')
    assert sql('SHOW GRANTS FOR wandb_local').count('ALL PRIVILEGES') == 1
    on(REPLICA, 'systemctl start wandb-mysql-restore-test')
    assert on(REPLICA, 'ls -A /var/lib/wandb/mysql-scratch') == ''
    say('restore test passed on a scratch instance, and left nothing')


def damage():
    before = sums()
    key = f'/srv/sftp/backups/wandb_local/backups/{newest()["id"]}/dump.sql.zst'
    flip = f'import sys; f = open("{key}", "r+b"); f.seek(1000); b = f.read(1); f.seek(1000); f.write(bytes([b[0] ^ 1]))'
    on('bk-1', f"python3 -c '{flip}'")
    assert 'is damaged' in on(PRIMARY, f'{BACKUP} verify --target sftp --backup {newest()["id"]}', 3)
    assert 'is damaged' in playbook('restore', 'confirm=wandb_local', f'wandb_mysql_restore_backup={newest()["id"]}', works=False)
    assert sums() == before
    assert ready()
    on(PRIMARY, f'{BACKUP} verify --target s3 --backup {newest()["id"]}')
    on('bk-1', f"python3 -c '{flip}'")
    on(PRIMARY, f'{BACKUP} verify --all')
    say('a flipped byte was found, and the restore refused before anything was touched')


def failing_targets():
    last = newest()['id']
    on('bk-1', 'systemctl stop minio')
    assert 'Target s3' in on(REPLICA, f'{BACKUP} run --force', 1)
    assert newest()['id'] != last, 'the other target must have it'
    on('bk-1', 'systemctl start minio')
    say('a target that was down was told; the other one has the backup')
    last = newest()['id']
    on('bk-1', 'mount -t tmpfs -o size=1m tmpfs /srv/sftp/backups && chown wandb-backup /srv/sftp/backups')
    on(REPLICA, 'systemctl start wandb-mysql-backup', 1)
    assert 'Target sftp' in on(REPLICA, 'journalctl -u wandb-mysql-backup -n 20 -o cat')
    assert on('bk-1', 'find /srv/sftp/backups -name dump.sql.zst') == ''
    assert 'failed' in on(REPLICA, 'systemctl is-failed wandb-mysql-backup')
    on('bk-1', 'umount /srv/sftp/backups')
    assert newest()['id'] == last
    on(REPLICA, 'systemctl start wandb-mysql-backup')
    assert newest()['id'] != last
    say('a full disk made the service fail; the last good backup stayed, and the next run made another')


def killed():
    last = newest()['id']
    on(REPLICA, 'systemctl start --no-block wandb-mysql-backup')
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not on('bk-1', 'find /srv/sftp/backups -name "*.part" -size +0'):
        time.sleep(0.05)
    on(REPLICA, 'systemctl kill --signal=KILL wandb-mysql-backup')
    time.sleep(2)
    left = on('bk-1', 'find /srv/sftp/backups -name "*.part"')
    assert left, 'the run was not killed in its middle'
    assert newest()['id'] == last
    assert sql("SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_USER = 'wandb_backup'", REPLICA) == '0'
    on(REPLICA, f'{BACKUP} run --force')
    say('a backup that was killed in its middle does not count, and holds no lock')

    # Killed while the dump is being loaded.
    on(PRIMARY, f'{BACKUP} restore --confirm wandb_local --no-safety-backup >/dev/null 2>&1 & '
       'while ! mysql --defaults-file=/etc/wandb/mysql/root.cnf -e "SELECT 1 FROM wandb_local.drill_projects LIMIT 1" >/dev/null 2>&1 '
       '|| ! mysql --defaults-file=/etc/wandb/mysql/root.cnf -e "USE wandb_restore_unfinished" >/dev/null 2>&1; do sleep 0.05; done; '
       'kill -9 $!; pkill -9 -f "^/usr/bin/mysql " || true')
    time.sleep(1)
    assert caught_up()
    for host in (PRIMARY, REPLICA):
        assert 'A restore did not end' in on(host, f'{BACKUP} run --force', 1)
    assert 'A restore did not end' in on(REPLICA, 'systemctl start wandb-mysql-backup; journalctl -u wandb-mysql-backup -n 8 -o cat')
    assert 'a restore did not end' in playbook('verify', works=False)
    said = playbook('restore', 'confirm=wandb_local')
    assert 'what a restore left that did not end' in said
    on(REPLICA, f'{BACKUP} run --force')
    until('the application is ready', ready)
    say('a restore that was killed keeps half a database from being backed up, on both hosts; verify tells; it is finished by the next')


def wrong_password():
    sql("ALTER USER wandb_backup IDENTIFIED BY 'another'")
    assert caught_up()
    assert 'Access denied' in on(REPLICA, f'{BACKUP} run --force', 1)
    playbook('mysql')
    assert caught_up()
    on(REPLICA, f'{BACKUP} run --force')
    say('a wrong password was told, and mended by the role')


PRIMARY, REPLICA = roles()
say(f'{PRIMARY} is the primary, {REPLICA} its replica')
for step in (restores, damage, failing_targets, killed, wrong_password):
    if not sys.argv[1:] or step.__name__ in sys.argv[1:]:
        step()
playbook('backup')
again = playbook('mysql')
assert set(re.findall(r'changed=(\d+)', again)) == {'0'}, [text.partition(']')[0] for text in again.split('TASK [') if ' changed: [' in text]
playbook('verify')
say('converged: changed=0, and verify passes')
