# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups in a bucket of an S3-compatible store, streamed in parts.

Uses of the module: boto3.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib
import os
import typing as t

from .report import WRONG_SETTINGS, BackupError
from .stores import LEFTOVER_SECONDS, Reader, Writer, told

# A part must be held in memory. S3 takes 10 000 parts: parts grow, so that 880 GiB fit into one object.
FIRST_PART = 16 << 20
GROW_EVERY = 1000


class S3Settings(t.NamedTuple):
    """`endpoint` is a URL, empty = AWS; `ca_file` empty = the host's own CAs; `prefix` without slashes at its ends."""

    name: str
    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    prefix: str = ''
    region: str = 'us-east-1'
    ca_file: str = ''
    timeout: int = 60


class _S3Writer:
    """Small objects by one request, larger ones by a multipart upload, which S3 itself shows only when it is completed."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store, self._key = store, key
        self._buffer = bytearray()
        self._parts: list[dict[str, t.Any]] = []
        self._upload = ''

    def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= FIRST_PART * (1 + len(self._parts) // GROW_EVERY):
            self._send()

    def _send(self) -> None:
        with self._store.told(f'cannot write {self._key}'):
            if not self._upload:
                self._upload = self._store.client.create_multipart_upload(**self._store.where(self._key))['UploadId']
            number = len(self._parts) + 1
            answer = self._store.client.upload_part(
                **self._store.where(self._key), UploadId=self._upload, PartNumber=number, Body=bytes(self._buffer))
        self._parts.append({'PartNumber': number, 'ETag': answer['ETag']})
        self._buffer.clear()

    def commit(self) -> None:
        if not self._upload:
            with self._store.told(f'cannot write {self._key}'):
                self._store.client.put_object(**self._store.where(self._key), Body=bytes(self._buffer))
            return
        if self._buffer:
            self._send()
        with self._store.told(f'cannot write {self._key}'):
            self._store.client.complete_multipart_upload(
                **self._store.where(self._key), UploadId=self._upload, MultipartUpload={'Parts': self._parts})
        self._upload = ''

    def abort(self) -> None:
        if self._upload:
            with contextlib.suppress(Exception):
                self._store.client.abort_multipart_upload(**self._store.where(self._key), UploadId=self._upload)


class _S3Reader:
    def __init__(self, store: S3Store, key: str, body: t.Any) -> None:
        self._store, self._key, self._body = store, key, body

    def read(self, count: int) -> bytes:
        with self._store.told(f'cannot read {self._key}'):
            return bytes(self._body.read(count))

    def close(self) -> None:
        self._body.close()


class S3Store:
    """See `stores.Store`."""

    def __init__(self, settings: S3Settings) -> None:
        # Newer boto3 sends checksums that older S3-compatible stores refuse; older boto3 does not know the settings.
        os.environ.setdefault('AWS_REQUEST_CHECKSUM_CALCULATION', 'when_required')
        os.environ.setdefault('AWS_RESPONSE_CHECKSUM_VALIDATION', 'when_required')
        try:
            boto3, settings_of, errors, http = map(importlib.import_module, ('boto3', 'botocore.config', 'botocore.exceptions', 'urllib3.exceptions'))
        except ImportError as error:
            raise BackupError(f'Target {settings.name} needs boto3 (python3-boto3): {error}', WRONG_SETTINGS) from error
        self.name = settings.name
        self._settings = settings
        self._errors = (errors.BotoCoreError, errors.ClientError, http.HTTPError, OSError)
        self.client: t.Any = boto3.client(
            's3', endpoint_url=settings.endpoint or None, region_name=settings.region,
            aws_access_key_id=settings.access_key, aws_secret_access_key=settings.secret_key, verify=settings.ca_file or None,
            config=settings_of.Config(
                connect_timeout=10, read_timeout=settings.timeout, retries={'max_attempts': 4, 'mode': 'standard'},
                s3={'addressing_style': 'path' if settings.endpoint else 'auto'}))

    def told(self, doing: str) -> t.ContextManager[None]:
        """Errors of the library and of the store."""
        return told(self.name, doing, *self._errors)

    def where(self, key: str) -> dict[str, str]:
        """Bucket and key, as every request takes them."""
        return {'Bucket': self._settings.bucket, 'Key': self._full(key)}

    def _full(self, key: str) -> str:
        return f'{self._settings.prefix}/{key}' if self._settings.prefix else key

    def writer(self, key: str) -> Writer:
        return _S3Writer(self, key)

    def reader(self, key: str) -> Reader:
        with self.told(f'cannot read {key}'):
            return _S3Reader(self, key, self.client.get_object(**self.where(key))['Body'])

    def _pages(self, operation: str, **more: t.Any) -> t.Iterator[dict[str, t.Any]]:
        return iter(self.client.get_paginator(operation).paginate(Bucket=self._settings.bucket, **more))

    def sizes(self, prefix: str) -> dict[str, int]:
        skip = len(self._full(''))
        with self.told('cannot list'):
            return {
                entry['Key'][skip:]: entry['Size']
                for page in self._pages('list_objects_v2', Prefix=self._full(prefix)) for entry in page.get('Contents', [])}

    def delete(self, keys: t.Sequence[str]) -> None:
        for key in keys:
            with self.told(f'cannot delete {key}'):
                self.client.delete_object(**self.where(key))

    def sweep(self) -> int:
        edge = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=LEFTOVER_SECONDS)
        count = 0
        with self.told('cannot clean up'):
            for page in self._pages('list_multipart_uploads', Prefix=self._full('')):
                for upload in page.get('Uploads', []):
                    if upload['Initiated'] < edge:
                        self.client.abort_multipart_upload(Bucket=self._settings.bucket, Key=upload['Key'], UploadId=upload['UploadId'])
                        count += 1
        return count
