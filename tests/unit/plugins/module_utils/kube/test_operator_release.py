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
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_release import OperatorRunner, Policy, Target, operator_values
from ansible_collections.wandb.onprem.plugins.modules.wandb_operator import argument_spec
from fake_server import FakeServer

OPTIONS = {**{name: option.get('default') for name, option in argument_spec().items()}, 'image_tag': '1.22.0'}

CRD = {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'weightsandbiases.apps.wandb.com'},
       'spec': {'versions': [{'name': 'v1', 'storage': True}]}}
CRD_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/weightsandbiases.apps.wandb.com'
DEPLOYMENT_PATH = '/apis/apps/v1/namespaces/n/deployments/manager'
SECRETS = '/api/v1/namespaces/n/secrets/'


class FakeHelm:
    """Renders a Deployment out of the values; keeps releases in the fake server as helm does."""

    def __init__(self, server):
        self.server = server
        self.calls = []

    def __call__(self, arguments, environment):
        self.calls.append(arguments[1])
        values = yaml.safe_load(pathlib.Path(arguments[arguments.index('--values') + 1]).read_text()) if '--values' in arguments else None
        if arguments[1] == 'template':
            return 0, self.render(values), ''
        if arguments[1] == 'upgrade':
            self.keep(values, 'deployed')
            self.server.objects[DEPLOYMENT_PATH] = {
                'metadata': {'name': 'manager', 'namespace': 'n', 'generation': 1, 'annotations': {
                    'meta.helm.sh/release-name': 'operator', 'meta.helm.sh/release-namespace': 'n'}},
                'spec': {'replicas': 1}, 'status': {'observedGeneration': 1, 'replicas': 1, 'updatedReplicas': 1, 'availableReplicas': 1}}
        if arguments[1] == 'uninstall':
            self.server.objects = {key: one for key, one in self.server.objects.items() if not key.startswith(SECRETS) and key != DEPLOYMENT_PATH}
        return 0, '', ''

    @staticmethod
    def render(values):
        return yaml.safe_dump({'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'manager', 'namespace': 'n'},
                               'spec': {'image': values['image']['tag']}})

    def keep(self, values, status, version='1.4.8'):
        revision = 1 + sum(key.startswith(SECRETS) for key in self.server.objects)
        document = {'name': 'operator', 'namespace': 'n', 'version': revision, 'info': {'status': status}, 'config': values, 'manifest': self.render(values),
                    'chart': {'metadata': {'name': 'operator', 'version': version}}}
        name = f'sh.helm.release.v1.operator.v{revision}'
        self.server.objects[SECRETS + name] = {
            'metadata': {'name': name, 'namespace': 'n', 'labels': {'version': str(revision)}},
            'data': {'release': base64.b64encode(base64.b64encode(gzip.compress(json.dumps(document).encode()))).decode()}}


class World:
    def __init__(self, folder):
        self.folder = folder
        self.server = FakeServer({'/version': {'gitVersion': 'v1.35.4'}, '/api/v1/namespaces/n': {'kind': 'Namespace', 'metadata': {'name': 'n'}}})
        self.helm = FakeHelm(self.server)
        self.target = Target('operator', 'n', str(folder / 'chart'))

    def run(self, check=False, values=None, state='present', **policy):
        self.server.no_writes = check
        self.helm.calls = []
        client = Client(self.server, check)
        times = iter(range(10000))
        runner = OperatorRunner(Service(client), Helm(self.helm, 'helm', 'kubeconfig'), Waiter(lambda: next(times), lambda seconds: None), str(self.folder))
        if state == 'absent':
            return runner.absent(self.target, Policy(**policy)), client
        return runner.present(self.target, values or operator_values(OPTIONS), Policy(**policy)), client

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
    assert [diff['after_header'] for diff in checked.diffs] == ['Deployment n/manager']
    assert world.run()[0].changed
    assert world.helm.calls == ['template', 'upgrade']
    for check in (False, True):
        outcome, client = world.run(check=check)
        assert not outcome.changed
        assert world.helm.calls == ['template']
        assert client.requests == (5 if not check else 4)
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


@pytest.mark.parametrize('status', ['pending-install', 'pending-upgrade', 'failed'])
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
    world.server.objects[CRD_PATH] = {**world.server.objects[CRD_PATH], 'spec': {'versions': [{'name': 'v1', 'storage': True, 'old': 1}]}}
    outcome = world.run(check=True)[0]
    assert outcome.changed
    assert outcome.decision.verb.value == 'nothing'


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
    world.server.objects['/apis/apps.wandb.com/v1/weightsandbiases/w'] = {'metadata': {'name': 'w', 'namespace': 'elsewhere'}}
    world.run(values=operator_values({**OPTIONS, 'namespace_isolation': True, 'additional_namespaces': ['elsewhere']}))
    with pytest.raises(HelmError, match=r'elsewhere/w still exists'):
        world.run(state='absent')
    world.run(values=operator_values({**OPTIONS, 'namespace_isolation': True}))
    assert world.run(state='absent')[0].changed


def test_the_chart_version_is_held(world):
    world.target = Target('operator', 'n', world.target.chart, chart_version='1.4.9')
    with pytest.raises(HelmError, match=r'is of version 1.4.8, chart_version asks for 1.4.9'):
        world.run()


def test_values_pass_restricted_and_say_nothing_that_was_not_asked():
    assert operator_values(OPTIONS) == {
        'image': {'repository': 'wandb/controller', 'tag': '1.22.0', 'pullPolicy': 'IfNotPresent'},
        'airgapped': False,
        'podSecurityContext': {'runAsNonRoot': True, 'seccompProfile': {'type': 'RuntimeDefault'}},
        'securityContext': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}},
    }


def test_values_of_every_further_option():
    values = operator_values({**OPTIONS, 'airgapped': True, 'namespace_isolation': True, 'additional_namespaces': ['wandb'], 'image_pull_secrets': ['s'],
                              'extra_env': {'NO_PROXY': '.svc', 'DEBUG': True, 'TOKEN': {'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'k'}}}},
                              'extra_values': {'image': {'tag': 'x'}, 'affinity': {'a': 1}}})
    assert values['airgapped'] is True
    assert values['namespaceIsolation'] == {'enabled': True, 'additionalNamespaces': ['wandb']}
    assert values['image'] == {'repository': 'wandb/controller', 'tag': 'x', 'pullPolicy': 'IfNotPresent', 'pullSecrets': ['s']}
    assert values['extraEnv'] == [{'name': 'DEBUG', 'value': 'true'}, {'name': 'NO_PROXY', 'value': '.svc'},
                                  {'name': 'TOKEN', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'k'}}}]
    assert values['affinity'] == {'a': 1}
