# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup itself: one consistent dump, compressed and streamed to every target, and a manifest that makes it count."""

from __future__ import annotations

import concurrent.futures
import io
import re
import socket
import time
import typing as t

from .catalog import ACCOUNTS, DUMP, MANIFEST, STAMP, SUMS, Catalog, now
from .config import Config
from .report import BackupError, say, size, warn
from .server import Server, connected
from .stores import Store, put
from .streams import Pipeline, Tee


def dump_command(config: Config) -> list[str]:
    """`mysqldump` as it is needed here.

    No GTIDs in the dump: it is loaded into servers that have a history of their own; the manifest has them. No locks either: we hold them.
    """
    return [
        config.program('mysqldump'), f'--defaults-file={config.login_file}', '--single-transaction', '--quick', '--hex-blob', '--routines', '--triggers',
        '--events', '--no-tablespaces', '--set-gtid-purged=OFF', '--default-character-set=utf8mb4', '--max-allowed-packet=1G', '--skip-dump-date',
        config.database,
    ]


def run(config: Config, stores: t.Sequence[Store], kind: str) -> dict[str, t.Any]:
    """Make a backup in every target; returns its manifest, with `failures` of targets (name -> cause) besides.

    BackupError if no target has it. What an aborted run leaves has no manifest, and does not count.
    """
    begin = time.monotonic()
    with connected(config.login_file) as holder, connected(config.login_file) as reader:
        holder.hold_definitions()
        _refuse_unfinished(holder)
        schema = _schema(holder, config)
        facts = holder.variables()
        host = re.sub(r'[^A-Za-z0-9.-]', '-', socket.gethostname())
        backup_id = f'{now().strftime(STAMP)}-{host}'
        holder.hold_writes()
        with Pipeline([dump_command(config), ['zstd', '--quiet', f'-{config.compression_level}', '--threads=0', '--stdout']]) as pipeline:
            dumping = pipeline.programs[0]
            reader.begin_snapshot()
            taken, gtids, position = now(), holder.gtid_executed(), holder.log_position()
            # A small database is dumped before we look.
            holder.await_snapshot_of(dumping.pid, lambda: dumping.poll() is None)
            holder.release()
            tee = Tee(f'{config.database}/backups/{backup_id}/{DUMP}', stores)
            try:
                with concurrent.futures.ThreadPoolExecutor(1) as pool:
                    checksums = pool.submit(reader.checksums, config.database, schema['tables'])
                    tee.fill(pipeline.stdout)
                    pipeline.finish()
                    schema['checksums'] = checksums.result()
                files = {DUMP: tee.commit()}
            except BaseException:
                tee.abort()
                raise
        accounts = reader.accounts(config.database)
    seconds = time.monotonic() - begin
    manifest = {
        'id': backup_id, 'kind': kind, 'database': config.database, 'host': host, 'started': taken.isoformat(), 'snapshot': taken.isoformat(),
        'server': {key: facts[key] for key in ('version', 'comment', 'server_uuid', 'lower_case_table_names')},
        'gtid_executed': str(gtids), 'binary_log': position, 'schema': schema, 'seconds': round(seconds, 1), 'files': files,
    }
    failures = dict(tee.failures)
    for store in stores:
        if store.name not in failures:
            try:
                _finish(Catalog(store, config.database), manifest, accounts)
            except BackupError as error:
                warn(str(error))
                failures[store.name] = str(error)
    if len(failures) == len(stores):
        raise BackupError('No target has the backup: ' + '; '.join(failures.values()))
    good = ', '.join(store.name for store in stores if store.name not in failures)
    say(f'backup {backup_id} of {config.database}: {len(schema["tables"])} tables, {size(schema["bytes"])}, compressed {size(files[DUMP]["size"])}, '
        f'{seconds:.1f} s; in {good}')
    return {**manifest, 'failures': failures}


def _refuse_unfinished(server: Server) -> None:
    """BackupError while the database is half restored: a backup of it would count as good."""
    found = server.unfinished_restore()
    if found:
        raise BackupError(f'A restore did not end ({found}): the database is not whole, and is not backed up. Run the restore again.')


def _schema(server: Server, config: Config) -> dict[str, t.Any]:
    schema = server.schema(config.database)
    if schema is None:
        raise BackupError(f'Database {config.database} does not exist: nothing is backed up, and the backups that are there stay')
    if not schema['tables']:
        raise BackupError(f'Database {config.database} has no tables: nothing is backed up, and the backups that are there stay')
    if schema['not_transactional']:
        warn(f'{", ".join(schema["not_transactional"])}: not InnoDB, so not part of the consistent snapshot')
    return schema


def _finish(catalog: Catalog, manifest: dict[str, t.Any], accounts: list[str]) -> None:
    """Write the small files, the manifest last, and see that what the store holds is what was sent."""
    own = '-- Accounts with rights on the database, for a server that has lost them. Not loaded by a restore.\n' + ''.join(f'{line};\n' for line in accounts)
    tee = Tee(catalog.file(manifest['id'], ACCOUNTS), [catalog.store])
    tee.fill(io.BytesIO(own.encode()))
    manifest = {**manifest, 'files': {**manifest['files'], ACCOUNTS: tee.commit()}}
    sums = ''.join(f'{file["sha256"]}  {name}\n' for name, file in manifest['files'].items())
    put(catalog.store, catalog.file(manifest['id'], SUMS), sums.encode())
    stored = catalog.store.sizes(catalog.file(manifest['id'], ''))
    for name, file in manifest['files'].items():
        if stored.get(catalog.file(manifest['id'], name)) != file['size']:
            raise BackupError(f'Target {catalog.store.name} holds {stored.get(catalog.file(manifest["id"], name))} bytes of {name}, {file["size"]} were sent')
    catalog.put_record(catalog.file(manifest['id'], MANIFEST), manifest)
