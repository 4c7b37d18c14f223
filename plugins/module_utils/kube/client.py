# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pooled connection to an API server, spoken to on raw paths: no discovery round.

A dry run is decided here and nowhere else: a client made with ``dry_run`` sends every write with ``dryRun=All``.
Requests are counted (``requests``), and of them those that really write (``writes``).
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
import urllib.parse

from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import kubeconfig_document
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError, UnreachableError, error_from

Object = dict[str, t.Any]
Query = t.Mapping[str, str]

PAGE = 500


@dataclasses.dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    warnings: tuple[str, ...] = ()


class Transport(t.Protocol):
    """What carries requests; tests pass a fake."""

    def send(self, method: str, path: str, query: Query, content_type: str, body: bytes | None) -> Response:
        """Raises UnreachableError where there is no HTTP answer."""


class PooledTransport:
    """The ``kubernetes`` package's ApiClient: its TLS, proxy, token and exec-plugin handling, with its connection pool.

    Its ``call_api`` changed between releases of the package and cannot send a header twice (impersonated groups), so
    requests go to its pool directly.
    """

    CONNECT_TIMEOUT = 10.0
    READ_TIMEOUT = 60.0

    def __init__(self, document: Object) -> None:
        # Late: modules must be able to say what is missing, and unit tests need neither.
        try:
            import kubernetes
            import urllib3
        except ImportError as error:
            raise AuthConfigError(f'the Python package {error.name} is missing where the Kubernetes API is spoken to: pip install kubernetes') from error
        package: t.Any = kubernetes  # ships no complete types
        configuration = package.client.Configuration()
        try:
            package.config.load_kube_config_from_dict(document, client_configuration=configuration)
        except package.config.ConfigException as error:
            raise AuthConfigError(f'kubeconfig: {error}') from error
        self._urllib3 = urllib3
        self._configuration: t.Any = configuration
        self._pool = package.client.ApiClient(configuration).rest_client.pool_manager
        self._user = document['users'][0]['user']
        self._retries = urllib3.Retry(total=3, connect=2, read=2, redirect=0, status=2, backoff_factor=0.5, status_forcelist=[429],
                                      allowed_methods=['GET', 'PATCH'], raise_on_status=False)

    def send(self, method: str, path: str, query: Query, content_type: str, body: bytes | None) -> Response:
        headers = self._urllib3.HTTPHeaderDict({'Accept': 'application/json', 'User-Agent': 'wandb.onprem'})
        if body is not None:
            headers['Content-Type'] = content_type
        for setting in self._configuration.auth_settings().values():
            if setting.get('in') == 'header' and setting.get('value'):
                headers[setting['key']] = setting['value']
        if self._user.get('as'):
            headers['Impersonate-User'] = self._user['as']
        for group in self._user.get('as-groups') or []:
            headers.add('Impersonate-Group', group)
        url = self._configuration.host.rstrip('/') + path + ('?' + urllib.parse.urlencode(query) if query else '')
        try:
            answer = self._pool.request(method, url, headers=headers, body=body, retries=self._retries,
                                        timeout=self._urllib3.Timeout(connect=self.CONNECT_TIMEOUT, read=self.READ_TIMEOUT))
        except self._urllib3.exceptions.HTTPError as error:
            reason = getattr(error, 'reason', None) or error
            raise UnreachableError(f'the API server {self._configuration.host} does not answer: {reason}') from error
        return Response(answer.status, answer.data, tuple(answer.headers.getlist('Warning')))


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
