# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids for OpenShift out of the annotations of the namespace."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.openshift import GROUPS, UID_RANGE, blocks, completed
from server_cluster import NAMESPACE, Cluster, good_operator, runner
from server_options import site

PROJECT = {UID_RANGE: '1000650000/10000', GROUPS: '1000660000/10000'}


def preset(**ids):
    return site(security_context={'preset': 'openshift', 'run_as_user': None, 'fs_group': None, **ids})


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('1000650000/10000', [(1000650000, 1000659999)]),
        ('1000650000-1000659999', [(1000650000, 1000659999)]),
        ('1/2,10-12', [(1, 2), (10, 12)]),
        ('5/1', [(5, 5)]),
    ],
)
def test_blocks(text, found):
    assert blocks(text) == found


@pytest.mark.parametrize('text', ['', 'x', '1', '1/0', '9-1', '1/2/3', '-1/5'])
def test_no_blocks(text):
    with pytest.raises(ValueError, match=r'neither start|holds no id'):
        blocks(text)


@pytest.mark.parametrize(
    ('ids', 'annotations', 'user', 'group'),
    [
        ({}, PROJECT, 1000650000, 1000660000),
        # OpenShift takes the uid range for groups where there is no range of their own.
        ({}, {UID_RANGE: '1000650000/10000'}, 1000650000, 1000650000),
        ({'run_as_user': 1000659999, 'fs_group': 1000660001}, PROJECT, 1000659999, 1000660001),
    ],
)
def test_completed(ids, annotations, user, group):
    options = preset(**ids)
    context = completed(options, annotations)['security_context']
    assert context == {'preset': 'openshift', 'run_as_user': user, 'fs_group': group}
    assert options == preset(**ids), 'the options handed in were changed'


@pytest.mark.parametrize(
    ('ids', 'annotations', 'said'),
    [
        ({}, {}, ['namespace wandb has no annotation openshift.io/sa.scc.uid-range']),
        ({}, {UID_RANGE: 'many'}, ['annotation openshift.io/sa.scc.uid-range of namespace wandb: "many" is neither']),
        ({}, {UID_RANGE: '1/5', GROUPS: '7'}, ['supplemental-groups of namespace wandb: "7" is neither']),
        (
            {'run_as_user': 999, 'fs_group': 0},
            PROJECT,
            ['security_context.run_as_user: 999 is outside 1000650000-1000659999', 'security_context.fs_group: 0 is outside 1000660000-1000669999'],
        ),
    ],
)
def test_refused(ids, annotations, said):
    with pytest.raises(OptionsError) as caught:
        completed(preset(**ids), annotations)
    assert len(caught.value.problems) == len(said)
    for text, problem in zip(said, caught.value.problems):
        assert text in problem


def on_openshift(annotations):
    cluster = Cluster(good_operator)
    cluster.objects[NAMESPACE] = {'kind': 'Namespace', 'metadata': {'name': 'wandb', 'annotations': annotations}}
    return cluster


def test_a_run_reads_the_namespace_once():
    cluster, context = on_openshift(PROJECT), preset()['security_context']
    runner(cluster, security_context=context).present()
    cluster.log.clear()
    result = runner(cluster, security_context=context).present()
    assert result['custom_resource']['spec']['values']['app']['podSecurityContext']['runAsUser'] == 1000650000
    assert [path for _method, path, _query in cluster.log].count(NAMESPACE) == 1
    assert (result['changed'], len(cluster.log)) == (False, 14)


def test_a_namespace_without_range_is_refused_before_anything_is_written():
    cluster = on_openshift({})
    with pytest.raises(OptionsError, match='has no annotation'):
        runner(cluster, security_context=preset()['security_context']).present()
    assert cluster.writes() == []


def test_check_mode_assumes_the_ids_of_a_namespace_to_come():
    cluster = Cluster(good_operator)
    result = runner(cluster, dry_run=True, security_context=preset()['security_context']).present()
    assert 'security_context.preset: the ids that OpenShift gives to namespace wandb' in result['assumed']
