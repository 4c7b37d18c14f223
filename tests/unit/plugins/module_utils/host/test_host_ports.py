# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a port."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.host import ports
from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe
from fake_host import FakeHost

HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'


def line(address, port, inode, uid=0, state='0A'):
    return f'   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  {uid}        0 {inode} 1 0000 100 0 0 10 0\n'


ANY, LOCAL, ANY6 = '00000000', '0100007F', '0' * 32


@pytest.mark.parametrize(('digits', 'address'), [
    ('00000000', '0.0.0.0'), ('0100007F', '127.0.0.1'), ('0A00000A', '10.0.0.10'), ('0' * 32, '::'), ('00000000000000000000000001000000', '::1'),
    ('B80D0120000000000000000001000000', '2001:db8::1'),
])
def test_addresses(digits, address):
    assert ports.address_of(digits) == address


def test_only_what_listens():
    table = HEADER + line(ANY, 3306, 11) + line(LOCAL, 3306, 12, state='01')
    assert ports.listeners(table) == [ports.Listener(3306, '0.0.0.0', 0, '11')]
    assert ports.listeners('') == []


@pytest.mark.parametrize(('text', 'unit'), [
    ('0::/system.slice/mysql.service\n', 'mysql.service'),
    ('12:memory:/system.slice/mysql.service\n1:name=systemd:/system.slice/mysql.service\n', 'mysql.service'),
    ('1:name=systemd:/machine.slice/libpod-1.scope/system.slice/nginx.service\n', 'nginx.service'),
    ('0::/user.slice/user-0.slice/session-3.scope\n', 'session-3.scope'), ('0::/init.scope\n', 'init.scope'), ('0::/\n', ''), ('', ''),
])
def test_the_unit_of_a_process(text, unit):
    assert ports.unit_of(text) == unit


def host(**more):
    files = {
        '/proc/net/tcp': HEADER + line(ANY, 3306, 11, uid=104) + line(LOCAL, 80, 12) + line(ANY, 22, 13),
        '/proc/net/tcp6': HEADER + line(ANY6, 80, 14),
        '/proc/7/comm': 'mariadbd\n', '/proc/7/cgroup': '0::/system.slice/mariadb.service\n', '/proc/8/comm': 'apache2\n',
        '/proc/8/cgroup': '0::/system.slice/apache2.service\n',
    }
    links = {'/proc/8/fd/3': 'socket:[12]', '/proc/8/fd/4': 'socket:[14]', '/proc/8/fd/5': '/dev/null', **more.pop('links', {})}
    return FakeHost(files=files, links=links, **more)


def test_a_process_is_named_once_with_all_its_addresses():
    found = ports.look(host(), [80, 443])
    assert found == {80: [{'pid': 8, 'program': 'apache2', 'unit': 'apache2.service', 'uid': 0, 'addresses': ['127.0.0.1', '::']}], 443: []}


def test_nobody_is_asked_for_a_free_port():
    asked = FakeHost(files={'/proc/net/tcp': HEADER})
    asked.names = lambda path: pytest.fail('looked into processes')
    assert ports.look(asked, [80]) == {80: []}


def test_where_root_may_not_look_the_owner_may():
    listing = '/proc/self/fd/:\ntotal 0\nlrwx------ 1 u u 64 Jan 1 0 -> socket:[99]\n\n/proc/7/fd:\nlr-x------ 1 mysql mysql 64 Jan 1 00:00 21 -> socket:[11]\n'
    seen = host(owners={'/proc/7': (104, 110), '/proc/8': (0, 0)}, commands={'setpriv --reuid=104 --regid=110 --clear-groups -- ls -l': listing})
    [holder] = ports.look(seen, [3306])[3306]
    assert (holder['program'], holder['unit'], holder['pid']) == ('mariadbd', 'mariadb.service', 7)
    assert all('/proc/8/fd' not in argv for argv in seen.asked)


def test_a_holder_that_nobody_can_name_is_still_one():
    assert ports.look(host(), [3306])[3306] == [{'pid': None, 'program': '', 'unit': '', 'uid': 104, 'addresses': ['0.0.0.0']}]


def test_this_very_process_is_found():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        port = server.getsockname()[1]
        [holder] = ports.look(Probe(lambda argv: (127, '')), [port])[port]
    import os
    assert (holder['pid'], holder['addresses']) == (os.getpid(), ['127.0.0.1'])
