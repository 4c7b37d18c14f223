# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.redis_topology import decide, unsettled

ADDRESSES = {'a': '10.0.0.1', 'b': '10.0.0.2', 'c': '10.0.0.3'}
SILENT = {'answers': False, 'reason': 'it does not run'}


def master(replicas=0, blank=False):
    return {'answers': True, 'role': 'master', 'master_host': '', 'link': False, 'replicas': replicas, 'blank': blank}


def replica(of, blank=False):
    return {'answers': True, 'role': 'slave', 'master_host': ADDRESSES.get(of, of), 'link': True, 'replicas': 0, 'blank': blank}


def knows(name, busy=False):
    return {'answers': True, 'master_host': ADDRESSES.get(name, name), 'busy': busy}


def said(a, b, c, sentinels=(SILENT, SILENT, SILENT)):
    return {name: {'server': server, 'sentinel': sentinel} for name, server, sentinel in zip('abc', (a, b, c), sentinels)}


NEW = master(blank=True)
SETTLED = (master(2), replica('a'), replica('a'))
ALL_A, ALL_B = (knows('a'),) * 3, (knows('b'),) * 3


@pytest.mark.parametrize(('members', 'chosen', 'follow'), [
    pytest.param(said(NEW, NEW, NEW), 'a', ['b', 'c'], id='new hosts: the first of the inventory'),
    pytest.param(said(NEW, master(), NEW), 'b', ['a', 'c'], id='one server with data is extended, wherever it stands'),
    pytest.param(said(master(blank=True, replicas=2), replica('a'), replica('a')), 'a', [], id='a run was cut off before the Sentinels'),
    pytest.param(said(master(blank=True, replicas=1), replica('a'), NEW), 'a', ['c'], id='a run was cut off between two replicas'),
    pytest.param(said(*SETTLED, ALL_A), 'a', [], id='settled'),
    pytest.param(said(replica('b'), master(2), replica('b'), ALL_B), 'b', [], id='after a failover the new one stays'),
    pytest.param(said(NEW, master(1), replica('b'), (SILENT, knows('b'), knows('b'))), 'b', ['a'], id='a lost host is back with an empty disk'),
    pytest.param(said(SILENT, master(1), replica('b'), (SILENT, knows('b'), knows('b'))), 'b', [], id='a host is down'),
    pytest.param(said(*SETTLED, (knows('a'), knows(''), SILENT)), 'a', [], id='one Sentinel is made so far, and all follow one'),
    pytest.param(said(replica('b'), master(2), replica('b'), (knows('a'), knows('b'), knows('b'))), 'b', [], id='one Sentinel has not heard of the failover'),
    pytest.param(said(master(1), replica('a'), replica('b'), ALL_A), 'a', ['c'], id='a replica of a replica'),
])
def test_the_master_is_found(members, chosen, follow):
    found = decide(members, ADDRESSES)
    assert (found.master, found.follow, found.problems, found.split) == (chosen, follow, [], [])


@pytest.mark.parametrize(('members', 'told'), [
    pytest.param(said(*SETTLED, (knows('a', busy=True), knows('a'), knows('a'))), 'a failover is under way', id='failover'),
    pytest.param(said(SILENT, replica('a'), replica('a'), ALL_A), 'name a as master, and its server does not answer', id='the master is down'),
    pytest.param(said(replica('b'), master(1), replica('b'), ALL_A), 'its server is a replica', id='the Sentinels have not acted yet'),
    pytest.param(said(NEW, SILENT, NEW), 'Redis does not answer on b', id='no Sentinel, and one does not answer'),
    pytest.param(said(*SETTLED, (knows('x'),) * 3), 'which is none of a, b, c', id='another master under our name'),
    pytest.param(said(replica('x'), replica('x'), replica('x')), 'a follows x, which is none of a, b, c', id='replicas of a stranger'),
    pytest.param(said(master(1), replica('a'), SILENT, (knows('a'), SILENT, SILENT)), 'fewer than 2 of 3 Sentinels agree', id='no majority'),
    pytest.param(said(replica('b'), replica('a'), replica('a')), 'the replicas follow a and b', id='a circle'),
])
def test_what_a_person_must_look_at(members, told):
    found = decide(members, ADDRESSES)
    assert told in ' '.join(found.problems)


def test_a_replica_of_a_stranger_is_nobodys_master():
    found = decide(said(replica('b'), replica('x'), replica('b')), ADDRESSES)
    assert (found.master, found.follow) == ('', [])


@pytest.mark.parametrize('members', [
    pytest.param(said(master(), master(), NEW), id='two with data, no Sentinel'),
    pytest.param(said(master(), master(1), replica('b'), ALL_B), id='the former master is back, and no Sentinel has mended it'),
    pytest.param(said(master(1, blank=True), master(1), replica('b'), ALL_B), id='without data, and with a replica'),
])
def test_two_masters_stop_the_run(members):
    found = decide(members, ADDRESSES)
    assert set(found.split) == {'a', 'b'}
    assert 'a and b are masters' in found.problems[0] or 'b and a are masters' in found.problems[0]
    assert '-e wandb_redis_discard=' in found.problems[0]


def test_the_one_that_may_be_thrown_away_follows():
    found = decide(said(master(), master(1), NEW), ADDRESSES, discard='a')
    assert (found.master, found.follow, found.problems, found.split) == ('b', ['a', 'c'], [], [])
    found = decide(said(master(), master(1), replica('b'), ALL_B), ADDRESSES, discard='a')
    assert (found.master, found.follow, found.problems) == ('b', ['a'], [])


def test_the_master_itself_is_not_thrown_away():
    assert 'names a, which is the master' in decide(said(*SETTLED, ALL_A), ADDRESSES, discard='a').problems[0]


def test_a_server_without_data_is_not_chosen_where_it_may_be_thrown_away():
    assert decide(said(NEW, NEW, NEW), ADDRESSES, discard='a').master == 'b'


def test_names_do_as_addresses():
    members = said(master(2), {**replica('a'), 'master_host': 'a'}, replica('a'), (knows('a'), {**knows('a'), 'master_host': 'a'}, SILENT))
    found = decide(members, ADDRESSES)
    assert (found.master, found.problems) == ('a', [])


@pytest.mark.parametrize(('server', 'sentinel', 'told'), [
    (master(), knows('b'), 'its server is a master, and its Sentinel knows 10.0.0.2'),
    (replica('b'), knows('a'), 'its Sentinel knows it as the master'),
    (replica('b'), knows('b', busy=True), 'a failover is under way'),
    (master(2), knows('a'), ''),
    (replica('b'), knows('b'), ''),
    (master(), SILENT, ''),
    (master(), knows(''), ''),
    (SILENT, knows('a'), ''),
])
def test_what_a_sentinel_is_about_to_change(server, sentinel, told):
    found = unsettled({'server': server, 'sentinel': sentinel}, ADDRESSES['a'])
    assert told in found if told else found == ''
