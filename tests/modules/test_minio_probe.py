# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""s3_probe against the lab's MinIO: all well, and each class of failure."""

from __future__ import annotations

import pytest
from harness import lab_vars, run_module
from minio_lab import root_client, root_options

MODULE = 'wandb.onprem.s3_probe'
ROUND_TRIP = ['put', 'get', 'head', 'range', 'multipart', 'delete']
READS = ['wrong_key', 'anonymous', 'clock', 'cors_get', 'cors_head', 'cors_put', 'cors_foreign']


@pytest.fixture
def options():
    known = lab_vars('s3-2')
    return {
        'endpoint': 'https://s3-2:9000', 'resolve': known['ansible_host'], 'ca_content': root_options()['ca_content'], 'origin': known['wandb_host'],
        'access_key': known['wandb_minio_access_key'], 'secret_key': known['wandb_minio_secret_key'], 'bucket': 'wandb', 'prefix': 'test-probe/',
    }


@pytest.mark.parametrize(('check', 'names'), [(False, ROUND_TRIP + READS), (True, ['get', *READS])])
def test_all_is_well_and_nothing_stays(options, check, names):
    result = run_module(MODULE, options, check=check, secrets=[options['secret_key']])
    assert not result['failed'], result['msg']
    assert result['changed'] is False
    assert [step['name'] for step in result['checks']] == names
    assert all(step['ok'] for step in result['checks'])
    assert result['tls']['version'] == 'TLSv1.3'
    assert list(root_client(root_options()).list_objects(bucket_name='wandb', prefix='test-probe/', recursive=True)) == []


@pytest.mark.parametrize(('wrong', 'failure', 'step'), [
    ({'resolve': None}, 'dns', 'connection'),
    ({'resolve': '127.0.0.1', 'endpoint': 'https://s3-2:1'}, 'connect', 'connection'),
    ({'endpoint': 'https://wrong:9000'}, 'tls', 'connection'),
    ({'ca_content': None}, 'tls', 'connection'),
    ({'secret_key': 'not-the-secret-key'}, 'auth', 'put'),
    ({'access_key': 'nobody'}, 'auth', 'put'),
    ({'bucket': 'nonesuch'}, 'auth', 'put'),
    ({'region': 'eu-west-1'}, 'auth', 'put'),
    ({'origin': 'https://other.test'}, 'cors', 'cors_get'),
    ({'foreign_origin': None, 'origin': None, 'max_skew': -1}, 'clock', 'clock'),
])
def test_each_failure_has_its_class(options, wrong, failure, step):
    result = run_module(MODULE, {**options, **wrong}, secrets=[options['secret_key']])
    assert result['failed']
    assert result['failure'] == failure, result['msg']
    assert next(found['name'] for found in result['checks'] if not found['ok']) == step
    assert 'Mend: ' in result['msg']


def test_a_missing_bucket_is_told_apart_by_the_administrator(options):
    root = root_options()
    result = run_module(MODULE, {**options, 'access_key': root['root_user'], 'secret_key': root['root_password'], 'bucket': 'nonesuch'})
    assert result['failure'] == 'bucket'


def test_an_open_origin_is_told(options):
    result = run_module(MODULE, {**options, 'foreign_origin': options['origin']})
    assert result['failure'] == 'cors'
    assert 'may use presigned URLs' in result['msg']
