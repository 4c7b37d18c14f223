# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies under a path."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.host import disks
from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe, median, together
from fake_host import FakeHost

MOUNTINFO = r'''22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /dev/shm rw,nosuid - tmpfs tmpfs rw,size=1000k
31 22 8:17 / /data/with\040space ro,relatime - xfs /dev/sdb1 rw,attr2
32 22 8:33 / /data/1 rw - xfs /dev/sdc1 rw
33 22 8:49 / /data/1 rw - btrfs /dev/sdd1 rw
'''


def test_mounts():
    found = disks.mounts(MOUNTINFO)
    assert found['/'] == disks.Mount('/', '8:1', 'ext4', '/dev/sda1', ('rw', 'relatime', 'rw'))
    assert found['/data/with space'].kind == 'xfs'
    assert found['/data/1'].kind == 'btrfs', 'the last mount on a point is the one that is seen'
    assert disks.mounts('nonsense\n1 2 3 - x\n') == {}


@pytest.mark.parametrize(('path', 'point'), [('/', '/'), ('/var/lib/mysql', '/'), ('/data/1/x', '/data/1'), ('/data/10', '/')])
def test_mount_of(path, point):
    assert disks.mount_of(path, disks.mounts(MOUNTINFO)).point == point


def device(said, partition=True):
    folder = '/sys/devices/pci/sda/sda1' if partition else '/sys/devices/pci/sda'
    return FakeHost(links={'/sys/dev/block/8:1': folder}, files={'/sys/devices/pci/sda/queue/rotational': said})


@pytest.mark.parametrize(('host', 'answer'), [(device('1\n'), True), (device('0\n'), False), (device('1', False), True), (FakeHost(), None)])
def test_whether_the_device_turns(host, answer):
    assert disks.rotational(host, disks.mounts(MOUNTINFO)['/']) is answer


def host_with_disks(**more):
    return FakeHost(files={'/proc/self/mountinfo': MOUNTINFO}, folders=['/var/lib', '/data/with space'], **more)


def test_a_path_that_is_not_there_yet():
    host = host_with_disks(spaces={'/var/lib': (1000, 400)}, syncs={'/var/lib': [0.001, 0.009, 0.002]})
    found = disks.look(host, ['/var/lib/mysql/data'], ['/var/lib/mysql/data'])['/var/lib/mysql/data']
    assert found == {
        'folder': '/var/lib', 'mount': '/', 'filesystem': 'ext4', 'device': '/dev/sda1', 'read_only': False, 'rotational': None,
        'total_bytes': 1000, 'free_bytes': 400, 'fdatasync_ms': 2.0, 'error': '',
    }


def test_only_what_is_asked_is_measured():
    assert disks.look(host_with_disks(), ['/var/lib'], [])['/var/lib']['fdatasync_ms'] is None


def test_a_disk_that_cannot_be_written_to():
    host = host_with_disks(syncs={'/data/with space': OSError(errno.EROFS, 'Read-only file system')})
    found = disks.look(host, ['/data/with space'], ['/data/with space'])['/data/with space']
    assert (found['read_only'], found['fdatasync_ms'], found['error']) == (True, None, 'Read-only file system')


def test_a_real_measurement_is_bounded_and_leaves_nothing(tmp_path):
    times = Probe(lambda argv: (0, '')).sync_times(str(tmp_path), rounds=3)
    assert len(times) == 3
    assert all(one > 0 for one in times)
    assert os.listdir(tmp_path) == []
    assert Probe(lambda argv: (0, '')).sync_times(str(tmp_path), seconds=0) == []


def test_median():
    assert median([]) is None
    assert median([1.0, 9.0, 2.0]) == 2.0


def test_a_question_without_an_answer_holds_nothing_up():
    import threading
    never = threading.Event()
    try:
        assert together({'a': lambda: 1, 'b': never.wait}, 0.2) == {'a': 1}
    finally:
        never.set()
