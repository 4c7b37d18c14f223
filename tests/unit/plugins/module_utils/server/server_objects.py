# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a ready server as the API gives them (lists leave kinds out)."""

from __future__ import annotations

import base64
import copy
import gzip
import json

from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import Observed, Wanted

SPEC = {'chart': {'path': '/charts/operator-wandb'}, 'values': {'global': {'host': 'https://w.example.com'}}}
# 2026-11-23T14:00:00Z
APPLIED = 1795442400.0
BEFORE, AFTER = '2026-11-23T13:59:50Z', '2026-11-23T14:00:03Z'


def wanted(**changes):
    usual = {'operator_namespace': 'wandb-operator', 'spec': SPEC, 'chart_version': '0.43.8', 'applied_at': APPLIED}
    return Wanted('wandb', 'wandb', **{**usual, **changes})


def b64(value):
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def secret(called, data, /, **labels):
    return {'metadata': {'name': called, 'labels': labels}, 'data': {key: b64(value) for key, value in data.items()}}


def active(spec=None, written=AFTER, version='7'):
    spec = SPEC if spec is None else spec
    found = secret('wandb-spec-active', {key: json.dumps(value) for key, value in spec.items()})
    found['metadata'].update(resourceVersion=version, managedFields=[{'manager': 'operator', 'time': written}])
    return found


def release(revision=1, status='deployed', version='0.43.8', manifest='', hooks=()):
    document = {
        'name': 'wandb', 'namespace': 'wandb', 'version': revision, 'info': {'status': status}, 'manifest': manifest,
        'hooks': list(hooks),
        'chart': {'metadata': {'name': 'operator-wandb', 'version': version}},
    }  # fmt: skip
    packed = base64.b64encode(gzip.compress(json.dumps(document).encode()))
    return secret(f'sh.helm.release.v1.wandb.v{revision}', {'release': packed}, owner='helm', name='wandb', version=str(revision), status=status)


def deployment(component='app', replicas=1, namespace='wandb', **status):
    return {
        'metadata': {
            'name': f'wandb-{component}-bc', 'namespace': namespace, 'uid': f'deployment-{component}', 'generation': 2,
            'labels': {'app.kubernetes.io/name': component, 'app.kubernetes.io/instance': 'wandb', 'app.kubernetes.io/managed-by': 'Helm'},
        },
        'spec': {'replicas': replicas, 'template': {'spec': {'containers': [{'image': f'registry:5000/wandb/{component}:1.2.3'}]}}},
        'status': {'observedGeneration': 2, 'replicas': replicas, 'updatedReplicas': replicas, 'availableReplicas': replicas, **status},
    }  # fmt: skip


def replica_set(component='app', number=1):
    return {
        'metadata': {
            'name': f'wandb-{component}-bc-{number}', 'namespace': 'wandb', 'uid': f'replicaset-{component}-{number}',
            'ownerReferences': [{'uid': f'deployment-{component}'}], 'annotations': {'deployment.kubernetes.io/revision': str(number)},
        },
    }  # fmt: skip


def pod(owner='replicaset-app-1', name='app', init=(), containers=(), conditions=()):
    return {
        'metadata': {'name': f'{name}-pod', 'namespace': 'wandb', 'ownerReferences': [{'uid': owner}]},
        'status': {'phase': 'Pending', 'initContainerStatuses': list(init), 'containerStatuses': list(containers), 'conditions': list(conditions)},
    }


def waiting(reason, name='app', message='so it is', **more):
    return {'name': name, 'image': 'wandb/local:0.83.0', 'state': {'waiting': {'reason': reason, 'message': message}}, **more}


def job(name='wandb-app-rename-pre-hook', ended=False, made=AFTER):
    conditions = [{'type': 'Complete', 'status': 'True'}] if ended else []
    return {
        'metadata': {'name': name, 'namespace': 'wandb', 'uid': f'job-{name}', 'creationTimestamp': made, 'annotations': {'helm.sh/hook': 'pre-upgrade'}},
        'status': {'active': 1, 'conditions': conditions},
    }


def event(reason, message='', stamp=AFTER, kind='WeightsAndBiases', name='wandb'):
    return {'reason': reason, 'message': message, 'lastTimestamp': stamp, 'involvedObject': {'kind': kind, 'name': name}}


def line(message, error='', level='error', stamp=AFTER, **about):
    named = {'name': 'wandb', 'namespace': 'wandb', **about}
    return json.dumps({'level': level, 'ts': stamp, 'msg': message, 'WeightsAndBiases': named, **({'error': error} if error else {})})


def custom_resource(phase='Completed', spec=None):
    spec = SPEC if spec is None else spec
    return {
        'apiVersion': 'apps.wandb.com/v1', 'kind': 'WeightsAndBiases', 'spec': copy.deepcopy(spec), 'status': {'phase': phase} if phase else {},
        'metadata': {
            'name': 'wandb', 'namespace': 'wandb', 'uid': 'cr', 'generation': 1,
            'managedFields': [{'manager': 'operator', 'time': AFTER}, {'manager': 'wandb.onprem', 'time': '2026-11-23T14:00:00Z'}],
        },
    }  # fmt: skip


OPERATOR = {'metadata': {'name': 'wandb-controller-manager', 'namespace': 'wandb-operator'}, 'spec': {'replicas': 1}, 'status': {'availableReplicas': 1}}


def observed(**changes):
    """A ready server, with ``changes``."""
    ready = {
        'seen_at': APPLIED + 100.0,
        'custom_resource': custom_resource(),
        'operators': [OPERATOR],
        'active': active(),
        'releases': [release()],
        'deployments': [deployment('app'), deployment('console')],
        'answers': {'wandb-app:8080/ready': None},
    }
    return Observed(**{**ready, **changes})
