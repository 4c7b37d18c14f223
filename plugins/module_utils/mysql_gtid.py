# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of global transaction identifiers, as MySQL writes them: ``uuid:1-5:7,uuid:tag:1-3`` (tags since 8.3).

Uses of the module: none. The role also copies this file to database hosts, where the agent uses it without Ansible.
"""

from __future__ import annotations

import typing as t

# Source (server's UUID, with :tag where there is one) -> first and last number of each run, in order, runs apart.
Intervals = dict[str, list[tuple[int, int]]]


def parse(text: str) -> Intervals:
    """Read a set; raises ValueError on what is none."""
    found: Intervals = {}
    for part in ''.join(text.split()).split(','):
        if not part:
            continue
        uuid, *tokens = part.lower().split(':')
        if len(uuid) != 36 or not tokens:
            raise ValueError(f'{part!r} is no set of transaction identifiers')
        source = uuid
        for token in tokens:
            if not token[:1].isdigit():
                source = f'{uuid}:{token}'
                continue
            first, dash, last = token.partition('-')
            found.setdefault(source, []).append((int(first), int(last if dash else first)))
    return {source: _merged(runs) for source, runs in found.items()}


def _merged(runs: t.Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def written(intervals: Intervals) -> str:
    """The set in MySQL's own words."""
    return ','.join(
        ':'.join([source, *(str(first) if first == last else f'{first}-{last}' for first, last in runs)]) for source, runs in sorted(intervals.items()) if runs
    )


def union(one: str, other: str) -> str:
    """Transactions in either set."""
    return written(parse(f'{one},{other}'))


def subtract(one: str, other: str) -> str:
    """Transactions in ``one`` that are not in ``other``."""
    taken = parse(other)
    left: Intervals = {}
    for source, runs in parse(one).items():
        kept = []
        for first, last in runs:
            for begin, end in taken.get(source, []):
                if end < first or begin > last:
                    continue
                if begin > first:
                    kept.append((first, begin - 1))
                first = end + 1
            if first <= last:
                kept.append((first, last))
        left[source] = kept
    return written(left)


def subset(one: str, other: str) -> bool:
    """Whether every transaction of ``one`` is in ``other``."""
    return not subtract(one, other)


def count(text: str) -> int:
    """How many transactions a set holds."""
    return sum(last - first + 1 for runs in parse(text).values() for first, last in runs)


def without(text: str, uuid: str) -> str:
    """The set without the transactions that the server ``uuid`` made."""
    return written({source: runs for source, runs in parse(text).items() if source.split(':')[0] != uuid.lower()})
