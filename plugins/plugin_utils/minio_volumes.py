# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MinIO's list of volumes out of the inventory: `https://s3-{1...4}:9000/data/{1...2}`, or all of them one by one."""

from __future__ import annotations

import re
import typing as t

_NUMBERS = re.compile(r'\d+')


def natural_key(text: str) -> list[t.Any]:
    """Sorts s3-2 before s3-10; text and numbers alternate, so that like is compared with like."""
    return [int(part) if part.isdigit() else part for part in re.split(r'(\d+)', text)]


def as_range(names: t.Sequence[str]) -> str | None:
    """`prefix{1...4}suffix` if the names differ in one number only and those are consecutive; else None. One name is itself."""
    ordered = sorted(set(names), key=natural_key)
    if len(ordered) == 1:
        return ordered[0]
    first = ordered[0]
    for match in _NUMBERS.finditer(first):
        prefix, suffix, digits = first[:match.start()], first[match.end():], match.group()
        # MinIO writes {01...12} with leading zeros, {1...12} without; names that mix the two form no range.
        width = len(digits) if digits.startswith('0') and len(digits) > 1 else 0
        expected = [f'{prefix}{number:0{width}d}{suffix}' for number in range(int(digits), int(digits) + len(ordered))]
        if expected == ordered:
            last = ordered[-1][len(prefix):len(ordered[-1]) - len(suffix)]
            return f'{prefix}{{{digits}...{last}}}{suffix}'
    return None


def minio_volumes(hosts: t.Sequence[str], drives: t.Sequence[str], port: int = 9000, scheme: str = 'https') -> str:
    """What MinIO is started with: the same text on every host. The order of the inventory does not matter, for it must never change.

    A single host takes its drives without a URL. If the names form no range, every volume is listed, the hosts changing fastest.
    """
    if not hosts or not drives:
        raise ValueError('wandb_minio needs at least one host, and wandb_minio_drives at least one drive')
    drives_range = as_range(drives)
    if len(hosts) == 1:
        return drives_range or ' '.join(sorted(set(drives), key=natural_key))
    hosts_range = as_range(hosts)
    if hosts_range and drives_range and '{' in hosts_range:
        return f'{scheme}://{hosts_range}:{port}{drives_range}'
    return ' '.join(
        f'{scheme}://{host}:{port}{drive}' for drive in sorted(set(drives), key=natural_key) for host in sorted(set(hosts), key=natural_key)
    )


def pool_volumes(pools: t.Sequence[t.Mapping[str, t.Any]], drives: t.Sequence[str], port: int = 9000, scheme: str = 'https') -> str:
    """The volumes of several pools, each `{hosts, drives}`; `drives` of a pool that names none. The order of the pools is kept."""
    for number, pool in enumerate(pools, 1):
        if not isinstance(pool, dict) or not pool.get('hosts') or set(pool) - {'hosts', 'drives'}:
            raise ValueError(f'wandb_minio_pools, entry {number}: write a dictionary of hosts (list, required) and drives (list)')
    return ' '.join(minio_volumes(pool['hosts'], pool.get('drives') or drives, port, scheme) for pool in pools)
