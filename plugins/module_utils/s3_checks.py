# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a browser or SDK does with presigned URLs, step by step, each failure with its class and a mend.

Classes: dns, connect, tls, timeout, protocol (nothing came back), then auth, bucket, cors, clock, and status for the rest.
Collaborators: `presign(method, right_key, query)` makes a URL, `send` makes the request (module_utils/probes.py).
"""

from __future__ import annotations

import dataclasses
import email.utils
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Request, Response, status_mend

# S3 error code -> class, mend.
CODES = {
    'SignatureDoesNotMatch': (
        'auth', 'the secret key is not that of this access key, or a proxy changes the Host header (Nginx: proxy_set_header Host $http_host)',
    ),
    'InvalidAccessKeyId': ('auth', 'the access key is unknown or disabled: run the playbook that makes it (minio), or correct it'),
    'AccessDenied': ('auth', 'the policy of the key lacks this action on the bucket'),
    'AuthorizationHeaderMalformed': ('auth', 'sign for the region of the store (wandb_minio_region)'),
    'AuthorizationQueryParametersError': ('auth', 'sign for the region of the store (wandb_minio_region)'),
    # MinIO's word for a presigned URL that is signed for another region.
    'MissingFields': ('auth', 'sign for the region of the store (wandb_minio_region)'),
    'NoSuchBucket': ('bucket', 'make the bucket, or correct its name (wandb_minio_bucket)'),
    'InvalidBucketName': ('bucket', 'correct the name of the bucket (wandb_minio_bucket)'),
    'RequestTimeTooSkewed': ('clock', 'synchronise the clocks (chrony or systemd-timesyncd) of the store and of this machine'),
    'RequestNotReadyYet': ('clock', 'synchronise the clocks (chrony or systemd-timesyncd) of the store and of this machine'),
    'XMinioServerNotInitialized': ('status', 'the servers are still starting, or too few of them run: look at their logs'),
    'SlowDownWrite': ('status', 'too few servers or drives are there for a write: look at the logs of the servers'),
    'SlowDownRead': ('status', 'too few servers or drives are there for a read: look at the logs of the servers'),
}
CORS_MEND = 'have the store allow just the origin of wandb_host (wandb_minio_cors_origins; for a store of your own wandb_bucket_cors_origins)'


@dataclasses.dataclass(frozen=True)
class Check:
    """Outcome of one step; `failure` is its class, empty if it went well."""

    name: str
    detail: str
    failure: str = ''
    mend: str = ''

    @property
    def ok(self) -> bool:
        return not self.failure


def error_code(content: str) -> tuple[str, str]:
    """Code and message of S3's XML error; empty if it is none (a proxy's page, say). No XML parser: the text comes from outside."""
    code, message = re.search(r'<Code>([^<]*)</Code>', content), re.search(r'<Message>([^<]*)</Message>', content)
    return (code.group(1) if code and '<Error>' in content else '', message.group(1) if message else '')


def refusal(name: str, response: Response) -> Check:
    """The check that an unexpected answer makes."""
    code, message = error_code(response.content)
    if code == 'AccessDenied' and 'expired' in message.lower():
        code = 'RequestTimeTooSkewed'
    failure, mend = CODES.get(code, ('status', status_mend(response.status)))
    return Check(name, f'answered {response.status} {code} {message}'.strip(' .'), failure, mend)


def cors_allows(headers: t.Mapping[str, str], origin: str, method: str) -> str:
    """Why a browser would not go on after this answer to its preflight; empty if it would."""
    allowed = headers.get('access-control-allow-origin', '')
    if allowed not in (origin, '*'):
        return f'no page of {origin} may use it (Access-Control-Allow-Origin is {allowed or "missing"})'
    methods = [item.strip().upper() for item in headers.get('access-control-allow-methods', '').split(',')]
    if method not in methods and '*' not in methods:
        return f'{method} is not allowed for {origin} (Access-Control-Allow-Methods is {", ".join(methods) or "missing"})'
    return ''


def clock_check(headers: t.Mapping[str, str], now: float, max_skew: float) -> Check:
    """Compares the Date header (whole seconds) with this machine's clock."""
    try:
        theirs = email.utils.parsedate_to_datetime(headers.get('date', '')).timestamp()
    except (TypeError, ValueError):
        return Check('clock', 'the answer has no Date header', 'clock', 'look at the proxies between')
    skew = round(theirs - now)
    if abs(skew) <= max_skew:
        return Check('clock', f'{skew} s apart')
    return Check('clock', f'the store is {abs(skew)} s {"ahead of" if skew > 0 else "behind"} this machine', *CODES['RequestTimeTooSkewed'])


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to try. `write` False (check mode) leaves the store as it is. No `origin`: no question of CORS."""

    write: bool = True
    origin: str = ''
    foreign_origin: str = 'https://foreign.invalid'
    max_skew: float = 60.0
    body: bytes = b'wandb.onprem s3_probe'


class S3Probe:
    """Runs the plan. Nothing that follows from a broken connection or key is tried after it."""

    def __init__(
        self, presign: t.Callable[[str, bool, t.Mapping[str, str]], str],
        send: t.Callable[[str, str, t.Mapping[str, str], bytes | None], Response], clock: t.Callable[[], float],
    ) -> None:
        self._presign = presign
        self._send = send
        self._clock = clock
        self.tls: dict[str, t.Any] = {}

    def run(self, plan: Plan) -> list[Check]:
        """All outcomes, in the order of trying."""
        try:
            checks = self._round_trip(plan) if plan.write else [self._expect('get', 'GET', 404, plan)]
            if checks[0].failure not in ('dns', 'connect', 'tls', 'timeout', 'protocol'):
                checks += [self._foreign_key(), self._anonymous(), self._clock_check(plan)]
                checks += self._cors(plan) if plan.origin else []
        except ProbeError as error:
            what, _dummy, mend = str(error).partition(' Mend: ')
            return [Check('connection', what.rstrip('.'), error.kind, mend.rstrip('.'))]
        return checks

    def _ask(self, method: str, right_key: bool = True, headers: t.Mapping[str, str] | None = None, body: bytes | None = None,
             signed_for: str = '', query: t.Mapping[str, str] | None = None) -> Response:
        response = self._send(method, self._presign(signed_for or method, right_key, query or {}), headers or {}, body)
        self.tls = response.tls or self.tls
        return response

    def _expect(self, name: str, method: str, status: int, plan: Plan) -> Check:
        response = self._ask(method, body=plan.body if method == 'PUT' else None)
        if response.status != status:
            return refusal(name, response)
        if status == 404 and error_code(response.content)[0] == 'NoSuchBucket':
            return refusal(name, response)
        if method == 'GET' and status == 200 and response.content.encode() != plan.body:
            return Check(name, 'the object came back changed', 'status', 'look at the proxies between: they must not rewrite bodies')
        return Check(name, f'answered {status}')

    def _round_trip(self, plan: Plan) -> list[Check]:
        written = self._expect('put', 'PUT', 200, plan)
        if not written.ok:
            return [written]
        try:
            read = [self._expect('get', 'GET', 200, plan), self._expect('head', 'HEAD', 200, plan), self._range(plan), self._multipart(plan)]
            return [written, *read, self._expect('delete', 'DELETE', 204, plan)]
        except ProbeError:
            self._ask('DELETE')
            raise

    def _range(self, plan: Plan) -> Check:
        """A part of the object, as readers of large files ask for it."""
        response = self._ask('GET', headers={'Range': 'bytes=2-5'})
        if response.status == 200:
            return Check('range', 'a request for 4 bytes is answered with the whole object', 'status', 'look at the proxies between: they must pass Range on')
        if response.status != 206:
            return refusal('range', response)
        if response.content.encode() != plan.body[2:6]:
            return Check('range', 'other bytes came back than were asked for', 'status', 'look at the proxies between: they must not rewrite bodies')
        return Check('range', 'answered 206')

    def _multipart(self, plan: Plan) -> Check:
        """An upload in parts, as SDKs send what is large; it takes the place of the object. One that fails is aborted."""
        begun = self._ask('POST', query={'uploads': ''})
        upload = re.search(r'<UploadId>([^<]+)</UploadId>', begun.content)
        if begun.status != 200 or not upload:
            return refusal('multipart', begun)
        its = {'uploadId': upload.group(1)}
        part = self._ask('PUT', body=plan.body, query={'partNumber': '1', **its})
        tag = part.headers.get('etag', '')
        if part.status == 200 and tag:
            parts = f'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>'
            ended = self._ask('POST', body=parts.encode(), query=its)
            # A store that has begun to answer 200 can only tell in the body that it could not put the parts together.
            if ended.status == 200 and '<Error>' not in ended.content:
                got = self._expect('multipart', 'GET', 200, plan)
                return got if not got.ok else Check('multipart', 'uploaded in parts and read back')
            part = ended
        self._ask('DELETE', query=its)
        if part.status == 200 and not tag:
            return Check('multipart', 'the answer to a part has no ETag', 'status', 'look at the proxies between: they must pass ETag on')
        return refusal('multipart', part)

    def _foreign_key(self) -> Check:
        response = self._ask('GET', right_key=False)
        if response.status in (400, 401, 403):
            return Check('wrong_key', 'is refused')
        mend = 'who answers is no S3 store, or lets everybody in: look at the bucket policy'
        return Check('wrong_key', f'a wrong secret key is answered {response.status}', 'auth', mend)

    def _anonymous(self) -> Check:
        response = self._send('GET', self._presign('GET', True, {}).partition('?')[0], {}, None)
        if response.status == 403:
            return Check('anonymous', 'is refused')
        return Check('anonymous', f'a request without a signature is answered {response.status}', 'auth', 'take anonymous access out of the bucket policy')

    def _clock_check(self, plan: Plan) -> Check:
        return clock_check(self._ask('HEAD').headers, self._clock(), plan.max_skew)

    def _cors(self, plan: Plan) -> list[Check]:
        checks = []
        for method in ('GET', 'HEAD', 'PUT'):
            wrong = cors_allows(self._preflight(plan.origin, method), plan.origin, method)
            checks.append(Check(f'cors_{method.lower()}', wrong or 'is allowed', 'cors' if wrong else '', CORS_MEND if wrong else ''))
        if cors_allows(self._preflight(plan.foreign_origin, 'PUT'), plan.foreign_origin, 'PUT'):
            checks.append(Check('cors_foreign', 'is refused'))
        else:
            checks.append(Check('cors_foreign', f'a page of {plan.foreign_origin} may use presigned URLs', 'cors', CORS_MEND))
        return checks

    def _preflight(self, origin: str, method: str) -> t.Mapping[str, str]:
        headers = {'Origin': origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': 'content-type'}
        return self._ask('OPTIONS', headers=headers, signed_for=method).headers


def request_for(template: Request) -> t.Callable[[str, str, t.Mapping[str, str], bytes | None], Request]:
    """Fills a template (CA, address, time-out) with method, URL, headers and body."""

    def fill(method: str, url: str, headers: t.Mapping[str, str], body: bytes | None) -> Request:
        return dataclasses.replace(template, method=method, url=url, headers=headers, body=body)

    return fill
