# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Object stores: the bucket, the default bucket, the teams' buckets. Pure.

Everything here ends in a URL that the chart (or, for teams, this module) composes of ``$(NAME)`` references, so that no key stands in clear.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import encoded
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import Env, from_secret
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

Options = t.Mapping[str, t.Any]
Store = t.Mapping[str, t.Any]

# They are in the environment of every pod, in alphabetical order; a reference is expanded only if it stands before its user,
# and BUCKET_TEAM_... does before GORILLA_SUPPORTED_FILE_STORES.
TEAM_PREFIX = 'BUCKET_TEAM_'
SUPPORTED_STORES = 'GORILLA_SUPPORTED_FILE_STORES'
_SCHEMES = {'s3': 's3', 'gcs': 'gs', 'az': 'az', 'cw': 'cw'}
_COREWEAVE = 'cwobject.com'


def bucket_values(options: Options, era: eras.Era, notes: Notes) -> Values:
    """``global.bucket`` or ``global.defaultBucket``, whichever is given."""
    bucket, default = options.get('bucket'), options.get('default_bucket')
    if bucket and default:
        notes.problems.append('default_bucket is not read while bucket is given: leave one of them out (bucket locks the choice in the console)')
    if not bucket and not default:
        notes.problems.append('bucket: an object store is wanted (bucket, or default_bucket to leave the choice to the console)')
        return {}
    values: Values = {}
    if default:
        # The chart has one place for the keys, for either.
        values = {'defaultBucket': _store(default, 'default_bucket', notes), 'bucket': _keys(default, 'default_bucket', notes)}
    if bucket:
        values = {'bucket': {**_store(bucket, 'bucket', notes), **_keys(bucket, 'bucket', notes)}}
    shared: Values = {'global': {key: value for key, value in values.items() if value}}
    queue = (bucket or {}).get('queue')
    if queue and era is eras.BASE:
        # app.env of the chart has internal:// and goes over every other place.
        shared['app'] = {'env': {'BUCKET_QUEUE': queue}}
    return shared


def _store(store: Store, option: str, notes: Notes) -> Values:
    name, prefix = store.get('name') or '', (store.get('path') or '').strip('/')
    if not name:
        notes.problems.append(f'{option}.name: the name of the bucket is wanted')
    host = store.get('host')
    if host:
        _only_s3(store, option, notes)
        # S3-compatible: the endpoint takes the place of the bucket's name, and the bucket that of the path.
        path = encoded(f'{name}/{prefix}' if prefix else name, '/')
        address = {'name': _endpoint(store), 'path': f'{path}?tls=true' if store.get('tls') else path}
    else:
        address = {'name': name, 'path': encoded(prefix, '/') if prefix else ''}
        if store.get('provider') == 'az' and '/' not in name and not prefix:
            notes.problems.append(f'{option}.name: on Azure it is account/container')
    if store.get('kms_key') and (host or store.get('provider') != 's3'):
        notes.problems.append(f'{option}.kms_key: only S3 on AWS has one; leave it out')
    return {
        'provider': store.get('provider'),
        'name': address['name'],
        'path': address['path'] or None,
        'region': store.get('region') or None,
        'kmsKey': store.get('kms_key') or None,
    }


def _endpoint(store: Store) -> str:
    return f'{store["host"]}:{store.get("port") or (443 if store.get("tls") else 80)}'


def _only_s3(store: Store, option: str, notes: Notes) -> None:
    if store.get('provider') != 's3':
        notes.problems.append(f'{option}.host: only S3-compatible stores have one; leave it out, or set provider: s3')


def _keys(store: Store, option: str, notes: Notes) -> Values:
    secret = store.get('secret')
    if not secret:
        return {}
    if store.get('provider') == 'gcs':
        notes.warnings.append(f"{option}.secret is left out: the chart reads no keys for gcs, the pods' service account has to give access")
        return {}
    keys = {'secretName': secret.get('name'), 'accessKeyName': secret.get('access_key_key')}
    if store.get('provider') != 'az':
        keys['secretKeyName'] = secret.get('secret_key_key')
    return {'secret': keys}


def store_env(options: Options, era: eras.Era, notes: Notes) -> Env:
    """What the stores put into the environment of all pods."""
    env: Env = {}
    bucket = options.get('bucket') or {}
    if bucket.get('proxied'):
        env.update(dict.fromkeys(('BUCKET_PROXY', 'GORILLA_FILE_STORE_IS_PROXIED', 'GORILLA_GLUE_FILE_STORE_IS_PROXIED'), 'true'))
    if bucket.get('queue') and era is not eras.BASE:
        env['BUCKET_QUEUE'] = bucket['queue']
    collects = options.get('artifact_garbage_collection')
    if collects is not None:
        env['GORILLA_ARTIFACT_GC_ENABLED'] = 'true' if collects else 'false'
    stores = options.get('team_buckets') or []
    if stores and era is not eras.BASE and any(store.get('secret') for store in stores):
        notes.problems.append('team_buckets: charts before 0.33 put what comes from a Secret behind what needs it; use chart 0.33 or newer')
    urls: list[str] = []
    for index, store in enumerate(stores):
        names = f'{TEAM_PREFIX}{index:02}'
        url = _team_url(store, f'team_buckets[{index}]', names, notes)
        if url in urls:
            notes.warnings.append(f'team_buckets[{index}] is there already')
        else:
            urls.append(url)
        secret = store.get('secret') or {}
        if secret:
            env[f'{names}_ACCESS_KEY'] = from_secret(secret, 'access_key_key')
            if store.get('provider') != 'az':
                env[f'{names}_SECRET_KEY'] = from_secret(secret, 'secret_key_key')
    if urls:
        env[SUPPORTED_STORES] = ','.join(urls)
    return env


def _team_url(store: Store, option: str, names: str, notes: Notes) -> str:
    """One entry of GORILLA_SUPPORTED_FILE_STORES, in the forms of W&B's page "Bring your own bucket"."""
    provider = store.get('provider') or 's3'
    scheme, access, secret = _SCHEMES[provider], f'$({names}_ACCESS_KEY)', f'$({names}_SECRET_KEY)'
    name, prefix = store.get('name') or '', (store.get('path') or '').strip('/')
    path = encoded(f'{name}/{prefix}' if prefix else name, '/')
    keyed, host = bool(store.get('secret')), store.get('host')
    if not name:
        notes.problems.append(f'{option}.name: the name of the bucket is wanted')
    if store.get('kms_key'):
        notes.problems.append(f'{option}.kms_key: the key of a team is set in the app, with the team')
    if host and provider != 'cw':
        _only_s3(store, option, notes)
    if store.get('region') and provider != 's3':
        notes.problems.append(f'{option}.region: only S3 has one here; leave it out')
    if provider == 'az':
        return f'az://:{access}@{path}' if keyed else f'az://{path}'
    if provider == 'gcs':
        return f'gs://{access}:{secret}@{path}' if keyed else f'gs://{path}'
    if provider == 'cw':
        if not keyed:
            notes.warnings.append(f'{option}: CoreWeave without keys is allowed as a whole (cw://); name, path and host are given in the app, with the team')
            return 'cw://'
        return f'cw://{access}:{secret}@{_endpoint(store) if host else _COREWEAVE}/{path}?tls=true'
    if not store.get('region'):
        notes.problems.append(f'{option}.region is wanted: the server cannot tell the region of a further store')
    if keyed != bool(host):
        notes.problems.append(f'{option}: give host and secret, or neither (the endpoint of AWS is s3.REGION.amazonaws.com)')
    region = f'region={encoded(store.get("region") or "")}'
    if not keyed or not host:
        return f'{scheme}://{path}?{region}'
    return f'{scheme}://{access}:{secret}@{_endpoint(store)}/{path}?{region}' + ('&tls=true' if store.get('tls') else '')
