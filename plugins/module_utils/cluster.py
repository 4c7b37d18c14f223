# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is and has, for people, preflight and the choice of ingress annotations.

Uses of the service: ``find get``; of its client: ``get review``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.access import review
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Object
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError, NotFoundError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.quantity import quantity
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import (
    CRDS,
    INGRESS_CLASSES,
    NAMESPACES,
    NODES,
    STORAGE_CLASSES,
    WANDB_CRD,
    WANDBS,
    Resource,
)
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service

# Beginning of an IngressClass's spec.controller -> family; each family understands annotations of its own.
FAMILIES = {
    'k8s.io/ingress-nginx': 'ingress-nginx',
    'nginx.org/': 'nginx-inc',
    'traefik.io/': 'traefik',
    'haproxy.org/': 'haproxy',
    'haproxy-ingress.github.io/': 'haproxy',
    'projectcontour.io/': 'contour',
    'openshift.io/ingress-to-route': 'openshift',
}

RESOURCE_QUOTAS = Resource('v1', 'ResourceQuota', 'resourcequotas')
LIMIT_RANGES = Resource('v1', 'LimitRange', 'limitranges')

# API groups that only OpenShift has; MicroShift lacks the first.
OPENSHIFT_GROUPS = {'config.openshift.io', 'security.openshift.io'}
UID_RANGE = 'openshift.io/sa.scc.uid-range'
SUPPLEMENTAL_GROUPS = 'openshift.io/sa.scc.supplemental-groups'
# Module wandb_operator leaves it on the CRD that it applies.
CHART_VERSION = 'wandb.onprem/chart-version'


def family(controller: str) -> str:
    """Family of an ingress controller, ``other`` if it is none that the collection knows."""
    return next((name for beginning, name in FAMILIES.items() if controller.startswith(beginning)), 'other')


def ingress_classes(items: t.Iterable[Object]) -> list[Object]:
    """Name, controller, family and whether it is the default."""
    return [
        {'name': one['metadata']['name'], 'controller': controller, 'family': family(controller),
         'default': _default(one, 'ingressclass.kubernetes.io/is-default-class')}
        for one in items
        for controller in [str((one.get('spec') or {}).get('controller') or '')]
    ]


def storage_classes(items: t.Iterable[Object]) -> list[Object]:
    """Name, provisioner and whether it is the default."""
    return [
        {'name': one['metadata']['name'], 'provisioner': str(one.get('provisioner')), 'default': _default(one, 'storageclass.kubernetes.io/is-default-class')}
        for one in items
    ]


def _default(one: Object, annotation: str) -> bool:
    return (one['metadata'].get('annotations') or {}).get(annotation) == 'true'


def node_facts(node: Object) -> Object:
    """One node: whether it is ready and takes any pod now, what it has to allocate and what it has in all (CPUs, bytes)."""
    status = node.get('status') or {}
    allocatable, whole = status.get('allocatable') or {}, status.get('capacity') or status.get('allocatable') or {}
    ready = any(one.get('type') == 'Ready' and one.get('status') == 'True' for one in status.get('conditions') or [])
    return {
        'name': str((node.get('metadata') or {}).get('name') or ''),
        'architecture': str((status.get('nodeInfo') or {}).get('architecture') or 'unknown'),
        'ready': ready,
        'schedulable': ready and _takes_pods(node.get('spec') or {}),
        'cpu': quantity(allocatable.get('cpu', 0)),
        'memory': int(quantity(allocatable.get('memory', 0))),
        'cpu_in_all': quantity(whole.get('cpu', 0)),
        'memory_in_all': int(quantity(whole.get('memory', 0))),
        'disk_in_all': int(quantity(whole.get('ephemeral-storage', 0))),
    }


def capacity(nodes: t.Iterable[Object]) -> dict[str, Object]:
    """By architecture: nodes, ready ones, those that take any pod now, and what these last have to allocate (CPUs, bytes)."""
    found: dict[str, Object] = {}
    for node in map(node_facts, nodes):
        entry = found.setdefault(node['architecture'], {'nodes': 0, 'ready': 0, 'schedulable': 0, 'cpu': 0.0, 'memory': 0})
        entry['nodes'] += 1
        entry['ready'] += node['ready']
        if node['schedulable']:
            entry['schedulable'] += 1
            entry['cpu'] += node['cpu']
            entry['memory'] += node['memory']
    return found


def _takes_pods(spec: Object) -> bool:
    """Neither cordoned nor tainted against pods that tolerate nothing."""
    return not spec.get('unschedulable') and not any(taint.get('effect') in ('NoSchedule', 'NoExecute') for taint in spec.get('taints') or [])


def id_ranges(text: t.Any) -> list[Object]:
    """OpenShift's ``first/size`` or ``first-last``, joined by commas, as ``first``, ``last`` and ``size``; none where it is neither."""
    found = []
    for part in str(text or '').split(','):
        match = re.fullmatch(r'\s*(\d+)([/-])(\d+)\s*', part)
        if match:
            first, second = int(match[1]), int(match[3])
            last = second if match[2] == '-' else first + second - 1
            found.append({'first': first, 'last': last, 'size': last - first + 1})
    return found


def namespace_facts(namespace: Object | None) -> Object:
    """Whether it exists, its labels, its PodSecurity levels and OpenShift's ranges of ids."""
    metadata = (namespace or {}).get('metadata') or {}
    labels, annotations = metadata.get('labels') or {}, metadata.get('annotations') or {}
    return {
        'exists': namespace is not None,
        'terminating': bool(metadata.get('deletionTimestamp')),
        'labels': labels,
        'pod_security': {mode: str(labels.get(f'pod-security.kubernetes.io/{mode}') or '') for mode in ('enforce', 'audit', 'warn')},
        'uid_range': next(iter(id_ranges(annotations.get(UID_RANGE))), None),
        'supplemental_groups': id_ranges(annotations.get(SUPPLEMENTAL_GROUPS)),
    }


def quotas(items: t.Iterable[Object]) -> list[Object]:
    """Name, what each quota allows and what of it is used, as quantities; ``scoped`` ones count some pods only."""
    return [
        {'name': one['metadata']['name'], 'hard': (one.get('spec') or {}).get('hard') or {}, 'used': (one.get('status') or {}).get('used') or {},
         'scoped': bool((one.get('spec') or {}).get('scopes') or (one.get('spec') or {}).get('scopeSelector'))}
        for one in items
    ]


def limits(items: t.Iterable[Object]) -> list[Object]:
    """One entry for each kind of thing (Container, Pod, PersistentVolumeClaim) that a LimitRange limits."""
    return [
        {'name': one['metadata']['name'], 'type': str(limit.get('type')), 'min': limit.get('min') or {}, 'max': limit.get('max') or {},
         'default': limit.get('default') or {}, 'default_request': limit.get('defaultRequest') or {}}
        for one in items
        for limit in (one.get('spec') or {}).get('limits') or []
    ]


def crd_versions(crd: Object | None) -> Object:
    """Whether the kind exists, its versions, and who keeps it."""
    metadata = (crd or {}).get('metadata') or {}
    versions = ((crd or {}).get('spec') or {}).get('versions') or []
    return {
        'exists': crd is not None,
        'storage': next((str(one['name']) for one in versions if one.get('storage')), ''),
        'served': [str(one['name']) for one in versions if one.get('served')],
        # Versions that objects may still be kept in.
        'stored_versions': ((crd or {}).get('status') or {}).get('storedVersions') or [],
        'managers': sorted({str(one.get('manager')) for one in metadata.get('managedFields') or [] if 'f:spec' in (one.get('fieldsV1') or {})}),
        'chart_version': str((metadata.get('annotations') or {}).get(CHART_VERSION) or ''),
    }


def custom_resource(one: Object) -> Object:
    """Where it is, and what of the server it is."""
    spec = one.get('spec') or {}
    return {
        'namespace': one['metadata']['namespace'],
        'name': one['metadata']['name'],
        'phase': str((one.get('status') or {}).get('phase') or ''),
        'host': str(((spec.get('values') or {}).get('global') or {}).get('host') or ''),
        'chart_version': str((spec.get('chart') or {}).get('version') or ''),
    }


def server_version(document: Object) -> Object:
    """Vendors add to the numbers (``minor: 29+``)."""
    numbers = {key: int(''.join(char for char in str(document.get(key)) if char.isdigit()) or 0) for key in ('major', 'minor')}
    return {'git_version': str(document.get('gitVersion')), **numbers}


class ClusterReader:
    """Reads; what the user may not see is None, and named in ``unreadable``."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.unreadable: list[str] = []

    def read(self, namespaces: t.Sequence[str] = ()) -> Object:
        """Everything but permissions; ``namespaces`` are looked into."""
        client = self.service.client
        version = client.get('/version')
        openshift = bool(OPENSHIFT_GROUPS & {str(group.get('name')) for group in client.get('/apis').get('groups') or []})
        classes = self._ask('IngressClass', lambda: self.service.find(INGRESS_CLASSES))
        storage = self._ask('StorageClass', lambda: self.service.find(STORAGE_CLASSES))
        nodes = self._ask('Node', lambda: self.service.find(NODES))
        crd = self._ask('CustomResourceDefinition', lambda: crd_versions(self.service.get(CRDS, None, WANDB_CRD)))
        resources = self._ask('WeightsAndBiases', lambda: self.service.find(WANDBS))
        return {
            'version': server_version(version),
            'openshift': openshift,
            'openshift_version': self._openshift_version() if openshift else '',
            'ingress_classes': None if classes is None else ingress_classes(classes),
            'storage_classes': None if storage is None else storage_classes(storage),
            'capacity': None if nodes is None else capacity(nodes),
            'nodes': None if nodes is None else [node_facts(one) for one in nodes],
            'crd': crd,
            'custom_resources': None if resources is None else [custom_resource(one) for one in resources],
            'namespaces': {name: self._namespace(name, resources) for name in namespaces},
            'unreadable': self.unreadable,
        }

    def _openshift_version(self) -> str | None:
        def ask() -> str:
            try:
                version = self.service.client.get('/apis/config.openshift.io/v1/clusterversions/version')
            except NotFoundError:
                return ''
            return str(((version.get('status') or {}).get('desired') or {}).get('version') or '')
        return t.cast('str | None', self._ask('ClusterVersion', ask))

    def _namespace(self, name: str, resources: list[Object] | None) -> Object:
        unknown = dict.fromkeys(namespace_facts(None))
        facts = self._ask(f'Namespace {name}', lambda: namespace_facts(self.service.get(NAMESPACES, None, name)))
        found_quotas = self._ask(f'ResourceQuota in {name}', lambda: quotas(self.service.find(RESOURCE_QUOTAS, name)))
        found_limits = self._ask(f'LimitRange in {name}', lambda: limits(self.service.find(LIMIT_RANGES, name)))
        if resources is None:
            resources = self._ask(f'WeightsAndBiases in {name}', lambda: self.service.find(WANDBS, name))
        return {
            **(unknown if facts is None else facts),
            'quotas': found_quotas,
            'limits': found_limits,
            'custom_resources': None if resources is None else [one['metadata']['name'] for one in resources if one['metadata']['namespace'] == name],
        }

    def allowed(self, wanted: t.Sequence[t.Mapping[str, t.Any]]) -> list[Object]:
        """For each of ``wanted`` (verb, group, resource, subresource, namespace, name): itself with ``allowed`` and ``reason``."""
        return [self._review(one) for one in wanted]

    def _review(self, wanted: t.Mapping[str, t.Any]) -> Object:
        attributes = {key: value for key, value in wanted.items() if value}
        allowed, reason = review(self.service.client, attributes)
        return {**attributes, 'allowed': allowed, 'reason': reason}

    def _ask(self, what: str, question: t.Callable[[], t.Any]) -> t.Any:
        try:
            return question()
        except ForbiddenError:
            self.unreadable.append(what)
            return None
