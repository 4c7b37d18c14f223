# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair on real MySQL 8.0.31 (no semi-sync, no clone plugin): joined by a dump, drifted and mended, switched over, promoted."""

from __future__ import annotations

import datetime
import json
import pathlib
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from lab.podman import podman
from tests.drills.pair import Pair, must, say, steps

DATA = (
    'CREATE TABLE wandb_local.runs (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), config JSON, picture BLOB,'
    ' twice INT AS (CHAR_LENGTH(name) * 2) STORED)',
    "INSERT INTO wandb_local.runs (id, name, config, picture) VALUES (1, 'naïve ✓', '{\"a\": [1, null]}', x'00FF0A27'), (2, NULL, NULL, NULL)",
    'CREATE VIEW wandb_local.names AS SELECT name FROM wandb_local.runs',
    'CREATE TRIGGER wandb_local.upper BEFORE INSERT ON wandb_local.runs FOR EACH ROW SET NEW.name = UPPER(NEW.name)',
    'CREATE PROCEDURE wandb_local.one() SELECT 1',
    "CREATE USER 'kept'@'10.%' IDENTIFIED BY 'a b''c' REQUIRE SSL",
    "GRANT SELECT ON wandb_local.runs TO 'kept'@'10.%'",
)
SAME = ("SHOW GRANTS FOR 'kept'@'10.%'", 'SHOW CREATE TRIGGER wandb_local.upper', 'SHOW CREATE PROCEDURE wandb_local.one', 'SELECT * FROM wandb_local.names')
SETTINGS = {
    'binlog_format': 'ROW', 'binlog_row_image': 'MINIMAL', 'gtid_mode': 'ON', 'innodb_flush_log_at_trx_commit': '1', 'sync_binlog': '1',
    'innodb_online_alter_log_max_size': '268435456', 'max_prepared_stmt_count': '1048576', 'require_secure_transport': '1', 'sort_buffer_size': '67108864',
}
# What each of them, and of our own dynamic ones, is changed to behind our back.
BEHIND = {
    'binlog_format': "'STATEMENT'", 'binlog_row_image': "'FULL'", 'gtid_mode': "'ON_PERMISSIVE'", 'innodb_buffer_pool_size': '268435456',
    'innodb_flush_log_at_trx_commit': '2', 'innodb_online_alter_log_max_size': '134217728', 'local_infile': 'ON', 'max_prepared_stmt_count': '16382',
    'require_secure_transport': 'OFF', 'sort_buffer_size': '262144', 'sync_binlog': '0', 'binlog_transaction_dependency_tracking': "'COMMIT_ORDER'",
}
UPTIME = "(SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime')"


def follows(pair: Pair, host: str) -> bool:
    """Whether a replica runs and has everything."""
    row = (pair.sql(host, 'SHOW REPLICA STATUS') or [{}])[0]
    return row.get('Replica_IO_Running') == 'Yes' and row.get('Replica_SQL_Running') == 'Yes' and row.get('Seconds_Behind_Source') == 0


def replicates(pair: Pair, host: str) -> bool:
    """Whether a replica's threads run, however late it is."""
    row = (pair.sql(host, 'SHOW REPLICA STATUS') or [{}])[0]
    return (row.get('Replica_IO_Running'), row.get('Replica_SQL_Running')) == ('Yes', 'Yes')


def same(pair: Pair) -> bool:
    """Whether both hosts hold the same rows and transactions."""
    return all(pair.sql('db-1', statement) == pair.sql('db-2', statement) for statement in ('CHECKSUM TABLE wandb_local.runs', 'SELECT @@gtid_executed'))


def join(pair: Pair) -> None:
    """One server with data; then a second one beside it."""
    pair.describe('db-1')
    pair.play('secrets')
    pair.play('pki', '--limit', 'wandb_mysql')
    pair.play('mysql')
    pair.sql('db-1', *DATA)
    pair.describe('db-1', 'db-2')
    pair.play('pki', '--limit', 'wandb_mysql')
    pair.play('mysql', '-e', json.dumps({'wandb_mysql_accept_asynchronous': False}), fails='no semi-synchronous plugin')
    pair.play('mysql')
    must(follows(pair, 'db-2') and same(pair), 'db-2 was seeded by a dump and follows; checksum and transactions are the same')
    row = pair.sql('db-2', 'SHOW REPLICA STATUS')[0]
    must((row['Source_SSL_Allowed'], row['Source_SSL_Verify_Server_Cert'], str(row['Auto_Position'])) == ('Yes', 'Yes', '1'), 'by GTID, over verified TLS')
    must(pair.value('db-2', '@@global.super_read_only') == '1' and pair.writable() == ['db-1'], 'only db-1 accepts writes')
    for query in SAME:
        # When a trigger was made here is no part of it.
        first, second = ([{key: value for key, value in row.items() if key != 'Created'} for row in pair.sql(host, query)] for host in ('db-1', 'db-2'))
        must(first and first == second, f'the same on both: {query}')
    for host in ('db-1', 'db-2'):
        found = {name: pair.value(host, f'@@global.{name}') for name in SETTINGS}
        must(found == SETTINGS, f'{host} runs with the guide\'s parameters')
    must(pair.holder() == ['db-1'], f'db-1 has the address {pair.address}')
    must(pair.changed(pair.play('mysql', '--check')) == 0, 'check mode foretells no change')
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')


def values(pair: Pair, host: str) -> dict[str, str]:
    """The running server's parameters."""
    return {name: pair.value(host, f'@@global.{name}') for name in (*SETTINGS, *BEHIND)}


def drift(pair: Pair) -> None:
    """What goes wrong behind our back, and is mended by the next run."""
    started, before = pair.value('db-1', UPTIME), values(pair, 'db-1')
    # PERSIST outlives a restart, and goes over our file.
    pair.sql('db-1', *(f'SET {"PERSIST" if name == "sync_binlog" else "GLOBAL"} {name} = {value}' for name, value in BEHIND.items()))
    pair.wait('the buffer pool has grown', lambda: pair.value('db-1', '@@global.innodb_buffer_pool_size') == BEHIND['innodb_buffer_pool_size'])
    drifted = values(pair, 'db-1')
    must(all(drifted[name] != before[name] for name in BEHIND), f'{len(BEHIND)} parameters were changed on the running server')
    pair.sql('db-2', 'STOP REPLICA', "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'wrong', SOURCE_SSL_VERIFY_SERVER_CERT = 0", 'START REPLICA')
    server_id = pair.value('db-1', '@@global.server_id')
    pair.sql('db-2', f'SET GLOBAL server_id = {server_id}')
    must(pair.changed(pair.play('mysql', '--check')) > 0, 'check mode sees the drift')
    must(pair.value('db-2', '@@global.server_id') == server_id and values(pair, 'db-1') == drifted, 'and mends nothing')
    pair.play('mysql')
    must(follows(pair, 'db-2'), 'wrong password, no verification and an equal server id are mended')
    pair.wait('every parameter is mended', lambda: values(pair, 'db-1') == before)
    must(not pair.sql('db-1', 'SELECT * FROM performance_schema.persisted_variables'), 'nothing is persisted over our file')
    must(int(pair.value('db-1', UPTIME)) > int(started), 'without a restart')
    pair.sql('db-2', 'STOP REPLICA IO_THREAD')
    pair.play('mysql')
    must(follows(pair, 'db-2'), 'a stopped IO thread is started, and db-2 follows')


def damaged(pair: Pair) -> None:
    """A file that somebody broke, and a setting that no server takes: the running servers stay as they are."""
    started = {host: int(pair.value(host, UPTIME)) for host in ('db-1', 'db-2')}
    pair.on('db-1', 'sh', '-c', 'echo no_such_setting = 1 >> /etc/mysql/wandb.cnf')
    pair.play('mysql')
    must('no_such_setting' not in pair.on('db-1', 'cat', '/etc/mysql/wandb.cnf'), 'a damaged file is written anew')
    content = pair.on('db-1', 'cat', '/etc/mysql/wandb.cnf')
    pair.play('mysql', '-e', json.dumps({'wandb_mysql_settings': {'no_such_setting': 1}}), fails='no_such_setting')
    must(pair.on('db-1', 'cat', '/etc/mysql/wandb.cnf') == content, 'a setting that no server knows never reaches the file')
    must(pair.writable() == ['db-1'] and follows(pair, 'db-2'), 'db-1 serves, db-2 follows')
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')
    must(all(int(pair.value(host, UPTIME)) > started[host] for host in started), 'no server was restarted by any of it')


def certificate(pair: Pair) -> None:
    """The primary's certificate has run out: told by the replica, and mended by the next run."""
    folder = pair.lab.state_dir / 'pki'
    authority = x509.load_pem_x509_certificate((folder / 'ca.crt').read_bytes())
    key = serialization.load_pem_private_key((folder / 'ca.key').read_bytes(), None)
    good = x509.load_pem_x509_certificate(pair.on('db-1', 'cat', '/etc/mysql/wandb-cert.pem').encode())
    end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(good.subject).issuer_name(authority.subject).public_key(good.public_key()).serial_number(5)
    made = made.not_valid_before(end - datetime.timedelta(days=9)).not_valid_after(end)
    for extension in good.extensions:
        made = made.add_extension(extension.value, extension.critical)
    text = made.sign(key, hashes.SHA384()).public_bytes(serialization.Encoding.PEM).decode()
    pair.on('db-1', 'sh', '-c', 'cat > /etc/mysql/wandb-cert.pem', data=text)
    pair.sql('db-1', 'ALTER INSTANCE RELOAD TLS')
    pair.sql('db-2', 'STOP REPLICA IO_THREAD', 'START REPLICA IO_THREAD')
    pair.wait('the replica refuses the expired certificate', lambda: 'SSL' in pair.sql('db-2', 'SHOW REPLICA STATUS')[0]['Last_IO_Error'])
    pair.play('mysql')
    must(follows(pair, 'db-2'), 'the next run puts the valid one back, and db-2 follows')


def errant(pair: Pair) -> None:
    """A transaction that only the replica has."""
    pair.sql('db-2', 'SET GLOBAL super_read_only = OFF', 'CREATE DATABASE stray', 'SET GLOBAL super_read_only = ON')
    pair.play('mysql', fails='-e wandb_mysql_reseed=db-2')
    pair.play('mysql', '-e', 'wandb_mysql_reseed=db-1', fails='which is the primary')
    pair.play('mysql', '-e', 'wandb_mysql_reseed=db-2')
    must(follows(pair, 'db-2') and same(pair) and not pair.sql('db-2', "SHOW DATABASES LIKE 'stray'"), 'db-2 was re-seeded after confirmation')
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')
    pair.sql('db-2', 'SET GLOBAL super_read_only = OFF', 'SET GLOBAL read_only = OFF')
    pair.play('mysql', fails='both writable')
    pair.sql('db-2', 'SET GLOBAL super_read_only = ON')


def reboots(pair: Pair) -> None:
    """The replica, the primary, and both at once."""
    for hosts in (['db-2'], ['db-1'], ['db-1', 'db-2']):
        podman('restart', '--time', '60', *(pair.lab.container(host) for host in hosts))
        pair.wait(f'after a reboot of {" and ".join(hosts)} db-1 accepts writes, db-2 does not and follows',
                  lambda: pair.writable() == ['db-1'] and follows(pair, 'db-2'), 180)
    pair.wait('db-1 has the address', lambda: pair.holder() == ['db-1'])


def promotions(pair: Pair) -> None:
    """Planned to db-2 under load, then forced back to db-1."""
    pair.prepare_client()
    pair.play('promote_mysql', fails='Say which of the pair')
    writer = pair.writer(600)
    pair.wait('the writer writes', lambda: int(pair.value('db-1', '(SELECT COUNT(*) FROM wandb_local.acknowledged)')) > 200)
    pair.play('promote_mysql', '-e', 'confirm=db-2')
    must(pair.writable() == ['db-2'] and pair.holder() == ['db-2'], 'db-2 is primary and has the address')
    found = writer.stop()
    must(writer.lost('db-2') == [], f'every one of {found["acknowledged"]} acknowledged rows is on db-2')
    pair.wait('db-1 follows', lambda: follows(pair, 'db-1'))
    must(writer.lost('db-1') == [], 'and on db-1')
    must(pair.changed(pair.play('mysql')) == 0, 'a further run keeps db-2 as primary and changes nothing')
    podman('kill', pair.lab.container('db-2'))
    pair.play('promote_mysql', '-e', 'confirm=db-1')
    must(pair.writable() == ['db-1'] and pair.holder() == ['db-1'], 'db-2 was killed, db-1 is primary and has the address')
    podman('start', pair.lab.container('db-2'))
    pair.wait('db-2 is back, read-only', lambda: pair.running('db-2') and pair.value('db-2', '@@global.super_read_only') == '1')
    pair.play('mysql')
    must(follows(pair, 'db-2') and same(pair), 'db-2 rejoined')


def loss(pair: Pair) -> None:
    """The primary dies with a write that the standby never got."""
    pair.sql('db-2', 'STOP REPLICA IO_THREAD')
    pair.sql('db-1', "INSERT INTO wandb_local.runs (name) VALUES ('lost')")
    # The agent on the standby looks every second.
    time.sleep(5)
    podman('kill', pair.lab.container('db-1'))
    pair.play('promote_mysql', '-e', 'confirm=db-2', fails='wandb_mysql_accept_loss=true')
    must(pair.writable() == [], 'nobody accepts writes')
    pair.play('promote_mysql', '-e', 'confirm=db-2', '-e', 'wandb_mysql_accept_loss=true')
    must(pair.writable() == ['db-2'] and pair.holder() == ['db-2'], 'db-2 is primary after the loss was accepted')
    podman('start', pair.lab.container('db-1'))
    pair.wait('db-1 is back, read-only', lambda: pair.running('db-1') and pair.value('db-1', '@@global.super_read_only') == '1')
    pair.play('mysql', fails='-e wandb_mysql_reseed=db-1')
    pair.play('mysql', '-e', 'wandb_mysql_reseed=db-1')
    must(follows(pair, 'db-1') and same(pair), 'db-1 was re-seeded and follows')


def frozen(pair: Pair) -> None:
    """The primary's server hangs on a host that can be reached."""
    pair.on('db-2', 'systemctl', 'kill', '--signal=STOP', 'mysql')
    pair.play('promote_mysql', '-e', 'confirm=db-1')
    must(pair.writable() == ['db-1'] and pair.holder() == ['db-1'], 'db-1 is primary')
    must(pair.on('db-2', 'systemctl', 'is-active', 'mysql', check=False).strip() == 'inactive', 'the server on db-2 was stopped')
    pair.play('mysql')
    must(follows(pair, 'db-2') and same(pair), 'the next run lets it follow')


def given_up(pair: Pair) -> None:
    """A planned promotion that cannot end: the standby does not get its changes applied."""
    pair.sql('db-1', "INSERT INTO wandb_local.runs (name) VALUES ('before')")
    lock = pair.background('db-2', 'LOCK TABLES wandb_local.runs READ; SELECT SLEEP(45)')
    holding = "(SELECT COUNT(*) FROM performance_schema.processlist WHERE INFO LIKE 'SELECT SLEEP(45)')"
    pair.wait('the standby is held up', lambda: pair.value('db-2', holding) == '1')
    pair.sql('db-1', "INSERT INTO wandb_local.runs (name) VALUES ('held up')")
    pair.play('promote_mysql', '-e', 'confirm=db-2', fails='db-1 serves again')
    # The address comes back as soon as keepalived has asked the server again.
    pair.wait('db-1 is primary as before, and has the address', lambda: pair.writable() == ['db-1'] and pair.holder() == ['db-1'], 10)
    lock.wait(timeout=90)
    pair.play('mysql')
    pair.wait('db-2 follows', lambda: follows(pair, 'db-2') and same(pair))
    must(pair.changed(pair.play('mysql')) == 0, 'a further run changes nothing')


def full_disk(pair: Pair) -> None:
    """A server whose disk runs full: told by the next run, before anything is changed."""
    pair.describe('db-3')
    pair.on('db-3', 'sh', '-c', 'mkdir /srv/small && mount -t tmpfs -o size=900m tmpfs /srv/small')
    small = ('-e', json.dumps({'wandb_mysql_data_dir': '/srv/small/mysql', 'wandb_mysql_min_free_mb': 200, 'wandb_mysql_virtual_address': ''}))
    pair.play('pki', '--limit', 'wandb_mysql', *small)
    pair.play('mysql', *small)
    pair.on('db-3', 'sh', '-c', 'head --bytes 1G /dev/zero > /srv/small/filler || true')
    told = pair.play('mysql', *small, fails='fewer than wandb_mysql_min_free_mb')
    must(pair.changed(told) == 0, 'and has changed nothing')
    pair.on('db-3', 'rm', '/srv/small/filler')
    must(pair.changed(pair.play('mysql', *small)) == 0, 'with space again a further run changes nothing')


def main() -> None:
    """Entry point."""
    pair = Pair()
    pair.describe('db-1', 'db-2')
    for step in steps(join, drift, damaged, certificate, errant, reboots, promotions, loss, frozen, given_up, full_disk):
        step(pair)
    say('all of it holds')


if __name__ == '__main__':
    main()
