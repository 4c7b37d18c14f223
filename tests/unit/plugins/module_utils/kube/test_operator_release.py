# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner over a fake API server and a fake helm."""

from __future__ import annotations

import base64
import gzip
import json
import pathlib

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.helm import Helm, HelmError
from ansible_collections.wandb.onprem.plugins.module_utils.helm_chart import read_chart
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_access import AccessError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_options import argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.operator_release import OperatorRunner, Policy, Target
from ansible_collections.wandb.onprem.plugins.module_utils.operator_values import build
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import merge
from fake_server import FakeServer

OPTIONS = {**{name: option.get('default') for name, option in argument_spec().items()}, 'image_tag': '1.22.0'}

CRD = {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'weightsandbiases.apps.wandb.com'},
       'spec': {'versions': [{'name': 'v1', 'storage': True}]}}
CRD_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/weightsandbiases.apps.wandb.com'
DEPLOYMENT_PATH = '/apis/apps/v1/namespaces/n/deployments/manager'
ROLE_PATH = '/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles/manager'
REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
SECRETS = '/api/v1/namespaces/n/secrets/'
OWNED = {'meta.helm.sh/release-name': 'operator', 'meta.helm.sh/release-namespace': 'n'}


def operator_values(options):
    return build(options).values


class FakeHelm:
    """Renders a Deployment and a Role out of the values; keeps releases and objects in the fake server as helm does."""

    def __init__(self, server):
        self.server = server
        self.calls = []
        self.arguments = {}

    def __call__(self, arguments, environment):
        self.calls.append(arguments[1])
        self.arguments[arguments[1]] = arguments
        values = yaml.safe_load(pathlib.Path(arguments[arguments.index('--values') + 1]).read_text()) if '--values' in arguments else None
        if arguments[1] == 'version':
            self.calls.pop()
            return 0, 'v3.22.0', ''
        if arguments[1] == 'template':
            return 0, self.render(values), ''
        if arguments[1] == 'upgrade':
            self.keep(values, 'deployed')
            self.make(values)
        if arguments[1] == 'uninstall':
            mine = (DEPLOYMENT_PATH, ROLE_PATH)
            self.server.objects = {key: one for key, one in self.server.objects.items() if not key.startswith(SECRETS) and key not in mine}
        return 0, '', ''

    @staticmethod
    def render(values):
        return yaml.safe_dump_all([
            {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'manager', 'namespace': 'n'},
             'spec': {'replicas': 1, 'template': {'spec': {'containers': [{'name': 'manager', 'image': values['image']['tag']}]}}}},
            {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': 'manager', 'namespace': 'n'},
             'rules': (values.get('role') or {}).get('rules') or []},
        ])

    def make(self, values):
        deployment, role = yaml.safe_load_all(self.render(values))
        for path, one in ((DEPLOYMENT_PATH, deployment), (ROLE_PATH, role)):
            one['metadata'].update(annotations=dict(OWNED), generation=1)
            one['status'] = {'observedGeneration': 1, 'replicas': 1, 'updatedReplicas': 1, 'availableReplicas': 1}
            self.server.objects[path] = one

    def keep(self, values, status, version='1.4.8'):
        revision = 1 + sum(key.startswith(SECRETS) for key in self.server.objects)
        document = {'name': 'operator', 'namespace': 'n', 'version': revision, 'info': {'status': status}, 'config': values, 'manifest': self.render(values),
                    'chart': {'metadata': {'name': 'operator', 'version': version}}}
        name = f'sh.helm.release.v1.operator.v{revision}'
        self.server.objects[SECRETS + name] = {
            'metadata': {'name': name, 'namespace': 'n', 'labels': {'version': str(revision)}},
            'data': {'release': base64.b64encode(base64.b64encode(gzip.compress(json.dumps(document).encode()))).decode()}}


class ApiServer(FakeServer):
    """Serves a CRD as soon as it is applied, and merges patches that are no applies."""

    def _answer(self, method, path, document, dry):
        existing = self.objects.get(path, {})
        if method == 'PATCH' and path == CRD_PATH:
            document = {**document, 'status': {'conditions': [{'type': 'Established', 'status': 'True'}]}}
        elif method == 'PATCH' and self.log[-1][3] == 'application/merge-patch+json':
            document = merge(existing, document)
        return super()._answer(method, path, document, dry)


class World:
    def __init__(self, folder):
        self.folder = folder
        self.server = ApiServer({'/version': {'gitVersion': 'v1.35.4'}, '/api/v1/namespaces/n': {'kind': 'Namespace', 'metadata': {'name': 'n'}}})
        self.helm = FakeHelm(self.server)
        self.server.answers['POST', REVIEWS] = (200, {'status': {'allowed': True}})
        self.target = Target('operator', 'n')

    def run(self, check=False, values=None, state='present', **policy):
        self.server.no_writes = check
        self.helm.calls = []
        self.server.log.clear()
        client = Client(self.server, check)
        times = iter(range(10000))
        runner = OperatorRunner(Service(client), Helm(self.helm, 'helm', 'kubeconfig'), Waiter(lambda: next(times), lambda seconds: None), str(self.folder))
        if state == 'absent':
            return runner.absent(self.target, Policy(**policy)), client
        chart = read_chart(str(self.folder / 'chart'))
        return runner.present(self.target, chart, values or operator_values(OPTIONS), Policy(**policy)), client

    def establish(self):
        """The API server serves the CRD at once."""
        served = {**CRD, 'status': {'conditions': [{'type': 'Established', 'status': 'True'}]}}
        self.server.objects[CRD_PATH] = served


@pytest.fixture
def world(tmp_path):
    (tmp_path / 'chart' / 'crds').mkdir(parents=True)
    (tmp_path / 'chart' / 'Chart.yaml').write_text('name: operator\nversion: 1.4.8\n')
    (tmp_path / 'chart' / 'crds' / 'wandb.yaml').write_text(yaml.safe_dump(CRD))
    world = World(tmp_path)
    world.establish()
    return world


def test_install_again_modify_again(world):
    checked, _dummy = world.run(check=True)
    assert checked.changed
    assert world.helm.calls == ['template']
    assert [diff['after_header'] for diff in checked.diffs] == [
        'CustomResourceDefinition weightsandbiases.apps.wandb.com', 'Deployment n/manager', 'Role n/manager']
    assert world.run()[0].changed
    assert world.helm.calls == ['template', 'upgrade']
    for check in (False, True):
        outcome, client = world.run(check=check)
        assert not outcome.changed
        assert world.helm.calls == ['template']
        # version, CRD (read and applied), release, and one list for each of the two kinds.
        assert client.requests == 6
    other = operator_values({**OPTIONS, 'image_tag': '1.23.0'})
    assert world.run(check=True, values=other)[0].decision.reasons == ('value image.tag differs',)
    outcome = world.run(values=other)[0]
    assert outcome.changed
    assert outcome.release.revision == 2
    assert not world.run(values=other)[0].changed


def test_check_mode_assumes_namespace_and_kind(world):
    del world.server.objects['/api/v1/namespaces/n'], world.server.objects[CRD_PATH]
    world.server.missing_namespaces.add('n')
    assert world.run(check=True)[0].changed
    with pytest.raises(HelmError, match=r'namespace n does not exist'):
        world.run()
    assert world.helm.calls == ['template']


def served(version, **more):
    """The CRD as the API server has it, written by that version of the chart."""
    return {**CRD, 'metadata': {**CRD['metadata'], 'annotations': {'wandb.onprem/chart-version': version}},
            'status': {'conditions': [{'type': 'Established', 'status': 'True'}]}, **more}


@pytest.mark.parametrize('status', ['pending-install', 'pending-upgrade', 'pending-rollback', 'failed'])
def test_a_broken_release_is_told_and_mended_only_when_allowed(world, status):
    world.helm.keep(operator_values(OPTIONS), status)
    with pytest.raises(HelmError, match=f'revision 1 is {status}.*With repair=true this module would'):
        world.run()
    assert world.run(check=True, repair=True)[0].changed
    assert world.helm.calls == ['template']
    assert world.run(repair=True)[0].release.status == 'deployed'
    # A pending revision is gone, a failed one stays in the history.
    assert sum(key.startswith(SECRETS) for key in world.server.objects) == (2 if status == 'failed' else 1)
    assert not world.run()[0].changed


def test_a_half_uninstalled_release_is_finished_first(world):
    world.helm.keep(operator_values(OPTIONS), 'uninstalling')
    assert world.run(repair=True)[0].changed
    assert world.helm.calls == ['template', 'uninstall', 'upgrade']


def test_an_installation_by_other_means_is_refused(world):
    world.server.objects[DEPLOYMENT_PATH] = {'metadata': {'name': 'manager', 'namespace': 'n'}}
    with pytest.raises(HelmError, match=r'Deployment n/manager exists already, not made by Helm'):
        world.run(repair=True)
    assert world.helm.calls == ['template']


def test_a_crd_of_another_generation_is_refused_before_anything_is_written(world):
    world.server.objects[CRD_PATH]['spec'] = {'versions': [{'name': 'v1', 'storage': False}, {'name': 'v2', 'storage': True}]}
    before = dict(world.server.objects)
    with pytest.raises(HelmError, match=r'stores v2'):
        world.run(repair=True)
    assert world.server.objects == before
    assert world.helm.calls == ['template']


def test_a_new_crd_is_applied_although_the_release_is_the_same(world):
    world.run()
    world.server.objects[CRD_PATH] = served('1.4.7', spec={'versions': [{'name': 'v1', 'storage': True, 'old': 1}]})
    outcome = world.run(check=True)[0]
    assert outcome.changed
    assert outcome.decision.verb.value == 'nothing'


def test_a_newer_crd_stays_and_is_told(world):
    world.run()
    newer = world.server.objects[CRD_PATH] = served('1.5.0', spec={'versions': [{'name': 'v1', 'storage': True, 'new': 1}]})
    for check in (True, False):
        outcome = world.run(check=check)[0]
        assert not outcome.changed
        assert 'newer than 1.4.8' in outcome.warnings[0]
    assert world.server.objects[CRD_PATH] == newer


def test_crds_are_left_to_somebody_else_where_asked(world):
    world.server.answers['PATCH', CRD_PATH] = (403, {'kind': 'Status', 'reason': 'Forbidden', 'message': 'no'})
    assert world.run(apply_crds=False)[0].changed
    world.server.answers['GET', CRD_PATH] = (403, {'kind': 'Status', 'reason': 'Forbidden', 'message': 'no'})
    assert not world.run(apply_crds=False)[0].changed
    del world.server.answers['GET', CRD_PATH], world.server.objects[CRD_PATH]
    with pytest.raises(HelmError, match=r'does not exist: let somebody who may apply CRDs do it'):
        world.run(apply_crds=False)


def test_missing_rights_are_all_told_before_anything_is_written(world):
    world.server.answers['POST', REVIEWS] = (200, {'status': {'allowed': False}})
    before = dict(world.server.objects)
    for check in (True, False):
        with pytest.raises(AccessError) as caught:
            world.run(check=check)
        for right in ('create roles.rbac.authorization.k8s.io in namespace n', 'create secrets in namespace n', 'patch deployments.apps in namespace n',
                      'patch customresourcedefinitions.apiextensions.k8s.io weightsandbiases.apps.wandb.com'):
            assert right in str(caught.value)
    assert world.server.objects == before


def scale(world):
    world.server.objects[DEPLOYMENT_PATH]['spec']['replicas'] = 3


def take_role(world):
    del world.server.objects[ROLE_PATH]


def open_role(world):
    world.server.objects[ROLE_PATH]['rules'] = [{'verbs': ['*']}]


def other_image(world):
    world.server.objects[DEPLOYMENT_PATH]['spec']['template']['spec']['containers'][0]['image'] = 'mine'


@pytest.mark.parametrize(('change', 'reason', 'restarted', 'replaced'), [
    (scale, 'Deployment n/manager was changed: spec.replicas', False, True),
    (take_role, 'Role n/manager is gone', True, False),
    (open_role, 'Role n/manager was changed: rules', True, True),
    (other_image, 'Deployment n/manager was changed: spec.template.spec.containers[manager].image', False, True),
])
def test_live_objects_that_drifted_are_put_right(world, change, reason, restarted, replaced):
    world.run()
    change(world)
    assert not world.run(mend_drift=False, wait=False)[0].changed
    checked = world.run(check=True)[0]
    real = world.run()[0]
    for outcome in (checked, real):
        assert outcome.changed
        assert outcome.decision.reasons == (reason,)
        assert outcome.restarted is restarted
        assert outcome.diffs == checked.diffs
    assert ('--force' in world.helm.arguments['upgrade']) is replaced
    stamped = ('PATCH', DEPLOYMENT_PATH) in [entry[:2] for entry in world.server.log]
    assert stamped is restarted
    assert not world.run()[0].changed


def test_a_repaired_release_restarts_the_operator_only_where_helm_does_not(world):
    world.run()
    world.helm.keep(operator_values(OPTIONS), 'failed')
    assert world.run(check=True, repair=True)[0].restarted
    assert not world.run(check=True, repair=True, values=operator_values({**OPTIONS, 'image_tag': '1.23.0'}))[0].restarted
    assert world.run(repair=True)[0].restarted
    patch = [entry for entry in world.server.log if entry[:2] == ('PATCH', DEPLOYMENT_PATH)]
    assert [entry[3] for entry in patch] == ['application/merge-patch+json']


def test_every_pending_revision_goes(world):
    for status in ('pending-install', 'pending-upgrade'):
        world.helm.keep(operator_values(OPTIONS), status)
    world.run(repair=True)
    assert sum(key.startswith(SECRETS) for key in world.server.objects) == 1


def operator(name, namespace, arguments=()):
    return {'metadata': {'name': name, 'namespace': namespace},
            'spec': {'template': {'spec': {'containers': [{'args': list(arguments), 'env': [{'name': 'WANDB_MANAGER_SERVICE_ACCOUNT'}]}]}}}}


def test_an_operator_of_another_release_is_not_mixed_with(world):
    world.server.objects['/apis/apps/v1/deployments/other'] = operator('other', 'elsewhere')
    with pytest.raises(HelmError, match=r'another operator: Deployment elsewhere/other, not made by Helm, looks after every namespace'):
        world.run(repair=True)
    assert world.helm.calls == ['template']
    assert world.run(allow_other_operators=True)[0].changed
    # Once it stands, nothing is asked any more; until it would look after others than before.
    assert not world.run()[0].changed
    with pytest.raises(HelmError, match=r'another operator'):
        world.run(values=operator_values({**OPTIONS, 'namespace_isolation': True}))


def test_a_release_that_does_not_roll_out_fails_with_the_cause(world):
    world.run()
    deployment = world.server.objects[DEPLOYMENT_PATH]
    deployment['status'] = {'observedGeneration': 1, 'replicas': 1, 'updatedReplicas': 1, 'conditions': [
        {'type': 'ReplicaFailure', 'status': 'True', 'message': 'violates PodSecurity'}]}
    with pytest.raises(WaitError, match=r'admission_refused: Deployment n/manager: violates PodSecurity'):
        world.run(timeout=5)


def test_absent_is_refused_while_the_operator_has_work_to_undo(world):
    world.run()
    path = '/apis/apps.wandb.com/v1/weightsandbiases'
    world.server.objects[f'{path}/w'] = {'metadata': {'name': 'w', 'namespace': 'n'}}
    with pytest.raises(HelmError, match=r'WeightsAndBiases n/w still exists'):
        world.run(state='absent')
    del world.server.objects[f'{path}/w']
    assert world.run(state='absent', check=True)[0].changed
    assert world.helm.calls == []
    assert world.run(state='absent')[0].changed
    assert world.helm.calls == ['uninstall']
    assert not world.run(state='absent')[0].changed
    assert world.helm.calls == []


def test_absent_of_an_isolated_operator_minds_its_own_namespaces(world):
    path = '/apis/apps.wandb.com/v1/namespaces/elsewhere/weightsandbiases/w'
    world.server.objects[path] = {'metadata': {'name': 'w', 'namespace': 'elsewhere'}}
    world.run(values=operator_values({**OPTIONS, 'namespace_isolation': True, 'additional_namespaces': ['elsewhere']}))
    with pytest.raises(HelmError, match=r'elsewhere/w still exists'):
        world.run(state='absent')
    world.run(values=operator_values({**OPTIONS, 'namespace_isolation': True}))
    assert world.run(state='absent')[0].changed
