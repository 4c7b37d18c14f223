# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person at the terminal sees: lines, durations, and errors that say what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class LabError(Exception):
    """Something a person must mend: `what` is wrong, `mend` says what to do."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}\n  -> {mend}")
        self.what = what
        self.mend = mend


def say(line: str) -> None:
    print(f"lab: {line}", flush=True)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Prints `name`, and how long it took when it ended well."""
    say(f"{name} ...")
    begin = time.monotonic()
    yield
    say(f"{name}: done in {duration(time.monotonic() - begin)}")
