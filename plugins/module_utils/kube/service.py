# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects: read, apply, delete, and what that changed.

``changed`` comes from the object before and after, with what the server adds stripped; diffs hide the values of Secrets.
Uses of the client: ``get items apply delete dry_run``.
"""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, Object
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import NotFoundError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import Resource, resource_of

FIELD_MANAGER = 'wandb.onprem'

_NOISE = ('managedFields', 'resourceVersion', 'uid', 'generation', 'creationTimestamp', 'selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds')
_NOISE_ANNOTATIONS = ('kubectl.kubernetes.io/last-applied-configuration', 'deployment.kubernetes.io/revision')


@dataclasses.dataclass(frozen=True)
class Applied:
    """Outcome of one apply or delete; ``before`` and ``after`` are None where there is no object."""

    changed: bool
    before: Object | None
    after: Object | None
    # '' or what does not exist yet and is assumed in check mode: 'namespace' or 'kind'.
    assumed: str = ''

    @property
    def diff(self) -> dict[str, Object]:
        """For Ansible's ``diff``: secrets masked, server noise stripped."""
        return masked_diff(self.before, self.after)


class Service:
    """What modules do with objects."""

    def __init__(self, client: Client, field_manager: str = FIELD_MANAGER) -> None:
        self.client = client
        self.field_manager = field_manager

    def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The object, or None where it, its namespace or its kind does not exist."""
        try:
            return self.client.get(resource.path(namespace, name))
        except NotFoundError:
            return None

    def find(self, resource: Resource, namespace: str | None = None, labels: str = '', fields: str = '') -> list[Object]:
        """Objects by label and field selector; none where the kind does not exist."""
        query = {key: value for key, value in (('labelSelector', labels), ('fieldSelector', fields)) if value}
        try:
            return self.client.items(resource.path(namespace), query)
        except NotFoundError:
            return []

    def apply(self, manifest: Object, force: bool = False) -> Applied:
        """Server-side apply under our own field manager. Raises ConflictError with the other manager's name."""
        metadata = manifest['metadata']
        return self.apply_over(self.get(resource_of(manifest), metadata.get('namespace'), metadata['name']), manifest, force)

    def apply_over(self, before: Object | None, manifest: Object, force: bool = False) -> Applied:
        """The same for a caller who has just read the object (None = not there): one request less."""
        resource, metadata = resource_of(manifest), manifest['metadata']
        namespace, name = metadata.get('namespace'), metadata['name']
        try:
            after = self.client.apply(resource.path(namespace, name), manifest, self.field_manager, force)
        except NotFoundError as error:
            # An earlier step of a real run would have made it (docs/architecture.md, check mode).
            if self.client.dry_run and error.missing in ('namespace', 'kind'):
                return Applied(True, None, copy.deepcopy(manifest), assumed=error.missing)
            raise
        return Applied(stripped(before) != stripped(after), before, after)

    def delete(self, resource: Resource, namespace: str | None, name: str, uid: str = '') -> Applied:
        """Delete one object (in the background); not an error if it is gone."""
        before = self.get(resource, namespace, name)
        if before is None:
            return Applied(False, None, None)
        try:
            self.client.delete(resource.path(namespace, name), uid)
        except NotFoundError:
            return Applied(False, None, None)
        return Applied(True, before, None)


def stripped(document: Object | None) -> Object | None:
    """The object without status and what the server or other programs write into its metadata."""
    if document is None:
        return None
    clean = {key: value for key, value in document.items() if key != 'status'}
    metadata = {key: value for key, value in (clean.get('metadata') or {}).items() if key not in _NOISE}
    annotations = {key: value for key, value in (metadata.get('annotations') or {}).items() if key not in _NOISE_ANNOTATIONS}
    metadata.pop('annotations', None)
    if annotations:
        metadata['annotations'] = annotations
    clean['metadata'] = metadata
    return clean


def masked_diff(before: Object | None, after: Object | None) -> dict[str, Object]:
    """``before`` and ``after`` for Ansible; a Secret shows its keys and which of them change, never a value."""
    old, new = copy.deepcopy(stripped(before)) or {}, copy.deepcopy(stripped(after)) or {}
    if 'Secret' in (old.get('kind'), new.get('kind')):
        for section in ('data', 'stringData'):
            values_old, values_new = old.get(section) or {}, new.get(section) or {}
            for key in set(values_old) | set(values_new):
                same = values_old.get(key) == values_new.get(key)
                if key in values_old:
                    values_old[key] = '(hidden)' if same else '(hidden, old value)'
                if key in values_new:
                    values_new[key] = '(hidden)' if same else '(hidden, new value)'
    return {'before': old, 'after': new}


def contains(actual: t.Any, wanted: t.Any) -> bool:
    """Whether everything in ``wanted`` stands in ``actual``; maps may hold more, a wanted list must be a prefix."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(key in actual and contains(actual[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(actual, list) and len(actual) >= len(wanted) and all(contains(one, other) for one, other in zip(actual, wanted))
    return bool(actual == wanted)
