# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the running MySQL server.

Uses of the module: PyMySQL.
"""

from __future__ import annotations

import configparser
import contextlib
import pathlib
import re
import time
import typing as t

import pymysql
import pymysql.cursors

from .duty import Replication
from .gtid import GtidSet
from .report import WRONG_SETTINGS, BackupError

SYNTAX_ERROR = 1064
# Servers before 8.0.22 know the old words only, servers from 8.4 on the new ones only.
REPLICA_STATUS = ('SHOW REPLICA STATUS', 'SHOW SLAVE STATUS')
LOG_STATUS = ('SHOW BINARY LOG STATUS', 'SHOW MASTER STATUS')
# A schema that is there from the beginning of a restore to its end, and the longest comment that a table takes.
MARK, MARK_LENGTH = 'wandb_restore_unfinished', 2000
# How long writes may be held up, in seconds: for running statements to end, and for mysqldump to begin.
LOCK_WAIT = 60
SNAPSHOT_WAIT = 20
# INNODB_TRX is a copy that is renewed only if nobody has read it for 0.1 s: who asks more often sees the same for ever.
SNAPSHOT_POLL = 0.15


class Server:
    """One connection; autocommit. BackupError if there is none to be had."""

    def __init__(self, login_file: str, socket: str = '') -> None:
        options: dict[str, t.Any] = {'unix_socket': socket, 'user': 'root'} if socket else login(login_file)
        try:
            self._connection = pymysql.connect(
                **options, charset='utf8mb4', autocommit=True, connect_timeout=10, cursorclass=pymysql.cursors.DictCursor)
        except (pymysql.err.MySQLError, OSError) as error:
            raise BackupError(f'MySQL refuses the login of {socket or login_file}: {error.args[-1] if error.args else error}') from error

    def close(self) -> None:
        """End the connection, and with it every lock and transaction."""
        with contextlib.suppress(pymysql.err.Error):
            self._connection.close()

    def rows(self, sql: str, *args: object) -> list[dict[str, t.Any]]:
        """Result of a statement."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, args or None)
                return list(cursor.fetchall())
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] == SYNTAX_ERROR:
                raise
            raise BackupError(f'MySQL: {sql.split(chr(10))[0][:80]}: {error.args[-1]}') from error

    def first_known(self, statements: t.Sequence[str]) -> list[dict[str, t.Any]]:
        """Result of the first statement that this version knows."""
        for statement in statements[:-1]:
            try:
                return self.rows(statement)
            except pymysql.err.MySQLError:
                continue
        return self.rows(statements[-1])

    def variables(self) -> dict[str, t.Any]:
        """The few variables that matter here."""
        return self.rows(
            'SELECT VERSION() AS version, @@version_comment AS comment, @@server_uuid AS server_uuid, @@hostname AS hostname, @@log_bin AS log_bin, '
            '@@gtid_mode AS gtid_mode, @@read_only AS read_only, @@log_bin_basename AS log_bin_basename, @@binlog_encryption AS binlog_encryption, '
            '@@datadir AS datadir, @@lower_case_table_names AS lower_case_table_names')[0]

    def replication(self) -> Replication:
        """What the host is in the pair."""
        dumps = self.rows("SELECT COUNT(*) AS n FROM performance_schema.threads WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%'")[0]['n']
        writable = not self.variables()['read_only']
        status = self.first_known(REPLICA_STATUS)
        if not status:
            return Replication(writable, False, replicas=dumps)
        row = {name.replace('Slave', 'Replica').replace('Master', 'Source'): value for name, value in status[0].items()}
        return Replication(
            writable, True, row['Replica_IO_Running'] == 'Yes' and row['Replica_SQL_Running'] == 'Yes', row['Seconds_Behind_Source'], dumps,
            row['Last_IO_Error'] or row['Last_SQL_Error'] or '')

    def gtid_executed(self) -> GtidSet:
        """Every transaction that the server holds."""
        return GtidSet(self.rows('SELECT @@GLOBAL.gtid_executed AS gtids')[0]['gtids'])

    def log_position(self) -> dict[str, t.Any]:
        """`file` and `position` in the binary log."""
        rows = self.first_known(LOG_STATUS)
        return {'file': rows[0]['File'], 'position': rows[0]['Position']} if rows else {}

    def schema(self, database: str) -> dict[str, t.Any] | None:
        """Character set, collation, size, and names of what is in a database; None if there is no such database."""
        found = self.rows(
            'SELECT default_character_set_name AS cs, default_collation_name AS co FROM information_schema.schemata WHERE schema_name = %s', database)
        if not found:
            return None
        self.rows('SET SESSION information_schema_stats_expiry = 0')
        tables = self.rows(
            'SELECT table_name AS name, table_type AS kind, engine AS engine, COALESCE(data_length + index_length, 0) AS bytes '
            'FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name', database)

        def names(sql: str) -> list[str]:
            return sorted(row['name'] for row in self.rows(sql, database))

        return {
            'character_set': found[0]['cs'], 'collation': found[0]['co'],
            'bytes': int(sum(row['bytes'] for row in tables)),
            'tables': [row['name'] for row in tables if row['kind'] == 'BASE TABLE'],
            'not_transactional': [row['name'] for row in tables if row['kind'] == 'BASE TABLE' and row['engine'] != 'InnoDB'],
            'views': [row['name'] for row in tables if row['kind'] != 'BASE TABLE'],
            'triggers': names('SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = %s'),
            'routines': names('SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = %s'),
            'events': names('SELECT event_name AS name FROM information_schema.events WHERE event_schema = %s'),
        }

    def checksums(self, database: str, tables: t.Iterable[str]) -> dict[str, int]:
        """`CHECKSUM TABLE` of each table: a sum over its rows, whatever their order."""
        return {name: self.rows(f'CHECKSUM TABLE {quoted(database)}.{quoted(name)}')[0]['Checksum'] for name in tables}

    def begin_restore(self, what: str) -> None:
        """From here until `end_restore` the database is not what anybody wants to keep.

        The mark is a schema, not a file of the host: a replica gets it in the same order as what the restore does.
        """
        self.rows(f'CREATE DATABASE IF NOT EXISTS {quoted(MARK)}')
        self.rows(f'CREATE TABLE IF NOT EXISTS {quoted(MARK)}.what (at INT) COMMENT = %s', what[:MARK_LENGTH])

    def end_restore(self) -> None:
        """The restore is whole."""
        self.rows(f'DROP DATABASE IF EXISTS {quoted(MARK)}')

    def unfinished_restore(self) -> str:
        """What was being restored when it was cut off, or empty."""
        rows = self.rows(
            'SELECT table_comment AS what FROM information_schema.schemata LEFT JOIN information_schema.tables ON table_schema = schema_name '
            'WHERE schema_name = %s', MARK)
        return (rows[0]['what'] or 'cut off at its beginning') if rows else ''

    def accounts(self, database: str) -> list[str]:
        """Statements that make the accounts which have rights on the database, with hashes instead of passwords."""
        self.rows('SET SESSION print_identified_with_as_hex = ON')
        statements = []
        for row in self.rows('SELECT DISTINCT user AS u, host AS h FROM mysql.db WHERE db = %s ORDER BY user, host', database.replace('_', '\\_')) \
                or self.rows('SELECT DISTINCT user AS u, host AS h FROM mysql.db WHERE db = %s ORDER BY user, host', database):
            account = (row['u'], row['h'])
            created = next(iter(self.rows('SHOW CREATE USER %s@%s', *account)[0].values()))
            statements.append(created.replace('CREATE USER ', 'CREATE USER IF NOT EXISTS ', 1))
            statements += [next(iter(grant.values())) for grant in self.rows('SHOW GRANTS FOR %s@%s', *account)]
        return statements

    def previous_gtids(self, log: str) -> GtidSet:
        """Every transaction before the beginning of a binary log."""
        for row in self.rows('SHOW BINLOG EVENTS IN %s LIMIT 3', log):
            if row['Event_type'] == 'Previous_gtids':
                return GtidSet(row['Info'])
        raise BackupError(f'Binary log {log} does not tell which transactions lie before it: is gtid_mode ON?')

    def hold_definitions(self) -> None:
        """Keep definitions as they are, until the end of the connection."""
        self.rows(f'SET SESSION lock_wait_timeout = {LOCK_WAIT}')
        self.rows('LOCK INSTANCE FOR BACKUP')

    def hold_writes(self) -> None:
        """Hold up writes until `release` or the end of the connection."""
        # LOCAL: not written to the binary log, where it would be a transaction of the replica's own.
        self.rows('FLUSH LOCAL TABLES')
        self.rows('FLUSH LOCAL TABLES WITH READ LOCK')

    def release(self) -> None:
        """Let writes go on; definitions stay as they are."""
        self.rows('UNLOCK TABLES')

    def begin_snapshot(self) -> None:
        """See the database as it is now until the end of the connection."""
        self.rows('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        self.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT')

    def await_snapshot_of(self, pid: int, alive: t.Callable[[], bool]) -> None:
        """Wait until the client process `pid` of this host has begun its snapshot, or has ended already; BackupError if it does neither."""
        deadline = time.monotonic() + SNAPSHOT_WAIT
        while time.monotonic() < deadline:
            if not alive():
                return
            if self.rows(
                    'SELECT t.PROCESSLIST_ID FROM performance_schema.session_connect_attrs a '
                    'JOIN performance_schema.threads t ON t.PROCESSLIST_ID = a.PROCESSLIST_ID '
                    'JOIN information_schema.innodb_trx x ON x.trx_mysql_thread_id = t.PROCESSLIST_ID '
                    "WHERE a.ATTR_NAME = '_pid' AND a.ATTR_VALUE = %s AND COALESCE(t.PROCESSLIST_INFO, '') NOT LIKE 'START TRANSACTION%%'", str(pid)):
                return
            time.sleep(SNAPSHOT_POLL)
        raise BackupError(f'mysqldump did not begin within {SNAPSHOT_WAIT} s')


def login(path: str) -> dict[str, t.Any]:
    """PyMySQL's options for the [client] group of an option file: user, password, socket, ssl-ca. BackupError if it cannot be read.

    PyMySQL reads such files itself, but neither the backslashes in a password nor `ssl-mode`.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(pathlib.Path(path).read_text(encoding='utf-8'))
        group = parser['client']
    except (OSError, KeyError, configparser.Error) as error:
        raise BackupError(f'{path} cannot be read as an option file with a group [client]: {type(error).__name__}', WRONG_SETTINGS) from None
    options: dict[str, t.Any] = {'user': group['user'], 'unix_socket': group['socket']}
    password = group.get('password', '')
    if len(password) > 1 and password[0] == password[-1] == '"':
        password = re.sub(r'\\(.)', r'\1', password[1:-1])
    options['password'] = password
    if 'ssl-ca' in group:
        # The server is on this host; its certificate may name the cluster's address only.
        options['ssl'] = {'ca': group['ssl-ca'], 'check_hostname': False}
    return options


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '`' + name.replace('`', '``') + '`'


@contextlib.contextmanager
def connected(login_file: str, socket: str = '') -> t.Iterator[Server]:
    """A server for a while."""
    server = Server(login_file, socket)
    try:
        yield server
    finally:
        server.close()
