# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a server: lists by label, so the number of requests does not grow with components or objects.

Uses of the service: ``find get``; of its client: ``text``.
"""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ApiError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    WANDBS,
    Resource,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import (
    OPERATOR_LABELS,
    Object,
    Observed,
    Wanted,
    active_spec,
    label,
    metadata,
    name_of,
)
from ansible_collections.wandb.onprem.plugins.module_utils.server.readiness import STAGES, Missing, missing, taken_up

AUTOSCALERS = Resource('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers')
LOG_LINES = 200

_CONTAINER = re.compile(r'Pod (\S+)/(\S+) container (\S+)')
_JOB = re.compile(r'Job (\S+)/(\S+)')
_CREDENTIALS = re.compile(r'://[^@/\s]*@')


class Observer:
    """Looks at one server."""

    def __init__(self, service: Service, wanted: Wanted) -> None:
        self.service = service
        self.wanted = wanted

    def look(self, custom_resource: Object | None = None, active: Object | None = None) -> tuple[Observed, list[Missing]]:
        """One round: what is there, and what is missing. Pass what the caller has just read, to save its request."""
        wanted, find = self.wanted, self.service.find
        release = f'app.kubernetes.io/managed-by=Helm,app.kubernetes.io/instance={wanted.name}'
        observed = Observed(
            seen_at=time.time(),
            custom_resource=custom_resource or self.service.get(WANDBS, wanted.namespace, wanted.name),
            operators=find(DEPLOYMENTS, wanted.operator_namespace, OPERATOR_LABELS),
            active=active or self.service.get(SECRETS, wanted.namespace, f'{wanted.name}-spec-active'),
            # Old revisions are left out: each of these Secrets is some hundred KiB.
            releases=find(SECRETS, wanted.namespace, f'owner=helm,name={wanted.name},status!=superseded'),
            deployments=find(DEPLOYMENTS, wanted.namespace, release),
            stateful_sets=find(STATEFUL_SETS, wanted.namespace, release),
            daemon_sets=find(DAEMON_SETS, wanted.namespace, release),
            autoscalers=find(AUTOSCALERS, wanted.namespace, f'app.kubernetes.io/instance={wanted.name}'),
        )
        if not taken_up(observed, wanted):
            observed = dataclasses.replace(observed, events=find(EVENTS, wanted.namespace), other_levels=self.other_levels())
        lacking = missing(observed, wanted)
        if not lacking:
            observed = dataclasses.replace(observed, answers=self.answers(observed))
            lacking = missing(observed, wanted)
        return observed, lacking

    def other_levels(self) -> list[Object]:
        """Values out of the console's settings and the channel's last answer."""
        found = [self.service.get(SECRETS, self.wanted.namespace, f'{self.wanted.name}-{suffix}') for suffix in ('spec-user', 'latest-cached-release')]
        return [level['values'] for level in map(active_spec, found) if level and isinstance(level.get('values'), dict)]

    def answers(self, observed: Observed) -> dict[str, str | None]:
        """What the server itself answers, by the API server's proxy."""
        targets = [('app:8080', 'ready')]
        if any(label(one, 'app.kubernetes.io/name') == 'console' for one in observed.deployments):
            targets.append(('console:8082', 'console/api/ready'))
        found: dict[str, str | None] = {}
        for target, path in targets:
            service = f'{self.wanted.name}-{target}'
            try:
                self.service.client.text(SERVICES.path(self.wanted.namespace, service, f'proxy/{path}'))
                found[f'{service}/{path}'] = None
            except ApiError as error:
                found[f'{service}/{path}'] = f'{error.status}: {error.server_message}'
        return found

    def details(self, observed: Observed, lacking: t.Sequence[Missing]) -> Observed:
        """The same with what tells the reasons; only asked for when something is missing."""
        wanted, find = self.wanted, self.service.find
        stages = {one.stage for one in lacking}
        more: dict[str, t.Any] = {'events': observed.events or find(EVENTS, wanted.namespace)}
        if stages & set(STAGES[:3]):
            more['operator_pods'] = find(PODS, wanted.operator_namespace, OPERATOR_LABELS)
            # Of one that is on its way out, the last words are not about what is to come.
            alive = [pod for pod in more['operator_pods'] if not metadata(pod).get('deletionTimestamp')]
            more['operator_log'] = '\n'.join(self.log(wanted.operator_namespace, name_of(pod), lines=LOG_LINES) for pod in alive)
        if stages - {'operator'}:
            more['jobs'] = find(JOBS, wanted.namespace)
            more['pods'] = find(PODS, wanted.namespace)
            more['replica_sets'] = find(REPLICA_SETS, wanted.namespace, f'app.kubernetes.io/instance={wanted.name}')
        return dataclasses.replace(observed, **more)

    def log(self, namespace: str, pod: str, container: str = '', lines: int = 20, previous: bool = False) -> str:
        """End of a container's log, without credentials of URLs; empty where there is none."""
        query = {'tailLines': str(lines)}
        if container:
            query['container'] = container
        if previous:
            query['previous'] = 'true'
        try:
            return _CREDENTIALS.sub('://***@', self.service.client.text(PODS.path(namespace, pod, 'log'), query))
        except ApiError:
            return ''

    def logs_of(self, causes: t.Iterable[Cause], pods: t.Sequence[Object]) -> dict[str, list[str]]:
        """Subject -> last lines of the log, for causes that are about a container or a Job."""
        found = {}
        for cause in causes:
            container, job = _CONTAINER.fullmatch(cause.subject), _JOB.fullmatch(cause.subject)
            text = ''
            if container:
                namespace, pod, name = container.groups()
                text = (cause.code == 'crash_loop' and self.log(namespace, pod, name, previous=True)) or self.log(namespace, pod, name)
            elif job:
                mine = [name_of(pod) for pod in pods if label(pod, 'job-name') == job.group(2) or label(pod, 'batch.kubernetes.io/job-name') == job.group(2)]
                text = '\n'.join(self.log(job.group(1), pod) for pod in mine)
            if text:
                found[cause.subject] = text.splitlines()[-20:]
        return found
