# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx.conf out of Ingress objects; nftables out of Services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.kube import ingress
from lab.kube.services import render as render_services
from lab.runtime.api import Api

PKI = Path("/pki")
SERVICE = {"metadata": {"namespace": "n", "name": "app"}, "spec": {"ports": [{"name": "http", "port": 80}, {"name": "other", "port": 81}]}}
SLICE = {
    "metadata": {"namespace": "n", "labels": {"kubernetes.io/service-name": "app"}},
    "ports": [{"name": "http", "port": 8080}, {"name": "other", "port": 8081}],
    "endpoints": [
        {"addresses": ["10.0.0.3"], "conditions": {"ready": True}},
        {"addresses": ["10.0.0.2"]},
        {"addresses": ["10.0.0.9"], "conditions": {"ready": False}},
    ],
}


def entry(host: str = "h", path: str = "/", kind: str = "Prefix", tls: bool = False, port: Any = None, **annotations: str) -> dict[str, Any]:
    backend = {"service": {"name": "app", "port": port or {"number": 80}}}
    spec: dict[str, Any] = {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": "pair"}]
    return {"metadata": {"namespace": "n", "name": "i", "annotations": {ingress.ANNOTATION + name: value for name, value in annotations.items()}}, "spec": spec}


def render(*entries: dict[str, Any], certificates: dict[tuple[str, str], Path] | None = None) -> str:
    """Without the part that is always there."""
    return ingress.render(entries, [SERVICE], [SLICE], certificates or {}, PKI)[len(ingress.HEAD) :]


@pytest.mark.parametrize("port", [{"number": 80}, {"name": "http"}])
def test_requests_go_to_ready_pods(port: dict[str, Any]) -> None:
    text = render(entry(port=port))
    assert "{ server 10.0.0.2:8080 max_fails=0; server 10.0.0.3:8080 max_fails=0; }" in text
    assert "10.0.0.9" not in text
    assert "return 503" not in text


def test_an_unknown_service_or_port_answers_503() -> None:
    assert "return 503;" in render(entry(port={"number": 99}))
    assert "upstream" not in render(entry(port={"number": 99}))


def test_defaults_are_ingress_nginx_own() -> None:
    text = render(entry())
    for line in ("client_max_body_size 1m;", "proxy_read_timeout 60s;", "proxy_buffering off;", "X-Forwarded-Proto $scheme;", "X-Forwarded-For $remote_addr;"):
        assert line in text
    assert "308" not in text
    assert "Strict-Transport-Security" not in text


def test_annotations_lift_the_limits() -> None:
    text = render(entry(**{"proxy-body-size": "0", "proxy-read-timeout": "600", "proxy-send-timeout": "601", "proxy-buffering": "on"}))
    for line in ("client_max_body_size 0;", "proxy_read_timeout 600s;", "proxy_send_timeout 601s;", "proxy_buffering on;"):
        assert line in text


@pytest.mark.parametrize(
    ("tls", "annotations", "redirected"),
    [(True, {}, True), (True, {"ssl-redirect": "false"}, False), (False, {}, False), (False, {"force-ssl-redirect": "true"}, True)],
)
def test_tls_redirects_plain_requests(tls: bool, annotations: dict[str, str], redirected: bool) -> None:
    assert ("return 308 https://" in render(entry(tls=tls, **annotations))) is redirected


def test_the_secret_is_the_certificate_where_it_is_usable() -> None:
    assert "ssl_certificate /pki/ingress-default.crt;" in render(entry(tls=True))
    assert "ssl_certificate /c/n_pair.crt;" in render(entry(tls=True), certificates={("n", "pair"): Path("/c/n_pair")})


@pytest.mark.parametrize(
    ("path", "kind", "found"),
    [("/", "Prefix", ["/"]), ("/a/", "Prefix", ["= /a", "/a/"]), ("/a", "Exact", ["= /a"]), ("/a", "ImplementationSpecific", ["= /a", "/a/"])],
)
def test_paths(path: str, kind: str, found: list[str]) -> None:
    assert ingress.matches({"path": path, "pathType": kind}) == found


def test_ingresses_of_one_host_share_a_server_and_the_older_path_stays() -> None:
    text = render(entry(), entry(path="/console"), entry(**{"proxy-body-size": "9m"}))
    assert text.count("server_name h;") == 1
    assert text.count("location / {") == 1
    assert "9m" not in text
    assert "location /console/ {" in text


@pytest.mark.parametrize(
    ("spec", "annotations", "ours"),
    [
        ({"ingressClassName": "nginx"}, {}, True),
        ({}, {"kubernetes.io/ingress.class": "nginx"}, True),
        ({}, {}, False),
        ({"ingressClassName": "other"}, {}, False),
    ],
)
def test_only_its_class_is_served(spec: dict[str, Any], annotations: dict[str, str], ours: bool) -> None:
    assert ingress.ours({"metadata": {"annotations": annotations}, "spec": spec}) is ours


def node_port(name: str = "app", kind: str = "NodePort", **numbers: int) -> dict[str, Any]:
    """A Service with the ports of SERVICE; `numbers`: name of a port -> the node's."""
    ports = [{**port, "protocol": "TCP", "nodePort": numbers[port["name"]]} for port in SERVICE["spec"]["ports"] if port["name"] in numbers]
    return {"metadata": {"namespace": "n", "name": name}, "spec": {"type": kind, "ports": ports}}


def forwarded(*found: dict[str, Any], slices: Any = (SLICE,)) -> list[str]:
    """The lines of the chain that leads to pods."""
    text = render_services(found, slices)
    return [line.strip() for line in text.partition("chain ports {\n")[2].partition("  }\n")[0].splitlines()]


def test_a_node_port_is_spread_over_the_ready_pods() -> None:
    assert forwarded(node_port(other=30081, http=30080)) == [
        "tcp dport 30080 dnat to numgen random mod 2 map { 0 : 10.0.0.2 . 8080, 1 : 10.0.0.3 . 8080 }",
        "tcp dport 30081 dnat to numgen random mod 2 map { 0 : 10.0.0.2 . 8081, 1 : 10.0.0.3 . 8081 }",
    ]


def test_there_is_no_rule_without_a_ready_pod_or_a_node_port() -> None:
    assert forwarded(node_port(http=30080), slices=[]) == []
    assert forwarded(node_port(name="another", http=30080)) == []
    assert forwarded(node_port(kind="ClusterIP", http=30080)) == []
    assert forwarded(SERVICE) == []


ADDRESSED = {**SERVICE, "spec": {**SERVICE["spec"], "clusterIP": "10.96.0.9"}}


def test_a_services_address_leads_to_its_ready_pods_and_without_one_refuses() -> None:
    text = render_services([ADDRESSED], [SLICE])
    assert "    ip daddr 10.96.0.9 tcp dport 80 dnat to numgen random mod 2 map { 0 : 10.0.0.2 . 8080, 1 : 10.0.0.3 . 8080 }\n" in text
    assert "reject" not in text
    assert "    ip daddr 10.96.0.9 tcp dport 80 reject\n" in render_services([ADDRESSED], [])
    for none in ("None", "fd00::1"):
        assert "ip daddr" not in render_services([{**SERVICE, "spec": {**SERVICE["spec"], "clusterIP": none}}], [SLICE])


def test_nginx_asks_a_services_address_so_that_pods_may_come_and_go() -> None:
    one = {**SLICE, "endpoints": SLICE["endpoints"][:1]}
    text = ingress.render([entry()], [ADDRESSED], [SLICE], {}, PKI)
    assert "{ server 10.96.0.9:80 max_fails=0; server 10.96.0.9:80 max_fails=0; }" in text
    assert ingress.render([entry()], [ADDRESSED], [one], {}, PKI) == text
    assert "return 503;" in ingress.render([entry()], [ADDRESSED], [], {}, PKI)


def test_the_table_is_replaced_as_a_whole() -> None:
    text = render_services([node_port(http=30080)], [SLICE])
    assert text.startswith("table ip lab_services\nflush table ip lab_services\n")
    for hook in ("prerouting priority dstnat", "output priority -100"):
        assert f"type nat hook {hook};\n    jump services\n" in text
    assert "    fib daddr type local jump ports\n" in text
    assert 'oifname "lab0" ct status dnat masquerade' in text


def test_it_is_loaded_when_it_is_another_and_once_more_when_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def run(*argv: str, data: str) -> str:
        assert argv == ("nft", "-f", "-")
        loaded.append(data)
        if data == "broken":
            raise OSError(data)
        return ""

    monkeypatch.setattr(ingress, "run", run)
    controller = ingress.Controller(Api.__new__(Api), "10.0.0.1", PKI)
    for text in ("a", "a", "b", "a"):
        controller.forward(text)
    assert loaded == ["a", "b", "a"]
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            controller.forward("broken")
    assert loaded[3:] == ["broken", "broken"]
