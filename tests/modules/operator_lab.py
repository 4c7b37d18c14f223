# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of wandb_operator share: a fresh namespace, the module in it, and hands that break what it made.

$WANDB_TEST_HELM names another helm (v3) than the lab's. The operator is isolated in a namespace and named otherwise than
the lab's own; in namespaces `test-...` kwok plays its pod, in `rt-...` the runtime, which pulls no image it does not know.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import pathlib
import shutil
import time

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from harness import ROOT, lab_dir, lab_vars, run_module

MODULE = 'wandb.onprem.wandb_operator'
PLAYED = 'test-operator'
REAL = 'rt-test-operator'
RELEASE = 'op-test'


def connect():
    """The lab's API server."""
    kubeconfig = lab_dir() / 'kubeconfig'
    if not kubeconfig.exists():
        pytest.skip('the lab has no API server')
    return Service(client_from({'kubeconfig': str(kubeconfig)}, dry_run=False))


def options(namespace):
    return {
        'kubeconfig': str(lab_dir() / 'kubeconfig'),
        'helm_binary': os.environ.get('WANDB_TEST_HELM') or lab_vars('kube-1')['lab_helm'],
        'chart': str(next((lab_dir() / 'charts').glob('operator-1*.tgz'))),
        'name': RELEASE, 'namespace': namespace, 'image_repository': 'test/controller', 'image_tag': '1', 'namespace_isolation': True,
        'name_override': RELEASE, 'wait_timeout': 90,
        # The lab's own operator looks after every namespace.
        'allow_other_operators': True,
        # The lab's CRD is everybody's; tests of CRDs bring one of their own.
        'apply_crds': False,
    }


def gone(service, namespace):
    """Without the namespace nothing is left: with isolation the chart makes no cluster-wide object but the CRD, which stays."""
    service.delete(NAMESPACES, None, namespace)
    deadline = time.monotonic() + 120
    while service.get(NAMESPACES, None, namespace) is not None:
        assert time.monotonic() < deadline, f'namespace {namespace} does not go'
        time.sleep(0.3)


def make(service, namespace, **labels):
    """A namespace that enforces PodSecurity restricted."""
    labels = {'pod-security.kubernetes.io/enforce': 'restricted', **labels}
    service.apply({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': namespace, 'labels': labels}})


@contextlib.contextmanager
def fresh(service, namespace):
    """run(check=..., error=..., **options) in a namespace of its own; an option that is None is left out."""
    gone(service, namespace)
    make(service, namespace)

    def call(check=False, error=None, **more):
        result = run_module(MODULE, {**options(namespace), **more}, check=check)
        assert result['failed'] is (error is not None), result.get('msg') or result
        if error:
            assert error in result['msg'], result['msg']
        return result
    yield call
    gone(service, namespace)


def state(service, namespace=PLAYED):
    """What a write would change, as the API server counts: resource versions."""
    return {one['metadata']['name']: one['metadata']['resourceVersion']
            for resource in (SECRETS, DEPLOYMENTS, SERVICE_ACCOUNTS) for one in service.find(resource, namespace)}


def generation(service, namespace=PLAYED):
    """Grows with each change of the operator's Deployment."""
    [deployment] = service.find(DEPLOYMENTS, namespace)
    return deployment['metadata']['generation']


def doctor(service, status, namespace=PLAYED):
    """Leave the newest revision as a helm that was killed, or that failed, leaves it."""
    newest = max(service.find(SECRETS, namespace, labels=f'owner=helm,name={RELEASE}'), key=lambda one: int(one['metadata']['labels']['version']))
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(newest['data']['release']))))
    release['info']['status'] = status
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    path = SECRETS.path(namespace, newest['metadata']['name'])
    service.client.merge_patch(path, {'metadata': {'labels': {'status': status}}, 'data': {'release': data}}, 'test')


def chart_copy(folder, crd=None, replace=(), **metadata):
    """The lab's chart as a folder, with other words in Chart.yaml, a further CRD, and text replaced in templates/deployment.yaml."""
    target = pathlib.Path(folder) / 'operator'
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / 'lab' / 'charts' / 'operator', target)
    document = {**yaml.safe_load((target / 'Chart.yaml').read_text()), **metadata}
    (target / 'Chart.yaml').write_text(yaml.safe_dump(document))
    if crd:
        (target / 'crds' / 'further.yaml').write_text(yaml.safe_dump(crd))
    template = target / 'templates' / 'deployment.yaml'
    text = template.read_text()
    for old, new in replace:
        assert old in text, old
        text = text.replace(old, new)
    template.write_text(text)
    return str(target)


def until(predicate, complaint, seconds=60):
    """Look again until it is so."""
    deadline = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.3)
