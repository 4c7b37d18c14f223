# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration and access list of a running Redis server: compared with what is wanted, and mended where the server allows it.

Speaks Redis' own protocol (RESP2) over a socket, so that hosts need no client library and no secret is in an argument list.

Uses of the module: none; :class:`Client` takes a connected socket.
"""

from __future__ import annotations

import dataclasses
import re
import socket
import typing as t

SIZE = re.compile(r'(\d+)(b|k|kb|m|mb|g|gb)', re.IGNORECASE)
FACTORS = {'b': 1, 'k': 1000, 'kb': 1 << 10, 'm': 1000**2, 'mb': 1 << 20, 'g': 1000**3, 'gb': 1 << 30}
NEEDS_RESTART = re.compile(r"can't set immutable config|can't set protected config", re.IGNORECASE)
# Words that the server adds to every user that it lists.
IMPLIED = frozenset({'sanitize-payload', 'resetchannels'})


class RedisError(Exception):
    """An error that the server answered."""


class Client:
    """One connection; ``call`` sends a command and returns its answer."""

    def __init__(self, connected: socket.socket) -> None:
        self._stream = connected.makefile('rwb')

    def call(self, *words: str) -> t.Any:
        """Strings, integers, None and lists of them; raises RedisError."""
        parts = [word.encode() for word in words]
        self._stream.write(b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part) for part in parts))
        self._stream.flush()
        return self._answer()

    def _answer(self) -> t.Any:
        line = self._stream.readline()
        if not line.endswith(b'\r\n'):
            raise ConnectionError('the server closed the connection')
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b'-':
            raise RedisError(rest)
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == '-1' else self._stream.read(int(rest) + 2)[:-2].decode(errors='replace')
        if kind == b'*':
            return [self._answer() for dummy in range(int(rest))]
        return rest


@dataclasses.dataclass(frozen=True)
class Difference:
    """A parameter whose running value is not the wanted one; ``running`` is None where the server does not know it."""

    name: str
    wanted: str
    running: str | None


def text_of(value: object) -> str:
    """A value as ``CONFIG SET`` takes it."""
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return '' if value is None else str(value).strip()


def canonical(value: object) -> str:
    """One spelling for every way to write the same value: sizes in bytes, single spaces."""
    text = ' '.join(text_of(value).split())
    size = SIZE.fullmatch(text)
    return str(int(size[1]) * FACTORS[size[2].lower()]) if size else text


def differences(settings: t.Mapping[str, object], running: t.Mapping[str, str]) -> list[Difference]:
    """Wanted settings that the server does not run with, by name."""
    found = []
    for name, value in sorted(settings.items()):
        if name not in running or canonical(value) != canonical(running[name]):
            found.append(Difference(name, text_of(value), running.get(name)))
    return found


def running_configuration(client: Client) -> dict[str, str]:
    """Every parameter of the server."""
    flat = client.call('CONFIG', 'GET', '*')
    return dict(zip(flat[::2], flat[1::2]))


def information(client: Client, section: str) -> dict[str, str]:
    """Fields of a section of ``INFO``."""
    lines = (line.partition(':') for line in client.call('INFO', section).splitlines() if ':' in line)
    return {name: value for name, dummy, value in lines}


def users_with_other_rules(client: Client, path: str) -> list[str]:
    """Names of users whose running rules are not those of the file."""
    with open(path, encoding='utf-8') as stream:
        wanted = access_list(stream)
    running = access_list(client.call('ACL', 'LIST'))
    return sorted(name for name in {*wanted, *running} if wanted.get(name) != running.get(name))


def set_parameter(client: Client, name: str, value: str) -> bool:
    """Set a running value; False where only a restart can."""
    try:
        client.call('CONFIG', 'SET', name, value)
    except RedisError as error:
        if NEEDS_RESTART.search(str(error)):
            return False
        raise
    return True


def access_list(lines: t.Iterable[str]) -> dict[str, list[str]]:
    """Rules of every user, out of an access list file or of ``ACL LIST``."""
    users = {}
    for line in lines:
        words = line.split()
        if words[:1] == ['user']:
            users[words[1]] = [word for word in words[2:] if word not in IMPLIED]
    return users
