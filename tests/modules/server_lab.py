# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of wandb_server share: runs of the module with options that work in the lab, and looks at what came of them.

The app's image is a row of these tests, a program that answers probes, so that no MySQL, Redis or bucket is needed.
"""

from __future__ import annotations

import base64
import contextlib
import time

import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, PODS, WANDBS
from harness import lab_dir, run_module

from lab.state import Lab, lab_name

MODULE = 'wandb.onprem.wandb_server'
SERVER, OWN_OPERATOR = 'rt-test-server', 'rt-test-server-op'
# Where the operator is; found out by the fixture.
OPERATOR = [OWN_OPERATOR]
OPERATORS_LABEL = 'control-plane=controller-manager'
ROWS = '/var/lib/lab/images.yml'
TAG = 'rt-test-server'
ANSWERS = 'case "$0" in init-db) exit 0;; *) exec python3 /opt/lab/src/standins/run healthy 8080;; esac'
# exp 2096, 2001
LICENSE, EXPIRED = 'e30.eyJleHAiOjQwMDAwMDAwMDB9.c2ln', 'e30.eyJleHAiOjk5OTk5OTk5OX0.c2ln'
APP = {'app': {'image': {'tag': TAG}}}
# Seconds; a quarter of a minute does on an idle machine.
TIMEOUT = 300
SECRET_WORD = 'word-that-nobody-may-see'


@contextlib.contextmanager
def image_rows(rows):
    """Rows for images over those that kube-1 has; as before afterwards."""
    lab = Lab.load(lab_name())
    before = lab.exec('kube-1', ['sh', '-c', f'cat {ROWS} 2>/dev/null || true'])
    old = (yaml.safe_load(before) or {}).get('images', {})
    lab.exec('kube-1', ['tee', ROWS], data=yaml.safe_dump({'images': {**old, **rows}}))
    try:
        yield
    finally:
        now = (yaml.safe_load(lab.exec('kube-1', ['cat', ROWS])) or {}).get('images', {})
        # Others may have put rows of their own there in the meantime.
        left = {name: row for name, row in now.items() if name not in rows or name in old}
        lab.exec('kube-1', ['tee', ROWS], data=yaml.safe_dump({'images': left})) if left else lab.exec('kube-1', ['rm', '-f', ROWS])


def app_row(script):
    """The row of an app's image that runs a shell script; its $0 is the first argument, `init-db` in the init container."""
    return {'entrypoint': ['/bin/sh', '-c', script], 'user': 999}


def secret(name, **data):
    encoded = {key.replace('__', '.'): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name, 'namespace': SERVER}, 'data': encoded}


def config_map(namespace, name, data):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name, 'namespace': namespace}, 'data': data}


def options(**more):
    return {
        'kubeconfig': str(lab_dir() / 'kubeconfig'), 'name': 'test', 'namespace': SERVER, 'operator_namespace': OPERATOR[0],
        'wandb_host': 'https://test-server.lab.test', 'license_secret': {'name': 'license-in'}, 'size': 'testing',
        'chart': {'path': '/charts/operator-wandb'}, 'chart_version': '0.43.8', 'image_tag': '0.83.0', 'console_tag': '2.18.12',
        'mysql': {'host': 'db-1', 'password_secret': {'name': 'mysql-in'}},
        'redis': {'host': 'rd-1', 'password_secret': {'name': 'redis-in'}},
        'bucket': {'host': 's3.lab.test', 'name': 'wandb', 'region': 'us-east-1', 'secret': {'name': 'bucket-in'}},
        'custom_ca_configmap': 'custom-ca',
        'ingress': {'enabled': False},
        'components': APP,
        # The operator of the tests is isolated: it may make no ClusterRole.
        'extra_values': {'console': {'role': {'type': 'Role'}}, 'app': {'internalJWTMap': []}},
        'timeout': TIMEOUT, **more,
    }  # fmt: skip


def run(error='', check=False, **more):
    result = run_module(MODULE, options(**more), check=check, secrets=[SECRET_WORD, LICENSE, EXPIRED], limit=TIMEOUT + 30)
    assert result['failed'] is bool(error), result.get('msg') or result
    assert error in result.get('msg', ''), result['msg']
    assert isinstance(result['waited'], list)
    assert isinstance(result['waited_seconds'], (int, float))
    return result


def ready_and_unchanged(**more):
    """A run that ends ready, and one more that has nothing to do; the result of the first."""
    result = run(**more)
    assert result['ready'] is True
    again = run(**more)
    assert (again['changed'], again['ready'], again['repaired']) == (False, True, [])
    return result


def chart_archive():
    return base64.b64encode(next((lab_dir() / 'charts').glob('operator-wandb-*.tgz')).read_bytes()).decode()


def app_pods(service):
    found = service.find(PODS, SERVER, 'app.kubernetes.io/name=app')
    return {pod['metadata']['uid'] for pod in found if not pod['metadata'].get('deletionTimestamp')}


def until(holds, what, limit=150):
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f'waited {limit} s in vain for {what}'
        time.sleep(0.5)


def namespace(name):
    labels = {'pod-security.kubernetes.io/enforce': 'restricted'}
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name, 'labels': labels}}


def spec_of(service, name='test'):
    found = service.get(WANDBS, SERVER, name)
    return found and (found['spec'], found['metadata']['generation'])


def phase_of(service):
    return ((service.get(WANDBS, SERVER, 'test') or {}).get('status') or {}).get('phase')


def site_operator(service):
    """Namespace of an operator that looks after all namespaces, or none."""
    for one in service.find(DEPLOYMENTS, labels=OPERATORS_LABEL):
        arguments = one['spec']['template']['spec']['containers'][0].get('args') or []
        if one['status'].get('availableReplicas') and not any(argument.startswith('--isolation-namespaces') for argument in arguments):
            return one['metadata']['namespace']
    return None
