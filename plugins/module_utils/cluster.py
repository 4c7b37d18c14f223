# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is and has, for people, preflight and the choice of ingress annotations.

Uses of the service: ``find get``; of its client: ``get review``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.access import review
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Object
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CRDS, INGRESS_CLASSES, NODES, STORAGE_CLASSES, WANDB_CRD, WANDBS
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

_FACTORS = {'m': 1e-3, '': 1.0, 'k': 1e3, 'M': 1e6, 'G': 1e9, 'T': 1e12, 'P': 1e15, 'Ki': 2.0**10, 'Mi': 2.0**20, 'Gi': 2.0**30, 'Ti': 2.0**40, 'Pi': 2.0**50}


def quantity(text: t.Any) -> float:
    """A Kubernetes quantity (``3920m``, ``16Gi``, ``1e3``) as a number."""
    value = str(text)
    try:
        return float(value)
    except ValueError:
        number = value.rstrip('mkKMGTPi')
        return float(number) * _FACTORS[value[len(number):]]


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


def capacity(nodes: t.Iterable[Object]) -> dict[str, Object]:
    """By architecture: nodes, those that take pods now, and what these have to allocate (CPUs, bytes)."""
    found: dict[str, Object] = {}
    for node in nodes:
        status = node.get('status') or {}
        entry = found.setdefault(str((status.get('nodeInfo') or {}).get('architecture') or 'unknown'), {'nodes': 0, 'ready': 0, 'cpu': 0.0, 'memory': 0})
        entry['nodes'] += 1
        ready = any(one.get('type') == 'Ready' and one.get('status') == 'True' for one in status.get('conditions') or [])
        if ready and not (node.get('spec') or {}).get('unschedulable'):
            entry['ready'] += 1
            entry['cpu'] += quantity((status.get('allocatable') or {}).get('cpu', 0))
            entry['memory'] += int(quantity((status.get('allocatable') or {}).get('memory', 0)))
    return found


def crd_versions(crd: Object | None) -> Object:
    """Whether the kind exists, which version is stored, which are served."""
    versions = ((crd or {}).get('spec') or {}).get('versions') or []
    return {
        'exists': crd is not None,
        'storage': next((str(one['name']) for one in versions if one.get('storage')), ''),
        'served': [str(one['name']) for one in versions if one.get('served')],
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

    def read(self) -> Object:
        """Everything but permissions."""
        client = self.service.client
        version = client.get('/version')
        groups = [str(group.get('name')) for group in client.get('/apis').get('groups') or []]
        openshift = 'config.openshift.io' in groups
        cluster_version = self._ask('ClusterVersion', lambda: client.get('/apis/config.openshift.io/v1/clusterversions/version')) if openshift else None
        classes = self._ask('IngressClass', lambda: self.service.find(INGRESS_CLASSES))
        storage = self._ask('StorageClass', lambda: self.service.find(STORAGE_CLASSES))
        nodes = self._ask('Node', lambda: self.service.find(NODES))
        crd = self._ask('CustomResourceDefinition', lambda: crd_versions(self.service.get(CRDS, None, WANDB_CRD)))
        resources = self._ask('WeightsAndBiases', lambda: self.service.find(WANDBS))
        return {
            'version': server_version(version),
            'openshift': openshift,
            'openshift_version': str((((cluster_version or {}).get('status') or {}).get('desired') or {}).get('version') or ''),
            'ingress_classes': None if classes is None else ingress_classes(classes),
            'storage_classes': None if storage is None else storage_classes(storage),
            'capacity': None if nodes is None else capacity(nodes),
            'crd': crd,
            'custom_resources': None if resources is None else [
                {'namespace': one['metadata']['namespace'], 'name': one['metadata']['name'], 'phase': str((one.get('status') or {}).get('phase') or '')}
                for one in resources
            ],
            'unreadable': self.unreadable,
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
