# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a state, never longer than allowed, and tell why it did not come. Clock and sleep are passed in."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why something does not become ready.

    ``code`` is one of ``image_pull crash_loop container_config admission_refused unschedulable deadline`` (a pure
    predicate in health.py each) or a caller's own.
    """

    code: str
    subject: str
    message: str

    def __str__(self) -> str:
        return f'{self.code}: {self.subject}: {self.message}'

    def as_dict(self) -> dict[str, str]:
        """For a module's result."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Progress:
    """What one look saw. ``fatal`` ends the wait at once, ``causes`` when they last, ``hints`` never: they are told when the time is up."""

    done: bool
    missing: str = ''
    causes: tuple[Cause, ...] = ()
    fatal: tuple[Cause, ...] = ()
    hints: tuple[Cause, ...] = ()


@dataclasses.dataclass(frozen=True)
class Waited:
    """A wait that ended well."""

    seconds: float
    looks: int


class WaitError(KubeError):
    """A wait that did not: ``causes`` where known, ``missing`` in any case."""

    def __init__(self, subject: str, seconds: float, missing: str, causes: tuple[Cause, ...]) -> None:
        self.seconds = seconds
        self.missing = missing
        self.causes = causes
        told = '; '.join(str(cause) for cause in causes) or 'no cause was found'
        super().__init__(f'{subject} is not ready after {seconds:.0f} s. {told}. Still missing: {missing or "nothing more is known"}')


class Waiter:
    """Bounded polling."""

    def __init__(self, clock: t.Callable[[], float] = time.monotonic, sleep: t.Callable[[float], None] = time.sleep, interval: float = 2.0) -> None:
        self._clock = clock
        self._sleep = sleep
        self._interval = interval

    def wait(self, subject: str, probe: t.Callable[[], Progress], timeout: float, grace: float = 60.0) -> Waited:
        """Look until done. Raises WaitError after ``timeout`` seconds, or once a cause was seen in every look for ``grace`` seconds."""
        start = self._clock()
        since: dict[tuple[str, str], float] = {}
        looks = 0
        while True:
            progress = probe()
            looks += 1
            now = self._clock()
            if progress.done:
                return Waited(now - start, looks)
            since = {(cause.code, cause.subject): since.get((cause.code, cause.subject), now) for cause in progress.causes}
            lasting = tuple(cause for cause in progress.causes if now - since[cause.code, cause.subject] >= grace)
            if progress.fatal or lasting:
                raise WaitError(subject, now - start, progress.missing, progress.fatal + lasting)
            if now - start >= timeout:
                raise WaitError(subject, now - start, progress.missing, progress.causes + progress.hints)
            self._sleep(min(self._interval, max(start + timeout - now, 0.0)))
