# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.redis import RedisError
from ansible_collections.wandb.onprem.plugins.module_utils.redis_replication import Watch, sentinel_state, server_state, shown, steps, watched, written


class Answers:
    """Stands for a client: answers by command; an error is raised."""

    def __init__(self, **answers):
        self.answers = answers

    def call(self, *words):
        answer = self.answers['_'.join(words[:2]).replace('-', '_').lower()]
        if isinstance(answer, Exception):
            raise answer
        return answer


WATCH = Watch(
    'w', '10.0.0.1', 6379, {'quorum': '2', 'down-after-milliseconds': '3000'}, {'auth-user': 's', 'auth-pass': 'word'},
    {'resolve-hostnames': 'yes'}, {'sentinel-pass': 'word'},
)
KNOWN = {'ip': '10.0.0.1', 'port': '6379', 'quorum': '2', 'down-after-milliseconds': '3000', 'flags': 'master'}
FILE = {'auth-user': 's', 'auth-pass': 'word'}
OWN = {'resolve-hostnames': 'yes', 'sentinel-pass': 'word'}


@pytest.mark.parametrize(('replication', 'keyspace', 'state'), [
    ('# Replication\r\nrole:master\r\nconnected_slaves:2\r\n', '# Keyspace\r\ndb0:keys=1,expires=0\r\n', ('master', '', False, 2, False)),
    ('role:slave\r\nmaster_host:10.0.0.1\r\nmaster_link_status:up\r\nconnected_slaves:0\r\n', '# Keyspace\r\n', ('slave', '10.0.0.1', True, 0, True)),
    ('role:slave\r\nmaster_host:a\r\nmaster_link_status:down\r\n', '', ('slave', 'a', False, 0, True)),
])
def test_what_a_server_says(replication, keyspace, state):
    found = server_state(Answers(info_replication=replication, info_keyspace=keyspace))
    assert (found['role'], found['master_host'], found['link'], found['replicas'], found['blank']) == state


def test_a_sentinel_in_a_failover_names_the_one_that_is_promoted():
    client = Answers(sentinel_master=['ip', 'old', 'flags', 'master,o_down,failover_in_progress'], sentinel_get_master_addr_by_name=['new', '6379'])
    assert sentinel_state(client, 'w') == {'answers': True, 'master_host': 'new', 'busy': True}


def test_a_sentinel_that_watches_nothing():
    client = Answers(sentinel_master=RedisError('ERR No such master with that name'), sentinel_get_master_addr_by_name=None)
    assert sentinel_state(client, 'w') == {'answers': True, 'master_host': '', 'busy': False}
    with pytest.raises(RedisError, match='NOPERM'):
        watched(Answers(sentinel_master=RedisError('NOPERM no')), 'w')


def test_a_sentinel_that_does_what_is_wanted_is_told_nothing():
    assert steps(WATCH, KNOWN, FILE, OWN) == []


def test_a_new_sentinel_hears_of_names_before_it_uses_one():
    found = steps(WATCH, {}, {}, {'resolve-hostnames': 'no'})
    assert found[0] == ('SENTINEL', 'CONFIG', 'SET', 'resolve-hostnames', 'yes')
    assert found[2] == ('SENTINEL', 'MONITOR', 'w', '10.0.0.1', '6379', '2')
    assert ('SENTINEL', 'SET', 'w', 'auth-pass', 'word') in found


@pytest.mark.parametrize(('known', 'file', 'own', 'told'), [
    ({'quorum': '1'}, {}, {}, [('SENTINEL', 'SET', 'w', 'quorum', '2')]),
    ({}, {'auth-pass': 'old'}, {}, [('SENTINEL', 'SET', 'w', 'auth-pass', 'word')]),
    ({}, {}, {'sentinel-pass': 'old'}, [('SENTINEL', 'CONFIG', 'SET', 'sentinel-pass', 'word')]),
])
def test_only_what_differs_is_told(known, file, own, told):
    assert steps(WATCH, {**KNOWN, **known}, {**FILE, **file}, {**OWN, **own}) == told


def test_a_sentinel_that_watches_another_server_is_told_anew():
    found = steps(WATCH, {**KNOWN, 'ip': '10.0.0.2'}, FILE, OWN)
    assert found[:2] == [('SENTINEL', 'REMOVE', 'w'), ('SENTINEL', 'MONITOR', 'w', '10.0.0.1', '6379', '2')]
    assert {step[3] for step in found[2:]} == {'quorum', 'down-after-milliseconds', 'auth-user', 'auth-pass'}


def test_passwords_are_read_from_the_file_that_sentinel_writes():
    lines = ['sentinel monitor w 10.0.0.1 6379 2\n', 'sentinel auth-pass w word\n', 'sentinel auth-user w s\n', 'sentinel auth-pass other x\n', '\n']
    assert written(lines, 'w') == FILE


def test_no_secret_is_shown():
    assert [shown(step) for step in steps(WATCH, KNOWN, {}, {})] == [
        'SENTINEL CONFIG SET resolve-hostnames yes', 'SENTINEL CONFIG SET sentinel-pass (not shown)',
        'SENTINEL SET w auth-user s', 'SENTINEL SET w auth-pass (not shown)',
    ]
