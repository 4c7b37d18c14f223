# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a bucket's objects to another store, as many at a time as is allowed, with a report.

What is decided is pure (`plan`); a store is anything with `listed`, `read` and `write` (`Bucket` is one on the `minio` SDK). An object is copied if
the target lacks it, has another size, or (unless asked otherwise) has it from before the source's last change. Nothing is ever removed from the target.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import datetime
import time
import typing as t

if t.TYPE_CHECKING:
    from minio import Minio

PART_SIZE = 16 << 20


@dataclasses.dataclass(frozen=True)
class Entry:
    """An object as a listing shows it: its name, bytes, and when it was last written."""

    name: str
    size: int
    changed: datetime.datetime


@dataclasses.dataclass
class Report:
    """What came of it; `failed` = (name, reason)."""

    looked_at: int = 0
    copied: int = 0
    copied_bytes: int = 0
    failed: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


class Store(t.Protocol):
    """What is used of a bucket."""

    def listed(self) -> t.Iterator[Entry]:
        """All objects, sorted by the bytes of their names, as S3 lists them."""

    def read(self, name: str) -> t.ContextManager[t.BinaryIO]:
        """Its content, as a stream."""

    def write(self, name: str, content: t.BinaryIO, size: int) -> None:
        """Write it; an error leaves what was there."""


def outdated(source: Entry, target: Entry | None, by_time: bool = True) -> bool:
    """Whether the source's object has to be copied over the target's."""
    return target is None or target.size != source.size or (by_time and target.changed < source.changed)


def plan(source: t.Iterable[Entry], target: t.Iterable[Entry], report: Report, by_time: bool = True) -> t.Iterator[Entry]:
    """The objects to copy, while both listings are read side by side: neither is held in memory."""
    others = iter(target)
    other = next(others, None)
    for entry in source:
        report.looked_at += 1
        while other is not None and other.name.encode() < entry.name.encode():
            other = next(others, None)
        if outdated(entry, other if other is not None and other.name == entry.name else None, by_time):
            yield entry


def copy(source: Store, target: Store, entry: Entry) -> None:
    """One object."""
    with source.read(entry.name) as content:
        target.write(entry.name, content, entry.size)


def mirror(
    source: Store, target: Store, concurrency: int, dry_run: bool, errors: tuple[type[Exception], ...], by_time: bool = True,
    clock: t.Callable[[], float] = time.monotonic,
) -> Report:
    """Copy what is to be copied. An object that fails with one of `errors` is reported, the others go on; a listing that fails is raised."""
    report = Report()
    begun = clock()
    waiting: collections.deque[tuple[Entry, concurrent.futures.Future[None]]] = collections.deque()

    def settle() -> None:
        entry, future = waiting.popleft()
        try:
            future.result()
        except errors as error:
            report.failed.append((entry.name, str(error)[:300]))
        else:
            report.copied += 1
            report.copied_bytes += entry.size

    with concurrent.futures.ThreadPoolExecutor(max_workers=concurrency) as pool:
        for entry in plan(source.listed(), target.listed(), report, by_time):
            if dry_run:
                report.copied += 1
                report.copied_bytes += entry.size
                continue
            # The queue is bounded too: a listing of millions is not held in memory.
            if len(waiting) >= 4 * concurrency:
                settle()
            waiting.append((entry, pool.submit(copy, source, target, entry)))
        while waiting:
            settle()
    report.seconds = clock() - begun
    return report


class Bucket:
    """A bucket, or the part of it below a prefix, on the `minio` SDK. Uses list_objects, get_object and put_object of the client."""

    def __init__(self, client: Minio, name: str, prefix: str = '') -> None:
        self._client = client
        self._name = name
        self._prefix = prefix

    def listed(self) -> t.Iterator[Entry]:
        """All objects; the prefix is not part of their names."""
        for found in self._client.list_objects(bucket_name=self._name, prefix=self._prefix, recursive=True):
            if found.object_name and found.last_modified:
                yield Entry(found.object_name[len(self._prefix):], int(found.size or 0), found.last_modified)

    @contextlib.contextmanager
    def read(self, name: str) -> t.Iterator[t.BinaryIO]:
        """The object's content; one that is cut off raises."""
        answer = self._client.get_object(bucket_name=self._name, object_name=self._prefix + name)
        try:
            yield t.cast(t.BinaryIO, answer)
        finally:
            answer.close()
            answer.release_conn()

    def write(self, name: str, content: t.BinaryIO, size: int) -> None:
        """In parts where it is large: the object is there when the last one is."""
        self._client.put_object(bucket_name=self._name, object_name=self._prefix + name, data=content, length=size, part_size=PART_SIZE)
