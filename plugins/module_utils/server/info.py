# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person or a template asks of a running server. Uses of the service: ``get find``; of its client: ``text``."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.helm import decode_release
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import rollout
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import SECRETS, WANDBS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause
from ansible_collections.wandb.onprem.plugins.module_utils.server import causes as reasons
from ansible_collections.wandb.onprem.plugins.module_utils.server.inputs import content
from ansible_collections.wandb.onprem.plugins.module_utils.server.licenses import read_license
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import (
    Object,
    Observed,
    Wanted,
    label,
    name_of,
    newest_release,
    release_chart_version,
    revision,
    written_at,
)
from ansible_collections.wandb.onprem.plugins.module_utils.server.observer import Observer
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import documents

CONSOLE_PASSWORD = ('wandb-password', 'password')


def server_info(service: Service, name: str, namespace: str, operator_namespace: str) -> dict[str, t.Any]:
    """One look, and what it tells."""
    custom_resource = service.get(WANDBS, namespace, name)
    if custom_resource is None:
        return {'exists': False, 'ready': False}
    spec = custom_resource.get('spec') or {}
    told = str((spec.get('chart') or {}).get('version') or '')
    since = written_at(custom_resource, service.field_manager)
    wanted = Wanted(name, namespace, operator_namespace, spec, chart_version=told, applied_at=since, age=time.time() - since if since else 0.0)
    observer = Observer(service, wanted)
    observed, lacking = observer.look(custom_resource)
    found: list[Cause] = []
    logs: dict[str, list[str]] = {}
    if lacking:
        observed = observer.details(observed, lacking)
        found = reasons.told(reasons.causes(observed, wanted), reasons.progressing(observed, wanted))
        logs = observer.logs_of(found, observed.pods)
    host = str(get(spec, ('values', 'global', 'host')) or '')
    password = service.get(SECRETS, namespace, CONSOLE_PASSWORD[0])
    return {
        'exists': True,
        'phase': observed.phase,
        'ready': not lacking,
        'missing': [one.text for one in lacking],
        'causes': [{**one.as_dict(), 'log': logs.get(one.subject, [])} for one in found],
        'host': host,
        'console_url': f'{host}/console' if host else '',
        'console_password_secret': {'name': CONSOLE_PASSWORD[0], 'key': CONSOLE_PASSWORD[1]} if password else {},
        'chart': spec.get('chart') or {},
        'versions': versions(observed),
        'release': release(observed),
        'workloads': [workload(one) for one in observed.workloads],
        'images': sorted({image for one in observed.workloads for image in images(one)} | release_images(observed)),
        'license': license_info(service, namespace, spec),
        'spec': masked(spec),
    }


def release(observed: Observed) -> dict[str, t.Any]:
    """The newest revision of the Helm release."""
    newest = newest_release(observed.releases)
    if newest is None:
        return {}
    return {'name': label(newest, 'name'), 'revision': revision(newest), 'status': label(newest, 'status'), 'chart_version': release_chart_version(newest)}


def versions(observed: Observed) -> dict[str, str]:
    """Chart, operator, and the image tag of each component."""
    found = {'chart': release_chart_version(newest_release(observed.releases))}
    for operator in observed.operators:
        found['operator'] = tag((images(operator) or [''])[0])
    for one in observed.workloads:
        found[label(one, 'app.kubernetes.io/name') or name_of(one)] = tag((images(one) or [''])[0])
    return found


def release_images(observed: Observed) -> set[str]:
    """Images of everything that the release makes or runs: its CronJobs and hooks, too, of which no pod may exist now."""
    newest = newest_release(observed.releases)
    if newest is None:
        return set()
    try:
        found = decode_release(dict(newest))
        texts = '\n---\n'.join([found.manifest, *found.hooks])
        return {image for one in documents(texts, 'the manifest of the Helm release') for image in images(one)}
    except KubeError:
        # A Secret that is no release, or is damaged: what runs is told all the same.
        return set()


def images(document: Object) -> list[str]:
    """Images of the containers of a workload, Job, CronJob or pod, init containers last."""
    within = {'CronJob': ('spec', 'jobTemplate', 'spec', 'template', 'spec'), 'Pod': ('spec',)}
    spec = get(document, within.get(str(document.get('kind')), ('spec', 'template', 'spec'))) or {}
    return [str(container.get('image')) for container in [*(spec.get('containers') or []), *(spec.get('initContainers') or [])]]


def tag(image: str) -> str:
    """``registry:5000/wandb/local:0.83.0@sha256:...`` -> ``0.83.0``; ``latest`` where none is named."""
    name = image.split('@', 1)[0].rsplit('/', 1)[-1]
    return name.split(':', 1)[1] if ':' in name else 'latest'


def workload(document: Object) -> dict[str, t.Any]:
    """One workload and its rollout."""
    progress = rollout(document)
    return {
        'kind': document['kind'],
        'name': name_of(document),
        'component': label(document, 'app.kubernetes.io/name'),
        'rolled_out': progress.done,
        'missing': progress.missing,
        'images': images(document),
    }


def license_info(service: Service, namespace: str, spec: Object) -> dict[str, t.Any]:
    """When the licence expires; never the licence."""
    secret = get(spec, ('values', 'global', 'licenseSecret')) or {}
    text = str(get(spec, ('values', 'global', 'license')) or '')
    if secret.get('name'):
        held = content({'kind': 'Secret', **(service.get(SECRETS, namespace, secret['name']) or {})})
        text = held.get(str(secret.get('key')), b'').decode('utf-8', 'replace')
    if not text:
        return {'problem': 'there is none'}
    licence = read_license(text)
    return {'expires_at': licence.expires_at(), 'days_left': licence.days_left(time.time()), 'problem': licence.problem}
