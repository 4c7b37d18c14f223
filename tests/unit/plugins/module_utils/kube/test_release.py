# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the decision table, and what reads charts and releases."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.helm import (
    Helm,
    HelmError,
    Release,
    decode_release,
    manifest_objects,
    newest_release,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.release import Mend, Observed, Verb, Wanted, decide, differing_paths
from fake_server import FakeServer

VALUES = {'image': {'tag': '1.22.0'}}
OBJECTS = {'Deployment n/d': {'spec': 1}}
WANTED = Wanted('operator', '1.4.8', VALUES, OBJECTS)


def release(**more):
    return Release(**{'name': 'operator', 'namespace': 'n', 'revision': 3, 'status': 'deployed', 'chart_name': 'operator', 'chart_version': '1.4.8',
                      'values': VALUES, 'manifest': '', **more})


def observed(**more):
    return Observed(release(**more), OBJECTS)


@pytest.mark.parametrize(('given', 'verb', 'mend', 'words'), [
    (Observed(None, {}), Verb.INSTALL, Mend.NONE, 'does not exist'),
    (observed(), Verb.NOTHING, Mend.NONE, ''),
    (observed(values={'image': {'tag': '1.21.0'}}), Verb.UPGRADE, Mend.NONE, 'value image.tag differs'),
    (observed(chart_version='1.4.7'), Verb.UPGRADE, Mend.NONE, 'chart 1.4.7 -> 1.4.8'),
    (Observed(release(), {'Deployment n/d': {'spec': 2}}), Verb.UPGRADE, Mend.NONE, 'Deployment n/d is rendered differently'),
    (Observed(release(), {**OBJECTS, 'Role n/r': {}}), Verb.UPGRADE, Mend.NONE, 'Role n/r'),
    (observed(status='failed'), Verb.REPAIR, Mend.NONE, 'revision 3 is failed'),
    (observed(status='superseded'), Verb.REPAIR, Mend.NONE, 'superseded'),
    (observed(status='pending-install'), Verb.REPAIR, Mend.DELETE_PENDING, 'pending-install'),
    (observed(status='pending-upgrade'), Verb.REPAIR, Mend.DELETE_PENDING, 'pending-upgrade'),
    (observed(status='pending-rollback'), Verb.REPAIR, Mend.DELETE_PENDING, 'pending-rollback'),
    (observed(status='uninstalling'), Verb.REPAIR, Mend.FINISH_UNINSTALL, 'uninstalling'),
    (observed(status='uninstalled'), Verb.REPAIR, Mend.FINISH_UNINSTALL, 'uninstalled'),
    (observed(chart_name='nginx'), Verb.REFUSE, Mend.NONE, 'is of chart nginx'),
    (Observed(None, {}, {'Deployment n/d': 'not made by Helm'}), Verb.REFUSE, Mend.NONE, 'Deployment n/d exists already, not made by Helm'),
    (Observed(release(), OBJECTS, foreign={'Role n/r': 'of Helm release a/b'}), Verb.REFUSE, Mend.NONE, 'Role n/r exists already, of Helm release a/b'),
    (Observed(None, {}, others={'Deployment a/o': 'of Helm release a/b, runs in the same namespace'}), Verb.REFUSE, Mend.NONE, 'there is another operator'),
    (Observed(release(), OBJECTS, others={'Deployment a/o': 'not made by Helm'}), Verb.REFUSE, Mend.NONE, 'Deployment a/o'),
    (Observed(release(), OBJECTS, crd_refusals=('it stores v2',)), Verb.REFUSE, Mend.NONE, 'stores v2'),
    (Observed(None, {}, crd_refusals=('it stores v2',)), Verb.REFUSE, Mend.NONE, 'stores v2'),
    (Observed(release(), OBJECTS, drift=('Role n/r is gone',)), Verb.UPGRADE, Mend.NONE, 'Role n/r is gone'),
    (Observed(release(values={}), OBJECTS, drift=('Role n/r is gone',)), Verb.UPGRADE, Mend.NONE, 'value image differs; Role n/r is gone'),
    (observed(values={'image': {'tag': True}}), Verb.UPGRADE, Mend.NONE, 'value image.tag differs'),
])
def test_decision(given, verb, mend, words):
    decision = decide(given, WANTED)
    assert (decision.verb, decision.mend) == (verb, mend)
    assert words in '; '.join(decision.reasons)
    assert bool(decision.remedy) is (verb in (Verb.REPAIR, Verb.REFUSE))


def test_a_broken_release_is_mended_before_its_values_are_looked_at():
    assert decide(observed(status='pending-upgrade', values={}), WANTED).verb == Verb.REPAIR


def test_the_remedy_names_the_secret_that_would_be_deleted():
    assert 'n/sh.helm.release.v1.operator.v3' in decide(observed(status='pending-upgrade'), WANTED).remedy


def test_differing_paths_tell_no_values():
    old, new = {'a': {'b': 'secret', 'c': 1}, 'd': [1], 'same': 0}, {'a': {'b': 'other', 'c': 1}, 'e': None, 'd': [2], 'same': 0}
    assert differing_paths(old, new) == ['a.b', 'd']
    assert differing_paths({'a': 1}, {'a': True}) == ['a']


def secret(revision=1, compress=gzip.compress, **more):
    document = {'name': 'operator', 'namespace': 'n', 'version': revision, 'info': {'status': 'deployed'}, 'config': VALUES, 'manifest': 'kind: A\n',
                'chart': {'metadata': {'name': 'operator', 'version': '1.4.8'}}, **more}
    packed = base64.b64encode(base64.b64encode(compress(json.dumps(document).encode()))).decode()
    return {'metadata': {'name': f'sh.helm.release.v1.operator.v{revision}', 'labels': {'version': str(revision)}}, 'data': {'release': packed}}


@pytest.mark.parametrize('compress', [gzip.compress, bytes])
def test_a_release_is_read_from_its_secret(compress):
    assert decode_release(secret(compress=compress)) == release(revision=1, manifest='kind: A\n')


def test_a_secret_that_is_no_release_is_told():
    with pytest.raises(HelmError, match=r'Secret x does not hold a Helm release'):
        decode_release({'metadata': {'name': 'x'}, 'data': {'release': 'bm9wZQ=='}})


def test_the_newest_revision_is_by_number_not_by_name():
    folder = '/api/v1/namespaces/n/secrets'
    server = FakeServer({f'{folder}/v{revision}': secret(revision) for revision in (2, 9, 10)})
    assert newest_release(Service(Client(server)), 'n', 'operator').revision == 10
    assert server.log == [('GET', folder, {'limit': '500', 'labelSelector': 'owner=helm,name=operator'}, '')]


def test_manifests_are_compared_free_of_order_and_comments():
    one = '---\n# Source: a\nkind: A\nmetadata: {name: a, namespace: n}\n---\nkind: B\nmetadata: {name: b}\n'
    other = 'kind: B\nmetadata:\n  name: "b"\n---\n\n---\nmetadata: {namespace: n, name: a}\nkind: A\n'
    assert manifest_objects(one) == manifest_objects(other)
    assert set(manifest_objects(one)) == {'A n/a', 'B /b'}


def test_helm_gets_its_kubeconfig_by_the_environment_and_errors_are_handed_on():
    calls = []

    def run(arguments, environment):
        calls.append((arguments, environment))
        return 1, '', 'Error: no such chart'
    with pytest.raises(HelmError, match=r'helm template failed: Error: no such chart'):
        Helm(run, '/bin/helm', '/tmp/kubeconfig').template('r', 'n', 'c', 'v.yaml', 'v1.35.4', upgrade=True)
    [(arguments, environment)] = calls
    assert arguments[:4] == ['/bin/helm', 'template', 'r', 'c']
    assert '--is-upgrade' in arguments
    assert environment['KUBECONFIG'] == '/tmp/kubeconfig'
    assert environment['HELM_DRIVER'] == 'secret'
    assert environment['HELM_KUBETOKEN'] == ''
