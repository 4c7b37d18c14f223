# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of global transaction ids, as the server writes them: ``uuid:1-5:7,uuid:tag:1``. Pure."""

from __future__ import annotations

import re

INTERVAL = re.compile(r'(\d+)(?:-(\d+))?')
TAG = re.compile(r'[a-z_][a-z0-9_]*')
SOURCE = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def _merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def source_and_number(text: str) -> tuple[str, int]:
    """``uuid:tag:7`` -> (``uuid:tag``, 7); ValueError for anything but one transaction."""
    parsed = GtidSet(text)
    if len(parsed.intervals) == 1:
        (source, intervals), = parsed.intervals.items()
        if len(intervals) == 1 and intervals[0][0] == intervals[0][1]:
            return source, intervals[0][0]
    raise ValueError(f'{text!r} is not the id of one transaction')


class GtidSet:
    """An immutable set. ValueError if the text is none."""

    def __init__(self, text: str = '') -> None:
        found: dict[str, list[tuple[int, int]]] = {}
        for part in filter(None, (piece.strip() for piece in text.replace('\n', '').split(','))):
            source, *pieces = part.lower().split(':')
            if not SOURCE.fullmatch(source) or not pieces:
                raise ValueError(f'{text!r} is not a set of GTIDs')
            name = source
            for piece in pieces:
                interval = INTERVAL.fullmatch(piece.strip())
                if interval:
                    found.setdefault(name, []).append((int(interval[1]), int(interval[2] or interval[1])))
                elif not TAG.fullmatch(piece.strip()):
                    raise ValueError(f'{text!r} is not a set of GTIDs')
                else:
                    name = f'{source}:{piece.strip()}'
        self.intervals = {name: _merged(intervals) for name, intervals in sorted(found.items())}

    def __str__(self) -> str:
        return ','.join(
            ':'.join([name, *(f'{first}-{last}' if last > first else str(first) for first, last in intervals)])
            for name, intervals in self.intervals.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self.intervals == other.intervals

    def __hash__(self) -> int:
        return hash(str(self))

    def __or__(self, other: GtidSet) -> GtidSet:
        return GtidSet(','.join(filter(None, (str(self), str(other)))))

    def __le__(self, other: GtidSet) -> bool:
        """Whether every transaction of this set is in the other."""
        return all(
            any(first <= begin and end <= last for first, last in other.intervals.get(name, []))
            for name, intervals in self.intervals.items() for begin, end in intervals)

    def has(self, source: str, number: int) -> bool:
        """Whether one transaction is in the set."""
        return any(first <= number <= last for first, last in self.intervals.get(source, []))
