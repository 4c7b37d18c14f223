# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the API server, before anything is written, whether this user may do all that an installation needs."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.cluster import ClusterReader
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CRDS, SECRETS, Resource, resource_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service

Object = dict[str, t.Any]


class AccessError(KubeError):
    """Rights that are missing, all of them."""


def questions(manifests: t.Iterable[Object], namespace: str, crds: t.Iterable[str]) -> list[Object]:
    """What helm and this module do: the release's Secrets, each kind of object in each namespace, and the CRDs that are applied."""
    places = {(resource_of(one), one['metadata'].get('namespace') or namespace) for one in manifests}
    asked = [_question('patch', CRDS, '', name) for name in crds]
    asked += [_question(verb, SECRETS, namespace) for verb in ('list', 'create', 'update')]
    for resource, place in sorted(places, key=lambda one: (one[0].plural, one[1])):
        asked += [_question(verb, resource, place if resource.namespaced else '') for verb in ('create', 'patch')]
    return asked


def demand(service: Service, wanted: t.Sequence[Object]) -> None:
    """Raises AccessError with every right that is missing."""
    denied = [_told(one) for one in ClusterReader(service).allowed(wanted) if not one['allowed']]
    if denied:
        raise AccessError(f'not permitted for the user of kubeconfig (or api_key, impersonate_user): {"; ".join(denied)}. Nothing was written; '
                          'give the user these rights, or let somebody who has them run this')


def _question(verb: str, resource: Resource, namespace: str, name: str = '') -> Object:
    group = resource.api_version.rpartition('/')[0]
    return {'verb': verb, 'group': group, 'resource': resource.plural, 'namespace': namespace, 'name': name}


def _told(one: t.Mapping[str, t.Any]) -> str:
    what = f'{one["resource"]}.{one["group"]}' if one.get('group') else str(one['resource'])
    return f'{one["verb"]} {what}{" " + one["name"] if one.get("name") else ""}' + (f' in namespace {one["namespace"]}' if one.get('namespace') else '')
