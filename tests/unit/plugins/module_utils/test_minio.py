# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
import urllib3
from ansible_collections.wandb.onprem.plugins.module_utils import minio


@pytest.mark.parametrize(('endpoint', 'expected'), [
    ('https://s3-1:9000', ('s3-1:9000', True)),
    ('http://10.0.0.1', ('10.0.0.1', False)),
    ('https://s3.example.com/', ('s3.example.com', True)),
])
def test_endpoint(endpoint, expected):
    assert minio.split_endpoint(endpoint) == expected


@pytest.mark.parametrize('endpoint', ['s3-1:9000', 'ftp://s3-1', 'https://s3-1/bucket', 'https://', 'https://user@s3-1', 'https://s3-1?x=1'])
def test_no_endpoint(endpoint):
    with pytest.raises(minio.MinioError, match='not a bare URL'):
        minio.split_endpoint(endpoint)


def policy(**statement):
    return {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': ['s3:GetObject', 's3:PutObject'], 'Resource': ['r'], **statement}]}


@pytest.mark.parametrize(('other', 'same'), [
    (policy(), True),
    (policy(Action=['s3:PutObject', 's3:GetObject']), True),
    (policy(Action=['s3:PutObject', 's3:GetObject', 's3:GetObject']), True),
    (policy(Resource='r'), True),
    (policy(Sid='', Condition={}), True),
    ({'Statement': policy()['Statement']}, True),
    (policy(Action=['s3:GetObject']), False),
    (policy(Action='s3:*'), False),
    (policy(Resource=['r', 'r2']), False),
    (policy(Effect='Deny'), False),
    (policy(Condition={'StringEquals': {'a': 'b'}}), False),
    ({**policy(), 'Version': '2008-10-17'}, False),
    ({'Version': '2012-10-17', 'Statement': policy()['Statement'] * 2}, False),
])
def test_policies_compare_by_meaning(other, same):
    assert (minio.canonical_policy(other) == minio.canonical_policy(policy())) is same


def test_application_policy_names_one_bucket_and_no_wildcard_but_get_object():
    statements = minio.application_policy('wandb')['Statement']
    assert {resource for statement in statements for resource in statement['Resource']} == {'arn:aws:s3:::wandb', 'arn:aws:s3:::wandb/*'}
    assert [action for statement in statements for action in statement['Action'] if '*' in action] == ['s3:GetObject*']
    assert {statement['Effect'] for statement in statements} == {'Allow'}


class FakeAdmin:
    """Holds users and policies, counts writes."""

    def __init__(self, users=None, policies=None):
        self.users, self.policies, self.writes = users or {}, policies or {}, []

    def _missing(self, code):
        raise minio.MinioAdminException('404', json.dumps({'Code': code, 'Message': 'none'}))

    def user_info(self, name):
        return json.dumps(self.users[name]) if name in self.users else self._missing('XMinioAdminNoSuchUser')

    def policy_info(self, name):
        return json.dumps(self.policies[name]) if name in self.policies else self._missing('XMinioAdminNoSuchPolicy')

    def get_policy_entities(self, users, groups, policies):
        holders = [name for name, user in self.users.items() if policies[0] in user.get('policyName', '').split(',')]
        return json.dumps({'policyMappings': [{'policy': policies[0], 'users': holders}]})

    def policy_add(self, name, policy):
        self.writes.append(f'policy {name}')
        self.policies[name] = policy

    def user_add(self, name, secret):
        self.writes.append(f'user {name}')
        self.users[name] = {'status': 'enabled', **{key: value for key, value in self.users.get(name, {}).items() if key != 'status'}}

    def policy_set(self, policy, user):
        self.writes.append(f'set {policy} {user}')
        self.users[user]['policyName'] = policy

    def user_remove(self, name):
        self.writes.append(f'remove {name}')
        del self.users[name]

    def policy_remove(self, name):
        self.writes.append(f'remove policy {name}')
        del self.policies[name]


USER = {'status': 'enabled', 'policyName': 'p'}
ALL = ['policy p', 'user u', 'set p u']


@pytest.mark.parametrize(('users', 'policies', 'login', 'writes'), [
    ({}, {}, True, ALL),
    ({'u': USER}, {'p': policy()}, True, []),
    ({'u': USER}, {'p': policy()}, False, ['user u']),
    ({'u': {**USER, 'status': 'disabled'}}, {'p': policy()}, False, ['user u']),
    ({'u': USER}, {'p': policy(Action='s3:*')}, True, ['policy p']),
    ({'u': USER}, {}, True, ['policy p']),
    ({'u': {'status': 'enabled', 'policyName': 'p,readwrite'}}, {'p': policy()}, True, ['set p u']),
    ({'u': {'status': 'enabled'}}, {'p': policy()}, True, ['set p u']),
])
@pytest.mark.parametrize('check_mode', [False, True])
def test_user_writes_only_what_differs(users, policies, login, writes, check_mode):
    admin = FakeAdmin({name: dict(user) for name, user in users.items()}, dict(policies))
    change = minio.UserService(admin, lambda key, secret: login, check_mode).ensure('u', 'secret', 'p', policy())
    assert admin.writes == ([] if check_mode else writes)
    assert change.changed is bool(writes)
    assert change.after == {'access_key': 'u', 'status': 'enabled', 'groups': [], 'policies': ['p'], 'policy': minio.canonical_policy(policy())}


def test_the_policy_stands_before_the_user_has_it():
    admin = FakeAdmin()
    minio.UserService(admin, lambda key, secret: True, False).ensure('u', 'secret', 'p', policy())
    assert admin.writes == ALL


def test_group_member_is_refused():
    admin = FakeAdmin({'u': {**USER, 'memberOf': ['admins']}}, {'p': policy()})
    with pytest.raises(minio.MinioError, match='member of admins'):
        minio.UserService(admin, lambda key, secret: True, False).ensure('u', 'secret', 'p', policy())
    assert admin.writes == []


@pytest.mark.parametrize(('users', 'policies', 'writes'), [
    ({}, {}, []),
    ({'u': USER}, {'p': policy()}, ['remove u', 'remove policy p']),
    ({'u': USER, 'other': USER}, {'p': policy()}, ['remove u']),
    ({'other': USER}, {'p': policy()}, []),
    ({}, {'p': policy()}, ['remove policy p']),
])
@pytest.mark.parametrize('check_mode', [False, True])
def test_removal(users, policies, writes, check_mode):
    admin = FakeAdmin(dict(users), dict(policies))
    change = minio.UserService(admin, lambda key, secret: True, check_mode).remove('u', 'p')
    assert admin.writes == ([] if check_mode else writes)
    assert change.changed is bool(writes)
    assert change.after is None


@pytest.mark.parametrize(('error', 'words'), [
    (minio.MinioAdminException('403', '{"Code": "InvalidAccessKeyId", "Message": "x"}'), 'Check root_user and root_password'),
    (minio.MinioAdminException('400', '{"Code": "XMinioMalformedIAMPolicy", "Message": "unsupported action"}'), 'XMinioMalformedIAMPolicy: unsupported action'),
    (minio.MinioAdminException('502', '<html>'), 'did not answer as an S3 store'),
    (minio.InvalidResponseError(200, 'text/html', '<html>'), 'did not answer as an S3 store'),
    (urllib3.exceptions.HTTPError('[SSL: CERTIFICATE_VERIFY_FAILED] unable'), 'is not trusted'),
    (urllib3.exceptions.HTTPError('Connection refused'), 'Check name, port and firewall'),
])
def test_errors_are_explained(error, words):
    assert words in minio.explain(error, 'https://s3-1:9000')


def test_presigned_urls_differ_by_key_and_ask_nobody():
    connection = minio.Connection('https://nowhere.invalid', 'key', 'secret')
    presign = minio.presigner(connection, 'bucket', 'a/b', minio.datetime.timedelta(minutes=1))
    right, wrong = presign('PUT', True), presign('PUT', False)
    assert right.startswith('https://nowhere.invalid/bucket/a/b?')
    assert right.rpartition('=')[2] != wrong.rpartition('=')[2]
    assert 'secret' not in right
