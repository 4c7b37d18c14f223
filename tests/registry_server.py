# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that knows manifests and nothing else, on a port of this machine."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import threading


class Registry:
    """``images``: repository:reference. ``login``: how it wants one, ``basic`` or ``bearer``; empty = none. ``asked``: method and path of every request."""

    def __init__(self, images, login='', user='puller', password='hush'):
        self.images = set(images)
        self.login = login
        self.basic = 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()
        self.asked = []
        self.port = 0

    @property
    def address(self):
        return f'127.0.0.1:{self.port}'

    def answer(self, method, path, headers):
        """Status, headers and content."""
        self.asked.append((method, path))
        given = headers.get('Authorization')
        if path.startswith('/token'):
            return (200, {}, json.dumps({'token': 'a-token'})) if given == self.basic else (401, {}, '')
        wanted = {'': None, 'basic': self.basic, 'bearer': 'Bearer a-token'}[self.login]
        if wanted and given != wanted:
            challenge = f'Bearer realm="http://{self.address}/token",service="registry"' if self.login == 'bearer' else 'Basic realm="registry"'
            return 401, {'WWW-Authenticate': challenge}, ''
        if 'application/vnd.oci.image.index.v1+json' not in headers.get('Accept', ''):
            return 406, {}, ''
        repository, _manifests, reference = path[len('/v2/'):].partition('/manifests/')
        return (200 if f'{repository}:{reference}' in self.images else 404), {}, ''


@contextlib.contextmanager
def served(registry):
    """The registry, while it is served."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            status, headers, content = registry.answer(self.command, self.path, self.headers)
            self.send_response(status)
            for name, value in {**headers, 'Content-Length': str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == 'GET':
                self.wfile.write(content.encode())

        do_GET = do_HEAD

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        registry.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
