# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API on raw paths: requests, and a watch that survives its connection."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3

# Of Secrets and ConfigMaps only the fact that they changed is watched, not what is in them.
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


def end_with_threads() -> None:
    """A thread that fails takes its program along, which systemd starts anew: half a program would look alive."""

    def hook(failed: threading.ExceptHookArgs) -> None:
        traceback.print_exception(failed.exc_type, failed.exc_value, failed.exc_traceback)
        os._exit(1)

    threading.excepthook = hook


def timestamp() -> str:
    """Now, as the API writes times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Api:
    def __init__(self, server: str, pki: Path, name: str) -> None:
        self.server = server
        self.pool = urllib3.PoolManager(
            maxsize=32,
            ca_certs=str(pki / "ca.crt"),
            cert_file=str(pki / f"{name}.crt"),
            key_file=str(pki / f"{name}.key"),
            timeout=urllib3.Timeout(connect=5, read=30),
            retries=False,
        )

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> dict[str, Any]:
        try:
            answer = self.pool.request(method, self.server + path, body=None if body is None else json.dumps(body), headers={"Content-Type": content_type})
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, str(error)) from error
        if answer.status >= 300:
            raise ApiError(answer.status, answer.data.decode(errors="replace")[:500])
        document: dict[str, Any] = json.loads(answer.data)
        return document

    def get(self, path: str) -> dict[str, Any] | None:
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def watch(self, path: str, *, metadata_only: bool = False) -> Iterator[tuple[str, Any]]:
        """("SYNC", all objects) first and whenever the thread was lost, then ("ADDED" | "MODIFIED" | "DELETED", object); never ends."""
        joint = "&" if "?" in path else "?"
        list_form, watch_form = (METADATA_LIST, METADATA_WATCH) if metadata_only else ("application/json", "application/json")
        while True:
            try:
                version = ""
                items: list[Any] = []
                token = ""
                while True:
                    answer = self.pool.request("GET", f"{self.server}{path}{joint}limit=500&continue={token}", headers={"Accept": list_form})
                    if answer.status != 200:
                        raise ApiError(answer.status, answer.data.decode(errors="replace")[:500])
                    page = json.loads(answer.data)
                    items += page["items"] or []
                    version, token = page["metadata"]["resourceVersion"], page["metadata"].get("continue", "")
                    if not token:
                        break
                yield "SYNC", items
                yield from self.follow(path, version, watch_form)
            except (ApiError, urllib3.exceptions.HTTPError, OSError) as error:
                log(f"watch {path}: {error}; once more")
                time.sleep(1)

    def follow(self, path: str, version: str, accept: str) -> Iterator[tuple[str, Any]]:
        while True:
            begin = time.monotonic()
            query = f"watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion={version}"
            url = f"{self.server}{path}{'&' if '?' in path else '?'}{query}"
            answer = self.pool.request("GET", url, headers={"Accept": accept}, preload_content=False, timeout=urllib3.Timeout(connect=5, read=330))
            try:
                if answer.status != 200:
                    raise ApiError(answer.status, "the watch was refused")
                rest = b""
                for chunk in answer.stream(65536):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in filter(None, lines):
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            raise ApiError(event["object"].get("code", 0), event["object"].get("message", ""))
                        version = event["object"]["metadata"]["resourceVersion"]
                        if event["type"] != "BOOKMARK":
                            yield event["type"], event["object"]
            finally:
                answer.close()
                answer.release_conn()
            if time.monotonic() - begin < 1:
                # A server that closes at once must not be asked again and again.
                time.sleep(1)
