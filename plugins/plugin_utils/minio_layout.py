# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a MinIO deployment is made of: pools, erasure sets, and what may be lost of them.

Read out of the text that the servers are started with (``MINIO_VOLUMES``), by the rules that MinIO itself goes by (minio/minio:
``cmd/endpoint-ellipses.go``, ``internal/config/storageclass``): hosts change fastest, an erasure set has the largest size of 2 to 16 drives
that divides the pool and that the hosts can share evenly.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t
from urllib.parse import urlsplit

RANGE = re.compile(r'\{(\d+)\.\.\.(\d+)\}')
SET_SIZES = range(2, 17)


class LayoutError(ValueError):
    """These volumes cannot be a deployment; the text names the reason and the mend."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One drive. `host` is empty on a single host that is started with plain paths."""

    host: str
    path: str


@dataclasses.dataclass(frozen=True)
class Pool:
    """One pool: its text, its drives in MinIO's order, cut into sets of `set_size`; `parity` drives of a set may be lost."""

    text: str
    endpoints: tuple[Endpoint, ...]
    set_size: int
    parity: int

    @property
    def hosts(self) -> list[str]:
        """Names, in order."""
        return list(dict.fromkeys(endpoint.host for endpoint in self.endpoints))

    @property
    def sets(self) -> list[tuple[Endpoint, ...]]:
        """The erasure sets."""
        return [self.endpoints[start:start + self.set_size] for start in range(0, len(self.endpoints), self.set_size)]

    @property
    def write_quorum(self) -> int:
        """Drives of a set that a write needs: one more than half, where data and parity are halves."""
        data = self.set_size - self.parity
        return data + 1 if data == self.parity else data

    def drives_lost(self, writing: bool) -> int:
        """How many drives of each set may be lost while objects can still be read, or written."""
        return self.set_size - self.write_quorum if writing else self.parity

    def hosts_lost(self, writing: bool) -> int:
        """How many hosts may be lost."""
        most = max(sum(endpoint.host == host for endpoint in drives) for drives in self.sets for host in self.hosts)
        return self.drives_lost(writing) // most

    def place(self, endpoint: Endpoint) -> tuple[int, int]:
        """Number of the set and of the drive in it, from 0; ValueError if it is none of this pool's."""
        return divmod(self.endpoints.index(endpoint), self.set_size)


def expand(text: str) -> list[str]:
    """All names of a term such as `https://s3-{1...4}:9000/data/{1...2}`: the leftmost range changes fastest, as in MinIO."""
    ranges = [(match.group(1), match.group(2)) for match in RANGE.finditer(text)]
    for first, last in ranges:
        if int(first) > int(last):
            raise LayoutError(f'{text} (wandb_minio_volumes): the range {first}...{last} runs backwards')
    if '{' in RANGE.sub('', text) or '}' in RANGE.sub('', text):
        raise LayoutError(f'{text} (wandb_minio_volumes) has a brace that is no range: write {{1...4}}, with three dots')
    padded = [len(last) if (first.startswith('0') and len(first) > 1) else 0 for first, last in ranges]
    numbers = [[f'{number:0{width}d}' for number in range(int(first), int(last) + 1)] for (first, last), width in zip(ranges, padded)]
    parts = RANGE.split(text)[::3]
    names = []
    for chosen in itertools.product(*reversed(numbers)):
        names.append(''.join(itertools.chain.from_iterable(zip(parts, [*reversed(chosen), '']))))
    return names


def endpoint_of(text: str) -> Endpoint:
    """`https://host:9000/data/1` or `/data/1`."""
    parts = urlsplit(text)
    return Endpoint(parts.hostname or '', parts.path)


def set_size_of(count: int, hosts: int | None) -> int | None:
    """Drives of an erasure set; `hosts` None where the volumes are listed one by one, which MinIO takes as they come. None = there is none."""
    possible = [size for size in SET_SIZES if count % size == 0]
    if hosts is not None:
        possible = [size for size in possible if (hosts % size == 0 if hosts > size else size % hosts == 0)]
    return max(possible, default=None)


def default_parity(set_size: int) -> int:
    """MinIO's own choice."""
    return {1: 0, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 7: 3}.get(set_size, 4)


def make_pool(text: str, endpoints: t.Sequence[Endpoint], leftmost: int | None, parity: int | None) -> Pool:
    """A pool, or a LayoutError. `leftmost`: how many names the leftmost range stands for, which MinIO shares the drives out by."""
    if len(set(endpoints)) != len(endpoints):
        raise LayoutError(f'{text} (wandb_minio_volumes) names a drive twice')
    if len(endpoints) == 1:
        return Pool(text, tuple(endpoints), 1, 0)
    size = set_size_of(len(endpoints), leftmost)
    if size is None:
        raise LayoutError(
            f'{text} (wandb_minio_volumes): {len(endpoints)} drives cannot be shared out into equal sets of 2 to 16'
            f'{f" over {leftmost} hosts" if leftmost else ""}. Take hosts and drives whose product has such a divisor: '
            '4, 6 or 8 hosts of equally many drives, say.')
    chosen = default_parity(size) if parity is None else parity
    if not (chosen == 0 or 1 <= chosen <= size // 2):
        raise LayoutError(
            f'Parity {chosen} (wandb_minio_parity, else what suits the first pool) is too much for sets of {size} drives ({text}): at most {size // 2}.')
    return Pool(text, tuple(endpoints), size, chosen)


def parse_volumes(text: str, parity: int | None = None) -> list[Pool]:
    """The pools of `MINIO_VOLUMES`. Terms with ranges are a pool each; terms without, all together one pool."""
    terms = text.split()
    if not terms:
        raise LayoutError('wandb_minio_volumes is empty')
    ranged = [bool(RANGE.search(term)) for term in terms]
    if not any(ranged):
        for term in terms:
            expand(term)
        return [make_pool(text, [endpoint_of(term) for term in terms], None, parity)]
    if not all(ranged):
        odd = ', '.join(term for term, has in zip(terms, ranged) if not has)
        raise LayoutError(
            f'{odd} (wandb_minio_volumes) has no range: with several pools MinIO wants each pool as one term with ranges. '
            'Give the hosts of each pool consecutive numbers, and its drives too.')
    pools: list[Pool] = []
    for term in terms:
        match = RANGE.search(term)
        leftmost = int(match.group(2)) - int(match.group(1)) + 1 if match else None
        # MinIO goes by one parity for all pools, that of the first one.
        pools.append(make_pool(term, [endpoint_of(name) for name in expand(term)], leftmost, pools[0].parity if pools else parity))
    everything = [endpoint for pool in pools for endpoint in pool.endpoints]
    if len(set(everything)) != len(everything):
        raise LayoutError(f'{text} (wandb_minio_volumes): a drive belongs to two pools')
    return pools


def drives_of(pools: t.Iterable[Pool], host: str) -> list[str]:
    """Folders that a host gives. A pool without host names belongs to whoever asks."""
    return [endpoint.path for pool in pools for endpoint in pool.endpoints if endpoint.host in (host, '')]


def told(pools: t.Sequence[Pool]) -> list[str]:
    """One line a pool, for people."""
    lines = []
    for number, pool in enumerate(pools, 1):
        sets = f'{len(pool.sets)} erasure set{"s" if len(pool.sets) > 1 else ""} of {pool.set_size} drives'
        if pool.parity == 0:
            lines.append(f'pool {number}, {pool.text}: {sets} without parity: nothing may be lost')
            continue
        reads, writes = pool.drives_lost(False), pool.drives_lost(True)
        hosts = f'{pool.hosts_lost(False)} of {len(pool.hosts)} hosts' if pool.hosts_lost(False) else 'no host'
        lines.append(
            f'pool {number}, {pool.text}: {sets}, {pool.parity} of them parity; of each set {reads} drives may be lost while objects are read, '
            f'{writes} while they are written; {hosts} for reading, {pool.hosts_lost(True) or "none"} for writing')
    return lines
