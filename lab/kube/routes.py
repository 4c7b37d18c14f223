# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's Routes for the lab's stand-in of a router: each becomes what the program of the Ingresses renders. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

API = "/apis/route.openshift.io/v1"
TIMEOUT = "haproxy.router.openshift.io/timeout"
# Seconds, OpenShift's own default.
DEFAULT_TIMEOUT = 30
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class RouteError(ValueError):
    """The router does not admit the Route."""


def seconds(duration: str) -> int:
    """HAProxy's durations (`600s`, `10m`) in seconds; a bare number is milliseconds."""
    found = re.fullmatch(r"(\d+)(us|ms|s|m|h|d)?", duration)
    if not found:
        raise RouteError(f"{TIMEOUT}: {duration}")
    return max(1, round(int(found.group(1)) * _UNITS.get(found.group(2) or "ms", 0)))


def pair(route: Mapping[str, Any]) -> dict[str, dict[str, str]] | None:
    """The Route's own certificate in the form of a TLS Secret."""
    tls = route["spec"].get("tls") or {}
    if not tls.get("certificate") or not tls.get("key"):
        return None
    chain = tls["certificate"].rstrip("\n") + "\n" + (tls.get("caCertificate") or "")
    return {"data": {"tls.crt": base64.b64encode(chain.encode()).decode(), "tls.key": base64.b64encode(tls["key"].encode()).decode()}}


def as_ingress(route: Mapping[str, Any]) -> dict[str, Any]:
    """A Route as the Ingress that does the same, `router` set. Raises RouteError for what this stand-in's router cannot serve."""
    meta, spec = route["metadata"], route["spec"]
    tls = spec.get("tls") or {}
    if tls and tls["termination"] != "edge":
        raise RouteError(f"the lab's router knows no termination {tls['termination']}: no pod of the lab speaks TLS")
    if spec["to"].get("kind", "Service") != "Service":
        raise RouteError(f"{spec['to']['kind']} is no Service")
    limit = str(seconds((meta.get("annotations") or {}).get(TIMEOUT, f"{DEFAULT_TIMEOUT}s")))
    policy = tls.get("insecureEdgeTerminationPolicy") or "None"
    ours = {"proxy-body-size": "0", "proxy-read-timeout": limit, "proxy-send-timeout": limit, "proxy-request-buffering": "off", "ssl-redirect": "false"}
    if policy == "Redirect":
        ours["force-ssl-redirect"] = "true"
    port = (spec.get("port") or {}).get("targetPort")
    backend = {"service": {"name": spec["to"]["name"], "port": {"number": port} if isinstance(port, int) else {"name": port}}}
    path = {"path": spec.get("path") or "/", "pathType": "Prefix", "backend": backend}
    return {
        "metadata": {
            "namespace": meta["namespace"],
            "name": meta["name"],
            "creationTimestamp": meta.get("creationTimestamp", ""),
            "annotations": {f"nginx.ingress.kubernetes.io/{name}": value for name, value in ours.items()},
        },
        "spec": {
            "rules": [{"host": spec["host"], "http": {"paths": [path]}}],
            "tls": [{"hosts": [spec["host"]], "secretName": f"route-{meta['name']}"}] if tls else [],
        },
        "router": True,
        "plain": not tls or policy != "None",
    }


def status(route: Mapping[str, Any], refused: str, now: str) -> dict[str, Any]:
    """What a router writes down."""
    condition = {"type": "Admitted", "status": "False" if refused else "True", "lastTransitionTime": now}
    if refused:
        condition.update(reason="ExtendedValidationFailed", message=refused)
    entry = {"host": route["spec"]["host"], "routerName": "default", "wildcardPolicy": "None", "conditions": [condition]}
    return {"ingress": [entry]}


def told(route: Mapping[str, Any]) -> tuple[str, str]:
    """(status, message) of what was written down."""
    for entry in (route.get("status") or {}).get("ingress") or []:
        for condition in entry.get("conditions") or []:
            if condition.get("type") == "Admitted":
                return condition["status"], condition.get("message", "")
    return "", ""
