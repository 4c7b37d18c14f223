# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""minio_bucket against the lab's MinIO."""

from __future__ import annotations

import io

import pytest
from harness import Step, run_module, walk
from minio_lab import root_client, root_options

MODULE = 'wandb.onprem.minio_bucket'
NAME = 'test-minio-bucket'
OBJECTS = ['a.txt', 'folder/b.txt', 'folder/b.txt']


@pytest.fixture
def options():
    options = {**root_options(), 'name': NAME}
    yield options
    result = run_module(MODULE, {**options, 'state': 'absent', 'force': True})
    assert not result['failed'], result['msg']


def step(title, changed, expected, **args):
    bucket = {'bucket': {'name': NAME, 'versioning': expected}} if expected else {'bucket': {}}
    return Step(title, args, changed=changed, holds=bucket)


def test_create_modify_delete(options):
    walk(MODULE, options, [
        step('delete what is not there', False, None, state='absent'),
        step('create', True, 'off'),
        step('versioning that it never had', False, 'off', versioning=False),
        step('versioning on', True, 'enabled', versioning=True),
        step('versioning not mentioned', False, 'enabled'),
        step('versioning off', True, 'suspended', versioning=False),
        step('versioning on again', True, 'enabled', versioning=True),
        step('delete', True, None, state='absent'),
        step('create with versioning', True, 'enabled', versioning=True),
    ], secrets=[options['root_password']])
    assert root_client(options).get_bucket_versioning(bucket_name=NAME).status == 'Enabled'


@pytest.mark.parametrize('versioning', [True, False])
def test_a_bucket_with_objects_is_kept_unless_forced(options, versioning):
    run_module(MODULE, {**options, 'versioning': versioning})
    client = root_client(options)
    for name in OBJECTS:
        client.put_object(bucket_name=NAME, object_name=name, data=io.BytesIO(b'x'), length=1)
    # What remains of a versioned object that was deleted is not shown by a plain listing.
    for name in set(OBJECTS):
        if versioning:
            client.remove_object(bucket_name=NAME, object_name=name)
    walk(MODULE, options, [Step('delete', {'state': 'absent'}, error='is not empty and was left as it is. Set force')])
    assert client.bucket_exists(bucket_name=NAME)
    walk(MODULE, options, [step('force', True, None, state='absent', force=True)])
    assert not client.bucket_exists(bucket_name=NAME)


@pytest.mark.parametrize(('wrong', 'words'), [
    ({'root_password': 'not-the-password'}, 'Check root_user and root_password'),
    ({'ca_content': None}, 'is not trusted'),
    ({'endpoint': 'https://127.0.0.1:1'}, 'cannot be reached'),
    ({'endpoint': 's3-1:9000'}, 'is not a bare URL'),
    ({'ca_content': 'no certificate'}, 'ca_content or ca_path'),
    ({'name': 'NotAName'}, 'InvalidBucketName'),
])
def test_errors_name_the_mend(options, wrong, words):
    result = run_module(MODULE, {**options, **wrong}, secrets=[options['root_password']])
    assert result['failed']
    assert words in result['msg']
