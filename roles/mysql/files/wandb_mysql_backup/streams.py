# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs joined by pipes, and bytes that are summed up on their way between a program and a store."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import signal
import subprocess
import tempfile
import typing as t

from .report import BackupError, warn
from .stores import Reader, Store, Writer

CHUNK = 1 << 20


class Pipeline:
    """Programs, each reading what the one before it writes. As a context it leaves none behind."""

    def __init__(self, commands: t.Sequence[t.Sequence[str]], feed: bool = False, env: t.Mapping[str, str] | None = None) -> None:
        """`feed`: the first one reads what the caller writes to `stdin`; else nothing."""
        # Kept open as long as the programs run, so that none waits for somebody to read what it says.
        self._said = [tempfile.TemporaryFile() for _other in commands]  # noqa: SIM115  # closed by __exit__
        self.programs: list[subprocess.Popen[bytes]] = []
        source: t.Any = subprocess.PIPE if feed else subprocess.DEVNULL
        try:
            for command, said in zip(commands, self._said):
                program = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=said, env=env)
                if self.programs and self.programs[-1].stdout:
                    # Only the next program holds the pipe, so that it ends when either end does.
                    self.programs[-1].stdout.close()
                self.programs.append(program)
                source = program.stdout
        except OSError as error:
            self.__exit__()
            raise BackupError(f'{commands[len(self.programs)][0]} cannot be started: {error}') from error

    @property
    def stdin(self) -> t.IO[bytes]:
        """What the first program reads."""
        assert self.programs[0].stdin
        return self.programs[0].stdin

    @property
    def stdout(self) -> t.IO[bytes]:
        """What the last program writes."""
        assert self.programs[-1].stdout
        return self.programs[-1].stdout

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        for program in self.programs:
            if program.poll() is None:
                program.kill()
            program.wait()
        for said in self._said:
            said.close()

    @contextlib.contextmanager
    def feeding(self, source: t.Iterable[bytes], early_end: bool = False) -> t.Iterator[None]:
        """Feed the first program from another thread while the body reads the last one's output; then `finish`."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            fed = pool.submit(self._feed, source)
            try:
                yield
            except BaseException:
                # Or the feeding thread would wait for ever.
                for program in self.programs:
                    program.kill()
                raise
            whole = fed.result()
        self.finish(early_end)
        if not whole and not early_end:
            raise BackupError('A program stopped reading before the end')

    def _feed(self, source: t.Iterable[bytes]) -> bool:
        """Write all of the source; False if the program ended before."""
        whole = True
        try:
            for data in source:
                if whole:
                    try:
                        self.stdin.write(data)
                    except BrokenPipeError:
                        # Read on all the same: the sum over the source is still to be compared.
                        whole = False
        finally:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        return whole

    def finish(self, early_end: bool = False) -> None:
        """Wait for all; BackupError with the words of those that failed."""
        problems = []
        for program, said in zip(self.programs, self._said):
            code = program.wait()
            if code and not (early_end and code == -signal.SIGPIPE):
                said.seek(0)
                words = said.read()[-2000:].decode(errors='replace').strip()
                name = str(program.args[0] if isinstance(program.args, (list, tuple)) else program.args).rsplit('/', 1)[-1]
                problems.append(f'{name} ended with code {code}: {words or "no message"}')
        if problems:
            raise BackupError('; '.join(problems))


class Tee:
    """One object written to several stores at once, summed up on the way. A store that fails is given up, the others go on."""

    def __init__(self, key: str, stores: t.Sequence[Store]) -> None:
        self.size = 0
        self.failures: dict[str, str] = {}
        self._sum = hashlib.sha256()
        self._writers: dict[str, Writer] = {}
        for store in stores:
            self._try(store.name, self._open, store, key)

    def _open(self, store: Store, key: str) -> None:
        self._writers[store.name] = store.writer(key)

    def _try(self, name: str, work: t.Callable[..., None], *args: t.Any) -> None:
        try:
            work(*args)
        except BackupError as error:
            warn(str(error))
            self.failures[name] = str(error)
            writer = self._writers.pop(name, None)
            if writer:
                writer.abort()

    def _refuse_none(self) -> None:
        if not self._writers:
            raise BackupError('No target is left: ' + '; '.join(self.failures.values()))

    def fill(self, source: t.Any) -> None:
        """Write all that the stream gives."""
        self._refuse_none()
        while True:
            data = source.read(CHUNK)
            if not data:
                return
            self._sum.update(data)
            self.size += len(data)
            for name, writer in list(self._writers.items()):
                self._try(name, writer.write, data)
            self._refuse_none()

    def commit(self) -> dict[str, t.Any]:
        """Let the object exist; returns its `size` and `sha256`."""
        for name, writer in list(self._writers.items()):
            self._try(name, writer.commit)
        self._refuse_none()
        return {'size': self.size, 'sha256': self._sum.hexdigest()}

    def abort(self) -> None:
        """Leave nothing behind."""
        for writer in self._writers.values():
            writer.abort()


def summed(reader: Reader, expected: t.Mapping[str, t.Any], what: str) -> t.Iterator[bytes]:
    """The bytes of an object; BackupError behind the last one if they are not those of its record."""
    digest, size = hashlib.sha256(), 0
    try:
        while True:
            data = reader.read(CHUNK)
            if not data:
                break
            digest.update(data)
            size += len(data)
            yield data
    finally:
        reader.close()
    if size != expected['size'] or digest.hexdigest() != expected['sha256']:
        raise BackupError(f'{what} is damaged: {size} bytes with SHA-256 {digest.hexdigest()}, recorded are {expected["size"]} with {expected["sha256"]}', 3)


def pour(source: t.Iterable[bytes], pipeline: Pipeline, early_end: bool = False) -> None:
    """Feed a pipeline that writes nothing which matters, and wait for it.

    `early_end`: its programs may stop reading before the end without failing.
    """
    with pipeline.feeding(source, early_end):
        while pipeline.stdout.read(CHUNK):
            pass
