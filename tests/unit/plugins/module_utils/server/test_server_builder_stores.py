# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the options of the data services and of the stores go, and what of them is refused."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.inputs import references
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get
from server_options import site

SECRET = {'name': 's', 'key': 'k'}
KEYS = {'name': 's', 'access_key_key': 'A', 'secret_key_key': 'B'}
CLICKHOUSE = {'host': 'ch.example.com', 'port': 8443, 'database': 'd', 'user': 'u', 'password_secret': SECRET, 'replicated': True}
AWS = {'provider': 's3', 'host': None, 'port': None, 'name': 'wandb', 'path': None, 'region': 'eu-west-1', 'tls': True, 'secret': None}
MINIO = {'provider': 's3', 'host': 'minio.example.com', 'port': 9000, 'name': 'team', 'path': 'a b', 'region': 'us-east-1', 'tls': True, 'secret': KEYS}


def at(options, path):
    return get(build(options).spec['values'], path.split('.'))


def env(**changes):
    return at(site(**changes), 'global.extraEnv') or {}


def problems(**changes):
    with pytest.raises(OptionsError) as caught:
        build(site(**changes))
    return caught.value.problems


@pytest.mark.parametrize(
    ('changes', 'path', 'wanted'),
    [
        ({'redis__sentinel_master': 'main'}, 'global.redis.params', {'tls': 'true', 'master': 'main'}),
        ({'bucket': {**AWS, 'kms_key': 'arn:aws:kms:x'}}, 'global.bucket.kmsKey', 'arn:aws:kms:x'),
        ({'bucket': {**AWS, 'provider': 'gcs'}}, 'global.bucket', {'provider': 'gcs', 'name': 'wandb', 'region': 'eu-west-1'}),
        ({'bucket': {**AWS, 'provider': 'az', 'name': 'a/c', 'secret': KEYS}}, 'global.bucket.secret', {'secretName': 's', 'accessKeyName': 'A'}),
        ({'bucket__queue': 'pubsub:/p/t'}, 'app.env', {'BUCKET_QUEUE': 'pubsub:/p/t'}),
        ({'bucket__queue': 'q://', 'chart_version': '0.18.0'}, 'global.extraEnv.BUCKET_QUEUE', 'q://'),
        ({'bucket': None, 'default_bucket': MINIO}, 'global.defaultBucket',
         {'provider': 's3', 'name': 'minio.example.com:9000', 'path': 'team/a%20b?tls=true', 'region': 'us-east-1'}),
        # The chart has one place for the keys of either.
        ({'bucket': None, 'default_bucket': MINIO}, 'global.bucket', {'secret': {'secretName': 's', 'accessKeyName': 'A', 'secretKeyName': 'B'}}),
        ({'clickhouse': CLICKHOUSE, 'install': {'weave-trace': True}}, 'global.clickhouse', {
            'host': 'ch.example.com', 'port': 8443, 'database': 'd', 'user': 'u', 'replicated': True, 'passwordSecret': {'name': 's', 'passwordKey': 'k'}}),
        ({'clickhouse': CLICKHOUSE, 'install': {'weave-trace': True}}, 'global.weave-trace.enabled', True),
        ({'clickhouse': CLICKHOUSE, 'extra_values': {'weave-trace': {'install': True}}}, 'global.weave-trace.enabled', True),
        ({'clickhouse': CLICKHOUSE, 'install': {'weave-trace': True}}, 'weave-trace.image.tag', '0.83.0'),
    ],
)  # fmt: skip
def test_where_it_goes(changes, path, wanted):
    assert at(site(**changes), path) == wanted


def test_a_proxied_bucket():
    told = {'BUCKET_PROXY', 'GORILLA_FILE_STORE_IS_PROXIED', 'GORILLA_GLUE_FILE_STORE_IS_PROXIED'}
    assert env(bucket__proxied=True) == dict.fromkeys(told, 'true')
    assert env(bucket__proxied=False) == {}


def test_artifacts_are_collected_or_not_or_as_the_server_has_it():
    assert env(artifact_garbage_collection=True) == {'GORILLA_ARTIFACT_GC_ENABLED': 'true'}
    assert env(artifact_garbage_collection=False) == {'GORILLA_ARTIFACT_GC_ENABLED': 'false'}
    assert env(artifact_garbage_collection=None) == {}


def test_team_buckets_are_composed_of_references():
    stores = [
        MINIO,
        AWS,
        {**AWS, 'provider': 'gcs', 'region': None, 'secret': KEYS},
        {**AWS, 'provider': 'az', 'region': None, 'name': 'account/container', 'secret': KEYS},
        {**AWS, 'provider': 'cw', 'region': None, 'secret': KEYS},
        {**AWS, 'provider': 'cw', 'region': None},
    ]
    found = env(team_buckets=stores)
    assert found.pop('GORILLA_SUPPORTED_FILE_STORES').split(',') == [
        's3://$(BUCKET_TEAM_00_ACCESS_KEY):$(BUCKET_TEAM_00_SECRET_KEY)@minio.example.com:9000/team/a%20b?region=us-east-1&tls=true',
        's3://wandb?region=eu-west-1',
        'gs://$(BUCKET_TEAM_02_ACCESS_KEY):$(BUCKET_TEAM_02_SECRET_KEY)@wandb',
        'az://:$(BUCKET_TEAM_03_ACCESS_KEY)@account/container',
        'cw://$(BUCKET_TEAM_04_ACCESS_KEY):$(BUCKET_TEAM_04_SECRET_KEY)@cwobject.com/wandb?tls=true',
        'cw://',
    ]
    assert found['BUCKET_TEAM_00_ACCESS_KEY'] == {'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'A'}}}
    assert found['BUCKET_TEAM_00_SECRET_KEY'] == {'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'B'}}}
    assert sorted(found) == sorted(f'BUCKET_TEAM_0{team}_{key}_KEY' for team in (0, 2, 3, 4) for key in ('ACCESS', 'SECRET') if (team, key) != (3, 'SECRET'))
    # The chart writes the environment in alphabetical order, and Kubernetes expands what stands before only.
    assert max(found) < 'GORILLA_SUPPORTED_FILE_STORES'


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'redis__params': {'ttlInSeconds': 5}}, 'redis.params.ttlInSeconds'),
        ({'redis__params': {'master': 'a'}, 'redis__sentinel_master': 'a'}, 'redis.params.master'),
        ({'install': {'redis': False}, 'redis': None}, 'install.redis'),
        ({'mysql': None, 'install': {'mysql': True}}, 'components.mysql.image.tag'),
        ({'install': {'weave-trace': True}}, 'install.weave-trace: Weave keeps its traces in ClickHouse; give clickhouse'),
        ({'extra_values': {'weave-trace-worker': {'install': True}}}, 'install.weave-trace-worker'),
        ({'default_bucket': MINIO}, 'default_bucket is not read while bucket is given'),
        ({'bucket': None}, 'bucket: an object store is wanted'),
        ({'bucket__kms_key': 'x'}, 'bucket.kms_key'),
        ({'bucket': None, 'default_bucket': {**AWS, 'provider': 'az'}}, 'default_bucket.name: on Azure'),
        ({'team_buckets': [{**MINIO, 'region': None}]}, 'team_buckets[0].region'),
        ({'team_buckets': [{**MINIO, 'secret': None}]}, 'team_buckets[0]: give host and secret'),
        ({'team_buckets': [{**AWS, 'kms_key': 'x'}]}, 'team_buckets[0].kms_key'),
        ({'team_buckets': [AWS, {**MINIO, 'provider': 'az', 'region': None}]}, 'team_buckets[1].host'),
        ({'team_buckets': [MINIO], 'chart_version': '0.18.0'}, 'team_buckets: charts before 0.33'),
    ],
)
def test_refused(changes, said):
    (problem,) = problems(**changes)
    assert said in problem


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'redis__sentinel_master': 'main'}, 'redis.sentinel_master: weave-python'),
        ({'clickhouse': CLICKHOUSE}, 'clickhouse: nothing reads it'),
        ({'bucket': {**AWS, 'provider': 'gcs', 'secret': KEYS}}, 'bucket.secret is left out'),
        ({'team_buckets': [AWS, AWS]}, 'team_buckets[1] is there already'),
    ],
)
def test_warned_of(changes, said):
    (warning,) = build(site(**changes)).warnings
    assert warning.startswith(said)


@pytest.mark.parametrize(
    ('changes', 'wanted'),
    [
        ({'clickhouse': CLICKHOUSE}, ('clickhouse.password_secret', ('k',), 'clickhouse')),
        ({'bucket': None, 'default_bucket': MINIO}, ('default_bucket.secret', ('A', 'B'), 'bucket')),
        ({'team_buckets': [AWS, MINIO]}, ('team_buckets[1].secret', ('A', 'B'), 'team-buckets')),
        ({'bucket': {**AWS, 'provider': 'az', 'secret': KEYS}}, ('bucket.secret', ('A',), 'bucket')),
        ({'oidc': {'secret': SECRET}}, ('oidc.secret', ('k',), 'oidc')),
        ({'ldap': {'bind_password_secret': SECRET}}, ('ldap.bind_password_secret', ('k',), 'ldap')),
        ({'smtp': {'password_secret': SECRET}}, ('smtp.password_secret', ('k',), 'smtp')),
        ({'slack': {'secret': SECRET}}, ('slack.secret', ('k',), 'slack')),
    ],
)
def test_every_secret_is_known_with_its_purpose(changes, wanted):
    assert wanted in [(one.option, one.keys, one.purpose) for one in references(site(**changes)) if one.name == 's']


def test_gcs_asks_for_no_secret():
    assert 's' not in [one.name for one in references(site(bucket={**AWS, 'provider': 'gcs', 'secret': KEYS}))]
