# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging and HTTP that the stand-ins share."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_BODY = 64 * 1024 * 1024
# RFC 6455, 1.3.
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def log(level: str, message: str, **fields: Any) -> None:
    """One line of JSON on stderr, in the manner of zap."""
    stamp = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(json.dumps({"level": level, "ts": stamp, "msg": message, **fields}, default=str, separators=(",", ":")), file=sys.stderr, flush=True)


class Reply(Exception):
    """An answer; raised where a request cannot go on, returned where it can."""

    def __init__(self, status: int, body: Any, content_type: str = "application/json") -> None:
        super().__init__(status)
        self.status = status
        self.content_type = content_type
        self.payload = body.encode() if isinstance(body, str) else json.dumps(body, default=str).encode()


Answer = Callable[[str, str, Mapping[str, str], bytes], Reply]


def handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    """`answer(method, path, headers, body)` gives or raises the Reply."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            if (self.path, self.headers.get("Upgrade")) == ("/lab/echo", "websocket"):
                self.echo()
                return
            try:
                length = int(self.headers.get("Content-Length") or 0)
                if length > MAX_BODY:
                    self.close_connection = True
                    raise Reply(413, {"errors": [{"message": f"body of more than {MAX_BODY} bytes"}]})
                reply = answer(self.command, self.path, self.headers, self.rfile.read(length))
            except Reply as early:
                reply = early
            except Exception as error:
                log("error", "request failed", method=self.command, path=self.path, error=f"{type(error).__name__}: {error}")
                reply = Reply(500, {"error": str(error)})
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.payload)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.payload)

        def echo(self) -> None:
            """A WebSocket that sends short texts back, so that a client can see whether one passes all proxies. The real server has no such page."""
            accept = base64.b64encode(hashlib.sha1((self.headers.get("Sec-WebSocket-Key", "") + WEBSOCKET).encode()).digest()).decode()
            self.send_response(101)
            for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)):
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = True
            while len(start := self.rfile.read(6)) == 6 and start[0] == 0x81:
                text = bytes(byte ^ start[2 + index % 4] for index, byte in enumerate(self.rfile.read(start[1] & 0x7F)))
                self.wfile.write(bytes([0x81, len(text)]) + text)
                self.wfile.flush()

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = respond

        def log_message(self, *_: Any) -> None:
            """No access log: probes would fill the pod's log."""

    return Handler


def serve(port: int, answer: Answer) -> ThreadingHTTPServer:
    """Listens from now on, in a thread of its own."""
    ThreadingHTTPServer.daemon_threads = True
    # Python's own five are full when a loaded machine is late by a twentieth of a second, and connections are dropped (seen).
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("0.0.0.0", port), handler(answer))
    threading.Thread(target=server.serve_forever, name=f"port-{port}", daemon=True).start()
    return server


def until_told() -> None:
    """Returns on SIGTERM or SIGINT."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    told.wait()
