# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup, and the binary logs behind it, loaded into a server: the running one, or a scratch instance."""

from __future__ import annotations

import os
import re
import typing as t

from . import chain
from .catalog import DUMP, Catalog, Entry
from .config import Config
from .gtid import GtidSet, source_and_number
from .report import NOT_GOOD, WRONG_SETTINGS, BackupError, say, size
from .server import Server, connected, quoted
from .streams import Pipeline, pour, summed

POSITION = re.compile(rb'^# at (\d+)')
COMMITTED = re.compile(rb'\boriginal_committed_timestamp=(\d+)')
NEXT = re.compile(rb"^SET @@SESSION\.GTID_NEXT= '([0-9a-fA-F:a-z_-]+)'")


class Destination(t.NamedTuple):
    """A server to load into: how its client programs log in, and how we do (`login_file`, or `socket` as root without password)."""

    client: list[str]
    login_file: str
    socket: str = ''


class Plan(t.NamedTuple):
    """What a restore reads, in order. `logs`: each with `size` and `sha256` of its file."""

    catalog: Catalog
    entry: Entry
    goal: chain.Goal | None
    logs: list[tuple[chain.Log, dict[str, t.Any]]]

    @property
    def words(self) -> str:
        """For a person."""
        end = ''
        if self.goal:
            where = self.goal.gtid or (f'{self.goal.moment:%Y-%m-%d %H:%M:%S} UTC' if self.goal.moment else '')
            end = f', then {len(self.logs)} binary logs ' + (f'up to before {where}' if where else 'to their end')
        return f'backup {self.entry.id} of target {self.catalog.store.name}{end}'


def make_plan(catalog: Catalog, backup_id: str, goal: chain.Goal | None) -> Plan:
    """Choose backup and logs; BackupError if the goal cannot be reached."""
    entry = catalog.choose(backup_id, goal)
    if goal is None:
        return Plan(catalog, entry, None, [])
    if not Catalog.before(entry, goal):
        raise BackupError(f'Backup {entry.id} lies behind the point in time; take an earlier one', WRONG_SETTINGS)
    logs = catalog.logs()
    chosen = chain.chain(entry.gtids, [log for log, _other in logs.values()], goal)
    return Plan(catalog, entry, goal, [logs[log.key] for log in chosen])


def verify_files(catalog: Catalog, entry: Entry) -> int:
    """Read every file of a backup and compare its sum; returns the bytes read. BackupError (code 3) for a damaged one."""
    return sum(
        len(data) for name, file in entry.manifest['files'].items()
        for data in summed(catalog.store.reader(catalog.file(entry.id, name)), file, f'{name} of backup {entry.id} in target {catalog.store.name}'))


def verify_plan(plan: Plan) -> None:
    """Read everything that the plan needs, before anything is touched."""
    count = verify_files(plan.catalog, plan.entry)
    for log, file in plan.logs:
        count += sum(len(data) for data in summed(plan.catalog.store.reader(f'{log.key}.zst'), file, f'{log.key} in target {plan.catalog.store.name}'))
    say(f'verified: {plan.words}; {size(count)} read, every SHA-256 as recorded')


def refuse_unfit(plan: Plan, facts: t.Mapping[str, t.Any]) -> None:
    """BackupError if the server cannot take the dump: it is older than the one it is from, or writes names otherwise."""
    source = plan.entry.manifest['server']

    def release(version: str) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r'\d+', version)[:2])

    if release(facts['version']) < release(source['version']):
        raise BackupError(f'The backup is from MySQL {source["version"]}, this server is the older {facts["version"]}: it may not take it', WRONG_SETTINGS)
    if facts['lower_case_table_names'] != source['lower_case_table_names']:
        raise BackupError(
            f'lower_case_table_names is {facts["lower_case_table_names"]} here and {source["lower_case_table_names"]} in the backup', WRONG_SETTINGS)


def refuse_full(plan: Plan, datadir: str) -> None:
    """BackupError if the data directory cannot take the database besides what is there: what is dropped is not counted on."""
    free = os.statvfs(datadir)
    needed = 1.2 * plan.entry.manifest['schema']['bytes']
    if free.f_bavail * free.f_frsize < needed:
        raise BackupError(f'{datadir} has {size(free.f_bavail * free.f_frsize)} free, the restore takes about {size(needed)}')


def apply(config: Config, plan: Plan, to: Destination) -> None:
    """Replace the database by the backup, compare every table with the manifest, then replay the binary logs."""
    stops = stop_positions(config, plan)
    with connected(to.login_file, to.socket) as server:
        refuse_unfit(plan, server.variables())
        schema = plan.entry.manifest['schema']
        name = quoted(config.database)
        server.rows(f'DROP DATABASE IF EXISTS {name}')
        server.rows(f'CREATE DATABASE {name} CHARACTER SET {schema["character_set"]} COLLATE {schema["collation"]}')
    reader = plan.catalog.store.reader(plan.catalog.file(plan.entry.id, DUMP))
    what = f'{DUMP} of backup {plan.entry.id}'
    with Pipeline([['zstd', '--decompress', '--quiet', '--stdout'], [*client(config, to), config.database]], feed=True) as pipeline:
        pour(summed(reader, plan.entry.manifest['files'][DUMP], what), pipeline)
    with connected(to.login_file, to.socket) as server:
        compare(server, config.database, schema)
    say(f'loaded backup {plan.entry.id}: {len(schema["tables"])} tables, the checksum of each as in the manifest')
    replay(config, plan, to, stops)


def client(config: Config, to: Destination) -> list[str]:
    """The `mysql` program, taking bytes as they are."""
    return [config.program('mysql'), *to.client, '--binary-mode', '--max-allowed-packet=1G', '--default-character-set=utf8mb4']


def compare(server: Server, database: str, wanted: t.Mapping[str, t.Any]) -> None:
    """BackupError (code 3) with every difference between the database and the manifest's `schema`."""
    found = server.schema(database)
    if found is None:
        raise BackupError(f'Database {database} is not there', NOT_GOOD)
    problems = [
        f'{kind}: {sorted(set(wanted[kind]) ^ set(found[kind]))}' for kind in ('tables', 'views', 'triggers', 'routines', 'events')
        if wanted[kind] != found[kind]]
    problems += [f'{key} is {found[key]} instead of {wanted[key]}' for key in ('character_set', 'collation') if found[key] != wanted[key]]
    common = [name for name in wanted['tables'] if name in found['tables'] and name not in wanted['not_transactional']]
    sums = server.checksums(database, common)
    problems += [f'table {name}: checksum {sums[name]} instead of {wanted["checksums"][name]}' for name in common if sums[name] != wanted['checksums'][name]]
    if problems:
        raise BackupError(f'Database {database} is not what the manifest tells: ' + '; '.join(problems), NOT_GOOD)


def replay(config: Config, plan: Plan, to: Destination, stops: t.Mapping[str, int]) -> None:
    """Replay the plan's logs over the loaded backup, each up to its stop."""
    applied = plan.entry.gtids
    for log, file in plan.logs:
        # Their transactions become new ones of this server: a replica of it follows, and nothing is taken for known already.
        command = [config.program('mysqlbinlog'), '--no-defaults', f'--database={config.database}', '--skip-gtids']
        if str(applied):
            command.append(f'--exclude-gtids={applied}')
        stop = stops.get(log.key)
        # mysqlbinlog takes no --stop-position for what it reads from a pipe; a position is the number of bytes before it.
        cut = [['head', f'--bytes={stop}']] if stop else []
        with Pipeline([['zstd', '--decompress', '--quiet', '--stdout'], *cut, [*command, '-'], client(config, to)], feed=True) as pipeline:
            pour(summed(plan.catalog.store.reader(f'{log.key}.zst'), file, log.key), pipeline, early_end=bool(stop))
        applied = applied | log.until
    if plan.logs:
        say(f'replayed {len(plan.logs)} binary logs')


def stop_positions(config: Config, plan: Plan) -> dict[str, int]:
    """Where in a log the goal lies, by its key: the beginning of the first transaction that is no longer wanted.

    Logs of two servers overlap around a promotion, so that more than one may have to be cut.
    """
    stops = {}
    for log, file in plan.logs:
        if plan.goal is None or not (plan.goal.gtid or (plan.goal.moment and log.closed >= plan.goal.moment)):
            continue
        with Pipeline([
                ['zstd', '--decompress', '--quiet', '--stdout'],
                [config.program('mysqlbinlog'), '--no-defaults', '--base64-output=decode-rows', '-'],
        ], feed=True) as pipeline, pipeline.feeding(summed(plan.catalog.store.reader(f'{log.key}.zst'), file, log.key)):
            found = first_unwanted(pipeline.stdout, plan.goal)
        if found is not None:
            stops[log.key] = found
    return stops


def first_unwanted(lines: t.Iterable[bytes], goal: chain.Goal) -> int | None:
    """Position of the first transaction that is not before the goal, in what `mysqlbinlog` prints. Reads to the end."""
    edge = int(goal.moment.timestamp() * 1_000_000) if goal.moment else None
    wanted = source_and_number(goal.gtid) if goal.gtid else None
    position = committed = 0
    found = None
    for line in lines:
        at = POSITION.match(line)
        if at:
            position, committed = int(at[1]), 0
            continue
        time = COMMITTED.search(line) if line.startswith(b'#') else None
        if time:
            committed = int(time[1])
        following = NEXT.match(line)
        if following and found is None:
            name = following[1].decode()
            if (edge is not None and committed >= edge) or (wanted and GtidSet(name).has(*wanted)):
                found = position
    return found
