# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a target: names, manifests, which backups are good, which binary logs are there.

`<database>/backups/<id>/` holds `dump.sql.zst`, `accounts.sql`, `SHA256SUMS` and, written last, `manifest.json`;
`<database>/binlogs/<server uuid>/` holds `<opened>-<name>.zst` and, written after it, the same with `.json`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import typing as t

from . import chain, retention
from .gtid import GtidSet
from .report import NOT_GOOD, BackupError
from .stores import Store, get, put

FORMAT = 1
MANIFEST = 'manifest.json'
DUMP = 'dump.sql.zst'
ACCOUNTS = 'accounts.sql'
SUMS = 'SHA256SUMS'
STAMP = '%Y%m%dT%H%M%SZ'
BACKUP_ID = re.compile(r'(\d{8}T\d{6}Z)-[A-Za-z0-9.-]+')
LOG_KEY = re.compile(r'(\d{8}T\d{6}Z)-(.+\.\d+)')


class Entry(t.NamedTuple):
    """A backup in a target; `problem` tells why it is not good, and then `manifest` may be empty."""

    id: str
    taken: datetime.datetime
    size: int
    problem: str
    manifest: dict[str, t.Any]

    @property
    def kind(self) -> str:
        """'scheduled', 'manual' or 'safety' (made before a restore, of what that replaced)."""
        return str(self.manifest.get('kind', ''))

    @property
    def gtids(self) -> GtidSet:
        """Every transaction that the backup holds."""
        return GtidSet(self.manifest.get('gtid_executed', ''))


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def parse_time(text: str) -> datetime.datetime:
    """A time as `now().isoformat()` or as STAMP writes it."""
    if re.fullmatch(r'\d{8}T\d{6}Z', text):
        return datetime.datetime.strptime(text, STAMP).replace(tzinfo=datetime.timezone.utc)
    return datetime.datetime.fromisoformat(text)


def sealed(document: t.Mapping[str, t.Any]) -> bytes:
    """The document as JSON with a sum over itself."""
    return (json.dumps({**document, 'seal': _seal(document)}, indent=1, sort_keys=True) + '\n').encode()


def _seal(document: t.Mapping[str, t.Any]) -> str:
    return hashlib.sha256(json.dumps({key: value for key, value in document.items() if key != 'seal'}, sort_keys=True).encode()).hexdigest()


def unsealed(data: bytes) -> dict[str, t.Any]:
    """The document of `sealed`; ValueError if a byte of it is not as it was written."""
    document = json.loads(data)
    if not isinstance(document, dict) or document.get('seal') != _seal(document):
        raise ValueError('its sum over itself is wrong')
    if document.get('format') != FORMAT:
        raise ValueError(f'its format is {document.get("format")!r}, this program knows {FORMAT}')
    return document


class Catalog:
    """The backups and binary logs of one database in one target."""

    def __init__(self, store: Store, database: str) -> None:
        self.store = store
        self._backups = f'{database}/backups/'
        self._logs = f'{database}/binlogs/'

    def file(self, backup_id: str, name: str) -> str:
        """Key of a file of a backup."""
        return f'{self._backups}{backup_id}/{name}'

    def log_key(self, server: str, opened: datetime.datetime, name: str) -> str:
        """Key of a binary log, without its ending. The time tells logs apart that have the same name after a reset."""
        return f'{self._logs}{server}/{opened.strftime(STAMP)}-{name}'

    def entries(self) -> list[Entry]:
        """All backups, the oldest first. Good ones have a whole manifest, and every file that it names has its size."""
        sizes = self.store.sizes(self._backups)
        ids = sorted({key[len(self._backups):].split('/', 1)[0] for key in sizes})
        return [self._entry(backup_id, sizes) for backup_id in ids if BACKUP_ID.fullmatch(backup_id)]

    def _entry(self, backup_id: str, sizes: dict[str, int]) -> Entry:
        taken = parse_time(backup_id.split('-', 1)[0])
        own = sum(size for key, size in sizes.items() if key.startswith(self.file(backup_id, '')))
        if self.file(backup_id, MANIFEST) not in sizes:
            return Entry(backup_id, taken, own, 'it has no manifest: the run that made it did not end', {})
        try:
            manifest = unsealed(get(self.store, self.file(backup_id, MANIFEST)))
        except ValueError as error:
            return Entry(backup_id, taken, own, f'its manifest is damaged: {error}', {})
        for name, file in manifest['files'].items():
            size = sizes.get(self.file(backup_id, name))
            if size != file['size']:
                found = 'is missing' if size is None else f'has {size} bytes instead of {file["size"]}'
                return Entry(backup_id, taken, own, f'{name} {found}', manifest)
        return Entry(backup_id, taken, own, '', manifest)

    def good(self) -> list[Entry]:
        """The good backups, the oldest first."""
        return [entry for entry in self.entries() if not entry.problem]

    def choose(self, wanted: str, goal: chain.Goal | None) -> Entry:
        """The backup of that id, or the latest good one that lies before the goal. BackupError if there is none.

        One that was made before a restore holds what the restore replaced: it is taken by its id, or on the way to a point in time.
        """
        entries = self.entries()
        if wanted:
            found = next((entry for entry in entries if entry.id == wanted), None)
            if found is None or found.problem:
                raise BackupError(
                    f'Backup {wanted} in target {self.store.name} ' + (f'is not good: {found.problem}' if found else 'does not exist'), NOT_GOOD)
            return found
        fitting = [entry for entry in entries if not entry.problem and self.before(entry, goal)]
        if not fitting:
            others = '; '.join(f'{entry.id}: {entry.problem or "not before that"}' for entry in entries) or 'none at all'
            raise BackupError(f'Target {self.store.name} has no good backup to restore from ({others})', NOT_GOOD)
        return fitting[-1]

    @staticmethod
    def before(entry: Entry, goal: chain.Goal | None) -> bool:
        if goal is None or goal == chain.Goal():
            return entry.kind != 'safety'
        if goal.moment:
            return parse_time(entry.manifest['snapshot']) <= goal.moment
        return not GtidSet(goal.gtid) <= entry.gtids

    def logs(self, only: t.Collection[str] | None = None) -> dict[str, tuple[chain.Log, dict[str, t.Any]]]:
        """The whole binary logs by their keys, each with `size` and `sha256` of its file."""
        sizes = self.store.sizes(self._logs)
        found = {}
        for key in sorted(key[:-len('.json')] for key in sizes if key.endswith('.json')):
            if only is not None and key not in only:
                continue
            try:
                record = unsealed(get(self.store, f'{key}.json'))
            except ValueError:
                # Without its record it is as if it were not there: the hole is told where it matters.
                continue
            if sizes.get(f'{key}.zst') == record['file']['size']:
                found[key] = (chain.Log(
                    key, record['server'], parse_time(record['opened']), parse_time(record['closed']),
                    GtidSet(record['previous_gtids']), GtidSet(record['gtids'])), record['file'])
        return found

    def log_keys(self) -> set[str]:
        """Keys of the binary logs that have a record."""
        return {key[:-len('.json')] for key in self.store.sizes(self._logs) if key.endswith('.json')}

    def put_record(self, key: str, document: t.Mapping[str, t.Any]) -> None:
        """Write a manifest or record, which makes what it describes count."""
        put(self.store, key, sealed({'format': FORMAT, **document}))

    def prune(self, keep_days: int) -> list[str]:
        """Delete what retention allows to; returns what was deleted, in words."""
        entries = self.entries()
        backups = [retention.Backup(entry.id, entry.taken, not entry.problem, entry.gtids) for entry in entries]
        doomed = retention.doomed_backups(backups, now(), keep_days)
        sizes = self.store.sizes(self._backups)
        for backup_id in doomed:
            keys = [key for key in sizes if key.startswith(self.file(backup_id, ''))]
            # The manifest first: what is half deleted is no good backup.
            self.store.delete(sorted(keys, key=lambda key: not key.endswith(MANIFEST)))
        kept = [backup for backup in backups if backup.name not in doomed]
        logs = retention.doomed_logs([retention.Log(log.key, log.closed, log.until) for log, _other in self.logs().values()], kept)
        for key in logs:
            self.store.delete([f'{key}.json', f'{key}.zst'])
        self.store.sweep()
        return [f'backup {name}' for name in doomed] + [f'binary log {key}' for key in logs]
