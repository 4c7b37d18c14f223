# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import importlib.util
import pathlib
from urllib.parse import urlsplit

import pytest
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / 'roles' / 'minio' / 'files' / 'wandb_minio_gate.py'
spec = importlib.util.spec_from_file_location('wandb_minio_gate', PROGRAM)
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)

UPLOAD = (200, {}, '<R><UploadId>u1</UploadId></R>')
LIVE = (200, {}, '')
STARTING = (200, {'x-minio-server-status': 'offline'}, '')


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def waited(answers, seconds=120):
    """What `wait` says; `answers(method, path, second)` plays the server."""
    clock = Clock()
    server = gate.Server(lambda method, path, _query, _sign: answers(method, path, clock.now - 100), 'wandb')
    return gate.wait(server, seconds, clock, clock.sleep)


def test_rules_refuse_the_proxies_and_nobody_else():
    text = gate.rules(9000, ['10.0.0.2', '10.0.0.1', 'fd00::1', 'lb; drop'])
    assert 'tcp dport 9000 ip saddr { 10.0.0.1, 10.0.0.2 } reject with tcp reset' in text
    assert 'tcp dport 9000 ip6 saddr { fd00::1 } reject with tcp reset' in text
    assert 'drop' not in text
    # nft wants a new line or a semicolon after a closing brace (seen: the whole refusal was none).
    assert all(line.count('}') <= 1 for line in text.splitlines() if 'saddr' not in line)
    assert [line for line in text.splitlines() if line.startswith('}')] == ['}', '}']


def test_without_a_proxy_nothing_is_refused():
    assert 'reject' not in gate.rules(9000, [])


def test_settings_as_the_role_writes_them():
    assert gate.settings('# x\nMINIO_ROOT_PASSWORD="a\\"b\\\\c\\$d"\nMINIO_ROOT_USER="root"\n') == {
        'MINIO_ROOT_PASSWORD': 'a"b\\c$d', 'MINIO_ROOT_USER': 'root'}


@pytest.mark.parametrize(('method', 'query'), [('POST', 'uploads='), ('DELETE', 'uploadId=ab.c')])
def test_the_signature_is_that_of_the_sdk(method, query):
    now = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.timezone.utc)
    ours = gate.signed(method, 's3-1:9000', '/wandb/.wandb-onprem/gate', query, ('us-east-1', 'root', 'secret'), now)
    theirs = sign_v4_s3(
        method=method, url=urlsplit(f'https://s3-1:9000/wandb/.wandb-onprem/gate?{query}'), region='us-east-1',
        headers={name: ours[name] for name in ('host', 'x-amz-content-sha256', 'x-amz-date')}, credentials=Credentials('root', 'secret'),
        content_sha256=ours['x-amz-content-sha256'], date=now)
    assert ours['authorization'] == theirs['Authorization']


@pytest.mark.parametrize(('live', 'write', 'said'), [
    # It has begun at once, and finds its drives in the course of time.
    (lambda second: LIVE, lambda second: UPLOAD, 'ready after 18 s'),
    (lambda second: STARTING if second < 10 else LIVE, lambda second: UPLOAD, 'ready after 28 s'),
    (lambda second: LIVE, lambda second: UPLOAD if second > 30 else (503, {}, '<Code>SlowDownWrite</Code>'), 'ready after 31 s'),
    (lambda second: LIVE, lambda second: (404, {}, '<Code>NoSuchBucket</Code>'), 'ready after 18 s'),
    (lambda second: LIVE, lambda second: (404, {}, '<Code>NoSuchUpload</Code>'), 'not ready after 120 s'),
    (lambda second: LIVE, lambda second: (503, {}, ''), 'not ready after 120 s'),
    # What has not begun can serve nobody.
    (lambda second: STARTING if second < 300 else LIVE, lambda second: UPLOAD, 'ready after 318 s'),
    (lambda second: STARTING if second < 300 else LIVE, lambda second: (503, {}, ''), 'not ready after 420 s'),
])
def test_wait(live, write, said):
    assert waited(lambda method, _path, second: live(second) if method == 'GET' else write(second)).startswith(said)


def test_a_server_that_does_not_answer_is_waited_for():
    def answers(method, _path, second):
        if second < 5:
            raise ConnectionRefusedError
        return LIVE if method == 'GET' else UPLOAD

    assert waited(answers) == 'ready after 23 s'


def test_the_upload_that_proved_it_is_given_up():
    asked = []

    def answers(method, path, _second):
        asked.append((method, path))
        return LIVE if method == 'GET' else UPLOAD

    waited(answers)
    assert asked[-2:] == [('POST', '/wandb/.wandb-onprem/gate'), ('DELETE', '/wandb/.wandb-onprem/gate')]
