# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what a host is asked: its files, its programs, its network. Everything else in this folder is given one, so that tests give another.

Standard library only: this runs on any host.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import tempfile
import threading
import time
import typing as t

Run = t.Callable[[list[str]], tuple[int, str]]
BLOCK = b'\0' * 4096


class Probe:
    """This host. ``run``: argv -> exit code (127 = no such program) and output."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def text(self, path: str) -> str:
        """Content of a file; empty where it cannot be read."""
        try:
            with open(path, encoding='utf-8', errors='replace') as stream:
                return stream.read()
        except OSError:
            return ''

    def exists(self, path: str) -> bool:
        """Whether there is anything."""
        return os.path.exists(path)

    def is_folder(self, path: str) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)

    def names(self, path: str) -> list[str]:
        """What is in a folder; nothing where it cannot be read."""
        try:
            return sorted(os.listdir(path))
        except OSError:
            return []

    def link(self, path: str) -> str:
        """Where a symbolic link goes; empty where it cannot be read."""
        try:
            return os.readlink(path)
        except OSError:
            return ''

    def real(self, path: str) -> str:
        """The path without symbolic links."""
        return os.path.realpath(path)

    def owner(self, path: str) -> tuple[int, int] | None:
        """User and group of a path."""
        try:
            found = os.stat(path)
        except OSError:
            return None
        return found.st_uid, found.st_gid

    def space(self, path: str) -> tuple[int, int]:
        """Bytes of the filesystem, and those free for its users."""
        found = os.statvfs(path)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def program(self, name: str) -> str:
        """Where a program is; empty for none."""
        return shutil.which(name, path=os.pathsep.join([os.environ.get('PATH', ''), '/usr/sbin', '/sbin', '/usr/local/sbin'])) or ''

    def sync_times(self, folder: str, rounds: int = 20, seconds: float = 1.0) -> list[float]:
        """Seconds that each fdatasync of 4 KiB took. The file has no name any more when it is written, so nothing is ever left behind."""
        handle, path = tempfile.mkstemp(prefix='.wandb-preflight-', dir=folder)
        try:
            os.unlink(path)
            times: list[float] = []
            end = time.monotonic() + seconds
            while len(times) < rounds and time.monotonic() < end:
                os.write(handle, BLOCK)
                before = time.monotonic()
                os.fdatasync(handle)
                times.append(time.monotonic() - before)
            return times
        finally:
            os.close(handle)

    def addresses(self, name: str) -> list[str]:
        """Addresses of a name; none where it does not resolve."""
        try:
            return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError):
            return []

    def name_of(self, address: str) -> str:
        """Name of an address; empty for none."""
        try:
            return socket.gethostbyaddr(address)[0]
        except OSError:
            return ''

    def connect(self, host: str, port: int, timeout: float) -> None:
        """Open a TCP connection and close it; OSError says why not."""
        with contextlib.closing(socket.create_connection((host, port), timeout=timeout)):
            pass


def median(values: t.Sequence[float]) -> float | None:
    """The middle one; None of nothing."""
    return statistics.median(values) if values else None


def together(questions: t.Mapping[str, t.Callable[[], t.Any]], seconds: float) -> dict[str, t.Any]:
    """The answers of those that came in time. The others are left behind: a resolver that waits holds nothing up."""
    answers: dict[str, t.Any] = {}

    def ask(key: str, question: t.Callable[[], t.Any]) -> None:
        answers[key] = question()

    threads = [threading.Thread(target=ask, args=item, daemon=True) for item in questions.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(answers)
