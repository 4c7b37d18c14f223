# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in of OpenShift: Routes in nginx.conf, ids of projects."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from lab.kube import ingress, openshift, routes

PKI = Path("/pki")
SERVICE = {"metadata": {"namespace": "n", "name": "app"}, "spec": {"ports": [{"name": "http", "port": 8080}]}}
SLICE = {
    "metadata": {"namespace": "n", "labels": {"kubernetes.io/service-name": "app"}},
    "ports": [{"name": "http", "port": 8080}],
    "endpoints": [{"addresses": ["10.0.0.2"]}],
}
TLS = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect", "certificate": "CERTIFICATE", "key": "KEY"}


def route(name: str = "r", path: str = "", annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    usual = {"host": "h", "to": {"kind": "Service", "name": "app"}, "port": {"targetPort": 8080}, **({"path": path} if path else {})}
    return {"metadata": {"namespace": "n", "name": name, "annotations": annotations or {}}, "spec": {**usual, **spec}}


def render(*found: dict[str, Any]) -> str:
    return ingress.render([routes.as_ingress(one) for one in found], [SERVICE], [SLICE], {}, PKI)[len(ingress.HEAD) :]


def test_an_edge_route_goes_to_ready_pods_with_the_routers_own_habits() -> None:
    text = render(route(tls=TLS), route("console", "/console", tls=TLS))
    assert "{ server 10.0.0.2:8080 max_fails=0; }" in text
    assert "location /console/ {" in text
    for line in ("client_max_body_size 0;", "proxy_read_timeout 30s;", "return 308 https://$host$request_uri;", "X-Lab-Stand-In openshift-router"):
        assert line in text
    assert "Strict-Transport-Security" not in text


@pytest.mark.parametrize(("policy", "answer"), [("Redirect", "return 308"), ("None", "return 503"), ("Allow", ""), (None, "return 503")])
def test_plain_http_is_as_the_route_says(policy: str | None, answer: str) -> None:
    text = render(route(tls={"termination": "edge", "insecureEdgeTerminationPolicy": policy}))
    assert [line.strip().split("{ ")[1][: len(answer)] for line in text.splitlines() if "$scheme = http" in line] == ([answer] if answer else [])


@pytest.mark.parametrize(("text", "found"), [("600s", 600), ("10m", 600), ("2h", 7200), ("30000", 30), ("1500ms", 2)])
def test_time_outs(text: str, found: int) -> None:
    assert routes.seconds(text) == found


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tls": {"termination": "passthrough"}}, "no pod of the lab speaks TLS"),
        ({"to": {"kind": "Other", "name": "app"}}, "is no Service"),
        ({"annotations": {routes.TIMEOUT: "soon"}}, "timeout: soon"),
    ],
)
def test_what_it_cannot_serve_is_not_admitted(change: dict[str, Any], why: str) -> None:
    refused = route(**change)
    with pytest.raises(routes.RouteError, match=why):
        routes.as_ingress(refused)
    written = {**refused, "status": routes.status(refused, why, "now")}
    assert routes.told(written) == ("False", why)
    assert routes.told(refused) == ("", "")


def test_the_routes_own_certificate() -> None:
    pair = routes.pair(route(tls=TLS))
    assert pair
    assert base64.b64decode(pair["data"]["tls.crt"]) == b"CERTIFICATE\n"
    assert routes.pair(route(tls={"termination": "edge"})) is None


def test_each_project_has_ids_of_its_own() -> None:
    first = openshift.ranges([])
    second = openshift.ranges([first[openshift.UID_RANGE]])
    assert first[openshift.UID_RANGE] == "1000650000/10000"
    assert second[openshift.UID_RANGE] == "1000660000/10000"
    assert openshift.ranges([second[openshift.UID_RANGE]]) == first
