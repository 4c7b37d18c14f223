# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client on another host sees of the server: client.py NAME, password in MYSQL_PASSWORD."""

from __future__ import annotations

import os
import sys

import pymysql

EXPECTED = {
    'binlog_format': 'ROW',
    'binlog_row_image': 'MINIMAL',
    'enforce_gtid_consistency': 'ON',
    'gtid_mode': 'ON',
    'innodb_flush_log_at_trx_commit': '1',
    'innodb_online_alter_log_max_size': '268435456',
    'max_prepared_stmt_count': '1048576',
    'require_secure_transport': 'ON',
    'sort_buffer_size': '67108864',
    'sync_binlog': '1',
}
NAME = sys.argv[1]
PASSWORD = os.environ['MYSQL_PASSWORD']


def login(user: str = 'wandb_local', password: str = PASSWORD, tls: bool = True) -> pymysql.Connection:
    """Log in, checking chain and name of the certificate."""
    options = {'ssl': {'ca': '/root/mysql97-ca.crt', 'check_hostname': True}} if tls else {'ssl_disabled': True}
    return pymysql.connect(host=NAME, user=user, password=password, autocommit=True, connect_timeout=10, **options)


def refused(what: str, **options: object) -> None:
    """A login that must fail with the server's own refusal (1045 = access denied, 3159 = TLS required)."""
    try:
        login(**options)
    except pymysql.err.OperationalError as error:
        if error.args[0] not in (1045, 3159):
            raise
        print(f'refused: {what}: {error.args[1]}')
    else:
        sys.exit(f'{what} was not refused')


with login() as connection, connection.cursor() as cursor:
    cursor.execute('SELECT VERSION()')
    version = cursor.fetchone()[0]
    assert version.startswith('9.7'), version
    cursor.execute('SHOW GLOBAL VARIABLES')
    running = dict(cursor.fetchall())
    wrong = {name: running.get(name) for name, value in EXPECTED.items() if running.get(name) != value}
    assert not wrong, wrong
    cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_version'")
    protocol = cursor.fetchone()[1]
    assert protocol in ('TLSv1.2', 'TLSv1.3'), protocol
    cursor.execute('SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = %s', ['wandb_local'])
    assert cursor.fetchone() == ('utf8mb4', 'utf8mb4_general_ci')
    cursor.execute('SHOW GRANTS')
    assert any('ALL PRIVILEGES ON `wandb_local`.*' in grant and 'WITH GRANT OPTION' in grant for (grant,) in cursor.fetchall())
    print(f'{version}: {len(EXPECTED)} settings read back over {protocol}')
refused('a login without TLS', tls=False)
refused('a wrong password', password='wrong')
refused('root from another host', user='root', password='')
