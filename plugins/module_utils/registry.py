# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a registry has an image: HEAD of its manifest, by the Open Container Initiative's distribution API. Nothing is pulled.

``send`` (a :class:`Request` -> :class:`Response`) is passed in. Standard library only.
"""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import json
import re
import typing as t
import urllib.parse

from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Request, Response, send

ACCEPT = ', '.join((
    'application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.docker.distribution.manifest.v2+json',
))
AT_ONCE = 8
# Tokens are longer than what a probe usually keeps.
LONGEST_TOKEN = 1 << 16
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TOLD = {401: 'the registry wants a login, or refuses this one', 403: 'this login may not read it', 404: 'the registry has no such image'}
Send = t.Callable[[Request], Response]


@dataclasses.dataclass(frozen=True)
class Image:
    """A name taken apart; ``reference`` is a tag or a digest."""

    registry: str
    repository: str
    reference: str


@dataclasses.dataclass(frozen=True)
class Access:
    """How registries are spoken to. ``ca``: PEM text; empty = the system's CAs."""

    user: str = ''
    password: str = ''
    ca: str = ''
    plain_http: bool = False
    timeout: float = 10.0


def parse(name: str) -> Image:
    """Raises ValueError for a name without a registry, a repository, or a tag or digest."""
    registry, _slash, rest = name.partition('/')
    if not rest or not (registry == 'localhost' or '.' in registry or ':' in registry):
        raise ValueError('the name does not begin with a registry')
    repository, at, digest = rest.partition('@')
    stem, colon, tag = repository.rpartition(':')
    if at:
        return Image(registry, stem if colon and '/' not in tag else repository, digest)
    if not colon or '/' in tag:
        raise ValueError('the name has neither a tag nor a digest')
    return Image(registry, stem, tag)


def basic(access: Access) -> dict[str, str]:
    """The header of a login; none without a user."""
    login = base64.b64encode(f'{access.user}:{access.password}'.encode()).decode()
    return {'Authorization': f'Basic {login}'} if access.user else {}


def token_url(challenge: str) -> str:
    """Where a registry sends those who want a token; empty where it does not."""
    kind, _space, rest = challenge.partition(' ')
    values = dict(_CHALLENGE.findall(rest))
    if kind.lower() != 'bearer' or not values.get('realm'):
        return ''
    query = urllib.parse.urlencode({key: values[key] for key in ('service', 'scope') if values.get(key)})
    return f'{values["realm"]}{"&" if "?" in values["realm"] else "?"}{query}' if query else values['realm']


class Registry:
    """Asks for images."""

    def __init__(self, access: Access, sender: Send = send) -> None:
        self.access = access
        self.send = sender

    def look(self, name: str) -> dict[str, t.Any]:
        """One image: whether it is there, the status, and why not."""
        try:
            status = self._head(parse(name))
        except ValueError as error:
            return {'image': name, 'found': False, 'status': None, 'error': str(error)}
        except ProbeError as error:
            return {'image': name, 'found': False, 'status': None, 'error': str(error).partition('. Mend:')[0]}
        why = '' if status == 200 else _TOLD.get(status, f'the registry answers {status}')
        return {'image': name, 'found': status == 200, 'status': status, 'error': why}

    def look_at_all(self, names: t.Iterable[str]) -> list[dict[str, t.Any]]:
        """Several at the same time, in their order."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.look, names))

    def _head(self, image: Image) -> int:
        scheme = 'http' if self.access.plain_http else 'https'
        url = f'{scheme}://{image.registry}/v2/{urllib.parse.quote(image.repository)}/manifests/{urllib.parse.quote(image.reference, safe=":")}'
        answer = self._request('HEAD', url, {'Accept': ACCEPT})
        challenge = answer.headers.get('www-authenticate', '')
        if answer.status == 401 and token_url(challenge):
            token = self._token(token_url(challenge))
            return self._request('HEAD', url, {'Accept': ACCEPT, 'Authorization': f'Bearer {token}'}).status if token else answer.status
        if answer.status == 401 and challenge.lower().startswith('basic') and self.access.user:
            return self._request('HEAD', url, {'Accept': ACCEPT, **basic(self.access)}).status
        return answer.status

    def _token(self, url: str) -> str:
        # Whoever sends us elsewhere in clear text would read the password there.
        if not url.startswith('https://') and not self.access.plain_http:
            return ''
        answer = self._request('GET', url, basic(self.access))
        try:
            document = json.loads(answer.content) if answer.status == 200 else {}
        except ValueError:
            return ''
        return str(document.get('token') or document.get('access_token') or '') if isinstance(document, dict) else ''

    def _request(self, method: str, url: str, headers: t.Mapping[str, str]) -> Response:
        return self.send(Request(
            url=url, method=method, headers=headers, timeout=self.access.timeout, ca_content=self.access.ca or None, content_limit=LONGEST_TOKEN))
