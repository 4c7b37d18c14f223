# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role bucket where it can ask nobody: what it writes and tells for the administrator of the store. (With a store: tests/modules/test_s3_bucket.py.)"""

from __future__ import annotations

import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.minio import BUCKET_ACTIONS, OBJECT_ACTIONS
from play import inventory, play

SITE = 'https://wandb.example.com'


@pytest.mark.parametrize(('endpoint', 'written', 'told'), [
    ({'provider': 'gcs', 'name': 'files'}, ['cors.json'], ['gcloud storage buckets update gs://files --cors-file=', 'iam.serviceAccounts.signBlob']),
    ({'provider': 'az', 'name': 'account/files'}, [], ['az storage cors add --services b --account-name account', f'--origins {SITE}']),
    ({'provider': 's3', 'name': 'files', 'region': 'eu-west-1', 'pod_identity': True}, ['cors.json', 'policy.json'],
     ['aws s3api put-bucket-cors --bucket files', 'there is no key of it here']),
])
def test_the_administrator_of_the_store_is_told(tmp_path, endpoint, written, told):
    hosts = inventory(tmp_path, {'wandb_host': SITE, 'wandb_site_dir': str(tmp_path), 'wandb_bucket_endpoint': endpoint, 'wandb_minio_access_key': 'k' * 20})
    done, counts = play('wandb.onprem.bucket', hosts, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = ' '.join(done.stdout.split())
    assert [words for words in told if words not in said] == [], said
    folder = tmp_path / 'render' / 'bucket'
    assert sorted(path.name for path in folder.glob('*')) == written
    again, counts = play('wandb.onprem.bucket', hosts, home=tmp_path)
    assert (again.returncode, counts['changed']) == (0, 0)
    if endpoint['provider'] == 'gcs':
        (rule,) = json.loads((folder / 'cors.json').read_text())
        assert (rule['origin'], rule['maxAgeSeconds'], rule['responseHeader']) == ([SITE], 3000, ['Content-Type', 'ETag'])
    if endpoint['provider'] == 's3':
        allowed = [action for statement in json.loads((folder / 'policy.json').read_text())['Statement'] for action in statement['Action']]
        assert 's3:GetBucketCORS' in allowed
        # Another store spells one of them otherwise; the rights are those that the key gets on MinIO.
        assert sorted(action.lower() for action in allowed) == sorted(action.lower() for action in BUCKET_ACTIONS + OBJECT_ACTIONS)
        assert not [action for action in allowed if 'Delete' in action and action != 's3:DeleteObject']


def test_nothing_happens_without_a_store_of_ones_own(tmp_path):
    hosts = inventory(tmp_path, {'wandb_host': SITE, 'wandb_site_dir': str(tmp_path)})
    done, counts = play('wandb.onprem.bucket', hosts, home=tmp_path)
    assert (done.returncode, counts['changed']) == (0, 0), done.stdout + done.stderr
    assert not (tmp_path / 'render').exists()
