# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether live objects still are what a manifest says.

The API server adds defaults, drops what is empty and writes quantities its own way: so maps are compared by containment
and empty counts as absent. Lists are compared whole, entries with a name by that name: an entry more is a change that
somebody made. Pure, but for LiveObjects, which reads one list a kind, however many objects there are.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError, KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.quantity import quantity
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import Resource, name_of, resource_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service

Object = t.Mapping[str, t.Any]
Key = tuple[str, str, str]

# Helm writes it on every object that it makes, whatever the chart says.
HELM_LABEL = 'app.kubernetes.io/managed-by=Helm'

# Maps whose values are quantities.
_QUANTITIES = ('limits', 'requests', 'hard', 'capacity')
_QUANTITY_KEYS = ('sizeLimit',)
# Lists that controllers of the cluster add to.
_GROWING = {('ServiceAccount', 'secrets'), ('ServiceAccount', 'imagePullSecrets')}
# Maps that the API server gives no default: an entry more is somebody's.
_EXACT = {('ConfigMap', 'data'), ('ConfigMap', 'binaryData'), ('Secret', 'data')}
_MISSING = object()


@dataclasses.dataclass(frozen=True)
class Drift:
    """One object that is not what it was made as; ``paths`` -> (live, wanted), empty where the object is gone."""

    name: str
    paths: t.Mapping[str, tuple[t.Any, t.Any]]
    gone: bool = False

    def __str__(self) -> str:
        if self.gone:
            return f'{self.name} is gone'
        return f'{self.name} was changed: {", ".join(sorted(self.paths))}'

    @property
    def diff(self) -> dict[str, t.Any]:
        """For Ansible's ``diff``; of a Secret the paths only."""
        def shown(place: int) -> dict[str, t.Any]:
            found = {path: pair[place] for path, pair in sorted(self.paths.items()) if pair[place] is not _MISSING}
            return dict.fromkeys(found, f'(hidden, {("live", "wanted")[place]})') if self.name.startswith('Secret ') else found
        header = f'live {self.name}'
        before: t.Any = {} if self.gone else shown(0)
        after: t.Any = {'exists': True} if self.gone else shown(1)
        return {'before_header': header, 'after_header': header, 'before': before, 'after': after}


def drift_of(wanted: Object, live: Object | None, namespace: str) -> Drift | None:
    """How ``live`` differs from the manifest; None if it does not. ``namespace`` is where manifests without one go."""
    metadata = wanted.get('metadata') or {}
    place = {'namespace': metadata.get('namespace') or namespace} if resource_of(wanted).namespaced else {}
    name = name_of({'kind': wanted.get('kind'), 'metadata': {'name': metadata.get('name'), **place}})
    if live is None:
        return Drift(name, {}, gone=True)
    paths: dict[str, tuple[t.Any, t.Any]] = {}
    compared = {key: value for key, value in wanted.items() if key not in ('apiVersion', 'kind', 'status', 'metadata')}
    compared['metadata'] = {key: metadata[key] for key in ('labels', 'annotations') if metadata.get(key)}
    _compare(live, compared, (str(wanted.get('kind')),), paths)
    return Drift(name, paths) if paths else None


def pod_template_differs(wanted: Object, live: Object) -> bool:
    """Whether writing ``wanted`` over ``live`` starts new pods."""
    paths: dict[str, tuple[t.Any, t.Any]] = {}
    _compare((live.get('spec') or {}).get('template') or {}, (wanted.get('spec') or {}).get('template') or {}, (str(wanted.get('kind')),), paths)
    return bool(paths)


def _compare(live: t.Any, wanted: t.Any, path: tuple[str, ...], found: dict[str, tuple[t.Any, t.Any]]) -> None:
    if isinstance(wanted, t.Mapping) and isinstance(live, t.Mapping):
        for key, value in wanted.items():
            _compare(live.get(key, _MISSING), value, (*path, str(key)), found)
        if path in _EXACT:
            found.update({_told((*path, str(key))): (value, _MISSING) for key, value in live.items() if key not in wanted})
    elif isinstance(wanted, list) and isinstance(live, list):
        _compare_lists(live, wanted, path, found)
    elif not _same(live, wanted, path):
        found[_told(path)] = (live, wanted)


def _compare_lists(live: list[t.Any], wanted: list[t.Any], path: tuple[str, ...], found: dict[str, tuple[t.Any, t.Any]]) -> None:
    growing = path in _GROWING
    if _named(live) and _named(wanted):
        mine, theirs = ({str(one['name']): one for one in side} for side in (wanted, live))
        for name, value in mine.items():
            _compare(theirs.get(name, _MISSING), value, (*path[:-1], f'{path[-1]}[{name}]'), found)
        if not growing:
            found.update({_told((*path[:-1], f'{path[-1]}[{name}]')): (value, _MISSING) for name, value in theirs.items() if name not in mine})
    elif growing:
        if any(one not in live for one in wanted):
            found[_told(path)] = (live, wanted)
    elif len(live) != len(wanted):
        found[_told(path)] = (live, wanted)
    else:
        for index, (one, other) in enumerate(zip(live, wanted)):
            _compare(one, other, (*path[:-1], f'{path[-1]}[{index}]'), found)


def _named(entries: list[t.Any]) -> bool:
    """Whether each entry has a name of its own. Two mounts of one volume have not."""
    names = [one.get('name') for one in entries if isinstance(one, t.Mapping)]
    return len(names) == len(entries) and None not in names and len(set(names)) == len(names)


def _told(path: tuple[str, ...]) -> str:
    """Without the kind, which stands first."""
    return '.'.join(path[1:])


def _empty(value: t.Any) -> bool:
    """What the API server may drop: nothing, and maps and lists that hold nothing else."""
    if isinstance(value, t.Mapping):
        return all(_empty(inner) for inner in value.values())
    return value is _MISSING or value is None or value is False or value == 0 or value in ('', [])


def _same(live: t.Any, wanted: t.Any, path: tuple[str, ...]) -> bool:
    if live is _MISSING or wanted is None or live is None:
        return _empty(wanted) and _empty(live)
    if isinstance(live, (t.Mapping, list)) or isinstance(wanted, (t.Mapping, list)):
        return _empty(live) and _empty(wanted)
    if isinstance(live, bool) or isinstance(wanted, bool):
        return live is wanted
    if len(path) > 1 and (path[-2] in _QUANTITIES or path[-1] in _QUANTITY_KEYS):
        return _same_quantity(live, wanted)
    return bool(live == wanted)


def _same_quantity(live: t.Any, wanted: t.Any) -> bool:
    """The API server writes 1000m as 1 and 1024Mi as 1Gi."""
    try:
        return math.isclose(quantity(live), quantity(wanted), rel_tol=1e-9)
    except (ValueError, KeyError):
        return bool(live == wanted)


def comparable(manifests: t.Iterable[t.Any]) -> list[t.Any]:
    """Those of kinds whose place in the API is known. A chart may hold others; helm looks after them alone."""
    found = []
    for one in manifests:
        try:
            resource_of(one)
        except KubeError:
            continue
        found.append(one)
    return found


class LiveObjects:
    """What is there of a release's objects: by kind, with one request for each kind (and namespace, where only that may be read).

    Uses of the service: ``find``.
    """

    def __init__(self, service: Service, namespace: str) -> None:
        self._service = service
        self._namespace = namespace

    def of(self, manifests: t.Iterable[Object]) -> dict[Key, Object]:
        """(kind, namespace, name) -> the live object, for whatever of ``manifests`` there is."""
        places: dict[Resource, set[str]] = {}
        for manifest in manifests:
            resource = resource_of(manifest)
            places.setdefault(resource, set()).add(self.key(manifest)[1])
        found: dict[Key, Object] = {}
        for resource, namespaces in places.items():
            for one in self._list(resource, namespaces):
                found[resource.kind, one['metadata'].get('namespace') or '', one['metadata']['name']] = {'kind': resource.kind, **one}
        return found

    def key(self, manifest: Object) -> Key:
        """Where an object of the release is found."""
        resource, metadata = resource_of(manifest), manifest['metadata']
        return resource.kind, (metadata.get('namespace') or self._namespace) if resource.namespaced else '', metadata['name']

    def _list(self, resource: Resource, namespaces: set[str]) -> list[dict[str, t.Any]]:
        if len(namespaces) == 1:
            return self._service.find(resource, min(namespaces) or None, labels=HELM_LABEL)
        try:
            return self._service.find(resource, labels=HELM_LABEL)
        except ForbiddenError:
            # An isolated installation by somebody who has rights in its namespaces only.
            return [one for namespace in sorted(namespaces) for one in self._service.find(resource, namespace, labels=HELM_LABEL)]
