# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools as MinIO makes them of its volumes. The sizes of sets are those that MinIO's own tests and documentation give."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_layout import Endpoint, LayoutError, default_parity, drives_of, expand, parse_volumes, told
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_volumes import pool_volumes

FOUR = 'https://s3-{1...4}:9000/data/1'


@pytest.mark.parametrize(('text', 'names'), [
    ('/data/1', ['/data/1']),
    ('/data/{1...3}', ['/data/1', '/data/2', '/data/3']),
    ('h{9...11}', ['h9', 'h10', 'h11']),
    ('h{08...10}', ['h08', 'h09', 'h10']),
    ('h{1...2}/d{1...2}', ['h1/d1', 'h2/d1', 'h1/d2', 'h2/d2']),
])
def test_ranges_are_expanded_hosts_fastest(text, names):
    assert expand(text) == names


@pytest.mark.parametrize(('text', 'words'), [
    ('h{4...1}', 'backwards'), ('h{1..4}', 'no range'), ('h{a...c}', 'no range'), ('h{1...4', 'no range'), ('', 'empty'),
])
def test_no_range(text, words):
    with pytest.raises(LayoutError, match=words):
        parse_volumes(text)


@pytest.mark.parametrize(('text', 'drives', 'set_size', 'parity'), [
    (FOUR, 4, 4, 2),
    ('https://s3-{1...4}:9000/data/{1...2}', 8, 8, 4),
    ('https://s3-{1...4}:9000/data/{1...4}', 16, 16, 4),
    ('https://s3-{1...5}:9000/data/1', 5, 5, 2),
    ('https://s3-{1...6}:9000/data/{1...2}', 12, 12, 4),
    ('https://s3-{1...6}:9000/data/{1...4}', 24, 12, 4),
    ('https://s3-{1...16}:9000/data/{1...4}', 64, 16, 4),
    ('https://s3-{1...32}:9000/data/1', 32, 16, 4),
    ('https://s3-{1...18}:9000/data/1', 18, 9, 4),
    ('https://s3-{1...3}:9000/data/{1...6}', 18, 9, 4),
    ('/data/{1...4}', 4, 4, 2),
    ('https://a:9000/d https://b:9000/d https://c:9000/d https://e:9000/d', 4, 4, 2),
    ('/data/1', 1, 1, 0),
])
def test_sets(text, drives, set_size, parity):
    pool, = parse_volumes(text)
    assert (len(pool.endpoints), pool.set_size, pool.parity) == (drives, set_size, parity)
    assert [len(one) for one in pool.sets] == [set_size] * (drives // set_size)


@pytest.mark.parametrize('text', ['https://s3-{1...17}:9000/data/1', 'https://s3-{1...19}:9000/data/{1...2}', 'https://s3-{1...23}:9000/data/1'])
def test_an_odd_pool_is_refused(text):
    with pytest.raises(LayoutError, match=r'cannot be shared out into equal sets .* Take hosts and drives'):
        parse_volumes(text)


def test_every_set_of_minio_spreads_over_the_hosts():
    pool, = parse_volumes('https://s3-{1...6}:9000/data/{1...4}')
    assert [sorted({endpoint.host for endpoint in one}) for one in pool.sets] == [[f's3-{number}' for number in range(1, 7)]] * 2
    assert pool.place(Endpoint('s3-1', '/data/3')) == (1, 0)


@pytest.mark.parametrize(('text', 'parity', 'read', 'write', 'hosts_read', 'hosts_write'), [
    (FOUR, None, 2, 1, 2, 1),
    (FOUR, 1, 1, 1, 1, 1),
    ('https://s3-{1...4}:9000/data/{1...2}', None, 4, 3, 2, 1),
    ('https://s3-{1...4}:9000/data/{1...4}', None, 4, 4, 1, 1),
    ('https://s3-{1...2}:9000/data/{1...4}', None, 4, 3, 1, 0),
    ('https://s3-{1...16}:9000/data/1', None, 4, 4, 4, 4),
    ('/data/{1...4}', None, 2, 1, 0, 0),
])
def test_what_may_be_lost(text, parity, read, write, hosts_read, hosts_write):
    pool, = parse_volumes(text, parity)
    assert (pool.drives_lost(False), pool.drives_lost(True), pool.hosts_lost(False), pool.hosts_lost(True)) == (read, write, hosts_read, hosts_write)


@pytest.mark.parametrize(('text', 'parity'), [(FOUR, 3), ('https://s3-{1...4}:9000/data/{1...4} https://s3-{5...8}:9000/data/1', None)])
def test_too_much_parity_is_refused(text, parity):
    with pytest.raises(LayoutError, match='wandb_minio_parity'):
        parse_volumes(text, parity)


def test_all_pools_have_the_parity_of_the_first():
    first, second = parse_volumes(f'{FOUR} https://s3-{{5...8}}:9000/data/{{1...4}}')
    assert (first.parity, second.set_size, second.parity) == (2, 16, 2)


def test_several_pools_need_ranges():
    with pytest.raises(LayoutError, match=r'https://x:9000/d .*has no range'):
        parse_volumes(f'{FOUR} https://x:9000/d')


@pytest.mark.parametrize('text', [f'{FOUR} {FOUR}', 'https://a:9000/d https://a:9000/d', f'{FOUR} https://s3-{{4...7}}:9000/data/1'])
def test_a_drive_is_in_one_place(text):
    with pytest.raises(LayoutError, match=r'twice|two pools'):
        parse_volumes(text)


def test_drives_of_a_host_out_of_several_pools():
    pools = parse_volumes('https://s3-{1...4}:9000/data/{1...2} https://s3-{1...4}:9000/more/{1...2}')
    assert drives_of(pools, 's3-2') == ['/data/1', '/data/2', '/more/1', '/more/2']
    assert drives_of(parse_volumes('/data/{1...4}'), 'whoever') == ['/data/1', '/data/2', '/data/3', '/data/4']


@pytest.mark.parametrize(('count', 'parity'), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3), (8, 4), (16, 4)])
def test_default_parity(count, parity):
    assert default_parity(count) == parity


def test_what_is_told():
    line, = told(parse_volumes(FOUR))
    assert '1 erasure set of 4 drives, 2 of them parity' in line
    assert '2 drives may be lost while objects are read, 1 while they are written; 2 of 4 hosts for reading, 1 for writing' in line
    assert 'nothing may be lost' in told(parse_volumes('/data/1'))[0]


POOLS = [{'hosts': ['s3-1', 's3-2', 's3-3', 's3-4']}, {'hosts': ['s3-5', 's3-6', 's3-7', 's3-8'], 'drives': ['/new/1', '/new/2']}]


def test_volumes_of_pools():
    assert pool_volumes(POOLS, ['/data/1']) == f'{FOUR} https://s3-{{5...8}}:9000/new/{{1...2}}'


@pytest.mark.parametrize('pool', [{}, {'hosts': []}, {'hosts': ['a'], 'drive': ['/d']}, 's3-1'])
def test_no_pool(pool):
    with pytest.raises(ValueError, match='wandb_minio_pools, entry 2'):
        pool_volumes([POOLS[0], pool], ['/data/1'])
