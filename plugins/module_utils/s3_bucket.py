# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket on any S3 store that keeps CORS rules for each bucket (AWS, Ceph, ...; MinIO does not): whether it is there, and one rule of ours.

Collaborators: `buckets` is the SDK's client (list_objects, make_bucket), `rules` reads and writes the rules, for which the SDK has no call.
In check mode nothing is written.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import typing as t
import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

from ansible_collections.wandb.onprem.plugins.module_utils.minio import Change, Connection, MinioError
from ansible_collections.wandb.onprem.plugins.module_utils.s3_checks import error_code

try:
    import urllib3
    from minio.credentials.credentials import Credentials
    from minio.error import S3Error
    from minio.signer import sign_v4_s3
except ImportError:
    # Told by the module, with minio.MINIO_IMPORT_ERROR.
    pass

# The rule that is ours; those of others stay.
RULE = 'wandb-onprem'
# S3's two codes for what a store does not do at all, by which one without CORS rules is known; some answer with the status alone.
UNABLE = ('NotImplemented', 'MethodNotAllowed')
# Names in S3's document -> key of a rule here.
LISTS = {'AllowedOrigin': 'origins', 'AllowedMethod': 'methods', 'AllowedHeader': 'headers', 'ExposeHeader': 'expose'}


@dataclasses.dataclass(frozen=True)
class Rule:
    """One CORS rule. `max_age`: seconds that a browser may remember the answer. Order within a list has no meaning."""

    name: str
    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age: int = 0

    @classmethod
    def of(cls, name: str, max_age: int, **lists: t.Iterable[str]) -> Rule:
        """With its lists in order."""
        return cls(name, max_age=max_age, **{key: tuple(sorted(set(value))) for key, value in lists.items()})

    def same(self, other: Rule) -> bool:
        """Whether it allows the same; some stores do not keep the name."""
        return dataclasses.replace(self, name='') == dataclasses.replace(other, name='')


def parse(document: bytes) -> list[Rule]:
    """The rules of S3's XML, whatever its namespace. ValueError where it is something else."""
    # By the parser that the SDK reads all answers of the store with.
    try:
        root = ET.fromstring(document)
    except ET.ParseError as error:
        raise ValueError(f'the answer is no XML ({error})') from error
    found = []
    for rule in [item for item in root if plain(item) == 'CORSRule']:
        lists: dict[str, list[str]] = {key: [] for key in LISTS.values()}
        single = {'ID': '', 'MaxAgeSeconds': ''}
        for item in rule:
            if plain(item) in LISTS:
                lists[LISTS[plain(item)]].append(item.text or '')
            else:
                single[plain(item)] = item.text or ''
        found.append(Rule.of(single['ID'], int(single['MaxAgeSeconds'] or 0), **lists))
    return found


def plain(element: ET.Element) -> str:
    """Tag without the namespace."""
    return element.tag.rpartition('}')[2]


def compose(rules: t.Sequence[Rule]) -> bytes:
    """S3's XML of the rules."""
    root = ET.Element('CORSConfiguration', xmlns='http://s3.amazonaws.com/doc/2006-03-01/')
    for rule in rules:
        element = ET.SubElement(root, 'CORSRule')
        if rule.name:
            ET.SubElement(element, 'ID').text = rule.name
        for tag, key in LISTS.items():
            for value in getattr(rule, key):
                ET.SubElement(element, tag).text = value
        if rule.max_age:
            ET.SubElement(element, 'MaxAgeSeconds').text = str(rule.max_age)
    return t.cast(bytes, ET.tostring(root, encoding='utf-8'))


def with_ours(held: t.Sequence[Rule], ours: Rule) -> list[Rule]:
    """The rules that there shall be. Ours is the first, for the first that fits decides; as it is where that holds already."""
    if held and held[0].same(ours):
        return list(held)
    return [ours, *[rule for rule in held if rule.name != RULE and not rule.same(ours)]]


class CorsRules:
    """The rules of a bucket by signed requests with paths. Uses of the pool: request."""

    def __init__(self, connection: Connection, pool: urllib3.PoolManager) -> None:
        self._connection = connection
        self._pool = pool

    def read(self, bucket: str) -> list[Rule]:
        """All rules; MinioError where the store has none for buckets, or refuses."""
        status, content = self._ask('GET', bucket, b'')
        if status == 200:
            return parse(content)
        if error_code(content.decode('utf-8', 'replace'))[0] == 'NoSuchCORSConfiguration':
            return []
        raise self._refusal('read', bucket, status, content)

    def write(self, bucket: str, rules: t.Sequence[Rule]) -> None:
        """Put these in place of all."""
        status, content = self._ask('PUT', bucket, compose(rules))
        if status not in (200, 204):
            raise self._refusal('write', bucket, status, content)

    def _ask(self, method: str, bucket: str, body: bytes) -> tuple[int, bytes]:
        url = urlsplit(f"{self._connection.endpoint.rstrip('/')}/{bucket}?cors=")
        now = datetime.datetime.now(datetime.timezone.utc)
        sha256 = hashlib.sha256(body).hexdigest()
        headers = {
            'Host': url.netloc, 'x-amz-date': now.strftime('%Y%m%dT%H%M%SZ'), 'x-amz-content-sha256': sha256,
            # S3 wants it with this document.
            **({'Content-MD5': base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode('ascii')} if body else {}),
        }
        credentials = Credentials(access_key=self._connection.access_key, secret_key=self._connection.secret_key)
        signed = sign_v4_s3(method=method, url=url, region=self._connection.region, headers=t.cast(t.Any, headers), credentials=credentials,
                            content_sha256=sha256, date=now)
        answer = self._pool.request(method, url.geturl(), body=body or None, headers=t.cast(t.Any, signed))
        return answer.status, answer.data

    @staticmethod
    def _refusal(what: str, bucket: str, status: int, content: bytes) -> MinioError:
        code, message = error_code(content.decode('utf-8', 'replace'))
        if code in UNABLE or status in (405, 501):
            return MinioError(
                f'The store keeps no CORS rules for bucket {bucket} (it answered {status} {code}). Leave cors_origins out, and let its administrator allow '
                'the origins for the whole store (MinIO: MINIO_API_CORS_ALLOW_ORIGIN).')
        if status == 403:
            return MinioError(
                f'The key may not {what} the CORS rules of bucket {bucket} ({code}: {message}). Give the key of somebody who administers the bucket.')
        return MinioError(f'The store answered {status} {code} to the CORS rules of bucket {bucket}: {message}')


class BucketService:
    """One bucket."""

    def __init__(self, buckets: t.Any, rules: CorsRules, check_mode: bool) -> None:
        self._buckets = buckets
        self._rules = rules
        self._check_mode = check_mode

    def ensure(self, name: str, create: bool, ours: Rule | None) -> Change:
        """Have the bucket, made where there is none and `create` says so, and our rule in it; MinioError where it is missing or cannot have one."""
        there = self._there(name)
        if not there and not create:
            raise MinioError(f'There is no bucket {name}. Make it, correct its name, or set create to true.')
        held = self._rules.read(name) if there and ours else []
        wanted = with_ours(held, ours) if ours else []
        before = shown(name, held if ours else None) if there else None
        change = Change(before, shown(name, wanted if ours else None))
        if self._check_mode or not change.changed:
            return change
        if not there:
            self._buckets.make_bucket(bucket_name=name)
        if wanted != held:
            self._rules.write(name, wanted)
        return Change(before, shown(name, self._rules.read(name) if ours else None))

    def _there(self, name: str) -> bool:
        # Not bucket_exists(): it asks with HEAD, whose answer has no body, so that a wrong key looks like a missing right.
        try:
            next(iter(self._buckets.list_objects(bucket_name=name, prefix=RULE)), None)
        except S3Error as error:
            if error.code == 'NoSuchBucket':
                return False
            raise
        return True


def shown(name: str, rules: t.Sequence[Rule] | None) -> dict[str, t.Any]:
    """A bucket for results and diffs."""
    return {'name': name, **({} if rules is None else {'cors': [dataclasses.asdict(rule) for rule in rules]})}
