# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mend what the operator cannot get out of by itself (facts 9), once in a run.

- A release that stays pending, because the operator died within Helm: every later apply fails on it.
- A failure whose cause lay outside the spec (a quota, a Secret) and is gone since: the operator looks again when the
  spec changes, after ``reconcile_frequency`` (an hour) and at its start; an annotation starts nothing.

Uses of the service: ``find``; of its client: ``delete``.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import NotFoundError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import PODS, SECRETS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import OPERATOR_LABELS, Object, Observed, Wanted, metadata, name_of, newest_release

LEFT_OVER = ('invalid_config', 'admission_refused', 'type_clash', 'stale_phase')
# What refuses these is tried again by their own controllers.
PODS_TROUBLE = ('Deployment ', 'StatefulSet ', 'DaemonSet ', 'ReplicaSet ', 'Job ', 'Pod ')


@dataclasses.dataclass(frozen=True)
class Mend:
    """What would help: a restart of the operator, and before it the deletion of a pending revision's Secret, if any."""

    cause: str
    release: Object | None = None


def plan(observed: Observed, wanted: Wanted, found: t.Iterable[Cause], spec_changed: bool) -> Mend | None:
    """What would mend these causes; None = nothing that is ours to do. A spec that this run changed starts a reconcile itself."""
    for cause in found:
        if cause.code == 'pending_release':
            return Mend(cause.code, newest_release(observed.releases))
        if cause.code in LEFT_OVER and not spec_changed and not cause.subject.startswith(PODS_TROUBLE):
            return Mend(cause.code)
    return None


def steps(mend: Mend, wanted: Wanted) -> list[str]:
    """The same in words, in the order in which it is done."""
    told = [f'delete Secret {wanted.namespace}/{name_of(mend.release)}'] if mend.release else []
    return [*told, f'restart the operator (delete the pods with label {OPERATOR_LABELS} in namespace {wanted.operator_namespace})']


def perform(service: Service, mend: Mend, wanted: Wanted) -> None:
    """Do it. Only that very revision is deleted; pods of no other namespace than the operator's are touched."""
    if mend.release:
        _delete(service, SECRETS.path(wanted.namespace, name_of(mend.release)), mend.release)
    for pod in service.find(PODS, wanted.operator_namespace, OPERATOR_LABELS):
        if not metadata(pod).get('deletionTimestamp'):
            _delete(service, PODS.path(wanted.operator_namespace, name_of(pod)), pod)


def _delete(service: Service, path: str, document: Object) -> None:
    try:
        service.client.delete(path, str(metadata(document).get('uid') or ''))
    except NotFoundError:
        # Gone in the meantime, which is what was wanted.
        return
