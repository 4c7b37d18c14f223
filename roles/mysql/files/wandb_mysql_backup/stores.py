# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where backups go: one small interface, and the store that is a directory. An object appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
import typing as t

from .report import WRONG_SETTINGS, BackupError

# What a run that was killed left: deleted after a day, for it may be one that still writes.
LEFTOVER_SECONDS = 86400
PART = '.part'


class Reader(t.Protocol):
    """What is used of an opened object."""

    def read(self, count: int) -> bytes: ...

    def close(self) -> None: ...


class Writer(t.Protocol):
    """An object that is being written; it exists for others after `commit` only."""

    def write(self, data: bytes) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...


class Store(t.Protocol):
    """A target. Keys are relative paths with `/`. Errors are `BackupError` with the target's name and the cause."""

    name: str

    def writer(self, key: str) -> Writer: ...

    def reader(self, key: str) -> Reader: ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of every whole object whose key begins with `prefix`."""

    def delete(self, keys: t.Sequence[str]) -> None: ...

    def sweep(self) -> int:
        """Remove what killed runs left half written, older than a day; returns how many."""


@contextlib.contextmanager
def told(target: str, doing: str, *errors: type[Exception]) -> t.Iterator[None]:
    """Turn a library's error into one that names the target."""
    try:
        yield
    except errors as error:
        raise BackupError(f'Target {target}: {doing}: {type(error).__name__}: {error}') from error


def put(store: Store, key: str, data: bytes) -> None:
    """Write a small object."""
    writer = store.writer(key)
    try:
        writer.write(data)
        writer.commit()
    except BaseException:
        writer.abort()
        raise


def get(store: Store, key: str, limit: int = 64 << 20) -> bytes:
    """Read a small object."""
    reader = store.reader(key)
    try:
        parts = []
        while limit > 0:
            part = reader.read(min(limit, 1 << 20))
            if not part:
                break
            parts.append(part)
            limit -= len(part)
        return b''.join(parts)
    finally:
        reader.close()


class _FileWriter:
    def __init__(self, target: str, path: pathlib.Path) -> None:
        self._target, self._path = target, path
        self._part = path.with_name(path.name + PART)
        with told(target, f'cannot write {path}', OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb')

    def write(self, data: bytes) -> None:
        with told(self._target, f'cannot write {self._path}', OSError):
            self._file.write(data)

    def commit(self) -> None:
        with told(self._target, f'cannot write {self._path}', OSError):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.rename(self._path)

    def abort(self) -> None:
        # Closing flushes what is buffered, which fails again on a full disk.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()


class DirectoryStore:
    """A directory of this host: a mount of another machine, or of another facility."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self._root = pathlib.Path(path)
        if not self._root.is_absolute():
            raise BackupError(f'Target {name}: path {path!r} must be absolute', WRONG_SETTINGS)

    def _present(self) -> None:
        # A mount that is gone must not be taken for an empty target, nor be written through to the disk below.
        if not self._root.is_dir():
            raise BackupError(f'Target {self.name}: {self._root} does not exist; make it, or mount what belongs there')

    def writer(self, key: str) -> Writer:
        self._present()
        return _FileWriter(self.name, self._root / key)

    def reader(self, key: str) -> Reader:
        with told(self.name, f'cannot read {key}', OSError):
            return (self._root / key).open('rb')

    def sizes(self, prefix: str) -> dict[str, int]:
        self._present()
        with told(self.name, 'cannot list', OSError):
            found = {str(path.relative_to(self._root)): path.stat().st_size for path in self._root.rglob('*') if path.is_file()}
        return {key: size for key, size in found.items() if key.startswith(prefix) and not key.endswith(PART)}

    def delete(self, keys: t.Sequence[str]) -> None:
        for key in keys:
            path = self._root / key
            with told(self.name, f'cannot delete {key}', OSError):
                path.unlink()
            for folder in path.relative_to(self._root).parents:
                with contextlib.suppress(OSError):
                    # Fails on one that is not empty, which is what is wanted.
                    if folder.parts:
                        (self._root / folder).rmdir()

    def sweep(self) -> int:
        self._present()
        with told(self.name, 'cannot clean up', OSError):
            left = [path for path in self._root.rglob(f'*{PART}') if path.stat().st_mtime < time.time() - LEFTOVER_SECONDS]
            for path in left:
                path.unlink()
        return len(left)
