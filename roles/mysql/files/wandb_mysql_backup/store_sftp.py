# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups in a directory of another host, over SFTP: an account there needs no shell, and nothing but `internal-sftp`.

Uses of the module: paramiko.
"""

from __future__ import annotations

import contextlib
import importlib
import posixpath
import stat
import time
import typing as t

from .report import WRONG_SETTINGS, BackupError
from .stores import LEFTOVER_SECONDS, PART, Reader, Writer, told

# Bytes that are asked for at once, each request for as much as one answer may hold. All of a file at once (paramiko's prefetch) would keep in
# memory what has not been read yet, and search it for each piece: of half a GiB that was 600 MB, and minutes (seen in drill mysql-restore).
WINDOW = 8 << 20
REQUEST = 32 << 10


class SftpSettings(t.NamedTuple):
    """`path` is absolute on the other host; `known_hosts_file` holds that host's key."""

    name: str
    host: str
    user: str
    path: str
    key_file: str
    known_hosts_file: str
    port: int = 22
    timeout: int = 60


class _SftpWriter:
    def __init__(self, store: SftpStore, path: str) -> None:
        self._store, self._path = store, path
        with store.told(f'cannot write {path}'):
            store.make_folder(posixpath.dirname(path))
            self._file = store.sftp.open(path + PART, 'wb')
            # Without it each write waits for the answer to the one before.
            self._file.set_pipelined(True)

    def write(self, data: bytes) -> None:
        with self._store.told(f'cannot write {self._path}'):
            self._file.write(data)

    def commit(self) -> None:
        with self._store.told(f'cannot write {self._path}'):
            self._file.close()
            self._store.sftp.posix_rename(self._path + PART, self._path)

    def abort(self) -> None:
        with contextlib.suppress(Exception):
            self._file.close()
        with contextlib.suppress(Exception):
            self._store.sftp.remove(self._path + PART)


class SftpStore:
    """See `stores.Store`. One connection, opened at the first use."""

    def __init__(self, settings: SftpSettings) -> None:
        try:
            paramiko = importlib.import_module('paramiko')
        except ImportError as error:
            raise BackupError(f'Target {settings.name} needs paramiko (python3-paramiko): {error}', WRONG_SETTINGS) from error
        self.name = settings.name
        self._settings = settings
        self._paramiko: t.Any = paramiko
        self._client: t.Any = None
        self._sftp: t.Any = None

    def told(self, doing: str) -> t.ContextManager[None]:
        """Errors of the connection and of the other side."""
        return told(self.name, doing, OSError, EOFError, self._paramiko.SSHException)

    @property
    def sftp(self) -> t.Any:
        """The opened session."""
        if self._sftp is None:
            wanted = self._settings
            client = self._paramiko.SSHClient()
            with self.told(f'cannot reach {wanted.user}@{wanted.host}:{wanted.port}'):
                client.load_host_keys(wanted.known_hosts_file)
                client.set_missing_host_key_policy(self._paramiko.RejectPolicy())
                client.connect(
                    wanted.host, wanted.port, wanted.user, key_filename=wanted.key_file, allow_agent=False, look_for_keys=False,
                    timeout=wanted.timeout, banner_timeout=wanted.timeout, auth_timeout=wanted.timeout)
                client.get_transport().set_keepalive(15)
                session = client.open_sftp()
                session.get_channel().settimeout(wanted.timeout)
                session.stat(wanted.path)
            self._client, self._sftp = client, session
        return self._sftp

    def _path(self, key: str) -> str:
        return posixpath.join(self._settings.path, key)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it, beneath the target's own, which must exist."""
        if path == self._settings.path.rstrip('/') or len(path) <= len(self._settings.path):
            return
        try:
            self.sftp.stat(path)
        except FileNotFoundError:
            self.make_folder(posixpath.dirname(path))
            self.sftp.mkdir(path, 0o700)

    def writer(self, key: str) -> Writer:
        return _SftpWriter(self, self._path(key))

    def reader(self, key: str) -> Reader:
        with self.told(f'cannot read {key}'):
            file = self.sftp.open(self._path(key), 'rb')
            return _SftpReader(self, key, file, file.stat().st_size)

    def _walk(self, folder: str) -> t.Iterator[tuple[str, t.Any]]:
        for entry in self.sftp.listdir_attr(folder):
            path = posixpath.join(folder, entry.filename)
            if stat.S_ISDIR(entry.st_mode):
                yield from self._walk(path)
            else:
                yield path, entry

    def sizes(self, prefix: str) -> dict[str, int]:
        with self.told('cannot list'):
            found = {posixpath.relpath(path, self._settings.path): entry.st_size for path, entry in self._walk(self._settings.path)}
        return {key: size for key, size in found.items() if key.startswith(prefix) and not key.endswith(PART)}

    def delete(self, keys: t.Sequence[str]) -> None:
        for key in keys:
            with self.told(f'cannot delete {key}'):
                self.sftp.remove(self._path(key))
            folder = posixpath.dirname(key)
            while folder:
                with contextlib.suppress(OSError):
                    # Fails on one that is not empty, which is what is wanted.
                    self.sftp.rmdir(self._path(folder))
                folder = posixpath.dirname(folder)

    def sweep(self) -> int:
        edge = time.time() - LEFTOVER_SECONDS
        with self.told('cannot clean up'):
            left = [path for path, entry in self._walk(self._settings.path) if path.endswith(PART) and entry.st_mtime < edge]
            for path in left:
                self.sftp.remove(path)
        return len(left)


class _SftpReader:
    def __init__(self, store: SftpStore, key: str, file: t.Any, size: int) -> None:
        self._store, self._key, self._file, self._size = store, key, file, size
        self._asked = 0
        self._window = memoryview(b'')

    def read(self, count: int) -> bytes:
        if not self._window:
            self._window = self._next_window()
        piece, self._window = self._window[:count], self._window[count:]
        return bytes(piece)

    def _next_window(self) -> memoryview:
        end = min(self._asked + WINDOW, self._size)
        requests = [(offset, min(REQUEST, end - offset)) for offset in range(self._asked, end, REQUEST)]
        with self._store.told(f'cannot read {self._key}'):
            pieces = list(self._file.readv(requests))
        self._asked = end
        return memoryview(b''.join(pieces))

    def close(self) -> None:
        self._file.close()
