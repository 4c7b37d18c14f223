# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError
from ansible_collections.wandb.onprem.plugins.module_utils.redis_probe import judge, look

GOOD = {'host': 'r', 'port': 6379, 'version': '7.2.4', 'role': 'master', 'policy': 'noeviction', 'latency': 0.4}


class Server:
    """Answers of a Redis by the first two words of a command, over a pair of sockets."""

    def __init__(self, **answers):
        self.answers, self.asked, self.places = answers, [], []

    def open(self, request):
        self.places.append(f'{request.host}:{request.port} {request.tls}')
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def _serve(self, link):
        with link, link.makefile('rb') as stream:
            while count := stream.readline():
                words = [stream.read(int(stream.readline()[1:]) + 2)[:-2].decode() for dummy in range(int(count[1:]))]
                self.asked.append(words)
                key = '_'.join(words[:2 if words[0] in ('INFO', 'SENTINEL') else 1]).lower().replace('-', '_')
                text = self.answers.get(key, b'+PONG\r\n')
                link.sendall(text if isinstance(text, bytes) else b'$%d\r\n%s\r\n' % (len(text), text.encode()))


def redis(**answers):
    info = {'info_server': 'redis_version:7.2.4\r\n', 'info_memory': 'maxmemory_policy:noeviction\r\n', 'info_replication': 'role:master\r\n'}
    return Server(**{**info, **answers})


def test_a_server_is_looked_at_as_the_application_does():
    server = redis()
    found = look('r', 6379, tls=True, ca='', password='word', opener=server.open)
    assert {**found, 'latency': 0.4} == GOOD
    assert found['latency'] > 0
    assert (server.places, server.asked[0]) == (['r:6379 True'], ['AUTH', 'word'])


def test_a_sentinel_is_asked_without_a_password():
    server = redis(sentinel_get_master_addr_by_name=b'*2\r\n$1\r\nm\r\n$4\r\n6380\r\n')
    found = look('s', 26379, tls=False, ca='', password='word', master_name='w', opener=server.open)
    assert (found['host'], found['port'], server.places) == ('m', 6380, ['s:26379 False', 'm:6380 False'])
    assert server.asked[:2] == [['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'w'], ['AUTH', 'word']]


@pytest.mark.parametrize(('answers', 'master_name', 'told'), [
    ({'auth': b'-WRONGPASS invalid username-password pair\r\n'}, '', 'correct wandb_redis_password'),
    ({'info_server': b'-NOPERM no permissions\r\n'}, '', 'rules of the user default'),
    ({'auth': b'-ERR AUTH <password> called without any password configured\r\n'}, '', 'leave wandb_redis_password empty'),
    ({'sentinel_get_master_addr_by_name': b'*-1\r\n'}, 'w', 'watches no master called w'),
    ({'auth': b''}, '', 'gave no answer of Redis'),
])
def test_what_is_wrong_is_told_with_its_mend(answers, master_name, told):
    server = redis(**answers)

    def opener(request):
        link = server.open(request)
        link.settimeout(0.5)
        return link

    with pytest.raises(ProbeError, match=told):
        look('r', 6379, tls=True, ca='', password='word', master_name=master_name, opener=opener)


def test_a_good_one():
    assert judge(GOOD) == ([], [])


@pytest.mark.parametrize(('change', 'problem', 'warning'), [
    ({'version': '5.0.7'}, 'needs 6', ''),
    ({'version': ''}, 'version unknown', ''),
    ({'version': '6.2.1'}, '', 'names 7'),
    ({'role': 'slave'}, 'is a replica', ''),
    ({'policy': 'allkeys-lru'}, '', 'evicts keys'),
    ({'latency': 12.5}, '', 'answers in 12.5 ms'),
])
def test_what_a_server_must_and_should_be(change, problem, warning):
    problems, warnings = judge({**GOOD, **change})
    assert [problem in text for text in problems] == ([True] if problem else [])
    assert [warning in text for text in warnings] == ([True] if warning else [])
