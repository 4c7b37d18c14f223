# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for `wandb/console`: its probes, a page, and the Secret `wandb-password` that it makes when there is none."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .kube import ApiError, Kube
from .web import Reply, log, serve, until_told

SECRET = "wandb-password"
PAGE = "<!doctype html><title>lab console</title><p>A stand-in of the lab for the W&amp;B console. Password: Secret wandb-password.</p>\n"


def make_password(kube: Any) -> bool:
    """False: it was there."""
    path = f"/api/v1/namespaces/{kube.namespace}/secrets"
    if kube.get(f"{path}/{SECRET}") is not None:
        return False
    password = base64.b64encode(secrets.token_urlsafe(18).encode()).decode()
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "type": "Opaque", "data": {"password": password}}
    try:
        kube.request("POST", path, body)
    except ApiError as error:
        if error.status != 409:  # The other pod of a rollout was first.
            raise
        return False
    return True


class Console:
    def __init__(self) -> None:
        self.ready = False

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        path = urlsplit(target).path.rstrip("/")
        if path == "/console/api/healthz":
            return Reply(200, {"status": "ok"})
        if path == "/console/api/ready":
            return Reply(200 if self.ready else 503, {"ready": self.ready})
        if path == "/console" or path.startswith("/console/"):
            return Reply(200, PAGE, "text/html; charset=utf-8")
        return Reply(404, {"error": f"no such page: {path}"})

    def prepare(self, pause: float = 2) -> None:
        while not self.ready:
            try:
                made = make_password(Kube())
            except (ApiError, OSError, KeyError) as error:
                log("error", f"Secret {SECRET}", error=f"{type(error).__name__}: {error}")
                time.sleep(pause)
                continue
            log("info", f"Secret {SECRET}: {'made' if made else 'was there'}")
            self.ready = True


def main(argv: list[str]) -> int:
    log("info", "a stand-in of the lab for wandb/console")
    console = Console()
    serve(8082, console.answer)
    threading.Thread(target=console.prepare, daemon=True).start()
    until_told()
    return 0
