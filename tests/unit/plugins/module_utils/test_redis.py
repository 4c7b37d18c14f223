# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.redis import (
    Client,
    Difference,
    RedisError,
    access_list,
    differences,
    running_configuration,
    set_parameter,
)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Client(ours), theirs


def test_a_command_is_sent_in_lengths_of_bytes(pair):
    client, server = pair
    server.sendall(b'+OK\r\n')
    assert client.call('AUTH', 'é b') == 'OK'
    assert server.recv(100) == b'*2\r\n$4\r\nAUTH\r\n$4\r\n\xc3\xa9 b\r\n'


@pytest.mark.parametrize(('answer', 'meaning'), [
    (b':12\r\n', 12), (b'$-1\r\n', None), (b'$4\r\na\r\nb\r\n', 'a\r\nb'), (b'*2\r\n$1\r\na\r\n*1\r\n:1\r\n', ['a', [1]]), (b'$0\r\n\r\n', ''),
])
def test_answers(pair, answer, meaning):
    client, server = pair
    server.sendall(answer)
    assert client.call('X') == meaning


def test_an_error_and_an_end_are_told_apart(pair):
    client, server = pair
    server.sendall(b'-NOPERM no\r\n')
    with pytest.raises(RedisError, match='NOPERM no'):
        client.call('X')
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError, match='closed'):
        client.call('X')


def test_configuration_is_read_as_pairs(pair):
    client, server = pair
    server.sendall(b'*4\r\n$4\r\nport\r\n$1\r\n0\r\n$4\r\nsave\r\n$0\r\n\r\n')
    assert running_configuration(client) == {'port': '0', 'save': ''}


@pytest.mark.parametrize(('answer', 'done'), [
    (b'+OK\r\n', True),
    (b"-ERR CONFIG SET failed (possibly related to argument 'aclfile') - can't set immutable config\r\n", False),
])
def test_what_a_running_server_takes(pair, answer, done):
    client, server = pair
    server.sendall(answer)
    assert set_parameter(client, 'aclfile', 'x') is done


def test_a_wrong_value_is_an_error(pair):
    client, server = pair
    server.sendall(b'-ERR CONFIG SET failed - argument must be a memory value\r\n')
    with pytest.raises(RedisError):
        set_parameter(client, 'maxmemory', 'lots')


@pytest.mark.parametrize(('wanted', 'running'), [
    (True, 'yes'), (False, 'no'), ('256mb', '268435456'), ('1g', '1000000000'), (0, '0'), ('* -::*', '*  -::*'), (None, ''),
])
def test_ways_to_write_the_same(wanted, running):
    assert differences({'x': wanted}, {'x': running}) == []


@pytest.mark.parametrize(('wanted', 'running'), [(True, 'no'), ('1gb', '1000000000'), ('noeviction', 'allkeys-lru')])
def test_differences_are_seen(wanted, running):
    assert [found.name for found in differences({'x': wanted}, {'x': running})] == ['x']


def test_an_unknown_parameter_is_a_difference_without_a_running_value():
    assert differences({'x': 1}, {}) == [Difference('x', '1', None)]


def test_access_lists_of_file_and_server_compare():
    wanted = access_list(['user default on #ab ~* &* +@all -@dangerous +info\n', '\n'])
    assert wanted == access_list(['user default on sanitize-payload #ab ~* resetchannels &* +@all -@dangerous +info'])
    assert wanted != access_list(['user default on sanitize-payload #ab ~* resetchannels &* +@all +info -@dangerous'])
