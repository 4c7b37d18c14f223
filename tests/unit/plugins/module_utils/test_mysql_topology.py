# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_topology import after_start, decide, promotion

A = 'aaaaaaaa-0000-0000-0000-000000000000'
B = 'bbbbbbbb-0000-0000-0000-000000000000'
ADDRESSES = {'db-1': '10.0.0.1', 'db-2': '10.0.0.2'}
SILENT = {'answers': False, 'reason': 'connection refused'}


def server(uuid=A, executed='', replica=None, **state):
    """A server with data that can be written; ``replica``: address, or (address, uuid) of its source."""
    host, source = replica if isinstance(replica, tuple) else (replica, '')
    found = {'source_host': host, 'source_uuid': source, 'retrieved': '', 'io_running': 'Yes', 'sql_running': 'Yes'} if host else None
    return {
        'answers': True, 'uuid': uuid, 'server_id': 1 if uuid == A else 2, 'read_only': False, 'executed': executed, 'purged': '',
        'blank': False, 'young': False, 'replica': found, **state,
    }


NEW = {'blank': True, 'young': True, 'read_only': True}
LEADS = server(executed=f'{A}:1-10')
FOLLOWS = server(B, f'{A}:1-9', '10.0.0.1', read_only=True)


@pytest.mark.parametrize(('what', 'one', 'two', 'primary', 'needs'), [
    ('first install', server(**NEW), server(B, **NEW), 'db-1', {'db-2': 'replay'}),
    ('first install, the package lets write', server(**{**NEW, 'read_only': False}), server(B, **{**NEW, 'read_only': False}), 'db-1', {'db-2': 'replay'}),
    ('first install, cut off after the database', server(young=True, executed=f'{A}:1-5'), server(B, **NEW), 'db-1', {'db-2': 'replay'}),
    ('a standby joins', LEADS, server(B, **NEW), 'db-1', {'db-2': 'seed'}),
    ('a standby joins a server whose first logs are gone', server(young=True, purged=f'{A}:1', executed=f'{A}:1-5'), server(B, **NEW), 'db-1',
     {'db-2': 'seed'}),
    ('a standby that wrote something for itself joins', server(young=True), server(B, f'{B}:1', **NEW), 'db-1', {'db-2': 'seed'}),
    ('healthy', LEADS, FOLLOWS, 'db-1', {'db-2': 'none'}),
    ('healthy, asked later than the primary', LEADS, {**FOLLOWS, 'executed': f'{A}:1-12'}, 'db-1', {'db-2': 'none'}),
    ('healthy after a failover: not the first host', server(executed=f'{A}:1-3', replica='10.0.0.2', read_only=True),
     server(B, f'{A}:1-3,{B}:1'), 'db-2', {'db-1': 'none'}),
    ('both read-only after a reboot', {**LEADS, 'read_only': True}, FOLLOWS, 'db-1', {'db-2': 'none'}),
    ('both read-only after a reboot, known by uuid', {**LEADS, 'read_only': True}, server(B, f'{A}:1-9', ('old-name', A), read_only=True), 'db-1',
     {'db-2': 'none'}),
    ('an old primary comes back', server(executed=f'{A}:1-3', read_only=True), server(B, f'{A}:1-3,{B}:1'), 'db-2', {'db-1': 'none'}),
    ('both read-only, one ahead', server(executed=f'{A}:1-3', read_only=True), server(B, f'{A}:1-4', read_only=True), 'db-2', {'db-1': 'none'}),
    ('both read-only, one without data', server(executed=f'{A}:1-3', **NEW), server(B, f'{B}:1-4', read_only=True), 'db-2', {'db-1': 'seed'}),
])
def test_the_primary_is_discovered(what, one, two, primary, needs):
    found = decide({'db-1': one, 'db-2': two}, ADDRESSES)
    assert (found.problems, found.primary, found.needs) == ([], primary, needs), what


@pytest.mark.parametrize(('what', 'one', 'two', 'said'), [
    ('two writable', LEADS, server(B, f'{B}:1'), 'db-1 and db-2 are both writable'),
    ('silent', LEADS, SILENT, 'does not answer on db-2 (connection refused)'),
    ('circle', server(replica='10.0.0.2', read_only=True), server(B, replica='10.0.0.1', read_only=True), 'no server is writable and none is followed'),
    ('equal and both read-only', server(executed=f'{A}:1', read_only=True), server(B, f'{A}:1', read_only=True), 'none is ahead of the others'),
    ('apart and both read-only', server(executed=f'{A}:1-2', read_only=True), server(B, f'{A}:1,{B}:1', read_only=True), 'none is ahead of the others'),
    ('equal server ids', LEADS, {**FOLLOWS, 'server_id': 1}, 'have the same server id 1'),
    ('equal uuids', LEADS, {**FOLLOWS, 'uuid': A}, 'have the same server UUID'),
    ('errant', LEADS, {**FOLLOWS, 'executed': f'{A}:1-9,{B}:1-3'}, f'db-2 holds 3 transactions that db-1 lacks: {B}:1-3'),
    ('old primary with more', server(executed=f'{A}:1-5', read_only=True), server(B, f'{A}:1-3,{B}:1'), f'db-1 holds 2 transactions that db-2 lacks: {A}:4-5'),
    ('purged', {**LEADS, 'purged': f'{A}:1-9'}, {**FOLLOWS, 'executed': f'{A}:1-7'}, 'no longer has 2 transactions in its binary logs that db-2 lacks'),
    ('follows a stranger', {**LEADS, 'read_only': True}, {**FOLLOWS, 'replica': {**FOLLOWS['replica'], 'source_host': 'x'}}, 'db-2 replicates from x'),
])
def test_what_needs_a_person_is_told(what, one, two, said):
    found = decide({'db-1': one, 'db-2': two}, ADDRESSES)
    assert any(said in problem for problem in found.problems), (what, found.problems)


def test_destroying_needs_the_name_of_the_host():
    servers = {'db-1': server(executed=f'{A}:1-5', read_only=True), 'db-2': server(B, f'{A}:1-3,{B}:1')}
    assert decide(servers, ADDRESSES).needs == {'db-1': 'confirm'}
    found = decide(servers, ADDRESSES, reseed='db-1')
    assert (found.problems, found.needs, found.errant) == ([], {'db-1': 'seed'}, {'db-1': f'{A}:4-5'})
    assert 'is the primary: its data would be lost' in decide(servers, ADDRESSES, reseed='db-2').problems[0]


RESTED = {**LEADS, 'read_only': True}


@pytest.mark.parametrize(('what', 'own', 'peer', 'alone', 'verdict'), [
    ('the replica follows', RESTED, FOLLOWS, False, 'lift'),
    ('the replica follows, its threads stand', RESTED, {**FOLLOWS, 'replica': {**FOLLOWS['replica'], 'io_running': 'No'}}, False, 'lift'),
    ('the replica holds more', RESTED, {**FOLLOWS, 'executed': f'{A}:1-11'}, False, 'wait'),
    ('the replica fetched more', RESTED, {**FOLLOWS, 'replica': {**FOLLOWS['replica'], 'retrieved': f'{A}:11'}}, False, 'wait'),
    ('promoted meanwhile', RESTED, server(B, f'{A}:1-10,{B}:1'), False, 'stay'),
    ('promoted meanwhile, then rebooted', RESTED, server(B, f'{A}:1-9,{B}:1', read_only=True), False, 'wait'),
    ('read-only and behind', RESTED, server(B, f'{A}:1-9', read_only=True), False, 'lift'),
    ('read-only and equal', RESTED, server(B, f'{A}:1-10', read_only=True), False, 'wait'),
    ('follows a stranger', RESTED, {**FOLLOWS, 'replica': {**FOLLOWS['replica'], 'source_host': 'x'}}, False, 'wait'),
    ('silent', RESTED, SILENT, False, 'wait'),
    ('silent, said to be gone', RESTED, None, True, 'lift'),
    ('writable, said to be gone', RESTED, server(B), True, 'stay'),
    ('a replica', FOLLOWS, RESTED, False, 'stay'),
    ('a replica, said to be alone', FOLLOWS, None, True, 'stay'),
    ('writable already', LEADS, None, False, 'stay'),
])
def test_after_a_start(what, own, peer, alone, verdict):
    names = ('db-1', 'db-2') if own['uuid'] == A else ('db-2', 'db-1')
    assert after_start(own, peer, *names, ADDRESSES, alone)[0] == verdict, what


def test_two_that_start_never_both_lift():
    sets = ['', f'{A}:1', f'{A}:1-2', f'{A}:1,{B}:1', f'{B}:1']
    for left in sets:
        for right in sets:
            for first in (None, '10.0.0.2'):
                for second in (None, '10.0.0.1'):
                    one, two = server(A, left, first, read_only=True), server(B, right, second, read_only=True)
                    verdicts = [after_start(one, two, 'db-1', 'db-2', ADDRESSES, False)[0], after_start(two, one, 'db-2', 'db-1', ADDRESSES, False)[0]]
                    assert verdicts != ['lift', 'lift'], (left, right, first, second)


REPLICA = FOLLOWS['replica']
COPY = {**FOLLOWS, 'replica': {**REPLICA, 'lag': 0, 'io_error': '', 'sql_error': ''}}


@pytest.mark.parametrize(('what', 'one', 'two', 'way', 'said'), [
    ('healthy', LEADS, COPY, 'planned', ''),
    ('primary lost', SILENT, COPY, 'forced', ''),
    ('primary lost, and asked again', SILENT, server(B), 'none', ''),
    ('primary already', server(replica='10.0.0.2', read_only=True), server(B), 'none', ''),
    ('both lost', SILENT, SILENT, 'none', 'its server does not answer'),
    ('both writable', LEADS, server(B), 'none', 'both writable'),
    ('no replica', LEADS, {**COPY, 'replica': None}, 'planned', 'does not replicate from db-1'),
    ('stopped', LEADS, {**COPY, 'replica': {**COPY['replica'], 'sql_running': 'No', 'sql_error': 'duplicate'}}, 'planned', 'duplicate'),
    ('late', LEADS, {**COPY, 'replica': {**COPY['replica'], 'lag': 11}}, 'planned', '11 s behind'),
    ('errant', LEADS, {**COPY, 'executed': f'{A}:1-9,{B}:1'}, 'planned', f'holds 1 transactions that db-1 lacks: {B}:1'),
    ('both read-only and equal', {**LEADS, 'read_only': True}, server(B, f'{A}:1-10', read_only=True), 'planned', ''),
    ('both read-only, the other one ahead', {**LEADS, 'read_only': True}, server(B, f'{A}:1-9', read_only=True), 'planned', 'lacks 1 of its'),
])
def test_promotion_of_db_2(what, one, two, way, said):
    found = promotion({'db-1': one, 'db-2': two}, ADDRESSES, 'db-2')
    assert found[0] == way, what
    assert said in ''.join(found[1]) if said else found[1] == [], (what, found)
