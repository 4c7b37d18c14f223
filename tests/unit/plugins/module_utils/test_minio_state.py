# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment lacks, and the waiting for it and for healing, without a server."""

from __future__ import annotations

import json
import types

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils import minio, minio_admin
from ansible_collections.wandb.onprem.plugins.module_utils.minio_state import HEALED, ONE_VERSION, ONLINE, State

ALL = [ONLINE, HEALED, ONE_VERSION]


def server(number, state='online', version='v1', **drive):
    return {
        'endpoint': f's3-{number}:9000', 'state': state, 'version': version, 'commitID': 'c', 'uptime': 5,
        'drives': [{'endpoint': f'https://s3-{number}:9000/data/1', 'state': 'ok', 'healing': False, **drive}],
    }


def info(*changed):
    """Four servers; `changed` take the place of the last ones."""
    servers = [server(number) for number in range(1, 5 - len(changed))] + list(changed)
    return {'deploymentID': 'd', 'region': 'r', 'backend': {'standardSCParity': 2, 'totalDrivesPerSet': [4]}, 'servers': servers}


HEALING = {'items_healed': 7, 'items_failed': 1, 'objects_total_count': 90, 'finished': False}


@pytest.mark.parametrize(('changed', 'conditions', 'words'), [
    ((), ALL, None),
    ((server(4, state='offline'),), [HEALED, ONE_VERSION], None),
    ((server(4, state='offline', version=''),), [ONLINE], 'server s3-4:9000 is offline'),
    ((server(4, state='initializing'),), [ONLINE], 'server s3-4:9000 is initializing'),
    ((server(4, state=''),), [ONLINE], 'server s3-4:9000 is silent'),
    ((server(4, healing=True, heal_info=HEALING),), [HEALED], 'drive https://s3-4:9000/data/1 is being healed (7 objects of about 90, 1 failed)'),
    ((server(4, healing=True),), [HEALED], 'is being healed (0 objects of about an unknown number)'),
    ((server(4, healing=True, heal_info={**HEALING, 'finished': True}),), ALL, None),
    ((server(4, healing=True, heal_info=HEALING),), [ONLINE, ONE_VERSION], None),
    ((server(4, version='v2'),), [ONE_VERSION], '2 versions (v1: s3-1:9000, s3-2:9000, s3-3:9000; v2: s3-4:9000). Run playbook wandb.onprem.minio'),
    ((server(4, version='v2'),), [ONLINE, HEALED], None),
    # A server that is away tells no version: that is not another one.
    ((server(4, version=''),), [ONE_VERSION], None),
])
def test_what_is_missing(changed, conditions, words):
    found = State.read(info(*changed)).lacks(conditions)
    assert (found == []) if words is None else (len(found) == 1 and words in found[0]), found


def test_a_drive_that_is_not_ok():
    broken = server(4)
    broken['drives'][0]['state'] = 'faulty'
    assert State.read(info(broken)).lacks([ONLINE]) == ['drive https://s3-4:9000/data/1 is faulty']


def test_the_number_of_servers():
    assert State.read(info()).lacks([], 5) == ['4 servers are known, 5 are expected']
    assert State.read(info()).lacks([], 4) == []


def test_what_is_returned():
    state = State.read(info(server(4, version='v2'))).as_dict()
    assert (state['deployment'], state['parity'], state['drives_per_set'], state['versions']) == ('d', 2, [4], ['v1', 'v2'])
    assert state['servers'][3] == {'endpoint': 's3-4:9000', 'state': 'online', 'version': 'v2', 'commit': 'c', 'uptime': 5}
    assert json.dumps(State.read({}).as_dict())


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def waiting(answers, seconds=10):
    clock, left = Clock(), list(answers)

    def read():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return State.read(answer)

    return minio_admin.wait_for(read, ALL, 4, seconds, 2, clock, clock.sleep)


REFUSED = minio.MinioAdminException('503', '{"Code": "XMinioServerNotInitialized", "Message": "wait"}')


def test_waits_until_it_is_whole():
    state, lacks, waited = waiting([REFUSED, info(server(4, state='offline')), info(server(4, healing=True)), info()])
    assert (lacks, waited, len(state.servers)) == ([], 6.0, 4)


def test_gives_up_and_tells_what_is_missing():
    state, lacks, waited = waiting([info(server(4, state='offline'))])
    assert (lacks, waited) == (['server s3-4:9000 is offline'], 10.0)
    assert state is not None


def test_a_server_that_never_answers_is_an_error():
    with pytest.raises(minio.MinioAdminException):
        waiting([REFUSED])


def item(name, before, after, kind='object'):
    return {'type': kind, 'bucket': 'wandb', 'object': name, 'before': {'drives': [{'state': state} for state in before]},
            'after': {'drives': [{'state': state} for state in after]}}


class FakeAdmin:
    """Answers the admin calls out of a list, and keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def _url_open(self, method, command, query_params, body):
        self.asked.append((method, command.value, query_params, json.loads(body)))
        return types.SimpleNamespace(data=json.dumps(self.answers.pop(0)).encode())


def status(*items, summary='running', start='2026-11-28T00:00:00Z'):
    # The server's names; Go's own client does not mind the case, and its documentation has other ones.
    return {'Summary': summary, 'Detail': 'why', 'StartTime': start, 'Items': list(items)}


def healer(*answers, dry_run=False):
    clock, client = Clock(), FakeAdmin({'clientToken': 't:0'}, *answers)
    return client, minio_admin.Healer(client, dry_run, False, clock, clock.sleep)


WHOLE, BROKEN = ['ok'] * 4, ['ok', 'ok', 'missing', 'offline']


def test_heals_and_counts():
    client, one = healer(
        status(item('a', WHOLE, WHOLE), item('', WHOLE, WHOLE, 'bucket')), status(item('b', BROKEN, WHOLE)), status(summary='finished'))
    report, seconds = one.heal('wandb', '', 60)
    assert (report.scanned, report.incomplete, report.healed, report.failed, seconds) == (2, 1, 1, [], 2.0)
    assert client.asked[0][:3] == ('POST', 'heal/wandb', {'forceStart': 'true'})
    assert client.asked[0][3]['dryRun'] is False
    assert client.asked[1][2] == {'clientToken': 't:0'}


def test_a_dry_run_heals_nothing_and_is_no_failure():
    client, one = healer(status(item('b', BROKEN, BROKEN), summary='finished'), dry_run=True)
    report, _seconds = one.heal('', '', 60)
    assert (report.scanned, report.incomplete, report.healed, report.failed) == (1, 1, 0, [])
    assert client.asked[0][1] == 'heal/'
    assert client.asked[0][3]['dryRun'] is True


def test_what_cannot_be_healed_is_told():
    _client, one = healer(status(item('b', BROKEN, BROKEN), summary='finished'))
    report, _seconds = one.heal('wandb', 'p', 60)
    assert report.failed == ['wandb/b: missing, offline']


@pytest.mark.parametrize(('answers', 'words'), [
    ([status(summary='stopped')], 'gave up healing after 0 objects: why'),
    ([status(item('a', WHOLE, WHOLE)), status(summary='finished', start='0001-01-01T00:00:00Z')], 'restarted after 1 objects'),
    ([status() for _number in range(70)], 'not done after 60 s'),
])
def test_it_never_ends_well_by_mistake(answers, words):
    _client, one = healer(*answers)
    with pytest.raises(minio.MinioError, match=words):
        one.heal('wandb', '', 60)
