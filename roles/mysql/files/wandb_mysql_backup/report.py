# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for a person, and lines for the journal."""

from __future__ import annotations

import os
import sys

FAILED, WRONG_SETTINGS, NOT_GOOD, TOO_OLD = 1, 2, 3, 4


class BackupError(Exception):
    """What is wrong and how to mend it; `code` is the program's exit code.

    1 = the work failed, 2 = settings or arguments are wrong, 3 = no good backup, or a damaged one, 4 = the last good one is too old.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def _line(text: str, priority: int, stream: object) -> None:
    # systemd reads the priority from the line's beginning; a person at a terminal does not want to.
    prefix = f'<{priority}>' if os.environ.get('JOURNAL_STREAM') else ''
    print(prefix + text.replace('\n', f'\n{prefix}'), file=stream, flush=True)  # type: ignore[call-overload]  # print() takes any writer


def say(text: str) -> None:
    """An event worth a line."""
    _line(text, 6, sys.stdout)


def warn(text: str) -> None:
    """Something that a person should mend, though the work goes on."""
    _line(f'WARNING: {text}', 4, sys.stderr)


def fail(text: str) -> None:
    """The reason why the work failed."""
    _line(f'ERROR: {text}', 3, sys.stderr)


def size(count: float) -> str:
    """A number of bytes for a person: 1536 -> '1.5 KiB'."""
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if count < 1024:
            return f'{count:.0f} {unit}' if unit == 'B' else f'{count:.1f} {unit}'
        count /= 1024
    return f'{count:.1f} TiB'
