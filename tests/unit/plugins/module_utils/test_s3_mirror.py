# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import datetime
import io
import threading
import time

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.s3_mirror import Entry, Report, mirror, outdated, plan

EARLY, LATE = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)


class Memory:
    """A store in memory: name -> (content, when). `broken` = names that cannot be read."""

    def __init__(self, objects=None, broken=()):
        self.objects = dict(objects or {})
        self.broken = broken
        self.most = self.now = 0
        self.lock = threading.Lock()

    def listed(self):
        for name in sorted(self.objects, key=str.encode):
            content, when = self.objects[name]
            yield Entry(name, len(content), when)

    @contextlib.contextmanager
    def read(self, name):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.002)
        if name in self.broken:
            raise OSError('cut off')
        yield io.BytesIO(self.objects[name][0])
        with self.lock:
            self.now -= 1

    def write(self, name, content, size):
        found = content.read()
        assert len(found) == size
        self.objects[name] = (found, LATE)


def names(source, target):
    return [entry.name for entry in plan(Memory(source).listed(), Memory(target).listed(), Report())]


@pytest.mark.parametrize(('source', 'target', 'copied'), [
    ({}, {'a': (b'1', EARLY)}, []),
    ({'a': (b'1', EARLY)}, {}, ['a']),
    ({'a': (b'1', EARLY)}, {'a': (b'1', LATE)}, []),
    ({'a': (b'1', LATE)}, {'a': (b'1', EARLY)}, ['a']),
    ({'a': (b'12', EARLY)}, {'a': (b'1', LATE)}, ['a']),
    ({'b': (b'1', EARLY), 'd': (b'1', EARLY)}, {'a': (b'1', LATE), 'c': (b'1', LATE), 'd': (b'1', LATE), 'e': (b'1', LATE)}, ['b']),
    # S3 sorts by bytes: ä comes after z.
    ({'z': (b'1', EARLY), 'ä': (b'1', EARLY)}, {'z': (b'1', LATE), 'ä': (b'1', LATE)}, []),
])
def test_plan(source, target, copied):
    assert names(source, target) == copied


def test_the_same_moment_is_not_copied():
    assert not outdated(Entry('a', 1, EARLY), Entry('a', 1, EARLY))


def test_the_way_back_leaves_what_is_there():
    """A copy is younger than what it was copied from; by time, all of it would be copied back."""
    copy, site = Memory({'a': (b'1', LATE), 'b': (b'2', LATE)}), Memory({'a': (b'1', EARLY)})
    assert mirror(copy, site, 2, True, (OSError,)).copied == 2
    assert mirror(copy, site, 2, False, (OSError,), by_time=False).copied == 1
    assert sorted(site.objects) == ['a', 'b']


def test_mirror_and_again():
    source = Memory({f'{number:03}': (bytes([number]), EARLY) for number in range(100)})
    target = Memory()
    first = mirror(source, target, 5, False, (OSError,))
    assert (first.looked_at, first.copied, first.copied_bytes, first.failed) == (100, 100, 100, [])
    assert {name: content for name, (content, _when) in target.objects.items()} == {name: content for name, (content, _when) in source.objects.items()}
    assert 1 < source.most <= 5
    assert mirror(source, target, 5, False, (OSError,)).copied == 0


def test_a_dry_run_tells_and_writes_nothing():
    target = Memory()
    report = mirror(Memory({'a': (b'123', EARLY)}), target, 2, True, (OSError,))
    assert (report.copied, report.copied_bytes, target.objects) == (1, 3, {})


def test_one_that_fails_is_told_and_the_others_go_on():
    target = Memory()
    report = mirror(Memory(dict.fromkeys('abc', (b'1', EARLY)), broken=('b',)), target, 2, False, (OSError,))
    assert report.failed == [('b', 'cut off')]
    assert sorted(target.objects) == ['a', 'c']


def test_an_error_that_nobody_expects_is_not_swallowed():
    with pytest.raises(OSError, match='cut off'):
        mirror(Memory({'a': (b'1', EARLY)}, broken=('a',)), Memory(), 1, False, (ValueError,))
