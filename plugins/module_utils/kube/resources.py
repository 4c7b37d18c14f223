# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds that the collection speaks to and where their objects live. A table instead of a discovery round."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError


@dataclasses.dataclass(frozen=True)
class Resource:
    """One kind in one version."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = '') -> str:
        """Raw path of the collection (no ``name``) or of one object; all namespaces without ``namespace``."""
        parts = ['/api' if '/' not in self.api_version else '/apis', self.api_version]
        if self.namespaced and namespace:
            parts += ['namespaces', urllib.parse.quote(namespace, safe='')]
        parts.append(self.plural)
        if name:
            parts.append(urllib.parse.quote(name, safe=''))
        if subresource:
            parts.append(subresource)
        return '/'.join(parts)


NAMESPACES = Resource('v1', 'Namespace', 'namespaces', namespaced=False)
NODES = Resource('v1', 'Node', 'nodes', namespaced=False)
CONFIG_MAPS = Resource('v1', 'ConfigMap', 'configmaps')
EVENTS = Resource('v1', 'Event', 'events')
PODS = Resource('v1', 'Pod', 'pods')
SECRETS = Resource('v1', 'Secret', 'secrets')
SERVICES = Resource('v1', 'Service', 'services')
SERVICE_ACCOUNTS = Resource('v1', 'ServiceAccount', 'serviceaccounts')
DEPLOYMENTS = Resource('apps/v1', 'Deployment', 'deployments')
REPLICA_SETS = Resource('apps/v1', 'ReplicaSet', 'replicasets')
STATEFUL_SETS = Resource('apps/v1', 'StatefulSet', 'statefulsets')
DAEMON_SETS = Resource('apps/v1', 'DaemonSet', 'daemonsets')
JOBS = Resource('batch/v1', 'Job', 'jobs')
CRON_JOBS = Resource('batch/v1', 'CronJob', 'cronjobs')
INGRESSES = Resource('networking.k8s.io/v1', 'Ingress', 'ingresses')
INGRESS_CLASSES = Resource('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', namespaced=False)
STORAGE_CLASSES = Resource('storage.k8s.io/v1', 'StorageClass', 'storageclasses', namespaced=False)
CRDS = Resource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', namespaced=False)
ROLES = Resource('rbac.authorization.k8s.io/v1', 'Role', 'roles')
ROLE_BINDINGS = Resource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings')
CLUSTER_ROLES = Resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', namespaced=False)
CLUSTER_ROLE_BINDINGS = Resource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', namespaced=False)
WANDBS = Resource('apps.wandb.com/v1', 'WeightsAndBiases', 'weightsandbiases')

WANDB_CRD = 'weightsandbiases.apps.wandb.com'

_KNOWN = {(resource.api_version, resource.kind): resource for resource in list(globals().values()) if isinstance(resource, Resource)}


def resource_of(manifest: t.Mapping[str, t.Any]) -> Resource:
    """The resource that a manifest is of. Raises KubeError for kinds that the table lacks."""
    key = (str(manifest.get('apiVersion')), str(manifest.get('kind')))
    if key not in _KNOWN:
        raise KubeError(f'kind {key[1]} of {key[0]} is not known to this collection (plugins/module_utils/kube/resources.py)')
    return _KNOWN[key]


def name_of(manifest: t.Mapping[str, t.Any]) -> str:
    """``Kind namespace/name``, for messages."""
    metadata = manifest.get('metadata') or {}
    place = f'{metadata["namespace"]}/' if metadata.get('namespace') else ''
    return f'{manifest.get("kind")} {place}{metadata.get("name")}'
