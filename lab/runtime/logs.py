# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thing that the API server asks of a kubelet in the lab: a container's log, out of the file in CRI form."""

from __future__ import annotations

import datetime
import http.server
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lab.runtime.units import LOGS, PODS


def find(namespace: str, pod: str, container: str, previous: bool, logs: Path = LOGS) -> Path | None:
    """The newest log of the newest pod of that name."""
    folders = sorted(logs.glob(f"{namespace}_{pod}_*/{container}"), key=lambda folder: folder.stat().st_mtime)
    files = sorted(folders[-1].glob("*.log"), key=lambda path: int(path.stem)) if folders else []
    return files[-2 if previous else -1] if len(files) > previous else None


def ended(log: Path) -> bool:
    """Whether the program that wrote it is gone."""
    record = PODS / log.parent.parent.name.rsplit("_", 1)[1] / log.parent.name / log.stem / "record"
    return not record.exists() or b'"exitCode"' in record.read_bytes()


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text[:19].rstrip("Z") + "+00:00").timestamp()


def chosen(lines: Iterable[bytes], query: Mapping[str, str], now: float) -> list[bytes]:
    """Those of a file's lines that were asked for, as they are sent."""
    since = now - float(query["sinceSeconds"]) if "sinceSeconds" in query else moment(query["sinceTime"]) if "sinceTime" in query else 0.0
    picked = [line for line in lines if not since or moment(line[:30].decode()) >= since]
    if "tailLines" in query:
        count = int(query["tailLines"])
        picked = picked[-count:] if count else []
    return [told(line, query) for line in picked]


def told(line: bytes, query: Mapping[str, str]) -> bytes:
    stamp, _, tag, text = line.rstrip(b"\n").split(b" ", 3)
    head = stamp + b" " if query.get("timestamps") == "true" else b""
    return head + text + (b"" if tag == b"P" else b"\n")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        subject = dict(pair for group in self.connection.getpeercert()["subject"] for pair in group)
        if subject["commonName"] != "kube-apiserver-kubelet-client":
            self.send_error(403, "only the API server reads logs here")
            return
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        if len(parts) != 4 or parts[0] != "containerLogs":
            self.send_error(404, "the lab's runtime serves containerLogs only")
            return
        path = find(parts[1], parts[2], parts[3], query.get("previous") == "true")
        if path is None:
            self.send_error(404, "no log: the container has not been started (again), or kwok plays this pod")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        left = int(query.get("limitBytes", 1 << 40))
        for text in self.texts(path, query):
            self.wfile.write(text[:left])
            left -= len(text)
            if left <= 0:
                break

    def texts(self, path: Path, query: Mapping[str, str]) -> Iterator[bytes]:
        with path.open("rb") as stream:
            yield b"".join(chosen(stream.readlines(), query, time.time()))
            rest = b""
            while query.get("follow") == "true":
                over = ended(path)
                rest += stream.readline()
                if rest.endswith(b"\n"):
                    yield told(rest, query)
                    rest = b""
                elif over:
                    break
                else:
                    time.sleep(0.2)

    def log_message(self, *_: object) -> None:
        pass


def serve(pki: Path, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "kubelet.crt", pki / "kubelet.key")
    context.load_verify_locations(pki / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
