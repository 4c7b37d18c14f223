# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API from inside a pod: its service account's token and CA, plain paths, JSON."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MERGE = "application/merge-patch+json"


class ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Kube:
    def __init__(self, env: Mapping[str, str] = os.environ, account: Path = ACCOUNT) -> None:
        host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
        self.server = f"https://{host}:{port}"
        self.account = account
        # A proxy of the environment is not for the API.
        trust = ssl.create_default_context(cafile=str(account / "ca.crt"))
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))

    @property
    def namespace(self) -> str:
        return (self.account / "namespace").read_text().strip()

    def open(self, method: str, path: str, body: Any = None, content_type: str = "application/json", timeout: float = 30) -> Any:
        # Read each time: the token is renewed.
        headers = {"Authorization": f"Bearer {(self.account / 'token').read_text().strip()}", "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), content_type
        try:
            return self.opener.open(urllib.request.Request(self.server + path, data, headers, method=method), timeout=timeout)
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, told(error.read()) or str(error.reason)) from error
        except OSError as error:
            raise ApiError(0, f"{self.server}: {getattr(error, 'reason', error)}") from error

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> dict[str, Any]:
        with self.open(method, path, body, content_type) as response:
            return json.load(response)

    def get(self, path: str) -> dict[str, Any] | None:
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def patch(self, path: str, body: Any) -> dict[str, Any]:
        return self.request("PATCH", path, body, MERGE)

    def events(self, path: str, version: str, seconds: int) -> Iterator[dict[str, Any]]:
        """What happens to the objects below `path` after resourceVersion `version`, for at most `seconds`."""
        with self.open("GET", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={seconds}", timeout=seconds + 10) as response:
            for line in response:
                yield json.loads(line)


def told(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()
