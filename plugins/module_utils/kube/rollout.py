# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch workloads roll out: one request for each while all is well, three more for one that is not, to tell why.

Uses of the service: ``get find``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import event_causes, pod_causes, pods_of_rollout, rollout, unready_causes
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import EVENTS, PODS, REPLICA_SETS, Resource
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Progress


def selector_of(workload: t.Mapping[str, t.Any]) -> str:
    """The workload's own pod selector, as a query."""
    labels = ((workload.get('spec') or {}).get('selector') or {}).get('matchLabels') or {}
    return ','.join(f'{key}={value}' for key, value in sorted(labels.items()))


def causes_of(service: Service, workload: t.Mapping[str, t.Any]) -> tuple[Cause, ...]:
    """Why the workload's new pods are not ready or not there."""
    return _look(service, workload)[0]


def _look(service: Service, workload: t.Mapping[str, t.Any]) -> tuple[tuple[Cause, ...], tuple[Cause, ...]]:
    """(what does not end by itself, what may)."""
    metadata, selector = workload['metadata'], selector_of(workload)
    namespace = metadata.get('namespace')
    replica_sets = service.find(REPLICA_SETS, namespace, labels=selector) if workload.get('kind') == 'Deployment' else []
    pods = pods_of_rollout(workload, replica_sets, service.find(PODS, namespace, labels=selector))
    found = [cause for pod in pods for cause in pod_causes(pod)]
    if not pods:
        subjects = {('ReplicaSet', one['metadata']['name']) for one in replica_sets} | {(str(workload.get('kind')), metadata['name'])}
        return (*found, *event_causes(service.find(EVENTS, namespace, fields='reason=FailedCreate'), subjects)), ()
    if found or not any(unready_causes(pod, ()) for pod in pods):
        return tuple(found), ()
    events = service.find(EVENTS, namespace, fields='reason=Unhealthy')
    return (), tuple(hint for pod in pods for hint in unready_causes(pod, events))


def rollout_probe(service: Service, targets: t.Sequence[tuple[Resource, str, str]]) -> t.Callable[[], Progress]:
    """A probe for the waiter: all of ``targets`` (resource, namespace, name) rolled out."""
    def probe() -> Progress:
        missing: list[str] = []
        causes: list[Cause] = []
        hints: list[Cause] = []
        for resource, namespace, name in targets:
            workload = service.get(resource, namespace, name)
            if workload is None:
                missing.append(f'{resource.kind} {namespace}/{name} does not exist')
                continue
            workload = {'kind': resource.kind, **workload}
            progress = rollout(workload)
            if not progress.done:
                missing.append(progress.missing)
                found, told = _look(service, workload)
                causes += [*progress.causes, *(cause for cause in found if cause not in progress.causes)]
                hints += told
        return Progress(not missing, '; '.join(missing), tuple(causes), hints=tuple(hints))
    return probe
