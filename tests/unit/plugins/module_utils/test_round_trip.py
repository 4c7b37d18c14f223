# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.round_trip import LARGE_BODY_BYTES, Answer, LinkError, RoundTrip


class Server:
    """A server in memory that answers as W&B's does; `broken` makes one step fail."""

    def __init__(self, broken: str = '') -> None:
        self.broken = broken
        self.run: dict | None = None
        self.heartbeat = None
        self.stored = b''
        self.largest = 0
        self.deleted = []

    def __call__(self, method, url, *, headers=None, body=None):
        self.largest = max(self.largest, len(body or b''))
        if url.startswith('https://s3.test'):
            return self.bucket(method, body)
        path = url[len('https://wandb.test'):]
        if path == '/ready':
            return Answer(503, b'{"ready": false}') if self.broken == 'ready' else Answer(200, b'{}')
        if path.endswith('/file_stream'):
            if self.broken == 'redis':
                return Answer(500, b'{"error": "NOAUTH", "link": "redis"}')
            self.heartbeat = None if self.broken == 'heartbeat' else 'now'
            return Answer(200, b'{}')
        return self.graphql(json.loads(body), len(body))

    def bucket(self, method, body):
        if self.broken == 'bucket':
            return Answer(404, b'NoSuchBucket')
        if self.broken == 'unreachable':
            raise LinkError('', 'no route')
        if method == 'PUT':
            self.stored = body
        return Answer(200, b'other' if self.broken == 'bytes' and method == 'GET' else self.stored)

    def graphql(self, request, size):
        if self.broken == 'proxy' and size > LARGE_BODY_BYTES:
            return Answer(413, b'too large')
        if self.broken == 'key':
            return Answer(401, b'{}')
        query, variables = request['query'], request['variables']
        if 'upsertBucket' in query:
            if self.broken == 'mysql':
                errors = [{'message': 'Access denied', 'extensions': {'link': 'mysql'}}]
                return Answer(200, json.dumps({'data': {'upsertBucket': None}, 'errors': errors}).encode())
            self.run = {'id': 'r1', 'name': variables['name'], 'displayName': variables['displayName']}
            return self.data({'upsertBucket': {'bucket': self.run, 'inserted': True}})
        if 'createRunFiles' in query:
            return self.data({'createRunFiles': {'uploadHeaders': ['X-A:b'], 'files': [{'name': 'verify.txt', 'uploadUrl': 'https://s3.test/up'}]}})
        if 'deleteRun' in query:
            self.deleted.append(variables['id'])
            return self.data({'deleteRun': {}})
        if 'project(' in query:
            run = {**self.run, 'heartbeatAt': self.heartbeat, 'files': {'edges': [{'node': {'name': 'verify.txt', 'directUrl': 'https://s3.test/down'}}]}}
            return self.data({'project': {'run': None if self.broken == 'lost' else run}})
        return self.data({'viewer': None})

    @staticmethod
    def data(content):
        return Answer(200, json.dumps({'data': content}).encode())


def checks(broken: str = '', key: str = 'local-key'):
    server = Server(broken)
    return server, RoundTrip(server, 'https://wandb.test', key, 'marker').run()


def test_everything_works():
    server, done = checks()
    assert [check.ok for check in done] == [True] * 6
    assert [check.link for check in done] == ['server', 'proxy', 'mysql', 'bucket', 'redis', 'mysql']
    assert server.largest > LARGE_BODY_BYTES
    assert server.deleted == ['r1']


def test_without_a_key_only_readiness_is_tried():
    assert [check.link for check in checks(key='')[1]] == ['server']


@pytest.mark.parametrize(('broken', 'link', 'text'), [
    ('ready', 'server', 'HTTP 503'),
    ('proxy', 'proxy', 'client_max_body_size'),
    ('mysql', 'mysql', 'Access denied'),
    ('lost', 'mysql', 'not found'),
    ('bucket', 'bucket', 'NoSuchBucket'),
    ('unreachable', 'bucket', 's3.test: no route'),
    ('bytes', 'bucket', 'other bytes'),
    ('redis', 'redis', 'NOAUTH'),
    ('heartbeat', 'redis', 'no heartbeat'),
])
def test_a_broken_link_is_named(broken, link, text):
    failed = [check for check in checks(broken)[1] if check.ok is False]
    assert [check.link for check in failed] == [link]
    assert text in failed[0].error


def test_a_wrong_key_is_told_with_its_variable():
    failed = [check for check in checks('key')[1] if check.ok is False]
    assert 'wandb_verify_api_key' in failed[0].error


def test_what_could_not_be_tried_is_neither_good_nor_bad():
    assert {check.link: check.ok for check in checks('mysql')[1]}['bucket'] is None
