# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is, by the texts of its kernel and its programs."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.host import machine
from fake_host import FakeHost


@pytest.mark.parametrize(('text', 'family', 'version'), [
    ('ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n', 'debian', '13'),
    ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', 'debian', '24.04'),
    ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n', 'rhel', '9.4'),
    ("ID='opensuse-leap'\nID_LIKE='suse opensuse'\n", 'suse', ''),
    ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'debian', ''),
    ('ID=alpine\n', 'alpine', ''),
    ('', '', ''),
])
def test_distribution(text, family, version):
    found = machine.os_release(text)
    assert (found['family'], found['version']) == (family, version)


def test_the_name_of_a_distribution():
    assert machine.os_release('ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"')['name'] == 'Debian GNU/Linux 13 (trixie)'


def test_memory():
    assert machine.memory('MemTotal:       16384000 kB\nMemFree:  1 kB\n') == 16384000 * 1024
    assert machine.memory('') == 0


@pytest.mark.parametrize(('texts', 'limit'), [
    (['max\n', ''], None), (['536870912\n', ''], 536870912), (['', '9223372036854771712\n'], None), (['', '1000'], 1000), (['5000', '1000'], 1000), ([], None),
])
def test_the_limit_of_a_control_group(texts, limit):
    assert machine.memory_limit(texts, 2**34) == limit


ACTIVE = 'Id=chrony.service\nActiveState=active\n\nId=systemd-timesyncd.service\nActiveState=inactive\n'


@pytest.mark.parametrize(('show', 'timedatectl', 'container', 'found'), [
    (ACTIVE, 'NTP=yes\nNTPSynchronized=yes\n', '', ('chrony', True, '')),
    (ACTIVE, 'NTPSynchronized=no\n', '', ('chrony', False, '')),
    (ACTIVE.replace('=active', '=failed'), '', '', ('', None, '')),
    ('', '', 'podman\n', ('', None, 'podman')),
])
def test_time_sync(show, timedatectl, container, found):
    seen = machine.time_sync(show, timedatectl, container)
    assert (seen['service'], seen['synchronized'], seen['container']) == found


@pytest.mark.parametrize(('text', 'mode'), [('1\n', 'enforcing'), ('0', 'permissive'), ('', 'disabled')])
def test_selinux(text, mode):
    assert machine.selinux(text) == mode


def test_apparmor():
    profiles = '/usr/sbin/mysqld (enforce)\nman_groff (complain)\nsnap (a b) (enforce)\n'
    assert machine.apparmor('Y\n', profiles) == {'enabled': True, 'enforced': ['/usr/sbin/mysqld', 'snap (a b)']}
    assert machine.apparmor('', '') == {'enabled': False, 'enforced': []}


def test_a_whole_host():
    host = FakeHost(
        files={
            '/etc/os-release': 'ID=debian\n', '/proc/meminfo': 'MemTotal: 1000 kB\n', '/sys/fs/cgroup/memory.max': '2048\n',
            '/sys/fs/selinux/enforce': '1', '/sys/module/apparmor/parameters/enabled': 'N',
        },
        commands={'systemctl show': ACTIVE, 'timedatectl show': 'NTPSynchronized=yes\n'},
    )
    found = machine.look(host)
    assert (found['memory_bytes'], found['memory_limit_bytes'], found['selinux']) == (1024000, 2048, 'enforcing')
    assert (found['os']['id'], found['time_sync']['service'], found['apparmor']['enabled']) == ('debian', 'chrony', False)
