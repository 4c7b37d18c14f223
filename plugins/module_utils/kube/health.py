# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure predicates: is it rolled out, and if not, why. They read objects as the API gives them and ask nothing."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import name_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Progress

Object = t.Mapping[str, t.Any]

IMAGE_PULL = ('ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull', 'RegistryUnavailable', 'ImageInspectError')
CONTAINER_CONFIG = ('CreateContainerConfigError', 'CreateContainerError', 'RunContainerError')
# A container that came back twice and is not ready does crash, also in the seconds in which it happens to run.
CRASHES = 2


def rollout(workload: Object) -> Progress:
    """Progress of a Deployment, StatefulSet or DaemonSet to the generation last written."""
    status = workload.get('status') or {}
    name = name_of(workload)
    generation = (workload.get('metadata') or {}).get('generation', 0)
    if status.get('observedGeneration', 0) < generation:
        return Progress(False, f'{name}: its controller has not seen the last change')
    wanted, updated, available, total = _counts(workload, status)
    causes = _conditions(workload)
    if updated < wanted:
        return Progress(False, f'{name}: {updated} of {wanted} replicas are of the new version', causes)
    if total > updated:
        return Progress(False, f'{name}: {total - updated} old replicas are still there', causes)
    if available < wanted:
        return Progress(False, f'{name}: {available} of {wanted} replicas are available', causes)
    return Progress(True)


def _counts(workload: Object, status: Object) -> tuple[int, int, int, int]:
    """wanted, updated, available, total."""
    if workload.get('kind') == 'DaemonSet':
        wanted = status.get('desiredNumberScheduled', 0)
        return wanted, status.get('updatedNumberScheduled', 0), status.get('numberAvailable', 0), 0
    replicas = (workload.get('spec') or {}).get('replicas')
    wanted = 1 if replicas is None else replicas
    updated = status.get('updatedReplicas', 0)
    if workload.get('kind') == 'StatefulSet' and status.get('updateRevision') == status.get('currentRevision'):
        # Without a rolling update under way a StatefulSet counts its replicas as current, not as updated.
        updated = max(updated, status.get('currentReplicas', 0))
    return wanted, updated, status.get('availableReplicas', 0), status.get('replicas', 0)


def _conditions(workload: Object) -> tuple[Cause, ...]:
    causes = []
    for condition in (workload.get('status') or {}).get('conditions') or []:
        if condition.get('type') == 'ReplicaFailure' and condition.get('status') == 'True':
            causes.append(Cause('admission_refused', name_of(workload), str(condition.get('message'))))
        if condition.get('reason') == 'ProgressDeadlineExceeded':
            causes.append(Cause('deadline', name_of(workload), str(condition.get('message'))))
    return tuple(causes)


def crd_established(crd: Object | None) -> Progress:
    """Whether the API serves the kind."""
    if crd is None:
        return Progress(False, 'the CRD does not exist')
    conditions = {str(one.get('type')): one for one in (crd.get('status') or {}).get('conditions') or []}
    names = conditions.get('NamesAccepted') or {}
    if names.get('status') == 'False':
        return Progress(False, name_of(crd), fatal=(Cause('crd_names', name_of(crd), str(names.get('message'))),))
    if (conditions.get('Established') or {}).get('status') == 'True':
        return Progress(True)
    return Progress(False, f'{name_of(crd)} is not Established')


def pod_causes(pod: Object) -> tuple[Cause, ...]:
    """Why a pod is not ready, as far as its status tells."""
    name = name_of({'kind': 'Pod', **pod})
    status = pod.get('status') or {}
    causes = []
    for condition in status.get('conditions') or []:
        if condition.get('type') == 'PodScheduled' and condition.get('reason') == 'Unschedulable':
            causes.append(Cause('unschedulable', name, str(condition.get('message'))))
    for container in (status.get('initContainerStatuses') or []) + (status.get('containerStatuses') or []):
        cause = _container_cause(name, container)
        if cause:
            causes.append(cause)
    return tuple(causes)


def _container_cause(pod: str, status: Object) -> Cause | None:
    waiting = (status.get('state') or {}).get('waiting') or {}
    reason, subject = waiting.get('reason'), f'{pod} container {status.get("name")}'
    if reason in IMAGE_PULL:
        return Cause('image_pull', subject, f'{status.get("image")}: {waiting.get("message") or reason}')
    if reason in CONTAINER_CONFIG:
        return Cause('container_config', subject, str(waiting.get('message') or reason))
    last = (status.get('lastState') or {}).get('terminated') or {}
    if reason == 'CrashLoopBackOff' or (status.get('restartCount', 0) >= CRASHES and last and not status.get('ready')):
        ended = f'last exit code {last.get("exitCode")} {last.get("reason") or ""}'.strip()
        return Cause('crash_loop', subject, ' '.join(f'{status.get("restartCount", 0)} restarts, {ended} {last.get("message") or ""}'.split()))
    return None


def event_causes(events: t.Iterable[Object], subjects: t.Container[tuple[str, str]]) -> tuple[Cause, ...]:
    """Pods that were refused before they existed: ``FailedCreate`` events of (kind, name) in ``subjects`` (ReplicaSets, Jobs, ...)."""
    causes = {}
    for event in events:
        involved = event.get('involvedObject') or {}
        if event.get('reason') == 'FailedCreate' and (involved.get('kind'), involved.get('name')) in subjects:
            subject = name_of({'kind': involved.get('kind'), 'metadata': involved})
            causes[subject] = Cause('admission_refused', subject, str(event.get('message')))
    return tuple(causes.values())


def pods_of_rollout(workload: Object, replica_sets: t.Iterable[Object], pods: t.Iterable[Object]) -> list[Object]:
    """Pods of the version that rolls out; an old pod that crashes is what the rollout mends."""
    alive = [pod for pod in pods if not (pod.get('metadata') or {}).get('deletionTimestamp')]
    kind, uid = workload.get('kind'), (workload.get('metadata') or {}).get('uid')
    if kind == 'Deployment':
        mine = [one for one in replica_sets if any(owner.get('uid') == uid for owner in one['metadata'].get('ownerReferences') or [])]
        if not mine:
            return []
        newest = max(mine, key=lambda one: int((one['metadata'].get('annotations') or {}).get('deployment.kubernetes.io/revision', 0)))
        uid = newest['metadata'].get('uid')
    alive = [pod for pod in alive if any(owner.get('uid') == uid for owner in pod['metadata'].get('ownerReferences') or [])]
    if kind == 'StatefulSet':
        revision = (workload.get('status') or {}).get('updateRevision')
        return [pod for pod in alive if (pod['metadata'].get('labels') or {}).get('controller-revision-hash') == revision]
    return alive


def unready_causes(pod: Object, events: t.Iterable[Object]) -> tuple[Cause, ...]:
    """Containers that run and are not ready, with what their probe said last. It may well end by itself, so it ends no wait."""
    name = name_of({'kind': 'Pod', **pod})
    metadata = pod.get('metadata') or {}
    unhealthy = [event for event in events if event.get('reason') == 'Unhealthy' and _about(event, metadata)]
    said = f': {max(unhealthy, key=_last_seen).get("message")}' if unhealthy else ''
    return tuple(
        Cause('not_ready', f'{name} container {container.get("name")}', f'runs but is not ready{said}')
        for container in (pod.get('status') or {}).get('containerStatuses') or []
        if 'running' in (container.get('state') or {}) and not container.get('ready')
    )


def _about(event: Object, metadata: Object) -> bool:
    involved, uid = event.get('involvedObject') or {}, metadata.get('uid')
    return involved.get('kind', 'Pod') == 'Pod' and involved.get('name') == metadata.get('name') and involved.get('uid', uid) == uid


def _last_seen(event: Object) -> str:
    """When an event happened last; RFC 3339 in UTC sorts as text."""
    return str((event.get('series') or {}).get('lastObservedTime') or event.get('lastTimestamp') or event.get('eventTime') or '')
