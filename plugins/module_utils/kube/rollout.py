# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch workloads roll out: one request for each while all is well, three more for one that is not, to tell why.

Uses of the service: ``get find``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import event_causes, pod_causes, pods_of_rollout, rollout
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import EVENTS, PODS, REPLICA_SETS, Resource
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Progress


def selector_of(workload: t.Mapping[str, t.Any]) -> str:
    """The workload's own pod selector, as a query."""
    labels = ((workload.get('spec') or {}).get('selector') or {}).get('matchLabels') or {}
    return ','.join(f'{key}={value}' for key, value in sorted(labels.items()))


def causes_of(service: Service, workload: t.Mapping[str, t.Any]) -> tuple[Cause, ...]:
    """Why the workload's new pods are not ready or not there."""
    metadata, selector = workload['metadata'], selector_of(workload)
    namespace = metadata.get('namespace')
    replica_sets = service.find(REPLICA_SETS, namespace, labels=selector) if workload.get('kind') == 'Deployment' else []
    pods = pods_of_rollout(workload, replica_sets, service.find(PODS, namespace, labels=selector))
    found = [cause for pod in pods for cause in pod_causes(pod)]
    if not pods:
        subjects = {('ReplicaSet', one['metadata']['name']) for one in replica_sets} | {(str(workload.get('kind')), metadata['name'])}
        found += event_causes(service.find(EVENTS, namespace, fields='reason=FailedCreate'), subjects)
    return tuple(found)


def rollout_probe(service: Service, targets: t.Sequence[tuple[Resource, str, str]]) -> t.Callable[[], Progress]:
    """A probe for the waiter: all of ``targets`` (resource, namespace, name) rolled out."""
    def probe() -> Progress:
        missing, causes = [], []
        for resource, namespace, name in targets:
            workload = service.get(resource, namespace, name)
            if workload is None:
                missing.append(f'{resource.kind} {namespace}/{name} does not exist')
                continue
            workload = {'kind': resource.kind, **workload}
            progress = rollout(workload)
            if not progress.done:
                missing.append(progress.missing)
                causes += [*progress.causes, *(cause for cause in causes_of(service, workload) if cause not in progress.causes)]
        return Progress(not missing, '; '.join(missing), tuple(causes))
    return probe
