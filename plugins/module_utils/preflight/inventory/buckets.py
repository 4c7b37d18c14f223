# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for buckets on a store of the user's own, and for those of teams. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import shuts_out
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

_MANAGED = ('wandb_bucket_create', 'wandb_bucket_cors')
_ADMIN = ('wandb_bucket_admin_access_key', 'wandb_bucket_admin_secret_key')
_S3 = ('s3', 'cw')


@rule(
    'bucket-managed', *_MANAGED,
    why='Only a store with the S3 API, and of your own, is asked for that.',
    mend='remove it',
)
def managed(site: Site) -> t.Iterator[Found]:
    """Bucket and CORS rule are made on a store of your own that has the S3 API."""
    store = site.mapping('wandb_bucket_endpoint')
    for name in _MANAGED:
        if not site.flag(name):
            continue
        if not store:
            yield Found(name, 'is true, and there is no wandb_bucket_endpoint', 'remove it: role minio does that for the store that it makes')
        elif store.get('provider', 's3') not in _S3:
            yield Found(name, f'is true, and the store is {store["provider"]}', 'remove it: playbook bucket tells what the administrator of the store does')


@rule(
    'bucket-admin-key', *_ADMIN,
    why='One half of a key opens nothing, and without one nobody makes the bucket or its CORS rule.',
    mend='give both wandb_bucket_admin_access_key and wandb_bucket_admin_secret_key',
)
def admin_key(site: Site) -> t.Iterator[Found]:
    """Who makes a bucket or its CORS rule has a whole key for that."""
    given = [name for name in _ADMIN if site.has(name)]
    store = site.mapping('wandb_bucket_endpoint')
    if len(given) == 1:
        missing = [name for name in _ADMIN if name not in given]
        yield Found(missing[0], f'is missing beside {given[0]}')
    elif not given and store and any(site.flag(name) for name in _MANAGED) and (store.get('pod_identity') or store.get('secret')):
        yield Found(_ADMIN[0], 'is missing, and the keys of the server are not here')


@rule(
    'bucket-origins', 'wandb_bucket_cors_origins', 'wandb_host',
    why='Browsers would refuse to load objects of the site.',
    mend='add "{{ wandb_host }}" to the list',
)
def origins(site: Site) -> t.Iterator[Found]:
    """Pages of the site itself may use the presigned URLs of a store of your own."""
    if site.mapping('wandb_bucket_endpoint') and shuts_out(site, site.entries('wandb_bucket_cors_origins')):
        yield Found('wandb_bucket_cors_origins', 'does not list wandb_host')


@rule(
    'team-own-key', 'wandb_team_buckets', 'wandb_minio_access_key', 'wandb_minio_bucket',
    why='On the store of the site each key opens one bucket: the last one would win.',
    mend='give each bucket a key and a name of its own',
)
def team_own_key(site: Site) -> t.Iterator[Found]:
    """Teams' buckets on the store that is made here have names and keys of their own."""
    taken = {site.text('wandb_minio_access_key'): 'wandb_minio_access_key', site.text('wandb_minio_bucket'): 'wandb_minio_bucket'}
    for number, entry in site.dictionaries('wandb_team_buckets') if site.members('wandb_minio') else ():
        if entry.get('host') != site.text('wandb_minio_address'):
            continue
        for key in ('access_key', 'name'):
            value = str(entry.get(key) or '')
            if value and value in taken:
                yield Found('wandb_team_buckets', f'entry {number}: its {key} is that of {taken[value]}')
            taken[value] = f'entry {number}'


RULES = (managed, admin_key, origins, team_own_key)
