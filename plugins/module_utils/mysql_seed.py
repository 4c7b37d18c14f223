# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary's data copied to a replica: by the clone plugin, or by a dump that is loaded while it is made.

Both destroy what the replica holds. Uses of the module: none; connections are DB-API ones, programs are run without a shell, and
passwords go through files that only root reads.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.mysql_replication import SYSTEM_SCHEMAS, Replication, ReplicationError, Source

# Accounts of the server itself: each host keeps its own.
OWN_ACCOUNTS = ('debian-sys-maint', 'mysql.infoschema', 'mysql.session', 'mysql.sys', 'root')
USER_OR_HOST = re.compile(r'[^`\\\0]*')


def find_programs(folders: t.Sequence[str]) -> tuple[str, str]:
    """Paths of mysqldump and mysql; raises ReplicationError where one is missing."""
    path = os.pathsep.join([*folders, os.environ.get('PATH', '/usr/bin:/bin')])
    found = [shutil.which(name, path=path) for name in ('mysqldump', 'mysql')]
    missing = [name for name, place in zip(('mysqldump', 'mysql'), found) if not place]
    if missing:
        raise ReplicationError(
            f'{" and ".join(missing)} not found, and the server has no clone plugin: name the package that has the programs in wandb_mysql_client_package'
        )
    return str(found[0]), str(found[1])


def schemas(server: Replication) -> list[str]:
    """Databases of users."""
    rows = server.rows('SELECT schema_name AS name FROM information_schema.schemata ORDER BY schema_name')
    return [str(row['name']) for row in rows if str(row['name']).lower() not in SYSTEM_SCHEMAS]


def account_names(server: Replication) -> list[str]:
    """Accounts of users as statements take them: `user`@`host`."""
    rows = server.rows('SELECT user AS user, host AS host FROM mysql.user ORDER BY user, host')
    found = []
    for row in rows:
        user, host = (value.decode() if isinstance(value, bytes) else str(value) for value in (row['user'], row['host']))
        if user in OWN_ACCOUNTS:
            continue
        if not (USER_OR_HOST.fullmatch(user) and USER_OR_HOST.fullmatch(host)):
            raise ReplicationError(f'the account {user!r}@{host!r} has a name that cannot be copied; remove it, or rename it')
        found.append(f'`{user}`@`{host}`')
    return found


def account_statements(server: Replication) -> list[str]:
    """Statements that make the accounts of users, their rights behind all of them."""
    server.rows('SET SESSION print_identified_with_as_hex = ON')
    names = account_names(server)
    made = [str(next(iter(server.rows(f'SHOW CREATE USER {name}')[0].values()))) for name in names]
    rights = [str(value) for name in names for row in server.rows(f'SHOW GRANTS FOR {name}') for value in row.values()]
    return made + rights


def clone(server: Replication, donor: Source) -> None:
    """Tell the clone plugin to copy the donor; the server restarts at the end, so that the connection is lost or error 3707 is raised."""
    empty(server, drop=False)
    server.rows('SET GLOBAL clone_valid_donor_list = %s', [f'{donor.host}:{donor.port}'])
    server.rows('SET GLOBAL clone_ssl_ca = %s', [donor.ca])
    server.rows(f'CLONE INSTANCE FROM %s@%s:{donor.port} IDENTIFIED BY %s REQUIRE SSL', [donor.user, donor.host, donor.password])


def cloned(server: Replication) -> str:
    """'' when the last clone is whole, else why it is not."""
    rows = server.rows('SELECT STATE AS state, ERROR_NO AS number, ERROR_MESSAGE AS message FROM performance_schema.clone_status')
    if rows and str(rows[0]['state']) == 'Completed':
        return ''
    return f'{rows[0]["state"]}: {rows[0]["number"]} {rows[0]["message"]}' if rows else 'the server knows of no clone'


def empty(server: Replication, drop: bool = True) -> None:
    """End replication and let root write; with ``drop`` remove every database, account and transaction of the server."""
    state = server.state()
    if state['replica']:
        server.leave()
    server.rows('SET GLOBAL super_read_only = OFF')
    if not drop:
        return
    server.rows('SET SESSION sql_log_bin = OFF')
    for name in schemas(server):
        server.rows('DROP DATABASE `' + name.replace('`', '``') + '`')
    for account in account_names(server):
        server.rows(f'DROP USER {account}')
    server.forget_transactions(state['version'])


def load(server: Replication, donor: Source, donors: Replication, programs: tuple[str, str], own_file: str) -> None:
    """Dump the donor and load it here; ``donors`` is a login to it, ``own_file`` the option file of root here.

    Transactions that the donor executes meanwhile are not in the copy, and not in the set that the copy claims: replication brings them.
    """
    before = account_statements(donors)
    names = schemas(donors)
    empty(server)
    if names:
        _pipe(programs, donor, names, own_file)
    if account_statements(donors) != before:
        raise ReplicationError('accounts were changed on the primary during the copy; run this again')
    for statement in before:
        server.rows(statement)
    server.rows('SET GLOBAL super_read_only = ON')


def _pipe(programs: tuple[str, str], donor: Source, names: list[str], own_file: str) -> None:
    quoted = donor.password.replace('\\', '\\\\').replace('"', '\\"')
    with tempfile.NamedTemporaryFile('w', suffix='.cnf', encoding='utf-8') as options:
        # NamedTemporaryFile makes it 0600.
        options.write(
            f'[client]\nhost={donor.host}\nport={donor.port}\nuser={donor.user}\npassword="{quoted}"\nssl-mode=VERIFY_IDENTITY\nssl-ca={donor.ca}\n'
        )
        options.flush()
        dump = [
            programs[0], f'--defaults-file={options.name}', '--single-transaction', '--set-gtid-purged=ON', '--triggers', '--routines', '--events',
            '--hex-blob', '--no-tablespaces', '--column-statistics=0', '--default-character-set=utf8mb4', '--databases', *names,
        ]
        # Two programs joined by a pipe: run_command would take the whole dump into memory.
        # pylint: disable=ansible-bad-function
        with tempfile.TemporaryFile() as said, subprocess.Popen(dump, stdout=subprocess.PIPE, stderr=said) as source:
            target = subprocess.run([programs[1], f'--defaults-file={own_file}'], stdin=source.stdout, capture_output=True, check=False)
            if source.stdout:
                source.stdout.close()
            source.wait()
            said.seek(0)
            words = said.read().decode(errors='replace').strip()
    if source.returncode or target.returncode:
        raise ReplicationError(f'the copy failed (dump {source.returncode}, load {target.returncode}): {words} {target.stderr.decode(errors="replace")}')
