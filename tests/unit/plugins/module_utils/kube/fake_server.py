# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport that plays an API server from a table, and refuses to be written to in a dry run."""

from __future__ import annotations

import copy
import json

from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Response


def status(code, reason, message='', **details):
    """Body of an error answer."""
    return {'kind': 'Status', 'apiVersion': 'v1', 'code': code, 'reason': reason, 'message': message or reason, 'details': details}


class FakeServer:
    """``objects``: path -> object. Namespaces and kinds exist unless ``missing`` says otherwise. Applies replace whole objects."""

    def __init__(self, objects=None, no_writes=False):
        self.objects = dict(objects or {})
        self.no_writes = no_writes
        self.missing_namespaces = set()
        self.missing_kinds = set()
        self.answers = {}
        self.log = []

    def send(self, method, path, query, content_type, body):
        self.log.append((method, path, dict(query), content_type))
        document = json.loads(body) if body else None
        if (method, path) in self.answers:
            code, answer = self.answers[method, path]
            return Response(code, json.dumps(answer).encode())
        # As the real one: of a DELETE with a body only the body counts.
        dry = document.get('dryRun') == ['All'] if method == 'DELETE' and document else query.get('dryRun') == 'All'
        if method != 'GET' and self.no_writes and not dry:
            raise AssertionError(f'a write in check mode: {method} {path}')
        return Response(*self._answer(method, path, document, dry))

    def _answer(self, method, path, document, dry):
        parts = path.split('/')
        namespace = parts[parts.index('namespaces') + 1] if 'namespaces' in parts[:-1] else None
        if any(kind in parts for kind in self.missing_kinds):
            return 404, b'404 page not found\n'
        if method == 'GET':
            if path in self.objects:
                return 200, json.dumps(self.objects[path]).encode()
            if not self._is_list(path):
                return 404, json.dumps(status(404, 'NotFound', name=parts[-1], kind=parts[-2])).encode()
            found = [one for key, one in self.objects.items() if key.rsplit('/', 1)[0] == path]
            return 200, json.dumps({'kind': 'List', 'metadata': {}, 'items': found}).encode()
        if namespace in self.missing_namespaces and not path.endswith(f'/namespaces/{namespace}'):
            return 404, json.dumps(status(404, 'NotFound', f'namespaces "{namespace}" not found', name=namespace, kind='namespaces')).encode()
        if method == 'DELETE':
            gone = self.objects.get(path)
            if gone is None:
                return 404, json.dumps(status(404, 'NotFound', name=parts[-1], kind=parts[-2])).encode()
            if not dry:
                del self.objects[path]
            return 200, json.dumps(gone).encode()
        after = copy.deepcopy(document)
        after['metadata'].update({'uid': 'u1', 'resourceVersion': str(len(self.log)), 'managedFields': [{'time': len(self.log)}]})
        if not dry:
            self.objects[path] = after
        return 200, json.dumps(after).encode()

    @staticmethod
    def _is_list(path):
        tail = path.split('/')[-1]
        return tail.endswith('s') and tail.isalpha()
