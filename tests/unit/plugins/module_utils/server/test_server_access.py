# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may not do is told all at once, before it writes."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.waiting import ServerError
from ansible_collections.wandb.onprem.plugins.modules import wandb_server_info
from server_cluster import CR, EXPIRED, HMAC, NAMESPACE, Cluster, failing, good_operator, runner


def test_a_first_install_names_every_lacking_permission():
    cluster = Cluster(good_operator)
    cluster.refused = {('create', 'weightsandbiases', 'wandb'), ('get', 'pods/log', 'wandb-operator'), ('list', 'events', 'wandb')}
    error = failing(cluster)
    assert error.result['lacking_permissions'] == [
        'create weightsandbiases in namespace wandb',
        'list events in namespace wandb',
        'get pods/log in namespace wandb-operator',
    ]
    assert all(one in str(error) for one in error.result['lacking_permissions'])
    assert cluster.writes() == []


def test_what_is_asked_for_goes_with_the_options():
    def asked(**changes):
        cluster = Cluster(good_operator)
        runner(cluster, **changes).present()
        return len(cluster.reviews())

    plain = asked()
    assert asked(repair=True) == plain + 2
    assert asked(custom_ca_configmap=None) == plain - 1


def test_a_run_with_nothing_to_do_asks_nothing():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.log.clear()
    runner(cluster).present()
    assert cluster.reviews() == []


def test_a_lost_hmac_key_is_a_first_write():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    del cluster.objects[HMAC]
    cluster.refused = {('create', 'secrets', 'wandb')}
    cluster.log.clear()
    assert failing(cluster).result['lacking_permissions'] == ['create secrets in namespace wandb']
    assert cluster.writes() == []


@pytest.mark.parametrize('path', [f'{NAMESPACE}/secrets', CR, '/apis/apps/v1/namespaces/wandb-operator/deployments'])
def test_a_refused_request_is_explained_in_full(path):
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.forbidden = {('GET', path)}
    cluster.refused = {('list', 'secrets', 'wandb'), ('list', 'jobs', 'wandb')}
    assert failing(cluster).result['lacking_permissions'] == ['list secrets in namespace wandb', 'list jobs in namespace wandb']


def test_a_refusal_that_is_no_lack_of_permission_stays_what_it_is():
    # Admission answers 403 as well.
    cluster = Cluster(good_operator)
    cluster.forbidden = {('PATCH', CR)}
    with pytest.raises(ForbiddenError, match='no RBAC policy matched'):
        runner(cluster).present()


def test_the_removal_is_explained_as_well():
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.log.clear()
    cluster.forbidden = {('DELETE', CR)}
    cluster.refused = {('delete', 'weightsandbiases', 'wandb'), ('delete', 'secrets', 'wandb'), ('create', 'weightsandbiases', 'wandb')}
    with pytest.raises(ServerError) as caught:
        runner(cluster).absent()
    assert caught.value.result['lacking_permissions'] == ['delete weightsandbiases in namespace wandb', 'delete secrets in namespace wandb']


def without_kind(cluster):
    """As an API server answers for a kind that it does not know: plain text."""
    send = cluster.send

    def answer(method, path, query, content_type, body):
        if path.startswith('/apis/apps.wandb.com/'):
            cluster.log.append((method, path, dict(query)))
            return type(send('GET', f'{NAMESPACE}/secrets', {}, '', None))(404, b'404 page not found\n')
        return send(method, path, query, content_type, body)

    cluster.send = answer
    return cluster


def test_a_missing_crd_is_told_before_anything_is_written():
    cluster = without_kind(Cluster())
    error = failing(cluster)
    assert 'install the operator and its CRD first (module wandb_operator)' in str(error)
    assert cluster.writes() == []


def test_check_mode_assumes_the_crd():
    cluster = without_kind(Cluster())
    result = runner(cluster, dry_run=True).present()
    assert (result['changed'], result['assumed']) == (True, ['kind of the custom resource'])


def test_a_missing_namespace_is_named_once():
    cluster = Cluster()
    # The chart's ConfigMap is in the operator's.
    cluster.objects = {path: one for path, one in cluster.objects.items() if not path.startswith(NAMESPACE + '/')}
    assert cluster.objects
    with pytest.raises(OptionsError) as caught:
        runner(cluster).present()
    assert caught.value.problems == ['namespace: there is no namespace wandb; make it, and the Secrets in it, first']
    cluster.objects = {NAMESPACE: {'kind': 'Namespace', 'metadata': {'name': 'wandb'}}}
    with pytest.raises(OptionsError, match='license_secret: there is no Secret wandb-license-in'):
        runner(cluster).present()
    assert cluster.writes() == []


@pytest.mark.parametrize('data', [{'license': 'no'}, EXPIRED])
def test_check_mode_refuses_a_bad_license_too(data):
    cluster = Cluster(good_operator)
    cluster.secret('wandb-license-in', data)
    del cluster.objects[f'{NAMESPACE}/secrets/wandb-mysql-in']
    with pytest.raises(OptionsError, match='license_secret') as caught:
        runner(cluster, dry_run=True).present()
    assert len(caught.value.problems) == 1


def test_the_info_module_explains_a_refused_request_as_well(monkeypatch, capsys):
    cluster = Cluster(good_operator)
    runner(cluster).present()
    cluster.forbidden = {('GET', '/apis/apps/v1/namespaces/wandb/deployments')}
    cluster.refused = {('list', 'deployments', 'wandb'), ('get', 'services/proxy', 'wandb'), ('create', 'secrets', 'wandb')}
    monkeypatch.setattr(wandb_server_info, 'client_from', lambda options, dry_run: Client(cluster, dry_run))
    with patch_module_args({}), pytest.raises(SystemExit):
        wandb_server_info.main()
    result = json.loads(capsys.readouterr().out)
    assert result['failed'] is True
    assert result['lacking_permissions'] == ['list deployments in namespace wandb', 'get services/proxy in namespace wandb']
