# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Global variables of a running MySQL server: compared with what is wanted, and mended where the server allows it.

The option file alone proves nothing: a value from ``SET PERSIST`` beats it after a restart, and the server clips or ignores some
values without an error. So what counts is read back from the server.

Uses of the module: none; :class:`Server` takes a DB-API connection.
"""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

# Options of the server that are no variables, so that nothing can be read back.
NOT_VARIABLES = frozenset({'early_plugin_load', 'mysqlx', 'plugin_load', 'plugin_load_add', 'user'})
# 1238: read only (needs a restart). 1788: gtid_mode moves one step at a time only, from the file in one.
NEEDS_RESTART = frozenset({1238, 1788})
NAME = re.compile(r'[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?')
SIZE = re.compile(r'(\d+)([kmgtpe])', re.IGNORECASE)
WORDS = {'on': '1', 'yes': '1', 'true': '1', 'off': '0', 'no': '0', 'false': '0'}


class Connection(t.Protocol):
    """What is used of a DB-API connection."""

    def cursor(self) -> t.Any: ...


@dataclasses.dataclass(frozen=True)
class Difference:
    """A variable whose running value is not the wanted one; ``running`` is None where the server has no such variable."""

    name: str
    wanted: str
    running: str | None


@dataclasses.dataclass
class Outcome:
    """What :func:`converge` found and did."""

    differences: list[Difference]
    persisted: list[str]
    restart: list[Difference] = dataclasses.field(default_factory=list)
    refused: list[Difference] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the server ran on anything else than what is wanted."""
        return bool(self.differences or self.persisted)


def text_of(value: object) -> str:
    """A value as the server's option file and ``SET GLOBAL`` take it; sizes such as ``64M`` in bytes."""
    if isinstance(value, bool):
        return 'ON' if value else 'OFF'
    text = '' if value is None else str(value).strip()
    size = SIZE.fullmatch(text)
    return str(int(size[1]) << (10 * ('kmgtpe'.index(size[2].lower()) + 1))) if size else text


def canonical(value: object) -> str:
    """One spelling for every way to write the same value."""
    text = text_of(value)
    if text.startswith('/'):
        return text.rstrip('/')
    folded = text.casefold()
    if folded in WORDS:
        return WORDS[folded]
    try:
        number = float(folded) if '.' in folded else int(folded)
        return str(int(number)) if number == int(number) else repr(number)
    except (ValueError, OverflowError):
        return ','.join(sorted(part.strip() for part in folded.split(',')))


def normal_names(settings: t.Mapping[str, object]) -> dict[str, object]:
    """Names as the server shows them; raises ValueError on what cannot be a name."""
    named = {}
    for name, value in settings.items():
        plain = name.lower().replace('-', '_')
        if not NAME.fullmatch(plain):
            raise ValueError(f'{name!r} cannot be the name of a MySQL variable')
        named[plain] = value
    return named


def expected(name: str, value: object, running: t.Mapping[str, str]) -> str:
    """The value that the server shows after it took ``value``."""
    if name == 'innodb_buffer_pool_size':
        # The server rounds up to whole chunks in every instance.
        unit = int(running.get('innodb_buffer_pool_chunk_size') or 1) * int(running.get('innodb_buffer_pool_instances') or 1)
        return str(-(-int(text_of(value)) // unit) * unit)
    return text_of(value)


def differences(settings: t.Mapping[str, object], running: t.Mapping[str, str]) -> list[Difference]:
    """Wanted settings that the server does not run with, by name."""
    found = []
    for name, value in sorted(normal_names(settings).items()):
        loose = name.startswith('loose_')
        name = name[len('loose_'):] if loose else name
        if name in NOT_VARIABLES or (loose and name not in running):
            continue
        wanted = expected(name, value, running)
        if name not in running or canonical(wanted) != canonical(running[name]):
            found.append(Difference(name, wanted, running.get(name)))
    return found


class Server:
    """The few statements that settings need."""

    def __init__(self, connection: Connection, error: type[Exception]) -> None:
        self._connection = connection
        self._error = error

    def _rows(self, sql: str, args: t.Sequence[object] = ()) -> list[tuple[t.Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(args) or None)
            return list(cursor.fetchall())

    def version(self) -> tuple[str, str]:
        """(``8.0.31``, ``MySQL Community Server - GPL``)."""
        version, comment = self._rows('SELECT VERSION(), @@version_comment')[0]
        return str(version), str(comment)

    def variables(self) -> dict[str, str]:
        """Every global variable."""
        return {str(name).lower(): str(value) for name, value in self._rows('SHOW GLOBAL VARIABLES')}

    def persisted(self) -> set[str]:
        """Names that ``SET PERSIST`` wrote down; they beat our file after a restart."""
        return {str(row[0]).lower() for row in self._rows('SELECT VARIABLE_NAME FROM performance_schema.persisted_variables')}

    def reset_persist(self, name: str) -> None:
        """Forget a persisted value; the running one stays."""
        self._rows(f'RESET PERSIST IF EXISTS {name}')

    def set_global(self, name: str, value: str) -> bool:
        """Set a running value; False where only a restart can."""
        argument: object = int(value) if re.fullmatch(r'-?\d+', value) else float(value) if re.fullmatch(r'-?\d+\.\d+', value) else value
        try:
            self._rows(f'SET GLOBAL {name} = %s', [argument])
        except self._error as error:
            if error.args and error.args[0] in NEEDS_RESTART:
                return False
            raise
        return True

    def source(self, name: str) -> str:
        """Where the server says that it took a value from."""
        rows = self._rows('SELECT VARIABLE_SOURCE, VARIABLE_PATH FROM performance_schema.variables_info WHERE VARIABLE_NAME = %s', [name])
        return ' '.join(str(part) for part in rows[0] if part) if rows else ''

    def active_plugins(self) -> set[str]:
        """Names of the plugins that are at work."""
        return {str(row[0]) for row in self._rows("SELECT plugin_name FROM information_schema.plugins WHERE plugin_status = 'ACTIVE'")}

    def reload_tls(self) -> None:
        """Take up certificate files that were replaced; a file that cannot be used leaves the old ones and is an error."""
        self._rows('ALTER INSTANCE RELOAD TLS')


def converge(server: Server, settings: t.Mapping[str, object], check_mode: bool, patience: float = 30.0) -> Outcome:
    """Bring the running server to ``settings`` without restarting it.

    ``restart`` of the outcome are those that it takes at its start only, ``refused`` those that it does not know or took otherwise than
    asked. In check mode nothing is set, and both are empty.
    """
    names = {name[len('loose_'):] if name.startswith('loose_') else name for name in normal_names(settings)}
    outcome = Outcome(differences(settings, server.variables()), sorted(names & server.persisted()))
    if check_mode:
        return outcome
    for name in outcome.persisted:
        server.reset_persist(name)
    tried = set()
    for difference in outcome.differences:
        if difference.running is None:
            outcome.refused.append(difference)
        elif server.set_global(difference.name, difference.wanted):
            tried.add(difference.name)
        else:
            outcome.restart.append(difference)
    deadline = time.monotonic() + patience
    left = _left(server, settings, tried)
    while left and time.monotonic() < deadline:
        # The buffer pool is resized in the background.
        time.sleep(0.5)
        left = _left(server, settings, tried)
    outcome.refused += left
    return outcome


def _left(server: Server, settings: t.Mapping[str, object], tried: set[str]) -> list[Difference]:
    return [found for found in differences(settings, server.variables()) if found.name in tried] if tried else []
