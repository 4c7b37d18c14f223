# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pods behind a Service are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def port_of(namespace: str, backend: Mapping[str, Any], services: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """The Service of a backend, and the port of it that is meant, as far as they are there."""
    wanted = backend["service"]
    service = next((entry for entry in services if (entry["metadata"]["namespace"], entry["metadata"]["name"]) == (namespace, wanted["name"])), None)
    ports = service["spec"]["ports"] if service else []
    return service, next((entry for entry in ports if wanted["port"] in ({"number": entry["port"]}, {"name": entry.get("name")})), None)


def endpoints(namespace: str, backend: Mapping[str, Any], services: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> list[str]:
    """`ip:port` of the ready pods behind a backend."""
    _, port = port_of(namespace, backend, services)
    if port is None:
        return []
    found = []
    for entry in slices:
        meta = entry["metadata"]
        if meta["namespace"] != namespace or (meta.get("labels") or {}).get("kubernetes.io/service-name") != backend["service"]["name"]:
            continue
        numbers = [shown["port"] for shown in entry.get("ports") or [] if (shown.get("name") or "") == (port.get("name") or "")]
        for endpoint in entry.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                found += [f"{address}:{number}" for address in endpoint["addresses"] for number in numbers]
    return sorted(found)
