# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binary logs carried to the targets, so that a restore can go on from a backup to a point in time."""

from __future__ import annotations

import datetime
import pathlib
import struct
import typing as t

from .catalog import LOG_KEY, Catalog
from .config import Config
from .gtid import GtidSet
from .report import BackupError, say, size, warn
from .server import Server, connected
from .stores import Store
from .streams import Pipeline, Tee

MAGIC = b'\xfebin'
# The first event begins behind the magic number with its time, in seconds of the epoch.
HEAD = struct.Struct('<4sI')


def opened(path: pathlib.Path) -> datetime.datetime:
    """When a binary log was begun. BackupError if the file is none, or is encrypted."""
    try:
        file = path.open('rb')
    except OSError as error:
        raise BackupError(f'Binary log {path} cannot be read: {error.strerror}') from error
    with file:
        magic, seconds = HEAD.unpack(file.read(HEAD.size).ljust(HEAD.size, b'\0'))
    if magic != MAGIC:
        raise BackupError(f'{path} is no plain binary log: binlog_encryption must be OFF, the server\'s key would not be in the backup')
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def run(config: Config, stores: t.Sequence[Store], flush: bool = False) -> list[str]:
    """Ship every closed binary log that a target lacks; returns their keys. The current one is closed first if it holds anything, or by `flush`.

    Only the writable server ships: on a replica there is nothing to do. BackupError if a target lacks one at the end.
    """
    with connected(config.login_file) as server:
        facts = server.variables()
        if facts['read_only']:
            say('binary logs: this host is read-only; the writable one ships its own')
            return []
        if not facts['log_bin'] or facts['gtid_mode'] != 'ON':
            raise BackupError('Binary logs with GTIDs are needed for a point-in-time restore: log_bin and gtid_mode must be ON')
        names = [row['Log_name'] for row in server.rows('SHOW BINARY LOGS')]
        if flush or server.previous_gtids(names[-1]) != server.gtid_executed():
            server.rows('FLUSH LOCAL BINARY LOGS')
            names = [row['Log_name'] for row in server.rows('SHOW BINARY LOGS')]
        folder = pathlib.Path(facts['log_bin_basename']).parent
        shipped, failures = [], []
        for store in stores:
            try:
                shipped += _ship(Catalog(store, config.database), server, facts['server_uuid'], folder, names)
            except BackupError as error:
                warn(str(error))
                failures.append(str(error))
    if failures:
        raise BackupError('; '.join(failures))
    return shipped


def _ship(catalog: Catalog, server: Server, server_uuid: str, folder: pathlib.Path, names: list[str]) -> list[str]:
    """Ship to one target what it lacks of the closed logs (all names but the last)."""
    present = catalog.log_keys()
    already = _covered(catalog, present)
    shipped = []
    for name, following in zip(names, names[1:]):
        begun = opened(folder / name)
        key = catalog.log_key(server_uuid, begun, name)
        if key in present:
            continue
        until = server.previous_gtids(following)
        previous = server.previous_gtids(name)
        if until <= already and until != previous:
            # Another server has shipped these transactions already (before a promotion).
            continue
        tee = Tee(f'{key}.zst', [catalog.store])
        try:
            with Pipeline([['zstd', '--quiet', '--stdout', str(folder / name)]]) as pipeline:
                tee.fill(pipeline.stdout)
                pipeline.finish()
            file = tee.commit()
        except BaseException:
            tee.abort()
            raise
        catalog.put_record(f'{key}.json', {
            'server': server_uuid, 'name': name, 'opened': begun.isoformat(), 'closed': opened(folder / following).isoformat(),
            'previous_gtids': str(previous), 'gtids': str(until), 'file': file,
        })
        shipped.append(key)
        say(f'binary log {name}: {size((folder / name).stat().st_size)}, compressed {size(file["size"])}; in {catalog.store.name}')
    return shipped


def _covered(catalog: Catalog, keys: t.Iterable[str]) -> GtidSet:
    """Every transaction up to the end of the last shipped log of each server."""
    last: dict[str, str] = {}
    for key in sorted(keys):
        if LOG_KEY.fullmatch(key.rsplit('/', 1)[-1]):
            last[key.rsplit('/', 2)[-2]] = key
    covered = GtidSet()
    for log, _other in catalog.logs(set(last.values())).values():
        covered = covered | log.until
    return covered
