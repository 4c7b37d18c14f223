# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets of a MinIO deployment: versioning, how long old versions stay, quota, encryption.

Uses of the clients: the bucket calls of Minio, `bucket_quota_get` and `bucket_quota_set` of MinioAdmin. In check mode nothing is written.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.minio import Change, MinioError

try:
    from minio.commonconfig import ENABLED, Filter
    from minio.deleteobjects import DeleteObject
    from minio.error import S3Error
    from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule
    from minio.sseconfig import Rule as EncryptionRule
    from minio.sseconfig import SSEConfig
    from minio.versioningconfig import OFF, SUSPENDED, VersioningConfig
except ImportError:
    # Told by the module, with minio.MINIO_IMPORT_ERROR.
    pass

if t.TYPE_CHECKING:
    from minio import Minio, MinioAdmin

# Ids of our lifecycle rules; those of others are left alone. MinIO takes no such rule for unfinished uploads: see wandb_minio_stale_uploads_expiry.
NONCURRENT, MARKERS = 'wandb-noncurrent', 'wandb-delete-markers'


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a bucket shall have; None leaves it as it is.

    `noncurrent_days`: days after which a version that is no longer the newest goes, 0 = it stays. `quota`: bytes, 0 = none.
    `encryption`: objects are encrypted with the server's keys without being asked to.
    """

    versioning: bool | None = None
    noncurrent_days: int | None = None
    quota: int | None = None
    encryption: bool | None = None

    def applied_to(self, before: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The bucket as it would be."""
        after = dict(before)
        if self.versioning is True:
            after['versioning'] = 'enabled'
        elif self.versioning is False and after['versioning'] == 'enabled':
            # MinIO cannot turn it off again. A bucket that never had it is as good.
            after['versioning'] = 'suspended'
        given = {'noncurrent_days': self.noncurrent_days, 'quota': self.quota, 'encryption': self.encryption}
        return {**after, **{name: value for name, value in given.items() if value is not None}}


class BucketService:
    """Buckets. See the module's text for what is used of the clients."""

    def __init__(self, client: Minio, admin: MinioAdmin, check_mode: bool) -> None:
        self._client = client
        self._admin = admin
        self._check_mode = check_mode

    def read(self, name: str) -> dict[str, t.Any] | None:
        """The bucket as results and diffs show it, or None."""
        # Not bucket_exists(): it asks with HEAD, whose answer has no body, so that a wrong key looks like a missing right.
        try:
            status = self._client.get_bucket_versioning(bucket_name=name).status
        except S3Error as error:
            if error.code == 'NoSuchBucket':
                return None
            raise
        return {
            'name': name,
            'versioning': {ENABLED: 'enabled', SUSPENDED: 'suspended'}.get(status or OFF, 'off'),
            'noncurrent_days': next((days for rule in self._rules(name) if rule.rule_id == NONCURRENT and (days := kept_days(rule))), 0),
            'quota': int(json.loads(self._admin.bucket_quota_get(name) or '{}').get('quota') or 0),
            'encryption': self._client.get_bucket_encryption(bucket_name=name) is not None,
        }

    def ensure(self, name: str, wanted: Wanted) -> Change:
        """Make the bucket and give it what is wanted; the rest stays."""
        before = self.read(name)
        was = before or {'name': name, 'versioning': 'off', 'noncurrent_days': 0, 'quota': 0, 'encryption': False}
        after = wanted.applied_to(was)
        change = Change(before, after)
        if self._check_mode or not change.changed:
            return change
        if before is None:
            self._client.make_bucket(bucket_name=name)
        if after['versioning'] != was['versioning']:
            self._client.set_bucket_versioning(bucket_name=name, config=VersioningConfig(ENABLED if wanted.versioning else SUSPENDED))
        if after['noncurrent_days'] != was['noncurrent_days']:
            self._keep_noncurrent(name, after['noncurrent_days'])
        if after['quota'] != was['quota']:
            self._admin.bucket_quota_set(name, after['quota'])
        if after['encryption'] != was['encryption']:
            if after['encryption']:
                self._client.set_bucket_encryption(bucket_name=name, config=SSEConfig(EncryptionRule.new_sse_s3_rule()))
            else:
                self._client.delete_bucket_encryption(bucket_name=name)
        return Change(before, self.read(name))

    def remove(self, name: str, force: bool) -> Change:
        """Remove the bucket. MinioError if it holds objects or versions and `force` is not given, in check mode too."""
        before = self.read(name)
        if before is None:
            return Change(None, None)
        filled = next(iter(self._client.list_objects(bucket_name=name, recursive=True, include_version=True)), None) is not None
        if filled and not force:
            raise MinioError(f'Bucket {name} is not empty and was left as it is. Set force to true to delete it with every object and version in it.')
        if not self._check_mode:
            if filled:
                self._empty(name)
            self._client.remove_bucket(bucket_name=name)
        return Change(before, None)

    def _rules(self, name: str) -> list[Rule]:
        config = self._client.get_bucket_lifecycle(bucket_name=name)
        return list(config.rules) if config else []

    def _keep_noncurrent(self, name: str, days: int) -> None:
        others = [rule for rule in self._rules(name) if rule.rule_id not in (NONCURRENT, MARKERS)]
        ours = [
            Rule(status=ENABLED, rule_filter=Filter(prefix=''), rule_id=NONCURRENT,
                 noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=days)),
            # A deletion leaves a marker; without older versions behind it, it would stay for ever.
            Rule(status=ENABLED, rule_filter=Filter(prefix=''), rule_id=MARKERS, expiration=Expiration(expired_object_delete_marker=True)),
        ] if days else []
        if others or ours:
            self._client.set_bucket_lifecycle(bucket_name=name, config=LifecycleConfig(others + ours))
        else:
            self._client.delete_bucket_lifecycle(bucket_name=name)

    def _empty(self, name: str) -> None:
        listed = self._client.list_objects(bucket_name=name, recursive=True, include_version=True)
        doomed = (DeleteObject(str(item.object_name), item.version_id) for item in listed)
        errors = [f'{error.name}: {error.message}' for error in self._client.remove_objects(bucket_name=name, delete_object_list=doomed)]
        if errors:
            raise MinioError(f'Bucket {name} could not be emptied, {len(errors)} objects remain; the first: {errors[0]}')


def kept_days(rule: Rule) -> int:
    """Days that a rule keeps versions which are no longer the newest; 0 = it is none of that kind, or it is off."""
    expiration = rule.noncurrent_version_expiration
    return int(expiration.noncurrent_days or 0) if expiration and rule.status == ENABLED else 0
