# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each verb of the program does; each returns the exit code or raises BackupError."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import typing as t

from . import chain, dump, restore, scratch, ship, state
from .catalog import DUMP, MANIFEST, SUMS, Catalog, Entry, now, parse_time
from .config import Config
from .duty import Duty, decide
from .report import NOT_GOOD, TOO_OLD, WRONG_SETTINGS, BackupError, fail, say, size, warn
from .server import connected
from .stores import get
from .streams import summed

Arguments = argparse.Namespace


@contextlib.contextmanager
def _noted(config: Config, verb: str) -> t.Iterator[dict[str, t.Any]]:
    """Hold the lock, and remember how the verb ended with what the body puts into the dictionary."""
    more: dict[str, t.Any] = {}
    try:
        with state.alone(config, wait=True):
            yield more
    except BackupError as error:
        state.note(config, verb, False, reason=str(error))
        raise
    except BaseException as error:
        state.note(config, verb, False, reason=f'cut off ({type(error).__name__})')
        raise
    state.note(config, verb, True, **more)


def _catalogs(config: Config, target: str = '') -> list[Catalog]:
    return [Catalog(store, config.database) for store in config.stores(target)]


def _newest(catalog: Catalog) -> Entry | None:
    """The latest good backup that was not made on the way to a restore."""
    return next((entry for entry in reversed(catalog.good()) if entry.kind != 'safety'), None)


def _age(entry: Entry | None) -> datetime.timedelta | None:
    return now() - parse_time(entry.manifest['snapshot']) if entry else None


def _duty(config: Config) -> tuple[Duty, bool]:
    """Whether the backup is this host's duty, and whether its server is writable."""
    ages: list[datetime.timedelta] = []
    for catalog in _catalogs(config):
        try:
            age = _age(_newest(catalog))
        except BackupError as error:
            # A target that is down tells nothing; that must not keep the others from being filled.
            warn(str(error))
            continue
        if age is not None:
            ages.append(age)
    with connected(config.login_file) as server:
        seen = server.replication()
    return decide(seen, min(ages, default=None), config.max_replica_lag), seen.writable


def duty(config: Config, arguments: Arguments) -> int:
    found, writable = _duty(config)
    if arguments.json:
        print(json.dumps({**found._asdict(), 'writable': writable}))
    else:
        say(f'{"this host makes the backup" if found.mine else "no backup here"}: {found.reason}')
    return 0


def run(config: Config, arguments: Arguments) -> int:
    if not arguments.force:
        found, _other = _duty(config)
        if found.broken:
            state.note(config, 'run', False, reason=found.reason)
            raise BackupError(f'No backup: {found.reason}')
        if not found.mine:
            say(f'no backup here: {found.reason}')
            return 0
    with _noted(config, 'run') as outcome:
        stores = config.stores(arguments.target)
        manifest = dump.run(config, stores, 'manual' if arguments.force else 'scheduled')
        outcome.update(id=manifest['id'], snapshot=manifest['snapshot'], size=manifest['files'][DUMP]['size'], seconds=manifest['seconds'])
        if manifest['failures']:
            raise BackupError(f'Backup {manifest["id"]} is good, but not in every target: ' + '; '.join(manifest['failures'].values()))
        _prune(config, arguments.target)
    return 0


def binlogs(config: Config, arguments: Arguments) -> int:
    with _noted(config, 'binlogs') as outcome:
        outcome['shipped'] = len(ship.run(config, config.stores(arguments.target), arguments.flush))
    return 0


def prune(config: Config, arguments: Arguments) -> int:
    with _noted(config, 'prune'):
        _prune(config, arguments.target)
    return 0


def _prune(config: Config, target: str) -> None:
    for catalog in _catalogs(config, target):
        for words in catalog.prune(config.keep_days):
            say(f'deleted {words} of target {catalog.store.name}')


def show(config: Config, arguments: Arguments) -> int:
    rows = []
    for catalog in _catalogs(config, arguments.target):
        logs = [log for log, _other in catalog.logs().values()]
        for entry in catalog.entries():
            rows.append({
                'target': catalog.store.name, 'id': entry.id, 'kind': entry.kind, 'good': not entry.problem, 'problem': entry.problem, 'size': entry.size,
                'snapshot': entry.manifest.get('snapshot', ''), 'recoverable_to': '' if entry.problem else _reach(entry, logs)})
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print(f'{row["target"]:<12} {row["id"]:<40} {row["kind"]:<10} {size(row["size"]):>10}  ' + (
                f'good, recoverable to {row["recoverable_to"] or "itself only"}' if row['good'] else f'NOT GOOD: {row["problem"]}'))
    return 0


def _reach(entry: Entry, logs: list[chain.Log]) -> str:
    """Up to which time the shipped logs lead from a backup."""
    try:
        following = chain.chain(entry.gtids, logs, chain.Goal())
    except BackupError as error:
        return f'a hole: {error}'
    return following[-1].closed.isoformat() if following else ''


def status(config: Config, arguments: Arguments) -> int:
    """TOO_OLD if a target's last good backup is, or if it has none; what the host remembers besides."""
    rows: list[dict[str, t.Any]] = []
    taken: list[datetime.datetime | None] = []
    for catalog in _catalogs(config):
        try:
            newest = _newest(catalog)
        except BackupError as error:
            taken.append(None)
            rows.append({'target': catalog.store.name, 'id': '', 'age_hours': None, 'problem': str(error)})
            continue
        taken.append(newest.taken if newest else None)
        age = _age(newest)
        hours = round(age.total_seconds() / 3600, 1) if age is not None else None
        problem = 'it has no good backup' if hours is None else f'the last good backup is {hours} h old' if hours > config.max_age_hours else ''
        rows.append({'target': catalog.store.name, 'id': newest.id if newest else '', 'age_hours': hours, 'problem': problem})
    if arguments.json:
        print(json.dumps({'targets': rows, 'verbs': remembered(state.status(config), taken), 'unfinished_restore': _unfinished(config)}, indent=1))
    else:
        for row in rows:
            say(f'target {row["target"]}: {row["problem"] or str(row["id"]) + ", " + str(row["age_hours"]) + " h old"}')
    for row in rows:
        if row['problem']:
            fail(f'Target {row["target"]}: {row["problem"]} (at most {config.max_age_hours} h; wandb_mysql_backup_max_age_hours)')
    return TOO_OLD if any(row['problem'] for row in rows) else 0


def remembered(outcomes: t.Mapping[str, t.Any], taken: t.Sequence[datetime.datetime | None]) -> dict[str, t.Any]:
    """What the host remembers, without a failed run after which every target got a good backup: from the other host, which has the duty by now."""
    run = outcomes.get('run', {'ok': True})
    overtaken = not run['ok'] and bool(taken) and all(moment is not None and moment > parse_time(run['at']) for moment in taken)
    return {verb: outcome for verb, outcome in outcomes.items() if not (overtaken and verb == 'run')}


def _unfinished(config: Config) -> str:
    try:
        with connected(config.login_file) as server:
            return server.unfinished_restore()
    except BackupError as error:
        # The age of the backups is worth knowing above all when the server is down.
        warn(str(error))
        return ''


def verify(config: Config, arguments: Arguments) -> int:
    with _noted(config, 'verify'):
        problems = []
        for catalog in _catalogs(config, arguments.target):
            entries = catalog.entries() if arguments.all else [catalog.choose(arguments.backup, None)]
            for entry in entries:
                try:
                    if entry.problem:
                        raise BackupError(f'Backup {entry.id} in target {catalog.store.name}: {entry.problem}', NOT_GOOD)
                    say(f'{catalog.store.name}: backup {entry.id}: {size(restore.verify_files(catalog, entry))} read, every SHA-256 as recorded')
                except BackupError as error:
                    fail(str(error))
                    problems.append(entry.id)
            for log, file in catalog.logs().values() if arguments.all else []:
                try:
                    for _other in summed(catalog.store.reader(f'{log.key}.zst'), file, f'{log.key} in target {catalog.store.name}'):
                        pass
                except BackupError as error:
                    fail(str(error))
                    problems.append(log.key)
        if problems:
            raise BackupError(f'{len(problems)} damaged: {", ".join(problems)}', NOT_GOOD)
    return 0


def fetch(config: Config, arguments: Arguments) -> int:
    catalog = _catalogs(config, arguments.target)[0]
    entry = catalog.choose(arguments.backup, None)
    folder = pathlib.Path(arguments.folder) / entry.id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, file in entry.manifest['files'].items():
        part = folder / f'{name}.part'
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as out:
            for data in summed(catalog.store.reader(catalog.file(entry.id, name)), file, f'{name} of backup {entry.id}'):
                out.write(data)
        part.rename(folder / name)
    for name in (SUMS, MANIFEST):
        (folder / name).write_bytes(get(catalog.store, catalog.file(entry.id, name)))
    say(f'{folder}: {", ".join(entry.manifest["files"])}')
    return 0


def _plan(config: Config, arguments: Arguments) -> restore.Plan:
    return restore.make_plan(_catalogs(config, arguments.target)[0], arguments.backup, chain.parse_goal(arguments.to))


def plan(config: Config, arguments: Arguments) -> int:
    made = _plan(config, arguments)
    restore.verify_plan(made)
    return 0


def test(config: Config, arguments: Arguments) -> int:
    with _noted(config, 'test') as outcome:
        made = _plan(config, arguments)
        manifest = made.entry.manifest
        scratch.refuse_small(config, manifest['schema']['bytes'])
        with scratch.instance(config, manifest['server']['lower_case_table_names']) as socket:
            restore.apply(config, made, restore.Destination(['--no-defaults', f'--socket={socket}', '--user=root'], '', socket))
        outcome.update(id=made.entry.id, tables=len(manifest['schema']['tables']), logs=len(made.logs))
        say(f'restore test passed: {made.words}')
    return 0


def restore_database(config: Config, arguments: Arguments) -> int:
    if arguments.confirm != config.database:
        raise BackupError(f'--confirm {arguments.confirm!r} is not the name of the database, {config.database!r}: nothing is done', WRONG_SETTINGS)
    goal = chain.parse_goal(arguments.to)
    with _noted(config, 'restore') as outcome:
        with connected(config.admin_login_file) as server:
            facts = server.variables()
            if facts['read_only']:
                raise BackupError('This server is read-only: restore on the writable one, its replica follows', WRONG_SETTINGS)
            present, unfinished = server.schema(config.database), server.unfinished_restore()
        if goal is not None and facts['log_bin']:
            # The latest transactions are in no target yet.
            ship.run(config, config.stores(), flush=True)
        made = _plan(config, arguments)
        restore.verify_plan(made)
        restore.refuse_unfit(made, facts)
        restore.refuse_full(made, facts['datadir'])
        _safety(config, arguments, present, unfinished)
        with connected(config.admin_login_file) as server:
            server.begin_restore(f'{made.words}, begun {now().isoformat(timespec="seconds")}')
        restore.apply(config, made, restore.Destination([f'--defaults-file={config.admin_login_file}'], config.admin_login_file))
        # A connection of its own: the one above may have been idle for hours.
        with connected(config.admin_login_file) as server:
            server.end_restore()
        outcome.update(id=made.entry.id, to=arguments.to)
        say(f'restored {config.database}: {made.words}')
    return 0


def _safety(config: Config, arguments: Arguments, present: dict[str, t.Any] | None, unfinished: str) -> None:
    """Back up what is replaced, unless there is nothing, or only the half of an earlier restore."""
    if unfinished:
        say(f'no safety backup: the database is what a restore left that did not end ({unfinished})')
    elif present is None or not present['tables']:
        say('no safety backup: the database is not there, or is empty')
    elif arguments.no_safety_backup:
        say('no safety backup: not wanted (--no-safety-backup)')
    else:
        dump.run(config, config.stores(), 'safety')
