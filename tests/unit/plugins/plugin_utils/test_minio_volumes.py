# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_volumes import as_range, minio_volumes


@pytest.mark.parametrize(('names', 'expected'), [
    (['s3-1', 's3-2', 's3-3', 's3-4'], 's3-{1...4}'),
    (['s3-4', 's3-2', 's3-3', 's3-1'], 's3-{1...4}'),
    (['s3-9', 's3-10', 's3-11'], 's3-{9...11}'),
    (['s3-01', 's3-02', 's3-03'], 's3-{01...03}'),
    ([f's3-{number:02d}' for number in range(8, 13)], 's3-{08...12}'),
    (['m1.dc2.example.com', 'm2.dc2.example.com'], 'm{1...2}.dc2.example.com'),
    (['dc2-m1', 'dc2-m2'], 'dc2-m{1...2}'),
    (['10.0.0.11', '10.0.0.12'], '10.0.0.{11...12}'),
    (['/data/1', '/data/2'], '/data/{1...2}'),
    (['/data/1'], '/data/1'),
    (['s3-1', 's3-3'], None),
    (['a', 'b'], None),
    (['a1', 'b2'], None),
    (['s3-1', 's3-02'], None),
    (['s3-99', 's3-100'], 's3-{99...100}'),
    (['s3-09', 's3-10', 's3-011'], None),
])
def test_range(names, expected):
    assert as_range(names) == expected


HOSTS = ['s3-1', 's3-2', 's3-3', 's3-4']


@pytest.mark.parametrize(('hosts', 'drives', 'expected'), [
    (HOSTS, ['/data/1'], 'https://s3-{1...4}:9000/data/1'),
    (HOSTS[::-1], ['/data/2', '/data/1'], 'https://s3-{1...4}:9000/data/{1...2}'),
    (['one', 'two'], ['/data/1', '/data/2'], 'https://one:9000/data/1 https://two:9000/data/1 https://one:9000/data/2 https://two:9000/data/2'),
    (['two', 'one'], ['/data/2', '/data/1'], 'https://one:9000/data/1 https://two:9000/data/1 https://one:9000/data/2 https://two:9000/data/2'),
    (HOSTS[:2], ['/ssd', '/hdd'], 'https://s3-1:9000/hdd https://s3-2:9000/hdd https://s3-1:9000/ssd https://s3-2:9000/ssd'),
    (['s3-1'], ['/data/1', '/data/2', '/data/3', '/data/4'], '/data/{1...4}'),
    (['s3-1'], ['/data/1'], '/data/1'),
])
def test_volumes(hosts, drives, expected):
    assert minio_volumes(hosts, drives) == expected


def test_port_and_scheme():
    assert minio_volumes(['a', 'b'], ['/d'], 9443, 'http') == 'http://a:9443/d http://b:9443/d'


@pytest.mark.parametrize(('hosts', 'drives'), [([], ['/data/1']), (['s3-1'], [])])
def test_nothing_is_refused(hosts, drives):
    with pytest.raises(ValueError, match='wandb_minio'):
        minio_volumes(hosts, drives)
