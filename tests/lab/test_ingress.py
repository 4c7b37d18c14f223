# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingress stand-in keeps ingress-nginx's traps."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cluster import Cluster, until

HOST = "echo.lab.test"
# Answers with what reached the pod: headers and the length of the body.
ECHO = """
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        body = json.dumps({"length": length, **{name.lower(): value for name, value in self.headers.items()}}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    do_GET = do_POST
http.server.ThreadingHTTPServer(("", 8080), Echo).serve_forever()
"""


def ingress(**annotations: str) -> dict[str, Any]:
    backend = {"service": {"name": "echo", "port": {"name": "http"}}}
    metadata = {"name": "echo", "annotations": {f"nginx.ingress.kubernetes.io/{name.replace('_', '-')}": value for name, value in annotations.items()}}
    rules = [{"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    spec = {"rules": rules, "tls": [{"hosts": [HOST], "secretName": "echo-tls"}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


class Client:
    """curl on kube-1, with the name led to its own address."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def __call__(self, url: str, *argv: str) -> tuple[int, str, str]:
        """(status, headers, body)"""
        address = self.cluster.lab.address("kube-1")
        led = [word for port in (80, 443) for word in ("--resolve", f"{HOST}:{port}:{address}")]
        text = self.cluster.on_kube("curl", "-sk", "-D", "-", "--max-time", "20", *led, *argv, url)
        head, _, body = text.replace("\r", "").removeprefix("HTTP/1.1 100 Continue\n\n").partition("\n\n")
        return int(re.split(r"\s", head)[1]), head.lower(), body


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Client:
    labels = {"app": "echo"}
    readiness = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    cluster.pod_of(labels, "echo", {"image": "lab/python", "args": ["-c", ECHO], "readinessProbe": readiness})
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo"}, "spec": {"selector": labels, "ports": ports}}, ingress())
    client = Client(cluster)
    until(lambda: client(f"https://{HOST}/")[0] == 200, "the first answer through the ingress")
    return client


def test_the_ingress_tells_its_address_and_its_default_class(cluster: Cluster, client: Client) -> None:
    found = until(lambda: (entry := cluster.get("ingress", "echo"))["status"]["loadBalancer"].get("ingress") and entry, "the status")
    assert found["spec"]["ingressClassName"] == "nginx"
    assert found["status"]["loadBalancer"]["ingress"] == [{"ip": cluster.lab.address("kube-1")}]


def test_plain_http_is_sent_to_https(client: Client) -> None:
    status, head, _ = client(f"http://{HOST}/a?b=c", "-H", "X-Forwarded-Proto: https")
    assert status == 308
    assert f"location: https://{HOST}/a?b=c" in head


def test_forwarded_headers_are_overwritten(client: Client) -> None:
    forged = [f"X-Forwarded-{name}: forged" for name in ("Proto", "For", "Host", "Port")]
    status, head, body = client(f"https://{HOST}/", *(word for header in forged for word in ("-H", header)))
    assert status == 200
    assert "x-lab-stand-in: ingress-nginx" in head
    seen = json.loads(body)
    assert (seen["x-forwarded-proto"], seen["x-forwarded-host"], seen["x-forwarded-port"], seen["host"]) == ("https", HOST, "443", HOST)
    assert "forged" not in seen["x-forwarded-for"]


def test_bodies_above_one_mebibyte_need_the_annotation(cluster: Cluster, client: Client) -> None:
    cluster.on_kube("sh", "-c", "head -c 2097152 /dev/zero > /tmp/2MiB")
    post = [f"https://{HOST}/", "--data-binary", "@/tmp/2MiB"]
    assert client(*post)[0] == 413
    cluster.apply(ingress(proxy_body_size="0", proxy_read_timeout="600", proxy_send_timeout="600", proxy_buffering="off"))
    until(lambda: client(*post)[0] == 200, "the lifted limit", 15)
    assert json.loads(client(*post)[2])["length"] == 2097152
    # The server block of this Ingress alone: the site's own asks for the same time-out.
    block = cluster.on_kube("sed", "-n", f"/server_name {HOST};/,/^  }}$/p", "/run/lab/ingress/nginx.conf")
    assert block.count("proxy_read_timeout 600s") == 1


def test_an_upgrade_reaches_the_pod(client: Client) -> None:
    _, _, body = client(f"https://{HOST}/", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket")
    seen = json.loads(body)
    assert (seen["upgrade"], seen["connection"]) == ("websocket", "upgrade")


def test_the_certificate_is_the_secrets(cluster: Cluster, client: Client) -> None:
    def shown() -> str:
        script = f"openssl s_client -connect {cluster.lab.address('kube-1')}:443 -servername {HOST} </dev/null 2>/dev/null | openssl x509 -noout -subject"
        return cluster.on_kube("sh", "-c", script).strip()

    assert shown() == "subject=CN=ingress-default"
    for name in ("first", "renewed"):
        cluster.on_kube("sh", "-c", f"openssl req -x509 -newkey rsa:2048 -noenc -keyout /tmp/k -out /tmp/c -subj /CN={name} 2>/dev/null")
        pair = {"tls.crt": cluster.on_kube("cat", "/tmp/c"), "tls.key": cluster.on_kube("cat", "/tmp/k")}
        cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "echo-tls"}, "type": "kubernetes.io/tls", "stringData": pair})
        until(lambda name=name: shown() == f"subject=CN={name}", f"the {name} certificate", 15)


def test_without_pods_it_answers_503_and_elsewhere_404(cluster: Cluster, client: Client) -> None:
    cluster.kubectl("delete", "pod", "echo")
    until(lambda: client(f"https://{HOST}/")[0] == 503, "503", 15)
    assert client(f"https://{cluster.lab.address('kube-1')}/")[0] == 404
