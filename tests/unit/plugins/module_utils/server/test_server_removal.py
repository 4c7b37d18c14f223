# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a server: what goes, what stays, and the file that keeps the former."""

from __future__ import annotations

import os

import pytest
import server_objects as o
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from server_cluster import CR, HMAC, NAMESPACE, Cluster, good_operator, runner

HELM = {'meta.helm.sh/release-name': 'wandb', 'meta.helm.sh/release-namespace': 'wandb'}
KEEP = {**HELM, 'helm.sh/resource-policy': 'keep'}
LOST = ['wandb-bucket', 'wandb-chart-made', 'wandb-hmac', 'wandb-owned', 'wandb-spec-user', 'wandb-spec-active']


def server():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.secret('wandb-spec-user', {'values': '{}'})
    cluster.secret('wandb-bucket', {'SECRET_KEY': 'word'})
    cluster.secret('wandb-owned', {'k': 'v'}, ownerReferences=[{'uid': 'cr'}], resourceVersion='9', uid='u')
    cluster.secret('wandb-chart-made', {'k': 'v'}, labels={'app.kubernetes.io/managed-by': 'Helm'}, annotations=HELM)
    # Of another owner, another release, kept by the chart, kept by its known name.
    cluster.secret('other-owned', {'k': 'v'}, ownerReferences=[{'uid': 'other'}])
    cluster.secret('other-made', {'k': 'v'}, labels={'app.kubernetes.io/managed-by': 'Helm'}, annotations={**HELM, 'meta.helm.sh/release-name': 'other'})
    cluster.secret('wandb-kept', {'k': 'v'}, labels={'app.kubernetes.io/managed-by': 'Helm'}, annotations=KEEP)
    cluster.secret('wandb-license', {'license': 'x'})
    cluster.secret('wandb-password', {'password': 'x'})
    cluster.objects[f'{NAMESPACE}/persistentvolumeclaims/redis'] = {
        'metadata': {'name': 'redis-data-wandb-redis-master-0', 'labels': {'app.kubernetes.io/instance': 'wandb'}},
    }
    cluster.log.clear()
    return cluster


def read(path):
    return list(yaml.safe_load_all(path.read_text(encoding='utf-8')))


def test_what_would_be_lost_is_saved_first(tmp_path):
    cluster, path = server(), tmp_path / 'saved.yml'
    saved_at_deletion = []
    cluster.operator = lambda _cluster: saved_at_deletion.append(path.exists())
    result = runner(cluster, save_secrets_to=str(path)).absent()
    assert result['saved'] == [f'Secret {name}' for name in LOST]
    assert saved_at_deletion[0] is True
    documents = read(path)
    assert [one['metadata']['name'] for one in documents] == LOST
    assert os.stat(path).st_mode & 0o777 == 0o600
    owned = documents[LOST.index('wandb-owned')]
    assert owned == {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'wandb-owned', 'labels': {}}, 'data': {'k': o.b64('v')}}
    # Applied before an installation, the operator's own record would keep it from installing anything.
    assert 'but not the last one:\n# wandb-spec-active' in path.read_text(encoding='utf-8')


def test_what_stays_is_told():
    cluster = server()
    kept = ['Secret wandb-kept', 'Secret wandb-license', 'Secret wandb-password']
    assert runner(cluster, dry_run=True).absent()['left_behind'] == kept
    result = runner(cluster).absent()
    assert result['left_behind'] == [*kept, 'PersistentVolumeClaim redis-data-wandb-redis-master-0']
    assert (result['waited'], result['waited_seconds']) == ([{'stage': 'removal', 'seconds': 0.0}], 0.0)


def test_check_mode_tells_and_writes_no_file(tmp_path):
    cluster, path = server(), tmp_path / 'saved.yml'
    result = runner(cluster, dry_run=True, save_secrets_to=str(path)).absent()
    assert result['saved'] == [f'Secret {name}' for name in LOST]
    assert not path.exists()
    assert CR in cluster.objects


@pytest.mark.parametrize('dry_run', [False, True])
@pytest.mark.parametrize('text', ['something: else\n', 'no yaml: [', ''])
def test_a_file_that_holds_something_else_is_not_overwritten(tmp_path, text, dry_run):
    cluster, path = server(), tmp_path / 'saved.yml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(OptionsError, match=r'save_secrets_to: .* holds something else'):
        runner(cluster, dry_run, save_secrets_to=str(path)).absent()
    assert (path.read_text(encoding='utf-8'), cluster.writes()) == (text, [])


def test_a_run_after_one_that_was_cut_off_keeps_the_fuller_file(tmp_path):
    cluster, path = server(), tmp_path / 'saved.yml'
    runner(server(), save_secrets_to=str(path)).absent()
    # The HMAC's key is random.
    document = read(path)[LOST.index('wandb-hmac')]
    cluster.objects[HMAC] = {**cluster.objects[HMAC], 'data': document['data']}
    before = path.read_text(encoding='utf-8')
    active = read(path)[-1]
    cluster.objects[f'{NAMESPACE}/secrets/wandb-spec-active']['data'] = active['data']
    del cluster.objects[f'{NAMESPACE}/secrets/wandb-bucket']
    assert runner(cluster, save_secrets_to=str(path)).absent()['changed'] is True
    assert path.read_text(encoding='utf-8') == before


def test_a_missing_folder_is_told_before_anything_is_deleted(tmp_path):
    cluster = server()
    with pytest.raises(OptionsError, match='save_secrets_to: there is no folder'):
        runner(cluster, save_secrets_to=str(tmp_path / 'no' / 'saved.yml')).absent()
    assert cluster.writes() == []


def test_without_wait_the_rest_is_not_touched():
    cluster = server()
    result = runner(cluster, wait=False).absent()
    assert (result['changed'], result['waited']) == (True, [])
    assert result['left_behind'] == ['Secret wandb-kept', 'Secret wandb-license', 'Secret wandb-password']
    assert HMAC in cluster.objects
