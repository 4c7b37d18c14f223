# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""minio_bucket against the lab's MinIO."""

from __future__ import annotations

import io

import pytest
from harness import Step, run_module, walk
from minio.commonconfig import Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
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
    bucket = {'bucket.name': NAME, 'bucket.versioning': expected} if expected else {'bucket': {}}
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


def test_old_versions_and_quota(options):
    both = {'versioning': True, 'noncurrent_days': 14, 'quota': 1 << 30}
    walk(MODULE, options, [
        Step('create with both', both, changed=True, holds={'bucket.noncurrent_days': 14, 'bucket.quota': 1 << 30}),
        Step('not mentioned', {}, changed=False, holds={'bucket.noncurrent_days': 14, 'bucket.quota': 1 << 30}),
        Step('other days', {'noncurrent_days': 7}, changed=True, holds={'bucket.noncurrent_days': 7}),
        Step('other quota', {'quota': 2 << 30}, changed=True, holds={'bucket.quota': 2 << 30}),
    ])
    client = root_client(options)
    # A rule of somebody else's stays when ours goes.
    config = client.get_bucket_lifecycle(bucket_name=NAME)
    theirs = Rule(status='Enabled', rule_filter=Filter(prefix='tmp/'), rule_id='theirs', expiration=Expiration(days=1))
    client.set_bucket_lifecycle(bucket_name=NAME, config=LifecycleConfig([*config.rules, theirs]))
    walk(MODULE, options, [Step('for ever, without limit', {'noncurrent_days': 0, 'quota': 0}, changed=True,
                                holds={'bucket.noncurrent_days': 0, 'bucket.quota': 0})])
    assert [rule.rule_id for rule in client.get_bucket_lifecycle(bucket_name=NAME).rules] == ['theirs']


def test_encryption_without_a_key_service_is_refused_by_the_server(options):
    result = run_module(MODULE, {**options, 'encryption': True})
    assert result['failed']
    assert 'KMS' in result['msg']


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
