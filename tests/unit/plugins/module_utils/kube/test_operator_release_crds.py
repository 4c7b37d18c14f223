# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row about a CRD, and whose namespaces an operator looks after."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.operator_crds import CrdVerb, decide_crd, signed, version_key
from ansible_collections.wandb.onprem.plugins.module_utils.operator_scope import others, scope_of


def crd(versions=('v1',), storage='v1', written_by='', stored=()):
    annotations = {'wandb.onprem/chart-version': written_by} if written_by else {}
    return {'metadata': {'name': 'weightsandbiases.apps.wandb.com', 'annotations': annotations},
            'spec': {'versions': [{'name': name, 'storage': name == storage} for name in versions]}, 'status': {'storedVersions': list(stored)}}


@pytest.mark.parametrize(('live', 'wanted', 'verb', 'words'), [
    (None, crd(), CrdVerb.APPLY, ''),
    (crd(), crd(), CrdVerb.APPLY, ''),
    (crd(written_by='1.4.7'), crd(), CrdVerb.APPLY, ''),
    (crd(written_by='1.4.8'), crd(), CrdVerb.APPLY, ''),
    (crd(written_by='1.4.8-rc.1'), crd(), CrdVerb.APPLY, ''),
    (crd(written_by='1.4.9'), crd(), CrdVerb.KEEP, 'is of chart version 1.4.9, newer than 1.4.8'),
    (crd(written_by='1.10.0'), crd(), CrdVerb.KEEP, 'newer'),
    (crd(written_by='somebody'), crd(), CrdVerb.APPLY, ''),
    (crd(('v1', 'v2'), 'v2'), crd(), CrdVerb.REFUSE, "the cluster's CRD weightsandbiases.apps.wandb.com stores v2"),
    (None, crd(('v1', 'v2'), 'v2'), CrdVerb.REFUSE, "the chart's CRD weightsandbiases.apps.wandb.com stores v2"),
    (crd(('v1', 'v2')), crd(), CrdVerb.REFUSE, "has version v2, which the chart's CRD lacks"),
    (crd(stored=('v1', 'v2')), crd(), CrdVerb.REFUSE, 'has objects stored as v2'),
    (crd(stored=('v1',)), crd(), CrdVerb.APPLY, ''),
    (crd(('v1', 'v2'), written_by='1.4.9'), crd(), CrdVerb.REFUSE, 'v2'),
])
def test_crd_decision(live, wanted, verb, words):
    decision = decide_crd(live, wanted, '1.4.8')
    assert decision.verb == verb
    assert words in decision.reason
    assert bool(decision.reason) is (verb != CrdVerb.APPLY)


def test_the_chart_version_is_remembered_without_touching_the_chart():
    given = crd()
    assert signed(given, '1.4.8')['metadata']['annotations'] == {'wandb.onprem/chart-version': '1.4.8'}
    assert given == crd()


def test_versions_sort_as_semantic_versions_do():
    texts = ['1.4.8-alpha', '1.4.8-alpha.1', '1.4.8-beta.2', '1.4.8-beta.11', '1.4.8', '1.4.10', '2.0.0-beta.3']
    assert sorted(texts, key=version_key) == texts
    assert version_key('v1.4.8+build') == version_key('1.4.8')
    assert version_key('latest') is None


def deployment(namespace, watched='', owner=None, env='WANDB_MANAGER_SERVICE_ACCOUNT'):
    annotations = dict(zip(('meta.helm.sh/release-namespace', 'meta.helm.sh/release-name'), owner)) if owner else {}
    arguments = ['--leader-elect', *([f'--isolation-namespaces={watched}'] if watched else [])]
    return {'metadata': {'name': 'm', 'namespace': namespace, 'annotations': annotations},
            'spec': {'template': {'spec': {'containers': [{'args': arguments, 'env': [{'name': env}]}]}}}}


ISOLATED = {'namespaceIsolation': {'enabled': True, 'additionalNamespaces': ['wandb']}}


@pytest.mark.parametrize(('one', 'values', 'words'), [
    (deployment('ops', owner=('ops', 'operator')), {}, None),
    (deployment('ops', owner=('ops', 'other')), {}, 'of Helm release ops/other, runs in the same namespace'),
    (deployment('ops'), ISOLATED, 'not made by Helm, runs in the same namespace'),
    (deployment('else', env='ANOTHER_KUBEBUILDER_OPERATOR'), {}, None),
    (deployment('else'), {}, 'looks after every namespace, this one would look after every namespace'),
    (deployment('else'), ISOLATED, 'looks after every namespace, this one would look after ops, wandb'),
    (deployment('else', 'else,wandb'), {}, 'looks after else, wandb, this one would look after every namespace'),
    (deployment('else', 'else,wandb'), ISOLATED, 'looks after wandb, too'),
    (deployment('else', 'else'), ISOLATED, None),
])
def test_another_operator_counts_where_both_look_after_the_same_namespaces(one, values, words):
    found = others([one], 'ops', 'operator', scope_of(values, 'ops'))
    if words is None:
        assert found == {}
    else:
        assert len(found) == 1
        name, told = next(iter(found.items()))
        assert name == f"Deployment {one['metadata']['namespace']}/m"
        assert words in told
