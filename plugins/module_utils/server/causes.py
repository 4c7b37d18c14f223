# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server does not become ready. Each cause is a pure function over what was seen.

The operator gives its reasons in its log only, and leaves the phase of the spec before standing: so a reason counts
when it is newer than our apply, and each cause has to last for its own time before it ends the wait.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import (
    event_causes,
    pod_causes,
    pods_of_rollout,
    rollout,
    unready_causes,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import (
    Object,
    Observed,
    Wanted,
    epoch,
    event_at,
    label,
    metadata,
    name_of,
    newest_release,
    revision,
)
from ansible_collections.wandb.onprem.plugins.module_utils.server.readiness import applied_missing, operator_missing

# Seconds that a cause must last before the wait ends with it.
PATIENCE = {
    'operator_down': 60.0,
    'invalid_config': 5.0,
    'type_clash': 5.0,
    'pending_release': 15.0,
    'image_pull': 30.0,
    'container_config': 30.0,
    'crash_loop': 60.0,
    'admission_refused': 15.0,
    'unschedulable': 120.0,
    'deadline': 30.0,
    'stale_phase': 180.0,
    'api_unreachable': 60.0,
}
# Seen for less, it is no cause even when the time is up: an operator needs a moment to take up a change.
EVIDENT = {'stale_phase': 30.0}
# Tell that time has passed, not what it passed with.
TIMED_OUT = ('deadline',)
# Goes on by itself: it is told, but ends nothing before the time is up.
MIGRATION_RUNNING = 'migration_running'

_REFUSED = re.compile(r'violates PodSecurity|admission webhook|ValidatingAdmissionPolicy|denied (the )?request|exceeded quota', re.I)
_IN_PROGRESS = 'another operation (install/upgrade/rollback) is in progress'
_CLASH = re.compile(r'type not match|failed to merge', re.I)
_MIGRATION = re.compile(r'^init-db$|migrat', re.I)


@dataclasses.dataclass(frozen=True)
class LogLine:
    """One line of the operator's log; ``time`` is 0.0 where the line has none."""

    time: float
    error: bool
    text: str


def read_log(log: str, wanted: Wanted) -> list[LogLine]:
    """Lines that may be about our custom resource (zap's JSON, or plain text)."""
    lines = []
    for raw in log.splitlines():
        try:
            entry = json.loads(raw)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            if raw.strip():
                lines.append(LogLine(0.0, bool(re.search(r'\berror\b', raw, re.I)), raw.strip()))
            continue
        named = entry.get('WeightsAndBiases')
        about = named if isinstance(named, dict) else entry
        if about.get('namespace', wanted.namespace) != wanted.namespace or about.get('name', wanted.name) != wanted.name:
            continue
        message, error = str(entry.get('msg') or ''), str(entry.get('error') or '')
        text = ': '.join(part for part in (message, error) if part)
        lines.append(LogLine(epoch(entry.get('ts')), entry.get('level') in ('error', 'fatal', 'panic') or bool(error), text))
    return lines


def errors_since_apply(observed: Observed, wanted: Wanted) -> list[str]:
    """Errors in the operator's log that came after our apply, newest last; lines without a time count."""
    return [line.text for line in read_log(observed.operator_log, wanted) if line.error and (line.time == 0.0 or _counts(line.time, wanted))]


def _counts(moment: float, wanted: Wanted) -> bool:
    return moment >= wanted.applied_at and moment > wanted.mended_at


def forgiven(observed: Observed, wanted: Wanted) -> Wanted:
    """``wanted`` for the time after a repair: the trouble told so far, by the API server's and the operator's clock, counts no more."""
    events = [event_at(event) for event in observed.events if (event.get('involvedObject') or {}).get('name') == wanted.name]
    lines = [line.time for line in read_log(observed.operator_log, wanted)]
    return dataclasses.replace(wanted, mended_at=max([wanted.mended_at, *events, *lines]))


def causes(observed: Observed, wanted: Wanted) -> list[Cause]:
    """All causes that can be seen, the most telling first."""
    found: list[Cause] = []
    for look in (operator_down, type_clash, invalid_config, pending_release, pod_trouble, stale_phase):
        found += look(observed, wanted)
    return found


def progressing(observed: Observed, wanted: Wanted) -> list[Cause]:
    """What may well end by itself: a migration or a hook that runs, a container that runs and is not ready yet."""
    return migration_running(observed, wanted) + not_ready(observed, wanted)


def told(ending: t.Sequence[Cause], running: t.Sequence[Cause]) -> list[Cause]:
    """What is told of a server that is not ready: what ends the wait, and what still runs where the former does not say why."""
    return [*ending, *(running if all(one.code in TIMED_OUT for one in ending) else ())]


def operator_down(observed: Observed, wanted: Wanted) -> list[Cause]:
    """Nobody would take up what we apply."""
    if not operator_missing(observed, wanted):
        return []
    if not observed.operators:
        return [Cause('operator_down', f'namespace {wanted.operator_namespace}', 'there is no Deployment with label control-plane=controller-manager')]
    found = []
    for operator in observed.operators:
        name = f'Deployment {wanted.operator_namespace}/{name_of(operator)}'
        seen = [f'{(operator.get("spec") or {}).get("replicas", 1)} replicas wanted, 0 available']
        seen += [str(cause) for cause in rollout({'kind': 'Deployment', **operator}).causes]
        seen += [_pod_line(pod) for pod in observed.operator_pods] or ['it has no pod']
        found.append(Cause('operator_down', name, '; '.join(seen)))
    return found


def _pod_line(pod: Object) -> str:
    why = [f'{cause.code}: {cause.message}' for cause in pod_causes(pod)]
    phase = (pod.get('status') or {}).get('phase') or 'without phase'
    return f'pod {name_of(pod)} is {phase}' + (f' ({"; ".join(why)})' if why else ' and not ready')


def invalid_config(observed: Observed, wanted: Wanted) -> list[Cause]:
    """The operator could not apply this spec; the reason stands in its log only.

    The phase may be the one of the spec before: without a newer event or line of the log it is left to ``stale_phase``.
    """
    if observed.phase != 'Invalid Config' or _pending(observed):
        # Helm looks for a pending release before anything else.
        return []
    lines = errors_since_apply(observed, wanted)
    failed = [
        event
        for event in observed.events
        if event.get('reason') == 'ApplyFailed'
        and (event.get('involvedObject') or {}).get('name') == wanted.name
        and _counts(event_at(event), wanted)
    ]
    chart = wanted.spec.get('chart')
    if not lines and not failed and chart:
        return []
    text = lines[-1] if lines else 'the operator does not say why' if failed or chart else 'neither the custom resource nor a channel gives a chart'
    if _CLASH.search(text):
        # Told by type_clash.
        return []
    code = 'admission_refused' if _REFUSED.search(text) else 'invalid_config'
    return [Cause(code, f'custom resource {wanted.namespace}/{wanted.name}', f'the operator says: {text}')]


def type_clash(observed: Observed, wanted: Wanted) -> list[Cause]:
    """A key is of one kind here and of another in the console's or the channel's settings. The phase does not change then."""
    # Loading comes after the merge: the clash in the log is one that was mended.
    if not applied_missing(observed, wanted) or observed.phase == 'Loading':
        return []
    lines = [line for line in errors_since_apply(observed, wanted) if _CLASH.search(line)]
    if not lines:
        return []
    mend = f'a key has another type in Secret {wanted.name}-spec-user (the console) or in the channel; make both the same'
    return [Cause('type_clash', f'custom resource {wanted.namespace}/{wanted.name}', f'{mend}; the operator says: {lines[-1]}')]


def _pending(observed: Observed) -> bool:
    newest = newest_release(observed.releases)
    return newest is not None and label(newest, 'status').startswith('pending')


def pending_release(observed: Observed, wanted: Wanted) -> list[Cause]:
    """An operator that died within Helm left the release pending; every later apply fails on it."""
    newest = newest_release(observed.releases)
    status = label(newest, 'status') if newest else ''
    in_progress = any(_IN_PROGRESS in line for line in errors_since_apply(observed, wanted))
    if newest is None or not _pending(observed) or (observed.phase == 'Loading' and not in_progress):
        return []
    message = (
        f'revision {revision(newest)} is {status} and nobody works on it, since the operator ended within Helm. '
        f'wandb_server with repair=true deletes Secret {wanted.namespace}/{name_of(newest)} and restarts the operator'
    )
    return [Cause('pending_release', f'Helm release {wanted.name}', message)]


def pod_trouble(observed: Observed, wanted: Wanted) -> list[Cause]:
    """Pods of the rolled-out version that cannot start, and pods that were refused. Old pods are what a rollout mends."""
    found: list[Cause] = []
    for workload in observed.workloads:
        progress = rollout(workload)
        if progress.done:
            continue
        found += progress.causes
        for pod in pods_of_rollout(workload, observed.replica_sets, observed.pods):
            found += pod_causes(pod)
        found += event_causes(observed.events, {(str(workload.get('kind')), name_of(workload))})
    # A hook of the spec before, which the operator still waits for, is no reason of ours.
    jobs = {
        name_of(job): metadata(job).get('uid')
        for job in observed.jobs
        if not _ended(job) and epoch(metadata(job).get('creationTimestamp')) >= wanted.applied_at
    }
    for pod in observed.pods:
        if any(owner.get('uid') in jobs.values() for owner in metadata(pod).get('ownerReferences') or []):
            found += pod_causes(pod)
    found += event_causes(observed.events, {('Job', name) for name in jobs})
    return found


def stale_phase(observed: Observed, wanted: Wanted) -> list[Cause]:
    """The operator runs, and does nothing about our spec. ``Loading`` is something: Helm waits for its hooks."""
    if operator_missing(observed, wanted) or not applied_missing(observed, wanted) or observed.phase == 'Loading':
        return []
    phase = observed.phase or 'not set'
    lines = [line.text for line in read_log(observed.operator_log, wanted)]
    said = f'; its last line: {lines[-1]}' if lines else ''
    return [Cause('stale_phase', f'phase {phase}', f'the operator is available but does not take up the custom resource: phase stays {phase}{said}')]


def migration_running(observed: Observed, wanted: Wanted) -> list[Cause]:
    """``init-db`` waits for or migrates the database, or a Job of Helm's hooks is still at work."""
    found = []
    for pod in observed.pods:
        for container in (pod.get('status') or {}).get('initContainerStatuses') or []:
            if _MIGRATION.search(str(container.get('name'))) and 'running' in (container.get('state') or {}):
                found.append(Cause(MIGRATION_RUNNING, f'Pod {wanted.namespace}/{name_of(pod)} container {container.get("name")}', 'is still running'))
    for job in observed.jobs:
        if not _ended(job) and ((job.get('status') or {}).get('active') or _hook(job)):
            found.append(Cause(MIGRATION_RUNNING, f'Job {wanted.namespace}/{name_of(job)}', 'has not ended'))
    return found


def not_ready(observed: Observed, wanted: Wanted) -> list[Cause]:
    """A container of the rolled-out version runs and does not get ready; its log tells more than its probe."""
    unfinished = [workload for workload in observed.workloads if not rollout(workload).done]
    pods = [pod for workload in unfinished for pod in pods_of_rollout(workload, observed.replica_sets, observed.pods)]
    return [cause for pod in pods for cause in unready_causes(pod, observed.events)]


def _hook(job: Object) -> bool:
    return 'helm.sh/hook' in (metadata(job).get('annotations') or {})


def _ended(job: Object) -> bool:
    conditions: t.Sequence[Object] = (job.get('status') or {}).get('conditions') or []
    return any(one.get('type') in ('Complete', 'Failed') and one.get('status') == 'True' for one in conditions)
