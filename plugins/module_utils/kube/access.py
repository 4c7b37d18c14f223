# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user may do, asked of the API server itself (SelfSubjectAccessReview), and what ``wandb_server`` needs.

Uses of the client: ``review``. A review is answered and not stored: it is no write.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError

# Verbs, API group, resource or resource/subresource.
Rule = tuple[str, str, str]

REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'

# To look: in the namespace of the custom resource ...
LOOK: tuple[Rule, ...] = (
    ('get', 'apps.wandb.com', 'weightsandbiases'),
    ('get list', '', 'secrets'),
    ('list', 'apps', 'deployments'),
    ('list', 'apps', 'statefulsets'),
    ('list', 'apps', 'daemonsets'),
    ('list', 'apps', 'replicasets'),
    ('list', 'autoscaling', 'horizontalpodautoscalers'),
    ('list', 'batch', 'jobs'),
    ('list', '', 'pods'),
    ('get', '', 'pods/log'),
    ('list', '', 'events'),
    ('get', '', 'services/proxy'),
)
# ... and in the operator's.
LOOK_AT_OPERATOR: tuple[Rule, ...] = (
    ('list', 'apps', 'deployments'),
    ('list', '', 'pods'),
    ('get', '', 'pods/log'),
)
# Server-side apply is a patch, and a create as well where there is nothing yet.
APPLY: tuple[Rule, ...] = (
    ('create patch', 'apps.wandb.com', 'weightsandbiases'),
    ('create patch', '', 'secrets'),
)
REPAIR: tuple[Rule, ...] = (('delete', '', 'secrets'),)
REPAIR_OPERATOR: tuple[Rule, ...] = (('delete', '', 'pods'),)
REMOVE: tuple[Rule, ...] = (
    ('get delete', 'apps.wandb.com', 'weightsandbiases'),
    ('get list delete', '', 'secrets'),
    ('list', '', 'persistentvolumeclaims'),
)


class LackingError(KubeError):
    """The user may not do all that is needed; ``lacking`` names every permission."""

    def __init__(self, lacking_permissions: t.Iterable[Permission]) -> None:
        self.lacking = [str(one) for one in lacking_permissions]
        super().__init__(
            f'the user of the kubeconfig or token lacks permissions, by the API server\'s own review: {"; ".join(self.lacking)}. '
            'Give them by a Role in each of these namespaces'
        )


@dataclasses.dataclass(frozen=True)
class Permission:
    """One verb on one resource in one namespace (all of them: ``''``)."""

    verb: str
    group: str
    resource: str
    namespace: str
    subresource: str = ''

    def __str__(self) -> str:
        resource = f'{self.resource}/{self.subresource}' if self.subresource else self.resource
        return f'{self.verb} {resource} in namespace {self.namespace}' if self.namespace else f'{self.verb} {resource}'


def permissions(rules: t.Iterable[Rule], namespace: str) -> list[Permission]:
    """The rules for one namespace, one verb each."""
    found = []
    for verbs, group, resource in rules:
        name, *subresource = resource.split('/')
        found += [Permission(verb, group, name, namespace, *subresource) for verb in verbs.split()]
    return found


def to_look(namespace: str, operator_namespace: str) -> list[Permission]:
    """What a look at a server needs."""
    return permissions(LOOK, namespace) + permissions(LOOK_AT_OPERATOR, operator_namespace)


def to_apply(
    namespace: str, operator_namespace: str, config_maps_in: t.Iterable[str] = (), repair: bool = False, read_namespace: bool = False
) -> list[Permission]:
    """What ``state=present`` needs. ``config_maps_in``: namespaces of the ConfigMaps that the options refer to."""
    wanted = permissions(APPLY, namespace) + to_look(namespace, operator_namespace)
    for place in sorted(set(config_maps_in)):
        wanted += permissions([('get', '', 'configmaps')], place)
    if repair:
        wanted += permissions(REPAIR, namespace) + permissions(REPAIR_OPERATOR, operator_namespace)
    if read_namespace:
        # To read a namespace is asked within it.
        wanted += permissions([('get', '', 'namespaces')], namespace)
    return wanted


def to_remove(namespace: str, operator_namespace: str) -> list[Permission]:
    """What ``state=absent`` needs."""
    return permissions(REMOVE, namespace) + permissions(LOOK_AT_OPERATOR, operator_namespace)


def review(client: Client, attributes: t.Mapping[str, t.Any]) -> tuple[bool, str]:
    """Whether it is allowed, and the authorizer's reason. ``attributes`` are a review's resourceAttributes; empty = not given."""
    answer = client.review(REVIEWS, {
        'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SelfSubjectAccessReview',
        'spec': {'resourceAttributes': dict(attributes)},
    })
    status = answer.get('status') or {}
    return bool(status.get('allowed')), str(status.get('reason') or '')


def lacking(client: Client, wanted: t.Iterable[Permission]) -> list[Permission]:
    """Those of ``wanted`` that the user has not: one request each, none twice."""
    return [one for one in dict.fromkeys(wanted) if not review(client, dataclasses.asdict(one))[0]]


def require(client: Client, wanted: t.Iterable[Permission]) -> None:
    """Raises LackingError with everything that the user may not do, at once."""
    found = lacking(client, wanted)
    if found:
        raise LackingError(found)
