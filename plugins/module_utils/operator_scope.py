# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespaces an operator looks after, and who else does. Two operators at one custom resource undo each other's work.

Uses of the service: ``find``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, name_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service

Object = t.Mapping[str, t.Any]
# None = every namespace.
Scope = t.Optional[frozenset[str]]

OPERATOR_LABEL = 'control-plane=controller-manager'

_ISOLATION = '--isolation-namespaces='
# kubebuilder gives every operator that label; this variable only W&B's has.
_MARK = 'WANDB_MANAGER_SERVICE_ACCOUNT'


def scope_of(values: Object, namespace: str) -> Scope:
    """Namespaces that a release with these values looks after."""
    isolation = values.get('namespaceIsolation') or {}
    return frozenset({namespace, *(isolation.get('additionalNamespaces') or [])}) if isolation.get('enabled') else None


def is_operator(deployment: Object) -> bool:
    """Whether it runs W&B's operator."""
    return any(one.get('name') == _MARK for container in _containers(deployment) for one in container.get('env') or [])


def watched_by(deployment: Object) -> Scope:
    """Namespaces that a running operator looks after."""
    for container in _containers(deployment):
        for argument in [*(container.get('command') or []), *(container.get('args') or [])]:
            if str(argument).startswith(_ISOLATION):
                return frozenset(one for one in str(argument)[len(_ISOLATION):].split(',') if one)
    return None


def others(deployments: t.Iterable[Object], namespace: str, release: str, scope: Scope) -> dict[str, str]:
    """Operators of other releases in the same namespace, or at the same namespaces: object -> what speaks against it."""
    found = {}
    for one in deployments:
        metadata = one['metadata']
        annotations = metadata.get('annotations') or {}
        owner = annotations.get('meta.helm.sh/release-namespace'), annotations.get('meta.helm.sh/release-name')
        if owner == (namespace, release) or not is_operator(one):
            continue
        whose = f'of Helm release {owner[0]}/{owner[1]}' if owner[1] else 'not made by Helm'
        watched = watched_by(one)
        shared = sorted((watched or frozenset()) & (scope or frozenset())) if watched is not None and scope is not None else None
        if metadata.get('namespace') == namespace:
            against = 'runs in the same namespace'
        elif shared is None:
            against = f'looks after {_told(watched)}, this one would look after {_told(scope)}'
        elif shared:
            against = f'looks after {", ".join(shared)}, too'
        else:
            continue
        found[name_of({'kind': 'Deployment', **one})] = f'{whose}, {against}'
    return found


def find_others(service: Service, namespace: str, release: str, scope: Scope) -> dict[str, str]:
    """The same for the cluster at hand; with rights in some namespaces only, those are looked at."""
    try:
        deployments = service.find(DEPLOYMENTS, labels=OPERATOR_LABEL)
    except ForbiddenError:
        deployments = [one for place in sorted({namespace, *(scope or ())}) for one in service.find(DEPLOYMENTS, place, labels=OPERATOR_LABEL)]
    return others(deployments, namespace, release, scope)


def _containers(deployment: Object) -> list[t.Mapping[str, t.Any]]:
    return list((((deployment.get('spec') or {}).get('template') or {}).get('spec') or {}).get('containers') or [])


def _told(scope: Scope) -> str:
    return 'every namespace' if scope is None else ', '.join(sorted(scope))
