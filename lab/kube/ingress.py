# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for ingress-nginx: Debian's nginx, configured from Ingress objects with the traps of the real one. `python3 -m lab.kube.ingress`.

What it keeps of the real one: class `nginx`; bodies up to 1 MiB unless an annotation lifts it; X-Forwarded-* overwritten with what reached *it*;
308 to HTTPS where TLS is set; HSTS; a self-signed certificate where the Secret is missing; requests go to the ready pods
(here by the Service's address, so that a pod that comes or goes is no reason to load anew: the real one has a program in nginx for that).
Where the API serves Routes (`lab/kube/openshift.py`) it stands in for OpenShift's router too.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import queue
import ssl
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.kube import routes
from lab.kube.endpoints import endpoints, port_of
from lab.kube.services import address as virtual_address
from lab.kube.services import render as ways_to_pods
from lab.runtime.api import Api, ApiError, end_with_threads, log, timestamp
from lab.runtime.units import run

CLASS = "nginx"
ANNOTATION = "nginx.ingress.kubernetes.io/"
FOLDER = Path("/run/lab/ingress")
HEAD = """# Written by the lab's stand-in for ingress-nginx (lab/kube/ingress.py); changes are lost.
user www-data;
worker_processes 2;
error_log stderr warn;
pid /run/lab/ingress/nginx.pid;
events { worker_connections 4096; }
http {
  server_tokens off;
  access_log off;
  server_names_hash_bucket_size 256;
  client_body_temp_path /run/lab/ingress/body;
  proxy_temp_path /run/lab/ingress/proxy;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  add_header X-Lab-Stand-In ingress-nginx always;
  server {
    listen 80 default_server;
    listen 443 ssl default_server;
    ssl_certificate {pki}/ingress-default.crt;
    ssl_certificate_key {pki}/ingress-default.key;
    location = /healthz { return 200; }
    location / { return 404; }
  }
"""
SERVER = """  server {{
    listen 80;
    listen 443 ssl;
    server_name {host};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    add_header X-Lab-Stand-In {stand_in} always;
{hsts}{locations}  }}
"""
LOCATION = """    location {match} {{
      {redirect}client_max_body_size {body};
      proxy_http_version 1.1;
      proxy_connect_timeout {connect}s;
      proxy_read_timeout {read}s;
      proxy_send_timeout {send}s;
      proxy_buffering {buffering};
      proxy_request_buffering {request_buffering};
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Request-ID $request_id;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Scheme $scheme;
      proxy_set_header X-Scheme $scheme;
      proxy_set_header X-Original-Forwarded-For $http_x_forwarded_for;
      {target}
    }}
"""


def ours(ingress: Mapping[str, Any]) -> bool:
    old = (ingress["metadata"].get("annotations") or {}).get("kubernetes.io/ingress.class")
    return (ingress["spec"].get("ingressClassName") or old) == CLASS


def option(ingress: Mapping[str, Any], name: str, default: str) -> str:
    return str((ingress["metadata"].get("annotations") or {}).get(ANNOTATION + name, default))


def upstream_servers(namespace: str, backend: Mapping[str, Any], services: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> list[str]:
    """What nginx is told of a backend: the Service's address where it has one, twice for a second try; none without a ready pod."""
    ready = endpoints(namespace, backend, services, slices)
    service, port = port_of(namespace, backend, services)
    return [f"{virtual_address(service)}:{port['port']}"] * 2 if ready and service and port and virtual_address(service) else ready


def matches(path: Mapping[str, Any]) -> list[str]:
    """nginx's locations for one path; Prefix is by path elements."""
    text = path.get("path") or "/"
    if path.get("pathType") == "Exact":
        return [f"= {text}"]
    if text == "/":
        return ["/"]
    text = text.rstrip("/")
    return [f"= {text}", f"{text}/"]


def location(match: str, ingress: Mapping[str, Any], upstream: str, *, tls: bool) -> str:
    redirect = option(ingress, "force-ssl-redirect", "false") == "true" or (tls and option(ingress, "ssl-redirect", "true") == "true")
    scheme = option(ingress, "backend-protocol", "HTTP").lower()
    plain = "return 308 https://$host$request_uri;" if redirect else "" if ingress.get("plain", True) else "return 503;"
    return LOCATION.format(
        match=match,
        redirect=f"if ($scheme = http) {{ {plain} }}\n      " if plain else "",
        body=option(ingress, "proxy-body-size", "1m"),
        connect=option(ingress, "proxy-connect-timeout", "5"),
        read=option(ingress, "proxy-read-timeout", "60"),
        send=option(ingress, "proxy-send-timeout", "60"),
        buffering=option(ingress, "proxy-buffering", "off"),
        request_buffering=option(ingress, "proxy-request-buffering", "on"),
        target=f"proxy_pass {'https' if scheme == 'https' else 'http'}://{upstream};" if upstream else "return 503;",
    )


def render(
    ingresses: Iterable[Mapping[str, Any]],
    services: Sequence[Mapping[str, Any]],
    slices: Sequence[Mapping[str, Any]],
    certificates: Mapping[tuple[str, str], Path],
    pki: Path,
) -> str:
    """The whole of nginx.conf. `certificates`: (namespace, Secret) -> file without its ending, for those that are usable."""
    upstreams: dict[str, list[str]] = {}
    servers: dict[str, tuple[Path, bool, dict[str, str]]] = {}
    routed: set[str] = set()
    for ingress in sorted(ingresses, key=lambda entry: str(entry["metadata"].get("creationTimestamp", ""))):
        namespace = ingress["metadata"]["namespace"]
        tls = {host: entry.get("secretName", "") for entry in ingress["spec"].get("tls") or [] for host in entry.get("hosts") or []}
        for rule in ingress["spec"].get("rules") or []:
            host = rule.get("host") or "_"
            if ingress.get("router"):
                routed.add(host)
            certificate = certificates.get((namespace, tls.get(host, "")), pki / "ingress-default")
            _, _, locations = servers.setdefault(host, (certificate, host in tls, {}))
            for path in (rule.get("http") or {}).get("paths") or []:
                backend = path["backend"]
                name = f"{namespace}-{backend['service']['name']}-{backend['service']['port'].get('number') or backend['service']['port'].get('name')}"
                upstreams[name] = upstream_servers(namespace, backend, services, slices)
                for match in matches(path):
                    locations.setdefault(match, location(match, ingress, name if upstreams[name] else "", tls=host in tls))
    text = HEAD.replace("{pki}", str(pki))
    for name, addresses in sorted(upstreams.items()):
        if addresses:
            text += f"  upstream {name} {{ {' '.join(f'server {address} max_fails=0;' for address in addresses)} }}\n"
    for host, (certificate, secured, locations) in sorted(servers.items()):
        hsts = '    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains";\n' if secured and host not in routed else ""
        stand_in = "openshift-router" if host in routed else "ingress-nginx"
        files = {"certificate": f"{certificate}.crt", "key": f"{certificate}.key"}
        text += SERVER.format(host=host, stand_in=stand_in, hsts=hsts, locations="".join(locations.values()), **files)
    return text + "}\n"


def store_certificate(folder: Path, namespace: str, name: str, secret: Mapping[str, Any] | None) -> Path | None:
    """Writes the Secret's pair; None when it is missing or nginx could not load it."""
    data = (secret or {}).get("data") or {}
    if not {"tls.crt", "tls.key"} <= data.keys():
        return None
    base = folder / f"{namespace}_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for key, ending in (("tls.crt", "crt"), ("tls.key", "key")):
        path = base.with_name(f"{base.name}.{ending}")
        path.touch(mode=0o600)
        path.write_bytes(base64.b64decode(data[key]))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"{base}.crt", f"{base}.key")
    except ssl.SSLError as error:
        log(f"Secret {namespace}/{name} is no pair of certificate and key: {error}")
        return None
    return base


class Controller:
    def __init__(self, api: Api, address: str, pki: Path) -> None:
        self.api, self.address, self.pki = api, address, pki
        self.changes: queue.Queue[None] = queue.Queue()
        self.router = False
        self.forwarded = ""

    def follow(self, path: str) -> None:
        for _ in self.api.watch(path, metadata_only=True):
            self.changes.put(None)

    def run(self) -> None:
        secrets = "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls"
        paths = ["/apis/networking.k8s.io/v1/ingresses", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", secrets]
        self.router = self.api.get(routes.API) is not None
        for path in [*paths, *([f"{routes.API}/routes"] if self.router else [])]:
            threading.Thread(target=self.follow, args=(path,), daemon=True).start()
        while True:
            self.changes.get()
            time.sleep(0.2)
            while not self.changes.empty():
                self.changes.get()
            try:
                self.apply()
            except (ApiError, OSError) as error:
                log(f"{error}; once more")
                time.sleep(1)
                self.changes.put(None)

    def items(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.request("GET", path)["items"]
        return found

    def apply(self) -> None:
        ingresses = [entry for entry in self.items("/apis/networking.k8s.io/v1/ingresses") if ours(entry)]
        certificates = {}
        for ingress in ingresses:
            namespace = ingress["metadata"]["namespace"]
            for name in {entry["secretName"] for entry in ingress["spec"].get("tls") or [] if entry.get("secretName")}:
                secret = self.api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
                base = store_certificate(FOLDER / "certificates", namespace, name, secret)
                if base:
                    certificates[namespace, name] = base
        admitted = self.admit(self.items(f"{routes.API}/routes"), certificates) if self.router else []
        found, slices = self.items("/api/v1/services"), self.items("/apis/discovery.k8s.io/v1/endpointslices")
        self.forward(ways_to_pods(found, slices))
        text = render([*ingresses, *admitted], found, slices, certificates, self.pki)
        # Certificates are files of their own: their digest makes a renewed one a change of the configuration.
        stamps = [f"# {base.name} {hashlib.sha256(Path(f'{base}.crt').read_bytes()).hexdigest()[:12]}\n" for base in sorted(certificates.values())]
        self.load("".join(stamps) + text)
        for ingress in ingresses:
            shown = [{"ip": self.address}]
            if ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") != shown:
                path = f"/apis/networking.k8s.io/v1/namespaces/{ingress['metadata']['namespace']}/ingresses/{ingress['metadata']['name']}/status"
                self.api.request("PATCH", path, {"status": {"loadBalancer": {"ingress": shown}}}, "application/merge-patch+json")

    def admit(self, found: Iterable[Mapping[str, Any]], certificates: dict[tuple[str, str], Path]) -> list[dict[str, Any]]:
        """The Routes that can be served, in the form of Ingresses; each is told whether it is one of them."""
        admitted = []
        for route in found:
            namespace, name = route["metadata"]["namespace"], route["metadata"]["name"]
            refused = ""
            try:
                admitted.append(routes.as_ingress(route))
            except routes.RouteError as error:
                refused = str(error)
            base = store_certificate(FOLDER / "certificates", namespace, f"route-{name}", routes.pair(route)) if not refused else None
            if base:
                certificates[namespace, f"route-{name}"] = base
            if routes.told(route) != ("False" if refused else "True", refused):
                body = {"status": routes.status(route, refused, timestamp())}
                self.api.request("PATCH", f"{routes.API}/namespaces/{namespace}/routes/{name}/status", body, "application/merge-patch+json")
        return admitted

    def load(self, text: str) -> None:
        """A configuration that nginx refuses is told and never loaded; the one before serves on."""
        current, staged = FOLDER / "nginx.conf", FOLDER / "nginx.conf.new"
        if current.exists() and current.read_text() == text:
            return
        staged.write_text(text)
        tested = subprocess.run(["nginx", "-t", "-q", "-c", str(staged)], capture_output=True, text=True, check=False)
        if tested.returncode:
            log(f"nginx refuses the new configuration, the old one stays: {tested.stderr.strip()}")
            return
        staged.replace(current)
        subprocess.run(["systemctl", "reload-or-restart", "lab-nginx"], check=True)
        log("configuration loaded")

    def forward(self, text: str) -> None:
        """Loads rules that are others than the last; at the first time always, for what is there may lead to pods of before."""
        if text != self.forwarded:
            run("nft", "-f", "-", data=text)
            self.forwarded = text
            log("ways to the pods loaded")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--pki", type=Path, required=True)
    args = parser.parse_args()
    end_with_threads()
    # nginx' workers, who are not root, write bodies there; keys are made with modes of their own.
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.parent.chmod(0o755)
    FOLDER.chmod(0o755)
    Controller(Api(f"https://{args.address}:6443", args.pki, "ingress"), args.address, args.pki).run()


if __name__ == "__main__":
    main()
