# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal of role minio: a deployment that is well, one thing changed in it, and what is then said."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.wandb.onprem.plugins.filter.minio_layout import layout
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_rules import Deployment, check

HOSTS = ['s3-1', 's3-2', 's3-3', 's3-4']
VOLUMES = 'https://s3-{1...4}:9000/data/1'
IDS = ['a', 'b', 'c', 'd']
MORE = 'https://s3-{5...8}:9000/data/1'


def drive(**changes):
    return {'exists': True, 'device': 7, 'root': False, 'filesystem': 'xfs', 'owner': 'minio', 'foreign': [], 'format': None, **changes}


def formatted(number, deployment='ours', sets=None, **changes):
    return drive(format={'deployment': deployment, 'this': IDS[number], 'sets': sets or [IDS]}, **changes)


def host(*paths, volumes=VOLUMES):
    return {'volumes': volumes, 'paths': dict(paths)}


def running():
    """Four hosts with data."""
    return {name: host(('/data/1', formatted(number))) for number, name in enumerate(HOSTS)}


def bare():
    return {name: host(('/data/1', drive()), volumes='') for name in HOSTS}


def problems(seen=None, **changes):
    return check(Deployment(**{'volumes': VOLUMES, 'group': HOSTS, 'seen': running() if seen is None else seen, **changes}))


@pytest.mark.parametrize('seen', [running(), bare(), {}])
def test_all_is_well(seen):
    assert problems(seen) == []


def test_the_order_of_the_inventory_does_not_matter():
    assert problems(group=HOSTS[::-1]) == []


def test_a_new_pool_at_the_end_is_no_problem():
    group = [*HOSTS, 's3-5', 's3-6', 's3-7', 's3-8']
    seen = {**running(), **{name: host(('/data/1', drive()), volumes='') for name in group[4:]}}
    assert problems(seen, volumes=f'{VOLUMES} {MORE}', group=group) == []


def test_a_replaced_drive_is_no_problem_and_told():
    seen = running()
    seen['s3-3']['paths']['/data/1'] = drive()
    assert problems(seen) == []
    assert layout(VOLUMES, HOSTS, seen)['fresh'] == ['s3-3:/data/1']


def test_another_port_finds_the_same_data():
    assert problems(volumes=VOLUMES.replace('9000', '9443')) == []


def change(path, value):
    """A deployment that runs, with one thing of s3-2's drive changed."""
    seen = copy.deepcopy(running())
    seen['s3-2']['paths']['/data/1'][path] = value
    return seen


@pytest.mark.parametrize(('changes', 'words'), [
    ({'group': [*HOSTS, 's3-9']}, 's3-9 (group wandb_minio) is in no pool'),
    ({'group': HOSTS[:3]}, 's3-4 (wandb_minio_pools or wandb_minio_volumes) is not in group wandb_minio'),
    ({'volumes': '/data/{1...4}', 'seen': {}}, 'has no host names, and group wandb_minio has 4 hosts'),
    ({'volumes': 'https://s3-{1...3}:9000/data/1', 'group': HOSTS[:3], 'seen': {}}, 'make erasure sets of 3'),
    ({'volumes': 'https://s3-{1...2}:9000/data/1', 'group': HOSTS[:2], 'seen': {}}, 'make erasure sets of 2'),
    ({'volumes': '/data/1', 'group': HOSTS[:1], 'seen': {}}, 'wandb_minio_allow_single'),
    ({'volumes': 'https://s3-{1...17}:9000/data/1', 'seen': {}}, '17 drives cannot be shared out into equal sets'),
    ({'parity': 3}, 'Parity 3 (wandb_minio_parity'),
    ({'seen': change('exists', False)}, '/data/1 (wandb_minio_drives) does not exist on s3-2'),
    ({'seen': change('root', True)}, '/data/1 (wandb_minio_drives) is on the root filesystem of s3-2'),
    ({'seen': change('filesystem', 'nfs4')}, '/data/1 of s3-2 is a network filesystem (nfs4)'),
    ({'seen': change('filesystem', 'fuse.sshfs')}, 'is a network filesystem (fuse.sshfs)'),
    ({'seen': change('owner', 'minio-user')}, 'The data in /data/1 of s3-2 belong to user minio-user'),
    ({'seen': change('format', None) | {'s3-2': host(('/data/1', drive(foreign=['home'])))}}, 'holds files that are not MinIO\'s (home)'),
    ({'seen': running() | {'s3-2': host(('/data/1', formatted(1, deployment='theirs')))}}, '/data/1 of s3-2: formatted by another deployment (theirs'),
    ({'seen': running() | {'s3-2': host(('/data/1', formatted(2)))}}, '/data/1 of s3-2 is drive 2 of set 1'),
    ({'seen': running() | {'s3-2': host(('/data/1', formatted(1, sets=[IDS, IDS])))}}, 'was formatted for 2 erasure sets of 4 drives'),
])
def test_refused(changes, words):
    found = problems(**changes)
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize(('recorded', 'wanted', 'words'), [
    (VOLUMES, 'https://s3-{1...5}:9000/data/1', 'Pool 1, https://s3-{1...4}:9000/data/1, holds data and would grow'),
    ('https://s3-{1...5}:9000/data/1', VOLUMES, 'would shrink'),
    (f'{VOLUMES} {MORE}', VOLUMES, 'Pool 2, https://s3-{5...8}:9000/data/1, holds data and would be gone'),
    (f'{VOLUMES} {MORE}', f'{MORE} {VOLUMES}', 'would become number 2: the order of pools must stay'),
    ('https://s3-1:9000/data/1 https://s3-3:9000/data/1 https://s3-2:9000/data/1 https://s3-4:9000/data/1', VOLUMES, 'would stand in another order'),
    ('https://old-{1...4}:9000/data/1', VOLUMES, 'would be gone'),
    (VOLUMES.replace('/data/1', '/srv/1'), VOLUMES, 'would be gone'),
    ('something {else', VOLUMES, 'The servers hold data in the volumes something {else'),
])
def test_pools_with_data_stay_as_they_are(recorded, wanted, words):
    seen = {name: host(('/data/1', formatted(number)), volumes=recorded) for number, name in enumerate(HOSTS)}
    hosts = [*HOSTS, 's3-5', 's3-6', 's3-7', 's3-8'] if MORE in wanted else [f's3-{number}' for number in range(1, 6)] if '5' in wanted else HOSTS
    found = [problem for problem in problems(seen, volumes=wanted, group=hosts) if 'holds data' in problem or 'hold data' in problem]
    assert found, problems(seen, volumes=wanted, group=hosts)
    assert words in found[0]


def test_without_data_the_volumes_may_change():
    seen = {name: host(('/data/1', drive()), volumes='https://old-{1...4}:9000/data/1') for name in HOSTS}
    assert problems(seen) == []


def test_data_on_drives_that_are_no_longer_wanted_count():
    recorded = VOLUMES.replace('/data/1', '/srv/1')
    seen = {name: host(('/data/1', drive()), ('/srv/1', formatted(number)), volumes=recorded) for number, name in enumerate(HOSTS)}
    assert 'would be gone' in problems(seen)[0]


TWO = 'https://s3-{1...4}:9000/data/{1...2}'


@pytest.mark.parametrize(('devices', 'allowed', 'count'), [((7, 8), False, 0), ((7, 7), False, 1), ((7, 7), True, 0)])
def test_drives_that_share_a_filesystem(devices, allowed, count):
    seen = {name: host(*((f'/data/{number}', drive(device=device)) for number, device in enumerate(devices, 1)), volumes='') for name in HOSTS[:1]}
    found = problems(seen, volumes=TWO, allow_root_drive=allowed)
    assert len(found) == count
    assert all('/data/1, /data/2 (wandb_minio_drives) lie on one filesystem of s3-1' in problem for problem in found)


def test_a_trial_may_use_the_root_filesystem_and_one_drive():
    seen = {'s3-1': host(('/data/1', drive(root=True)), volumes='')}
    assert problems(seen, volumes='/data/1', group=['s3-1'], allow_single=True, allow_root_drive=True) == []
    seen = {'s3-1': host(('/data/1', {'exists': False}), volumes='')}
    assert problems(seen, volumes='/data/1', group=['s3-1'], allow_single=True, allow_root_drive=True) == []


def test_all_problems_come_at_once():
    seen = change('root', True)
    seen['s3-4']['paths']['/data/1']['filesystem'] = 'nfs'
    assert len(problems(seen, group=[*HOSTS, 's3-9'])) == 3


def test_the_filter_tells_drives_and_data():
    found = layout(TWO, HOSTS, {})
    assert found['drives'] == {name: ['/data/1', '/data/2'] for name in HOSTS}
    assert (found['holds_data'], found['problems']) == (False, [])
    assert layout(VOLUMES, HOSTS, running())['holds_data']
    assert layout('x {y', HOSTS, running())['problems']
