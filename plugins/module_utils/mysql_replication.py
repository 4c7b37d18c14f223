# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One MySQL server's part in replication: read, and brought to what is wanted.

Uses of the module: none; :class:`Replication` takes a DB-API connection with all rights (reading needs REPLICATION CLIENT and
performance_schema only). Statements as MySQL 8.0.26 and later know them.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils import mysql_gtid as gtid

SYSTEM_SCHEMAS = ('information_schema', 'mysql', 'performance_schema', 'sys')
PLUGINS = ('clone', 'rpl_semi_sync_replica', 'rpl_semi_sync_source')
# Accounts that are no clients of the service: their connections outlive a drain.
OWN_USERS = ('root', 'mysql.session', 'system user', 'event_scheduler', 'debian-sys-maint')
MYSQL_NO_SUCH_THREAD = 1094
LOCK_WAIT_TIMEOUT = 1205


class Connection(t.Protocol):
    """What is used of a DB-API connection."""

    def cursor(self) -> t.Any: ...


class ReplicationError(Exception):
    """Something that is to be told to a person, in words."""


class Source(t.NamedTuple):
    """Where a replica takes its transactions from."""

    host: str
    port: int
    user: str
    password: str
    ca: str

    def options(self) -> dict[str, str]:
        """Options of CHANGE REPLICATION SOURCE as ``performance_schema`` shows them, but for the password."""
        return {
            'SOURCE_HOST': self.host, 'SOURCE_PORT': str(self.port), 'SOURCE_USER': self.user, 'SOURCE_SSL': '1', 'SOURCE_SSL_CA': self.ca,
            'SOURCE_SSL_VERIFY_SERVER_CERT': '1', 'SOURCE_AUTO_POSITION': '1', 'SOURCE_CONNECT_RETRY': '5',
            # Newer servers give up after ten tries.
            'SOURCE_RETRY_COUNT': '0',
        }


TEXT_OPTIONS = ('SOURCE_HOST', 'SOURCE_USER', 'SOURCE_PASSWORD', 'SOURCE_SSL_CA')
COLUMNS = {
    'SOURCE_HOST': 'HOST', 'SOURCE_PORT': 'PORT', 'SOURCE_USER': 'USER', 'SOURCE_SSL': 'SSL_ALLOWED', 'SOURCE_SSL_CA': 'SSL_CA_FILE',
    'SOURCE_SSL_VERIFY_SERVER_CERT': 'SSL_VERIFY_SERVER_CERTIFICATE', 'SOURCE_AUTO_POSITION': 'AUTO_POSITION',
    'SOURCE_CONNECT_RETRY': 'CONNECTION_RETRY_INTERVAL', 'SOURCE_RETRY_COUNT': 'CONNECTION_RETRY_COUNT',
}


class Replication:
    """Statements of replication on one server."""

    def __init__(self, connection: Connection, error: type[Exception]) -> None:
        self._connection = connection
        self._error = error

    def rows(self, sql: str, args: t.Sequence[object] = ()) -> list[dict[str, t.Any]]:
        """Rows of a statement by the names of their columns."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(args) or None)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def state(self) -> dict[str, t.Any]:
        """The state of the server as :mod:`mysql_topology` takes it."""
        replica = self.replica()
        found = self.rows(
            'SELECT @@global.server_uuid AS uuid, @@global.server_id AS server_id, VERSION() AS version, @@global.read_only AS read_only,'
            ' @@global.super_read_only AS super_read_only, @@global.gtid_executed AS executed, @@global.gtid_purged AS purged'
        )[0]
        marks = ', '.join(['%s'] * len(SYSTEM_SCHEMAS))
        schemas = self.rows(f'SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN ({marks})', SYSTEM_SCHEMAS)
        tables = self.rows(f'SELECT 1 AS one FROM information_schema.tables WHERE table_schema NOT IN ({marks}) LIMIT 1', SYSTEM_SCHEMAS)
        plugins = self.rows("SELECT plugin_name AS name FROM information_schema.plugins WHERE plugin_status = 'ACTIVE'")
        status = {str(row['Variable_name']): str(row['Value']) for row in self.rows("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync%status'")}
        return {
            'answers': True,
            'uuid': str(found['uuid']),
            'server_id': int(found['server_id']),
            'version': str(found['version']),
            'read_only': bool(found['read_only']),
            'super_read_only': bool(found['super_read_only']),
            'executed': ''.join(str(found['executed']).split()),
            'purged': ''.join(str(found['purged']).split()),
            'blank': not schemas,
            'young': not tables,
            'plugins': sorted({str(row['name']).lower() for row in plugins} & set(PLUGINS)),
            'semi_sync': status.get('Rpl_semi_sync_source_status', '') == 'ON',
            'replica': replica,
        }

    def replica(self) -> dict[str, t.Any] | None:
        """What the server says of its replication; None where it is no replica."""
        rows = self.rows('SHOW REPLICA STATUS')
        if not rows:
            return None
        row = rows[0]
        return {
            'source_host': str(row['Source_Host']),
            'source_uuid': str(row['Source_UUID'] or ''),
            'io_running': str(row['Replica_IO_Running']),
            'sql_running': str(row['Replica_SQL_Running']),
            'io_error': str(row['Last_IO_Error'] or ''),
            'sql_error': str(row['Last_SQL_Error'] or ''),
            'retrieved': ''.join(str(row['Retrieved_Gtid_Set'] or '').split()),
            'lag': None if row['Seconds_Behind_Source'] is None else int(row['Seconds_Behind_Source']),
        }

    def configured(self) -> dict[str, str]:
        """Options of the running configuration, the password among them; empty where the server is no replica."""
        rows = self.rows("SELECT * FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = ''")
        passwords = self.rows("SELECT User_password AS password FROM mysql.slave_master_info WHERE Channel_name = ''")
        if not rows or not str(rows[0]['HOST'] or ''):
            return {}
        words = {'YES': '1', 'NO': '0'}
        found = {option: words.get(str(rows[0][column]).upper(), str(rows[0][column])) for option, column in COLUMNS.items()}
        found['SOURCE_PASSWORD'] = str(passwords[0]['password'] or '') if passwords else ''
        return found

    def differences(self, source: Source) -> list[str]:
        """Names of the options that are not as wanted."""
        running = self.configured()
        wanted = {**source.options(), 'SOURCE_PASSWORD': source.password}
        return sorted(option for option, value in wanted.items() if running.get(option) != value)

    def change_source(self, source: Source) -> None:
        """Replicate from ``source`` from now on; threads are stopped before, and not started."""
        self.rows('STOP REPLICA')
        wanted = {**source.options(), 'SOURCE_PASSWORD': source.password}
        parts = [f'{option} = {"%s" if option in TEXT_OPTIONS else value}' for option, value in wanted.items()]
        self.rows('CHANGE REPLICATION SOURCE TO ' + ', '.join(parts), [value for option, value in wanted.items() if option in TEXT_OPTIONS])

    def start(self) -> None:
        """Start both threads."""
        self.rows('START REPLICA')

    def leave(self) -> None:
        """Be no replica any more; what was fetched and not applied is lost."""
        self.rows('STOP REPLICA')
        self.rows('RESET REPLICA ALL')

    def let_write(self) -> None:
        """Accept writes of clients."""
        self.rows('SET GLOBAL super_read_only = OFF')
        self.rows('SET GLOBAL read_only = OFF')

    def forbid_writes(self, drain: bool = False, patience: float = 20.0) -> int:
        """Refuse every write but replication's; with ``drain`` clients' connections are ended until it can. Returns how many were ended."""
        self.rows('SET SESSION lock_wait_timeout = 1')
        deadline, ended = time.monotonic() + patience, 0
        while True:
            try:
                self.rows('SET GLOBAL super_read_only = ON')
                break
            except self._error as error:
                if not error.args or error.args[0] != LOCK_WAIT_TIMEOUT or time.monotonic() > deadline:
                    raise
            # Someone holds a lock, or a transaction that commits takes long.
            if drain:
                ended += self.end_clients()
        # A pool's idle connection would find out with its next write only.
        return ended + self.end_clients() if drain else ended

    def end_clients(self) -> int:
        """End the connections of clients (not root's, not replication's); returns how many."""
        marks = ', '.join(['%s'] * len(OWN_USERS))
        found = self.rows(
            f'SELECT ID AS id FROM performance_schema.processlist WHERE ID <> CONNECTION_ID() AND USER NOT IN ({marks})'
            " AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon')",
            OWN_USERS,
        )
        ended = 0
        for row in found:
            try:
                self.rows(f'KILL {int(row["id"])}')
                ended += 1
            except self._error as error:
                if not error.args or error.args[0] != MYSQL_NO_SUCH_THREAD:
                    raise
        return ended

    def wait_for(self, executed: str, timeout: int) -> bool:
        """Wait until every transaction of a set is applied; False when the time (seconds) is over."""
        return int(self.rows('SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s) AS late', [executed, timeout])[0]['late']) == 0

    def mark(self) -> None:
        """Make a transaction that changes nothing."""
        self.rows('FLUSH USER_RESOURCES')

    def executed(self) -> str:
        """Set of the transactions that are applied here."""
        return ''.join(str(self.rows('SELECT @@global.gtid_executed AS executed')[0]['executed']).split())

    def forget_transactions(self, version: str) -> None:
        """Empty binary logs and the set of executed transactions."""
        newer = tuple(int(part) for part in version.split('.')[:2]) >= (8, 2)
        self.rows('RESET BINARY LOGS AND GTIDS' if newer else 'RESET MASTER')

    def healthy(self, timeout: float) -> dict[str, t.Any]:
        """Wait until both threads run; raises ReplicationError with the cause, at once for those that waiting does not mend."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.replica()
            if found is None:
                raise ReplicationError('this server is no replica')
            if found['io_running'] == 'Yes' and found['sql_running'] == 'Yes':
                return found
            if time.monotonic() > deadline or found['sql_error']:
                raise ReplicationError(tell(found))
            time.sleep(0.3)


def tell(replica: t.Mapping[str, t.Any]) -> str:
    """Why replication does not run, with the mend."""
    threads = f'connection {replica["io_running"]}, applier {replica["sql_running"]}'
    said = '; '.join(part for part in (replica['io_error'], replica['sql_error']) if part) or 'it gives no reason'
    mends = (
        ('Access denied', 'the replication user or its password is wrong on the primary: see wandb_mysql_replication_password'),
        ('certificate', 'the certificate of the primary does not hold (expired, other CA, or without this name): run wandb.onprem.pki, then this again'),
        ('SSL', 'the certificate of the primary does not hold (expired, other CA, or without this name): run wandb.onprem.pki, then this again'),
        ('equal MySQL server ids', 'give the hosts different wandb_mysql_server_id (0 derives one from the name)'),
        ('purged', 'the primary no longer has what this replica lacks: copy it anew with -e wandb_mysql_reseed=<this host>'),
    )
    mend = next((text for mark, text in mends if mark in said), '')
    if not mend and replica['sql_error']:
        mend = 'the data differ from the primary\'s: copy them anew with -e wandb_mysql_reseed=<this host>'
    return f'replication from {replica["source_host"]} does not run ({threads}): {said}' + (f'. Mend: {mend}' if mend else '')


@dataclasses.dataclass
class Outcome:
    """What :func:`hold_replica` or :func:`hold_primary` did, or would do in check mode."""

    actions: list[str] = dataclasses.field(default_factory=list)
    before: dict[str, str] = dataclasses.field(default_factory=dict)
    after: dict[str, str] = dataclasses.field(default_factory=dict)
    ended: int = 0

    def add(self, action: str, name: str, before: object, after: object) -> None:
        """Write down one difference."""
        self.actions.append(action)
        self.before[name], self.after[name] = str(before), str(after)


def hold_replica(server: Replication, source: Source, drain: bool, wait: float, check_mode: bool) -> Outcome:
    """Bring a server to replicate from ``source``; raises ReplicationError where it cannot."""
    outcome, state = Outcome(), server.state()
    if not state['super_read_only']:
        if not (state['read_only'] or state['blank'] or drain):
            raise ReplicationError('this server accepts writes and holds data: it is not made a replica without drain')
        outcome.add('refuse writes', 'super_read_only', 'OFF', 'ON')
        if not check_mode:
            outcome.ended = server.forbid_writes(drain)
    wrong = server.differences(source)
    if wrong:
        running, wanted = server.configured(), source.options()
        outcome.actions.append(f'replicate from {source.host} ({", ".join(wrong)})')
        for option in wrong:
            secret = option == 'SOURCE_PASSWORD'
            outcome.before[option] = '(another one)' if secret else running.get(option, '')
            outcome.after[option] = '(the wanted one)' if secret else wanted[option]
        if not check_mode:
            server.change_source(source)
    replica = state['replica'] or {'io_running': 'No', 'sql_running': 'No'}
    # 'Connecting' tries by itself; with a stopped or failed thread beside it, START REPLICA starts that one.
    if wrong or 'No' in (replica['io_running'], replica['sql_running']):
        outcome.add('start replication', 'threads', f'{replica["io_running"]}, {replica["sql_running"]}', 'Yes, Yes')
        if not check_mode:
            server.start()
    if wait and not check_mode:
        server.healthy(wait)
    return outcome


def hold_primary(
    server: Replication, executed: str, apply_fetched: bool, timeout: int, mark: bool, check_mode: bool, expected: str = ''
) -> Outcome:
    """Bring a server to accept writes and to replicate from nowhere; raises ReplicationError when the time is over before everything is applied."""
    outcome, state = Outcome(), server.state()
    replica = state['replica']
    wanted = ','.join(part for part in (executed, replica['retrieved'] if replica and apply_fetched else '') if part)
    if wanted and not check_mode and not server.wait_for(wanted, timeout):
        why = tell(server.replica() or replica) if replica else 'it is no replica'
        raise ReplicationError(f'not every transaction was applied within {timeout} s, so nothing was changed here: {why}')
    held = gtid.union(server.executed(), replica['retrieved'] if replica else '')
    missing = gtid.subtract(expected, held)
    if missing:
        raise ReplicationError(f'this server lacks {gtid.count(missing)} transactions that the primary had: {missing}; nothing was changed here')
    if replica:
        outcome.add(f'stop to replicate from {replica["source_host"]}', 'replicates from', replica['source_host'], '')
        if not check_mode:
            server.leave()
    if state['read_only']:
        outcome.add('accept writes', 'read_only', 'ON', 'OFF')
        if not check_mode:
            server.let_write()
            if mark:
                server.mark()
    return outcome
