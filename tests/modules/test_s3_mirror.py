# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""s3_mirror between two buckets of the lab's MinIO: check, real, again, and back after a loss."""

from __future__ import annotations

import io

import pytest
from harness import run_module
from minio_lab import root_client, root_options

MODULE = 'wandb.onprem.s3_mirror'
OBJECTS = {f'test-mirror/{name}': content for name, content in {
    'a': b'a', 'b/c d+e': b'spaces', 'ü': b'umlaut', 'empty': b'', 'large': bytes(range(256)) * (80 << 10)}.items()}


@pytest.fixture
def buckets():
    root = root_options()
    s3 = root_client(root)

    def remove():
        for name in ('test-mirror-from', 'test-mirror-to'):
            done = run_module('wandb.onprem.minio_bucket', {**root, 'name': name, 'state': 'absent', 'force': True})
            assert not done['failed'], done['msg']

    remove()
    sides = {}
    for side, name in (('source', 'test-mirror-from'), ('target', 'test-mirror-to')):
        s3.make_bucket(bucket_name=name)
        sides[side] = {'endpoint': root['endpoint'], 'access_key': root['root_user'], 'secret_key': root['root_password'],
                       'ca_content': root['ca_content'], 'bucket': name}
    for name, content in OBJECTS.items():
        s3.put_object(bucket_name='test-mirror-from', object_name=name, data=io.BytesIO(content), length=len(content))
    yield s3, sides
    remove()


def content(s3, bucket, name):
    answer = s3.get_object(bucket_name=bucket, object_name=name)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def test_there_and_back(buckets):
    s3, sides = buckets
    secrets = [sides['source']['secret_key']]
    checked = run_module(MODULE, sides, check=True, secrets=secrets)
    assert (checked['failed'], checked['changed'], checked['copied']) == (False, True, len(OBJECTS)), checked
    assert list(s3.list_objects(bucket_name='test-mirror-to', recursive=True)) == []
    done = run_module(MODULE, sides, secrets=secrets)
    assert (done['failed'], done['changed'], done['copied'], done['copied_bytes']) == (
        False, True, len(OBJECTS), sum(len(each) for each in OBJECTS.values())), done
    assert {name: content(s3, 'test-mirror-to', name) for name in OBJECTS} == OBJECTS
    again = run_module(MODULE, sides, secrets=secrets)
    assert (again['changed'], again['looked_at'], again['copied']) == (False, len(OBJECTS), 0)
    s3.remove_object(bucket_name='test-mirror-from', object_name='test-mirror/a')
    back = run_module(MODULE, {'source': sides['target'], 'target': sides['source'], 'by_time': False}, secrets=secrets)
    assert back['copied'] == 1, back
    assert content(s3, 'test-mirror-from', 'test-mirror/a') == b'a'


@pytest.mark.parametrize(('wrong', 'said'), [
    ({'concurrency': 0}, 'concurrency is 0: it can be 1 to 64'),
    ({'target': None}, 'the same bucket'),
])
def test_refusals(wrong, said):
    side = {'endpoint': 'https://s3-1:9000', 'access_key': 'nobody', 'secret_key': 'no-secret-of-anyone', 'bucket': 'one'}
    options = {'source': side, 'target': side, **{key: value for key, value in wrong.items() if value is not None}}
    if 'concurrency' in wrong:
        options['target'] = {**side, 'bucket': 'another'}
    result = run_module(MODULE, options)
    assert result['failed']
    assert said in result['msg']


def test_a_missing_target_is_told(buckets):
    _s3, sides = buckets
    result = run_module(MODULE, {**sides, 'target': {**sides['target'], 'bucket': 'test-mirror-none'}})
    assert result['failed']
    assert 'NoSuchBucket' in result['msg']
