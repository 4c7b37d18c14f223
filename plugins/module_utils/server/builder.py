# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of ``wandb_server`` to the ``spec`` of a WeightsAndBiases. Pure: no module, no cluster.

Emits no null (the operator's merge may stumble over it), no list where the chart takes a map (the operator appends
lists of several levels), and percent-encodes what ends in a URL (the chart interpolates raw).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t
from urllib.parse import quote

from ansible_collections.wandb.onprem.plugins.module_utils.server import components as parts
from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.charts import chart_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import env_values
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import SIZES
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get, merge, null_paths, without_nulls

Options = t.Mapping[str, t.Any]

ANNOTATION_PREFIX = 'inputs.wandb.onprem/'

_HOST = re.compile(r'https://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?')
_URL_SAFE = re.compile(r'[A-Za-z0-9._~-]+')

# What must come by a reference, and the option that takes it.
_CLEAR_SECRETS: tuple[tuple[tuple[str, ...], str], ...] = (
    (('global', 'license'), 'license_secret'),
    (('global', 'mysql', 'password'), 'mysql.password_secret'),
    (('global', 'redis', 'password'), 'redis.password_secret'),
    (('global', 'bucket', 'accessKey'), 'bucket.secret'),
    (('global', 'bucket', 'secretKey'), 'bucket.secret'),
    (('global', 'auth', 'oidc', 'secret'), 'extra_values.global.auth.oidc.oidcSecret'),
)
# Releases that must not be installed, with the reason.
_BROKEN_RELEASES = {'0.78.0': 'its artifact access is broken; use 0.78.2', '0.78.1': 'its artifact access is broken; use 0.78.2'}


class OptionsError(ValueError):
    """The options cannot become a spec; ``problems`` holds every reason, each naming its option."""

    def __init__(self, problems: t.Sequence[str]) -> None:
        super().__init__('; '.join(problems))
        self.problems = list(problems)


@dataclasses.dataclass
class Notes:
    """What the builder has to say: problems stop it, warnings are shown to the user."""

    problems: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Built:
    """A spec, and the warnings that came up on the way."""

    spec: Values
    warnings: list[str]


def build(options: Options, checksums: t.Mapping[str, str] | None = None) -> Built:
    """The spec for these options.

    ``checksums``: purpose -> HMAC of the objects referred to; they roll the pods when one of these changes.
    Raises OptionsError with all problems at once.
    """
    notes = Notes()
    chart, chart_version = chart_spec(options, notes)
    # Without a usable version there is a problem already, or the channel decides, which is of today.
    era = eras.era_of(chart_version) if chart_version else eras.BASE
    values: Values = {}
    for part in (
        _site(options, notes),
        _images(options, notes),
        _mysql(options, notes),
        _redis(options, notes),
        _bucket(options, notes),
        _ingress(options, notes),
        _pods(options, checksums or {}, notes),
        parts.component_values(options, era, notes),
    ):
        values = merge(values, part)
    values = merge(values, _extra(options, era, notes))
    if notes.problems:
        raise OptionsError(notes.problems)
    values = without_nulls(values)
    spec: Values = {'values': merge(values, _settings_checksum(values))}
    if chart:
        spec['chart'] = chart
    return Built(spec, notes.warnings)


def host_name(host: str) -> str:
    """``https://wandb.example.com:8443`` -> ``wandb.example.com``."""
    return host.split('://', 1)[-1].split(':', 1)[0]


def _site(options: Options, notes: Notes) -> Values:
    host = options.get('wandb_host') or ''
    if not _HOST.fullmatch(host):
        notes.problems.append(f'wandb_host: "{host}" must be https:// and a name in lower case, without path or trailing slash')
    size = options.get('size')
    if size and size not in SIZES:
        notes.problems.append(f'size: "{size}" is none of {", ".join(SIZES)}{eras.nearest(size, SIZES)}')
    secret = options.get('license_secret')
    if not secret:
        notes.problems.append('license_secret: a Secret with the licence is wanted')
        secret = {}
    values: Values = {
        'global': {
            'host': host,
            'size': size,
            'licenseSecret': {'name': secret.get('name'), 'key': secret.get('key')},
            'caCertsConfigMap': options.get('custom_ca_configmap') or None,
        },
    }
    frequency = options.get('reconcile_frequency')
    if frequency:
        if not re.fullmatch(r'([0-9]+(\.[0-9]+)?(ms|s|m|h))+', frequency):
            notes.problems.append(f'reconcile_frequency: "{frequency}" is no duration such as 30m or 1h30m')
        values['reconcileFrequency'] = frequency
    return values


def _images(options: Options, notes: Notes) -> Values:
    tag = options.get('image_tag')
    if tag in _BROKEN_RELEASES:
        notes.problems.append(f'image_tag: {tag} must not be installed: {_BROKEN_RELEASES[tag]}')
    if not options.get('follow_channel') and not tag:
        notes.problems.append('image_tag: give the release to run (the chart would take "latest"), or set follow_channel')
    return {
        'global': {
            'repositoryPrefix': (options.get('repository_prefix') or '').rstrip('/') or None,
            'imageRegistry': (options.get('image_registry') or '').rstrip('/') or None,
            'imagePullSecrets': [{'name': name} for name in options.get('image_pull_secrets') or []] or None,
        },
    }


def _url_safe(value: str, option: str, notes: Notes) -> None:
    # The client in init-db takes these as they are, the app's URL percent-decoded: only what is both can work.
    if not _URL_SAFE.fullmatch(value):
        notes.problems.append(f'{option}: "{value}" may hold letters, digits and ._~- only (it stands in a URL)')


def _pem(text: str | None, option: str, notes: Notes) -> str | None:
    if not text:
        return None
    if '-----BEGIN CERTIFICATE-----' not in text or 'PRIVATE KEY' in text:
        notes.problems.append(f'{option}: the text of one or more PEM certificates is wanted')
    return text.strip() + '\n'


def _mysql(options: Options, notes: Notes) -> Values:
    mysql = options.get('mysql')
    if not mysql:
        if not (options.get('install') or {}).get('mysql'):
            notes.problems.append("mysql: an endpoint is wanted (install.mysql: true takes the chart's own, for tests only)")
        return {}
    for key in ('database', 'user'):
        _url_safe(str(mysql.get(key) or ''), f'mysql.{key}', notes)
    return {
        'mysql': {'install': False},
        'global': {
            'mysql': {
                'host': mysql.get('host'),
                'port': mysql.get('port'),
                'database': mysql.get('database'),
                'user': mysql.get('user'),
                'passwordSecret': {'name': mysql['password_secret'].get('name'), 'passwordKey': mysql['password_secret'].get('key')},
                # A string: with valueFrom the chart's otel template fails to render.
                'caCert': _pem(mysql.get('ca'), 'mysql.ca', notes),
            },
        },
    }


def _redis(options: Options, notes: Notes) -> Values:
    redis = options.get('redis')
    if not redis:
        return {'redis': {'install': True}}
    params = {str(key): quote(str(value), safe='/:.') for key, value in (redis.get('params') or {}).items()}
    ca = _pem(redis.get('ca'), 'redis.ca', notes)
    if redis.get('tls'):
        params.setdefault('tls', 'true')
    elif ca or params.get('tls') == 'true':
        # caCert alone makes the chart set tls=true.
        notes.problems.append('redis.ca and redis.params.tls: true need redis.tls: true')
    secret = redis.get('password_secret') or {}
    return {
        'redis': {'install': False},
        'global': {
            'redis': {
                'host': redis.get('host'),
                'port': redis.get('port'),
                'external': False,
                'secret': {'secretName': secret.get('name'), 'secretKey': secret.get('key')} if secret else None,
                'params': params or None,
                'caCert': ca,
            },
        },
    }


def _bucket(options: Options, notes: Notes) -> Values:
    bucket = options.get('bucket')
    if not bucket:
        notes.problems.append('bucket: an object store is wanted')
        return {}
    name, prefix = bucket.get('name') or '', (bucket.get('path') or '').strip('/')
    if not name:
        notes.problems.append('bucket.name: the name of the bucket is wanted')
    host = bucket.get('host')
    if host:
        # S3-compatible: the endpoint takes the place of the bucket's name, and the bucket that of the path.
        port = bucket.get('port') or (443 if bucket.get('tls') else 80)
        path = quote(f'{name}/{prefix}' if prefix else name, safe='/')
        address = {'name': f'{host}:{port}', 'path': f'{path}?tls=true' if bucket.get('tls') else path}
        if bucket.get('provider') != 's3':
            notes.problems.append('bucket.host: only S3-compatible stores have one; leave it out, or set provider: s3')
    else:
        address = {'name': name, 'path': quote(prefix, safe='/') if prefix else ''}
    secret = bucket.get('secret') or {}
    return {
        'global': {
            'bucket': {
                'provider': bucket.get('provider'),
                'name': address['name'],
                'path': address['path'] or None,
                'region': bucket.get('region') or None,
                'secret': {
                    'secretName': secret.get('name'),
                    'accessKeyName': secret.get('access_key_key'),
                    'secretKeyName': secret.get('secret_key_key'),
                }
                if secret
                else None,
            },
        },
    }


def _ingress(options: Options, notes: Notes) -> Values:
    ingress = options.get('ingress') or {}
    if ingress.get('enabled') is False:
        return {'ingress': {'install': False, 'create': False}}
    hosts = [host_name(options.get('wandb_host') or ''), *(ingress.get('additional_hosts') or [])]
    for extra in hosts[1:]:
        if not _HOST.fullmatch(f'https://{extra}'):
            notes.problems.append(f'ingress.additional_hosts: "{extra}" is no name of a host (no scheme, no path)')
    secret = ingress.get('tls_secret')
    return {
        'ingress': {
            'install': True,
            'create': True,
            'class': ingress.get('class') or None,
            'annotations': {key: str(value) for key, value in (ingress.get('annotations') or {}).items()} or None,
            'tls': [{'secretName': secret, 'hosts': hosts}] if secret else None,
            'additionalHosts': hosts[1:] or None,
        },
    }


def _pods(options: Options, checksums: t.Mapping[str, str], notes: Notes) -> Values:
    given = ((options.get('object_metadata') or {}).get('pod') or {}).get('annotations') or {}
    for name in given:
        if name.startswith(ANNOTATION_PREFIX):
            notes.problems.append(f'object_metadata.pod.annotations: {name} is written by the module itself')
    annotations = {key: str(value) for key, value in given.items()}
    annotations.update({ANNOTATION_PREFIX + purpose: checksum for purpose, checksum in checksums.items()})
    return {
        'global': {
            'pod': {'annotations': annotations} if annotations else None,
            'extraEnv': env_values(options.get('env'), 'env', notes) or None,
        },
    }


def _settings_checksum(values: Values) -> Values:
    """The chart hands host, bucket, Redis and more to the pods in ConfigMaps and puts no checksum of those on the pods: without this one
    they would run on with the old bucket after the custom resource names another."""
    settings = {key: value for key, value in values['global'].items() if key != 'pod'}
    checksum = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:32]
    return {'global': {'pod': {'annotations': {ANNOTATION_PREFIX + 'settings': checksum}}}}


def _extra(options: Options, era: eras.Era, notes: Notes) -> Values:
    extra = dict(options.get('extra_values') or {})
    known = {*era.components, *eras.OTHER_KEYS}
    for key in extra:
        if key not in known:
            notes.warnings.append(f'extra_values.{key}: the chart knows no such key{eras.nearest(key, known)}')
    for path in null_paths(extra):
        notes.warnings.append(f'extra_values.{path} is null and left out: the operator drops nulls, so it would do nothing')
    for clear, option in _CLEAR_SECRETS:
        found = get(extra, clear)
        if isinstance(found, str) and found:
            notes.problems.append(f'extra_values.{".".join(clear)} would stand in clear in the custom resource: use {option}')
    return extra
