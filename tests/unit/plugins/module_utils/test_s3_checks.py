# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Response
from ansible_collections.wandb.onprem.plugins.module_utils.s3_checks import Plan, S3Probe, clock_check, cors_allows, error_code, refusal

DATE = 'Mon, 23 Nov 2026 12:00:00 GMT'
NOW = 1795435200.0
ORIGIN = 'https://wandb.example.com'


def answer(status, code='', message='', headers=None, content=None):
    text = f'<?xml?><Error><Code>{code}</Code><Message>{message}</Message></Error>' if code else ''
    return Response(status, {'date': DATE, **(headers or {})}, text if content is None else content, {'version': 'TLSv1.3'}, 0.01)


@pytest.mark.parametrize(('content', 'expected'), [
    ('<Error><Code>NoSuchKey</Code><Message>none</Message></Error>', ('NoSuchKey', 'none')),
    ('<html><Code>NoSuchKey</Code>', ('', '')),
    ('', ('', '')),
])
def test_error_code(content, expected):
    assert error_code(content) == expected


@pytest.mark.parametrize(('response', 'failure'), [
    (answer(403, 'SignatureDoesNotMatch'), 'auth'),
    (answer(403, 'InvalidAccessKeyId'), 'auth'),
    (answer(403, 'AccessDenied', 'Access Denied.'), 'auth'),
    (answer(403, 'AccessDenied', 'Request has expired'), 'clock'),
    (answer(403, 'RequestTimeTooSkewed'), 'clock'),
    (answer(404, 'NoSuchBucket'), 'bucket'),
    (answer(400, 'AuthorizationHeaderMalformed'), 'auth'),
    (answer(503, 'XMinioServerNotInitialized'), 'status'),
    (answer(413, content='<html>'), 'status'),
    (answer(500, 'Unheard'), 'status'),
])
def test_refusals_have_a_class_and_a_mend(response, failure):
    check = refusal('put', response)
    assert check.failure == failure
    assert check.mend


@pytest.mark.parametrize(('headers', 'words'), [
    ({'access-control-allow-origin': ORIGIN, 'access-control-allow-methods': 'PUT'}, ''),
    ({'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, put'}, ''),
    ({'access-control-allow-origin': ORIGIN, 'access-control-allow-methods': '*'}, ''),
    ({'access-control-allow-origin': 'https://other', 'access-control-allow-methods': 'PUT'}, 'Access-Control-Allow-Origin is https://other'),
    ({'access-control-allow-methods': 'PUT'}, 'Access-Control-Allow-Origin is missing'),
    ({'access-control-allow-origin': ORIGIN, 'access-control-allow-methods': 'GET'}, 'PUT is not allowed'),
    ({'access-control-allow-origin': ORIGIN}, 'PUT is not allowed'),
])
def test_cors(headers, words):
    said = cors_allows(headers, ORIGIN, 'PUT')
    assert said == '' if words == '' else words in said


@pytest.mark.parametrize(('date', 'now', 'failure'), [
    (DATE, NOW, ''),
    (DATE, NOW + 60, ''),
    (DATE, NOW + 62, 'clock'),
    (DATE, NOW - 62, 'clock'),
    ('', NOW, 'clock'),
    ('yesterday', NOW, 'clock'),
])
def test_clock(date, now, failure):
    assert clock_check({'date': date}, now, 60).failure == failure


class Store:
    """Answers as a good store; `spoil` maps a method (or a reason) to another answer."""

    def __init__(self, spoil=None, allowed=(ORIGIN,)):
        self.spoil, self.allowed, self.object, self.part, self.asked = spoil or {}, allowed, None, b'', []

    def send(self, method, url, headers, body):
        self.asked.append(method)
        if 'signed' not in url:
            return self.spoil.get('anonymous', answer(403, 'AccessDenied'))
        if 'wrong' in url:
            return self.spoil.get('wrong', answer(403, 'SignatureDoesNotMatch'))
        if method in self.spoil:
            if isinstance(self.spoil[method], ProbeError):
                raise self.spoil[method]
            return self.spoil[method]
        if 'uploads=' in url:
            return self.spoil.get('begin', answer(200, content='<R><UploadId>u1</UploadId></R>'))
        if 'uploadId=u1' in url:
            self.part = body if method == 'PUT' else self.part
            self.object = self.part if method == 'POST' and 'complete' not in self.spoil else self.object
            return self.spoil.get({'PUT': 'part', 'POST': 'complete', 'DELETE': 'abort'}[method], answer(200, headers={'etag': '"e1"'}))
        if 'Range' in headers:
            return self.spoil.get('range', answer(206, content=self.object.decode()[2:6]))
        if method == 'PUT':
            self.object = body
            return answer(200)
        if method == 'DELETE':
            self.object = None
            return answer(204)
        if method == 'OPTIONS':
            origin = headers['Origin']
            return answer(204, headers={'access-control-allow-origin': origin, 'access-control-allow-methods': headers['Access-Control-Request-Method']}
                          if origin in self.allowed else {})
        return answer(404, 'NoSuchKey') if self.object is None else answer(200, content=self.object.decode())


def run(store, **plan):
    probe = S3Probe(
        lambda method, right, query: f'https://s3/b/o?signed{"" if right else "wrong"}' + ''.join(f'&{name}={value}' for name, value in query.items()),
        store.send, lambda: NOW)
    return {check.name: check.failure for check in probe.run(Plan(origin=ORIGIN, **plan))}


def test_a_good_store():
    store = Store()
    assert set(run(store).values()) == {''}
    assert store.object is None


def test_check_mode_writes_nothing():
    store = Store()
    assert set(run(store, write=False).values()) == {''}
    assert not {'PUT', 'DELETE', 'POST'} & set(store.asked)


@pytest.mark.parametrize(('spoil', 'name', 'failure'), [
    ({'PUT': answer(403, 'AccessDenied')}, 'put', 'auth'),
    ({'GET': answer(200, content='changed')}, 'get', 'status'),
    ({'HEAD': answer(403)}, 'head', 'status'),
    ({'range': answer(200, content='all of it')}, 'range', 'status'),
    ({'range': answer(206, content='????')}, 'range', 'status'),
    ({'range': answer(403, 'AccessDenied')}, 'range', 'auth'),
    ({'begin': answer(403, 'AccessDenied')}, 'multipart', 'auth'),
    ({'begin': answer(200, content='<html>')}, 'multipart', 'status'),
    ({'part': answer(200)}, 'multipart', 'status'),
    ({'part': answer(413)}, 'multipart', 'status'),
    ({'complete': answer(200, 'InternalError')}, 'multipart', 'status'),
    ({'complete': answer(403, 'AccessDenied')}, 'multipart', 'auth'),
    ({'DELETE': answer(403, 'AccessDenied')}, 'delete', 'auth'),
    ({'wrong': answer(200)}, 'wrong_key', 'auth'),
    ({'anonymous': answer(200)}, 'anonymous', 'auth'),
    ({'OPTIONS': answer(403)}, 'cors_put', 'cors'),
])
def test_each_step_can_fail(spoil, name, failure):
    assert run(Store(spoil))[name] == failure


@pytest.mark.parametrize(('spoil', 'aborted'), [({}, False), ({'part': answer(500)}, True), ({'complete': answer(500)}, True)])
def test_parts_that_are_left_are_removed(spoil, aborted):
    store = Store(spoil)
    run(store)
    assert store.asked.count('DELETE') == 1 + aborted


def test_a_store_open_to_every_origin():
    assert run(Store(allowed=(ORIGIN, 'https://foreign.invalid')))['cors_foreign'] == 'cors'


def test_a_missing_bucket_shows_in_check_mode():
    assert run(Store({'GET': answer(404, 'NoSuchBucket')}), write=False)['get'] == 'bucket'


@pytest.mark.parametrize('kind', ['dns', 'connect', 'tls', 'timeout', 'protocol'])
def test_a_broken_connection_is_one_failure_and_the_object_goes(kind):
    store = Store({'GET': ProbeError(kind, 'it broke', 'mend it')})
    assert run(store) == {'connection': kind}
    assert store.object is None
