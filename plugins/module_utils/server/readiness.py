# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still missing before a server is ready. ``phase: Completed`` is only the beginning: it means that Helm's call
returned, it may belong to the spec before, and it stands seconds before any pod runs. Pure.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import rollout
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import (
    Observed,
    Wanted,
    active_spec,
    event_at,
    label,
    metadata,
    name_of,
    newest_release,
    release_chart_version,
    revision,
    written_at,
)
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import extras, get, lacking

# In the order in which they are reached.
STAGES = ('operator', 'applied', 'release', 'workloads', 'answers')

# The operator's weakest level.
_OPERATORS_OWN = {'global': {'operator': {'namespace': '', 'apiVersion': ''}}}
_EVENTS_LAST = 3600.0
# Seconds from the first trace of a look to the phase that it sets: the operator may ask the channel in between.
_LOOK_LASTS = 30.0


@dataclasses.dataclass(frozen=True)
class Missing:
    """One thing that readiness still lacks, and the stage that it belongs to."""

    stage: str
    text: str


def missing(observed: Observed, wanted: Wanted) -> list[Missing]:
    """Everything that is missing, in the order of the stages; empty = ready."""
    return [
        Missing(stage, text)
        for stage, found in (
            ('operator', operator_missing(observed, wanted)),
            ('applied', applied_missing(observed, wanted)),
            ('release', release_missing(observed, wanted)),
            ('workloads', workloads_missing(observed, wanted)),
            ('answers', [f'{path} answers {answer}' for path, answer in sorted(observed.answers.items()) if answer is not None]),
        )
        for text in found
    ]


def operator_missing(observed: Observed, wanted: Wanted) -> list[str]:
    """The operator must be available: without it nothing that is applied has any effect."""
    if not observed.operators:
        return [f'no Deployment of the operator (label control-plane=controller-manager) in namespace {wanted.operator_namespace}']
    if any(((operator.get('status') or {}).get('availableReplicas') or 0) > 0 for operator in observed.operators):
        return []
    return [f'Deployment {wanted.operator_namespace}/{name_of(operator)} has no available pod' for operator in observed.operators]


def applied_missing(observed: Observed, wanted: Wanted) -> list[str]:
    """The operator has taken exactly our spec, and Helm's call has returned."""
    if observed.custom_resource is None:
        return [f'no custom resource {wanted.namespace}/{wanted.name}']
    found = []
    active = active_spec(observed.active) or {}
    paths = lacking(wanted.spec.get('values') or {}, active.get('values') or {})
    if wanted.spec.get('chart') and lacking(wanted.spec['chart'], active.get('chart') or {}):
        paths.append('chart')
    if paths:
        shown = ', '.join(paths[:5]) + (f' and {len(paths) - 5} more' if len(paths) > 5 else '')
        found.append(f'the operator has not applied yet: {shown}')
    elif not taken_up(observed, wanted):
        found.append('the operator has not looked at the change yet')
    if observed.phase != 'Completed':
        found.append(f'phase is {observed.phase or "not set"}')
    return found


def taken_up(observed: Observed, wanted: Wanted) -> bool:
    """Whether the operator has seen the spec of now.

    That the active spec contains ours does not tell where keys or list entries were taken away. So nothing may stand in it
    that neither we nor the console nor the channel ask for, or a look of the operator's must have ended since: it wrote the
    active spec, or told of it in an event (one that finds nothing changed writes nothing, and events go after an hour).
    A look tells of itself before it touches the phase, and one at the spec before may end after our apply: so it counts
    after `_LOOK_LASTS` only.
    """
    values = (active_spec(observed.active) or {}).get('values') or {}
    levels = [_OPERATORS_OWN, *observed.other_levels]
    more = extras(wanted.spec.get('values') or {}, values)
    if all(any(get(level, path) is not None for level in levels) for path in more) or wanted.age > _EVENTS_LAST:
        return True
    return any(moment + _LOOK_LASTS <= observed.seen_at for moment in _looks(observed, wanted))


def _looks(observed: Observed, wanted: Wanted) -> list[float]:
    """When the operator looked at the custom resource since our apply, as far as its traces tell."""
    looks = [
        event_at(event)
        for event in observed.events
        if event.get('reason') in ('LoadingConfig', 'Completed')
        and (event.get('involvedObject') or {}).get('name') == wanted.name
        and event_at(event) > wanted.applied_at
    ]
    written = written_at(observed.active) or wanted.applied_at
    if wanted.active_before:
        wrote = str(metadata(observed.active or {}).get('resourceVersion') or '0') != wanted.active_before
    else:
        wrote = written >= wanted.applied_at
    return [*looks, written] if wrote else looks


def release_missing(observed: Observed, wanted: Wanted) -> list[str]:
    """The newest revision of the Helm release is deployed, from the chart that was asked for."""
    newest = newest_release(observed.releases)
    if newest is None:
        return ['no Helm release yet']
    status = label(newest, 'status')
    if status != 'deployed':
        return [f'revision {revision(newest)} of the Helm release is {status}']
    version = release_chart_version(newest)
    if wanted.chart_version and version and version.lstrip('v') != wanted.chart_version.lstrip('v'):
        return [f'the Helm release is of chart {version}, not {wanted.chart_version}']
    return []


def workloads_missing(observed: Observed, wanted: Wanted) -> list[str]:
    """Every workload of the release is rolled out, and no autoscaler is about to change it."""
    found = []
    if not any(label(deployment, 'app.kubernetes.io/name') == 'app' for deployment in observed.deployments):
        found.append('no Deployment of component app')
    # The HPA raises the replicas some 15 s after the rollout: a Deployment below its minimum is not settled.
    minimum = {
        (scaler['spec']['scaleTargetRef'].get('kind'), scaler['spec']['scaleTargetRef'].get('name')): scaler['spec'].get('minReplicas') or 1
        for scaler in observed.autoscalers
    }
    for workload in observed.workloads:
        kind, name = str(workload.get('kind')), name_of(workload)
        progress = rollout(workload)
        replicas = (workload.get('spec') or {}).get('replicas', 1)
        if not progress.done:
            found.append(progress.missing)
        elif kind != 'DaemonSet' and replicas == 0:
            asked = get(wanted.spec, ('values', label(workload, 'app.kubernetes.io/name'), 'replicaCount'))
            if asked != 0:
                found.append(f'{kind} {name} is scaled to 0 replicas')
        elif kind != 'DaemonSet' and replicas < minimum.get((kind, name), 0):
            found.append(f'{kind} {name} has {replicas} of at least {minimum[kind, name]} replicas that its autoscaler will set')
    return found
