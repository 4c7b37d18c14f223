# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the Kubernetes layers. The message of each names what is wrong and, where there is one, the mend."""

from __future__ import annotations

import json
import typing as t


class KubeError(Exception):
    """Base of everything that the layers raise on purpose."""


class AuthConfigError(KubeError):
    """The options (or the kubeconfig) do not say how to reach an API server."""


class UnreachableError(KubeError):
    """No HTTP answer: name, network, TLS."""


class ApiError(KubeError):
    """The API server answered with an error status."""

    def __init__(self, method: str, path: str, status: int, document: dict[str, t.Any]) -> None:
        self.method = method
        self.path = path
        self.status = status
        self.document = document
        self.reason = str(document.get('reason') or '')
        self.details: dict[str, t.Any] = document.get('details') or {}
        super().__init__(self.describe())

    @property
    def server_message(self) -> str:
        """What the server said."""
        return str(self.document.get('message') or 'no message')

    def describe(self) -> str:
        """Text for a person."""
        return f'{self.method} {self.path}: {self.status} {self.reason}: {self.server_message}'


class NotFoundError(ApiError):
    """404: the object, its namespace or its kind."""

    @property
    def missing(self) -> str:
        """What is missing: ``object``, ``namespace`` or ``kind``."""
        if self.details.get('kind') == 'namespaces' and '/namespaces/' in self.path and not self.path.endswith(f'/namespaces/{self.details.get("name")}'):
            return 'namespace'
        return 'object' if self.details.get('name') else 'kind'


class UnauthorizedError(ApiError):
    """401: no or expired credentials."""

    def describe(self) -> str:
        return f'the API server does not accept the credentials (401 on {self.path}): wrong or expired token or certificate in kubeconfig or api_key'


class ForbiddenError(ApiError):
    """403: RBAC, or an admission refused."""

    def describe(self) -> str:
        return f'not permitted: {self.server_message} ({self.method} {self.path})'


class ConflictError(ApiError):
    """409: another field manager owns a field, or the object was changed in between."""

    @property
    def owners(self) -> dict[str, list[str]]:
        """Field manager -> the fields it owns among those that were applied."""
        owners: dict[str, list[str]] = {}
        for cause in self.details.get('causes') or []:
            if cause.get('reason') == 'FieldManagerConflict':
                # conflict with "helm" using apps/v1
                manager = [*str(cause.get('message')).split('"'), '', ''][1]
                owners.setdefault(manager, []).append(str(cause.get('field')))
        return owners

    def describe(self) -> str:
        if not self.owners:
            return super().describe()
        owned = '; '.join(f'manager "{manager}" owns {", ".join(fields)}' for manager, fields in sorted(self.owners.items()))
        return f'{self.path}: {owned}. Let that manager give the fields up, or take them over with force_conflicts=true'


_BY_STATUS: dict[int, type[ApiError]] = {401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError, 409: ConflictError}


def error_from(method: str, path: str, status: int, body: bytes) -> ApiError:
    """The error that an answer with ``status`` >= 400 stands for."""
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    if not isinstance(document, dict) or document.get('kind') != 'Status':
        document = {'message': body.decode('utf-8', 'replace').strip()[:500]}
    return _BY_STATUS.get(status, ApiError)(method, path, status, document)
