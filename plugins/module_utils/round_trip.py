# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run written and read back through W&B Server, as its SDK does it, so that each link behind the server is named when it breaks.

The run's row proves MySQL, a file by presigned URLs proves the bucket, a history line proves Redis. The operations are those of
``wandb verify`` (wandb/wandb: ``wandb/sdk/verify/verify.py``, ``wandb/sdk/internal/internal_api.py``).

Uses: a :class:`Transport` only. Nothing here knows of Ansible.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t
import urllib.parse

UPSERT = '''mutation UpsertBucket($entity: String, $project: String, $name: String, $displayName: String) {
  upsertBucket(input: {entityName: $entity, modelName: $project, name: $name, displayName: $displayName}) { bucket { id name displayName } inserted }
}'''
FILES = '''mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) { runID uploadHeaders files { name uploadUrl } }
}'''
RUN = '''query Run($entity: String!, $project: String!, $name: String!, $files: [String!]) {
  project(name: $project, entityName: $entity) {
    run(name: $name) { id displayName historyLineCount heartbeatAt files(names: $files) { edges { node { name directUrl } } } }
  }
}'''
DELETE = 'mutation DeleteRun($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }'
VIEWER = 'query Viewer { viewer { id } }'

FILE = 'verify.txt'
PROJECT = 'wandb-onprem-verify'
LARGE_BODY_BYTES = 10**7


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


class Transport(t.Protocol):
    """Sends one request and returns the answer, whatever its status.

    :raises LinkError: where there is no answer at all.
    """

    def __call__(self, method: str, url: str, *, headers: t.Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
        ...


class LinkError(Exception):
    """A link does not work."""

    def __init__(self, link: str, message: str) -> None:
        super().__init__(message)
        self.link = link


@dataclasses.dataclass
class Check:
    """What was tried on one link; ``ok`` is None where an earlier failure left no way to try."""

    link: str
    what: str
    ok: bool | None = None
    error: str = ''

    def as_dict(self) -> dict[str, t.Any]:
        """For the module's result."""
        return dataclasses.asdict(self)


class RoundTrip:
    """The checks of one server.

    :param send: how requests travel.
    :param base_url: ``https://`` and the name that users type.
    :param api_key: key of a user that may write; without it only what needs no key is checked.
    :param marker: text that makes this run and its content its own.
    """

    def __init__(self, send: Transport, base_url: str, api_key: str, marker: str) -> None:
        self._send = send
        self._base = base_url.rstrip('/')
        self._key = api_key
        self._marker = marker
        self._entity = 'local'
        self._run_id = ''

    def run(self) -> list[Check]:
        """Try everything; each link is tried even if another is broken, as far as it can be."""
        checks = [self._try('server', 'GET /ready through the proxy answers 200', self._ready)]
        if not self._key:
            return checks
        checks.append(self._try('proxy', f'a GraphQL POST of {LARGE_BODY_BYTES} bytes passes', self._large_body))
        checks.append(self._try('mysql', 'a run is written and read back', self._row))
        dependent = (
            ('bucket', 'a file is uploaded and downloaded by presigned URLs', self._file),
            ('redis', 'a history line leaves a heartbeat', self._history),
        )
        for link, what, step in dependent:
            checks.append(self._try(link, what, step) if self._run_id else Check(link, what, error='not tried: there is no run to write to'))
        if self._run_id:
            checks.append(self._try('mysql', 'the run is deleted', self._delete))
        return checks

    def _try(self, link: str, what: str, step: t.Callable[[], None]) -> Check:
        try:
            step()
        except LinkError as exc:
            return Check(exc.link or link, what, ok=False, error=str(exc))
        return Check(link, what, ok=True)

    def _headers(self) -> dict[str, str]:
        token = base64.b64encode(f'api:{self._key}'.encode()).decode()
        return {'Authorization': f'Basic {token}', 'Content-Type': 'application/json', 'Origin': self._base}

    def _post(self, document: t.Mapping[str, t.Any]) -> Answer:
        answer = self._send('POST', f'{self._base}/graphql', headers=self._headers(), body=json.dumps(document).encode())
        if answer.status == 413:
            raise LinkError('proxy', 'HTTP 413: a proxy limits the body; set client_max_body_size 0 on the proxy and proxy-body-size "0" on the ingress')
        if answer.status in (401, 403):
            hint = 'is wandb_verify_api_key a key of this server, and wandb_host its URL?'
            raise LinkError('server', f'HTTP {answer.status} on /graphql: {excerpt(answer.body)} - {hint}')
        if answer.status != 200:
            raise LinkError('', f'HTTP {answer.status} on /graphql: {excerpt(answer.body)}')
        return answer

    def _graphql(self, query: str, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        document = parsed(self._post({'query': query, 'variables': variables}).body)
        errors = document.get('errors') or []
        if errors:
            first = errors[0]
            raise LinkError(str((first.get('extensions') or {}).get('link', '')), str(first.get('message', 'no message')))
        return dict(document.get('data') or {})

    def _ready(self) -> None:
        answer = self._send('GET', f'{self._base}/ready')
        if answer.status != 200:
            raise LinkError('server', f'HTTP {answer.status}: {excerpt(answer.body)}')

    def _large_body(self) -> None:
        self._post({'query': VIEWER, 'variables': {}, 'padding': 'x' * LARGE_BODY_BYTES})

    def _read_run(self) -> dict[str, t.Any]:
        variables = {'entity': self._entity, 'project': PROJECT, 'name': self._marker, 'files': [FILE]}
        run = (self._graphql(RUN, variables).get('project') or {}).get('run')
        if not run:
            raise LinkError('mysql', 'the run that was just written is not found')
        return dict(run)

    def _row(self) -> None:
        run = {'entity': self._entity, 'project': PROJECT, 'name': self._marker, 'displayName': f'verify {self._marker}'}
        written = self._graphql(UPSERT, run)
        read = self._read_run()
        if read['displayName'] != f'verify {self._marker}':
            raise LinkError('mysql', f'the run was read back with another name ({read["displayName"]!r})')
        self._run_id = written['upsertBucket']['bucket']['id']

    def _file(self) -> None:
        made = self._graphql(FILES, {'entity': self._entity, 'project': PROJECT, 'run': self._marker, 'files': [FILE]})['createRunFiles']
        content = f'{self._marker}\n'.encode()
        headers = dict(header.split(':', 1) for header in made.get('uploadHeaders') or [])
        self._presigned('PUT', made['files'][0]['uploadUrl'], headers=headers, body=content)
        url = self._read_run()['files']['edges'][0]['node']['directUrl']
        if self._presigned('GET', url).body != content:
            raise LinkError('bucket', 'the file came back with other bytes')

    def _presigned(self, method: str, url: str, **request: t.Any) -> Answer:
        host = urllib.parse.urlsplit(url).netloc
        try:
            answer = self._send(method, url, **request)
        except LinkError as exc:
            raise LinkError('bucket', f'presigned {method} at {host}: {exc}') from exc
        if answer.status not in (200, 204):
            raise LinkError('bucket', f'presigned {method} at {host}: HTTP {answer.status}: {excerpt(answer.body)}')
        return answer

    def _history(self) -> None:
        body = json.dumps({'files': {'wandb-history.jsonl': {'offset': 0, 'content': ['{"_step": 0}']}}}).encode()
        path = '/'.join(('files', self._entity, PROJECT, self._marker, 'file_stream'))
        answer = self._send('POST', f'{self._base}/{path}', headers=self._headers(), body=body)
        if answer.status != 200:
            raise LinkError(str(parsed(answer.body).get('link', '')), f'HTTP {answer.status} on file_stream: {excerpt(answer.body)}')
        if not self._read_run()['heartbeatAt']:
            raise LinkError('redis', 'the run has no heartbeat after its history was sent')

    def _delete(self) -> None:
        self._graphql(DELETE, {'id': self._run_id})


def parsed(body: bytes) -> dict[str, t.Any]:
    """A JSON object; empty where the body is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def excerpt(body: bytes, length: int = 300) -> str:
    """The beginning of a body, in one line."""
    return ' '.join(body[:length].decode('utf-8', 'replace').split()) or 'empty body'
