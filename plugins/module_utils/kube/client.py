# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pooled connection to an API server, spoken to on raw paths: no discovery round.

A dry run is decided here and nowhere else: a client made with ``dry_run`` sends every write with ``dryRun=All``.
Requests are counted (``requests``), and of them those that really write (``writes``).
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import kubeconfig_document
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import UnreachableError, error_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.transport import Object, PooledTransport, Query, Response, Transport

__all__ = ['Client', 'Object', 'PooledTransport', 'Query', 'Response', 'Transport', 'client_from']

PAGE = 500


class Client:
    """Verbs of the Kubernetes API on raw paths. ``path`` begins with ``/api`` or ``/apis``."""

    def __init__(self, transport: Transport, dry_run: bool = False) -> None:
        self.transport = transport
        self.dry_run = dry_run
        self.requests = 0
        self.writes = 0
        self.warnings: list[str] = []

    def get(self, path: str, query: Query | None = None) -> Object:
        """One object, or one page of a list."""
        return self._json('GET', path, query or {})

    def text(self, path: str, query: Query | None = None) -> str:
        """A subresource that answers plain text (a pod's log)."""
        return self._send('GET', path, query or {}).decode('utf-8', 'replace')

    def items(self, path: str, query: Query | None = None) -> list[Object]:
        """All objects of a list, page by page."""
        wanted = {'limit': str(PAGE), **(query or {})}
        found: list[Object] = []
        while True:
            page = self._json('GET', path, wanted)
            found.extend(page.get('items') or [])
            token = (page.get('metadata') or {}).get('continue')
            if not token:
                return found
            wanted['continue'] = token

    def apply(self, path: str, manifest: Object, field_manager: str, force: bool = False) -> Object:
        """Server-side apply; the object as it is (or would be) afterwards."""
        query = {'fieldManager': field_manager, 'force': str(force).lower()}
        # A JSON document is a YAML document; the content type that API servers of every supported version know.
        return self._write('PATCH', path, query, manifest, 'application/apply-patch+yaml')

    def merge_patch(self, path: str, patch: Object, field_manager: str) -> Object:
        """JSON merge patch; for what server-side apply cannot say, such as dropping a finalizer."""
        return self._write('PATCH', path, {'fieldManager': field_manager}, patch, 'application/merge-patch+json')

    def delete(self, path: str, uid: str = '', propagation: str = 'Background') -> Object:
        """Delete one object; with ``uid`` only that very object."""
        options: Object = {'apiVersion': 'v1', 'kind': 'DeleteOptions', 'propagationPolicy': propagation}
        if uid:
            options['preconditions'] = {'uid': uid}
        if self.dry_run:
            # The API server does not look at the query where a DELETE has a body: it would really delete (seen on 1.35).
            options['dryRun'] = ['All']
        return self._write('DELETE', path, {}, options, 'application/json')

    def review(self, path: str, document: Object) -> Object:
        """POST of a question (SelfSubjectAccessReview) that the server answers and does not store."""
        return self._json('POST', path, {}, json.dumps(document).encode(), 'application/json')

    def _write(self, method: str, path: str, query: Query, document: Object, content_type: str) -> Object:
        if self.dry_run:
            query = {**query, 'dryRun': 'All'}
        else:
            self.writes += 1
        return self._json(method, path, query, json.dumps(document).encode(), content_type)

    def _json(self, method: str, path: str, query: Query, body: bytes | None = None, content_type: str = '') -> Object:
        answer = self._send(method, path, query, body, content_type)
        try:
            document = json.loads(answer)
        except ValueError as error:
            raise UnreachableError(f'{method} {path}: the answer is not JSON; is this address a Kubernetes API server?') from error
        if not isinstance(document, dict):
            raise UnreachableError(f'{method} {path}: the answer is not a JSON object; is this address a Kubernetes API server?')
        return document

    def _send(self, method: str, path: str, query: Query, body: bytes | None = None, content_type: str = '') -> bytes:
        self.requests += 1
        response = self.transport.send(method, path, query, content_type, body)
        self.warnings.extend(warning for warning in response.warnings if warning not in self.warnings)
        if response.status >= 400:
            raise error_from(method, path, response.status, response.body)
        return response.body


def client_from(options: t.Mapping[str, t.Any], dry_run: bool) -> Client:
    """The client for a module's common options. Raises AuthConfigError."""
    return Client(PooledTransport(kubeconfig_document(options)), dry_run)
