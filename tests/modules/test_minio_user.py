# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""minio_user against the lab's MinIO, and what a key with the application's policy may do."""

from __future__ import annotations

import base64
import hashlib
import io
import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils import minio
from harness import Step, run_module, walk
from minio_lab import client, root_admin, root_client, root_options

MODULE = 'wandb.onprem.minio_user'
KEY, SECRET, OTHER_SECRET, POLICY = 'test-minio-user', 'test-secret-0123456789', 'test-other-secret-9876', 'test-minio-user-policy'
BUCKET, FOREIGN = 'test-minio-user', 'test-minio-foreign'
READ_ONLY = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': [f'arn:aws:s3:::{BUCKET}/*']}]}


@pytest.fixture
def options():
    options = {**root_options(), 'access_key': KEY, 'policy_name': POLICY}
    yield options
    result = run_module(MODULE, {**options, 'state': 'absent'})
    assert not result['failed'], result['msg']


def present(title, changed=True, holds=None, **args):
    return Step(title, {'secret_key': SECRET, 'application_bucket': BUCKET, **args}, changed=changed, holds=holds or {})


def logs_in(options, secret):
    connection = minio.root_connection({'region': 'us-east-1', 'ca_path': None, 'timeout': 10, **options})
    return minio.login_test(connection, minio.http_pool(connection))(KEY, secret)


def test_create_modify_delete(options):
    absent = {'state': 'absent'}
    walk(MODULE, options, [
        Step('delete what is not there', absent, changed=False, holds={'user': {}}),
        present('create', holds={'user.policies': [POLICY], 'user.status': 'enabled', 'user.policy': minio.canonical_policy(minio.application_policy(BUCKET))}),
        present('another policy', application_bucket=None, policy=READ_ONLY, holds={'user.policy': minio.canonical_policy(READ_ONLY)}),
        present('the same policy, written otherwise', changed=False, application_bucket=None, policy={
            'Version': '2012-10-17', 'Statement': [{**READ_ONLY['Statement'][0], 'Action': ['s3:GetObject']}]}),
        present('another secret', application_bucket=None, policy=READ_ONLY, secret_key=OTHER_SECRET),
    ], secrets=[SECRET, OTHER_SECRET, options['root_password']])
    assert logs_in(options, OTHER_SECRET)
    assert not logs_in(options, SECRET)
    walk(MODULE, options, [Step('delete', absent, holds={'user': {}})])
    assert not logs_in(options, OTHER_SECRET)
    assert POLICY not in json.loads(root_admin(options).policy_list())


def test_drift_is_mended(options):
    walk(MODULE, options, [present('create')])
    admin = root_admin(options)
    admin.attach_policy(['readwrite'], user=KEY)
    walk(MODULE, options, [present('a further policy', holds={'user.policies': [POLICY]})])
    admin.user_disable(KEY)
    walk(MODULE, options, [present('disabled', holds={'user.status': 'enabled'})])
    assert logs_in(options, SECRET)


def test_membership_in_a_group_is_refused(options):
    walk(MODULE, options, [present('create')])
    admin = root_admin(options)
    admin.group_add('test-minio-group', [KEY])
    try:
        walk(MODULE, options, [Step('member', {'secret_key': SECRET, 'application_bucket': BUCKET}, error='is a member of test-minio-group')])
    finally:
        admin.group_remove('test-minio-group', [KEY])
        admin.group_remove('test-minio-group')


def test_a_policy_that_another_user_has_is_kept(options):
    walk(MODULE, options, [present('create')])
    other = {**options, 'access_key': 'test-minio-other'}
    walk(MODULE, other, [present('create another')])
    walk(MODULE, options, [Step('delete', {'state': 'absent'})])
    assert POLICY in json.loads(root_admin(options).policy_list())
    walk(MODULE, other, [Step('delete the other', {'state': 'absent'})])
    assert POLICY not in json.loads(root_admin(options).policy_list())


def test_aws_spelling_is_refused_by_minio(options):
    """Why the policy says s3:GetBucketCors: should MinIO ever take AWS's spelling, both can be the same."""
    aws = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': ['s3:GetBucketCORS'], 'Resource': [f'arn:aws:s3:::{BUCKET}']}]}
    result = run_module(MODULE, {**options, 'secret_key': SECRET, 'policy': aws}, secrets=[SECRET])
    assert result['failed']
    assert "unsupported action 's3:GetBucketCORS'" in result['msg']


def test_short_secret_is_refused(options):
    result = run_module(MODULE, {**options, 'secret_key': 'short', 'application_bucket': BUCKET}, secrets=[options['root_password']])
    assert result['failed']


# (what, query, method, object, allowed): every row is one signed request with the application's key.
ACTIONS = [
    ('PutObject', {}, 'PUT', 'a', True),
    ('GetObject', {}, 'GET', 'a', True),
    ('HeadObject', {}, 'HEAD', 'a', True),
    ('GetObjectTagging', {'tagging': ''}, 'GET', 'a', True),
    ('GetObjectAttributes', {'attributes': ''}, 'GET', 'a', True),
    ('CreateMultipartUpload', {'uploads': ''}, 'POST', 'b', True),
    ('ListMultipartUploads', {'uploads': ''}, 'GET', None, True),
    ('ListObjectsV2', {'list-type': '2'}, 'GET', None, True),
    ('ListObjectVersions', {'versions': ''}, 'GET', None, True),
    ('HeadBucket', {}, 'HEAD', None, True),
    ('GetBucketLocation', {'location': ''}, 'GET', None, True),
    ('GetBucketVersioning', {'versioning': ''}, 'GET', None, True),
    ('GetBucketCors', {'cors': ''}, 'GET', None, True),
    ('GetBucketEncryption', {'encryption': ''}, 'GET', None, True),
    ('PutObjectTagging', {'tagging': ''}, 'PUT', 'a', False),
    ('PutObjectLockConfiguration', {'object-lock': ''}, 'PUT', None, False),
    ('PutObjectLegalHold', {'legal-hold': ''}, 'PUT', 'a', False),
    ('DeleteObjectTagging', {'tagging': ''}, 'DELETE', 'a', False),
    ('PutBucketVersioning', {'versioning': ''}, 'PUT', None, False),
    ('PutBucketPolicy', {'policy': ''}, 'PUT', None, False),
    ('GetBucketPolicy', {'policy': ''}, 'GET', None, False),
    ('DeleteBucketPolicy', {'policy': ''}, 'DELETE', None, False),
    ('PutBucketEncryption', {'encryption': ''}, 'PUT', None, False),
    ('PutBucketLifecycle', {'lifecycle': ''}, 'PUT', None, False),
    ('GetBucketLifecycle', {'lifecycle': ''}, 'GET', None, False),
    ('PutBucketTagging', {'tagging': ''}, 'PUT', None, False),
    ('GetBucketNotification', {'notification': ''}, 'GET', None, False),
    ('PutBucketReplication', {'replication': ''}, 'PUT', None, False),
    ('DeleteBucket', {}, 'DELETE', None, False),
    ('DeleteObject', {}, 'DELETE', 'a', True),
]


# MinIO reads the body of this one before it looks at the policy.
BODIES = {
    'tagging': b'<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>',
}


def answer(s3, method, bucket, name, query):
    """The S3 code of the answer; empty = it was done."""
    body = BODIES.get(next(iter(query), ''), b'x') if method == 'PUT' else None
    headers = {'x-amz-object-attributes': 'ETag'} if 'attributes' in query else {}
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() if body else ''
    try:
        s3._url_open(method=method, region='us-east-1', bucket_name=bucket, object_name=name, query_params=query, body=body,
                     headers={**headers, 'Content-MD5': digest} if body else headers)
    except minio.S3Error as error:
        return error.code
    return ''


def remove_buckets():
    for bucket in (BUCKET, FOREIGN):
        result = run_module('wandb.onprem.minio_bucket', {**root_options(), 'name': bucket, 'state': 'absent', 'force': True})
        assert not result['failed'], result['msg']


@pytest.fixture
def application(options):
    root = root_client(options)
    # A run that was cut off may have left them.
    remove_buckets()
    for bucket in (BUCKET, FOREIGN):
        root.make_bucket(bucket_name=bucket)
        root.put_object(bucket_name=bucket, object_name='a', data=io.BytesIO(b'x'), length=1)
    walk(MODULE, options, [present('create')])
    yield client(options, KEY, SECRET)
    remove_buckets()


def test_the_policy_is_least(application):
    """Denied is one code. Anything else means that the policy let it through, whatever the bucket then says to it."""
    allowed = {what: answer(application, method, BUCKET, name, query) != 'AccessDenied' for what, query, method, name, dummy in ACTIONS}
    assert allowed == {what: wanted for what, dummy, dummy, dummy, wanted in ACTIONS}
    elsewhere = {what: answer(application, method, FOREIGN, name, query) for what, query, method, name, dummy in ACTIONS}
    assert elsewhere == dict.fromkeys(elsewhere, 'AccessDenied')
    with pytest.raises(minio.S3Error, match='AccessDenied'):
        application.make_bucket(bucket_name='test-minio-new')
    assert [bucket.name for bucket in application.list_buckets()] == [BUCKET]
