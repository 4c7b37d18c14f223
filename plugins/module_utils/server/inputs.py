# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and ConfigMaps that the options refer to: are they there, and did they change?

The chart puts no checksum on its pods, so a rotated Secret would restart nothing. An HMAC of the contents, in the
annotations of all pods, restarts them through the custom resource itself. An HMAC, because a plain checksum of a weak
password could be guessed offline by whoever may read the custom resource; its key is in a Secret of ours.

Pure; objects are passed in as the API returns them.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server.charts import chart_form
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import env_references
from ansible_collections.wandb.onprem.plugins.module_utils.server.guide import with_guide
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes

Objects = t.Mapping[tuple[str, str, str], t.Mapping[str, t.Any]]

HMAC_KEY = 'key'
# Option, its key that names a Secret, and for what the pods need that.
_PASSWORDS = (
    ('mysql', 'password_secret', 'mysql'),
    ('redis', 'password_secret', 'redis'),
    ('clickhouse', 'password_secret', 'clickhouse'),
    ('oidc', 'secret', 'oidc'),
    ('ldap', 'bind_password_secret', 'ldap'),
    ('smtp', 'password_secret', 'smtp'),
    ('slack', 'secret', 'slack'),
)
CHARTS_FOLDER = '/charts/'
CHARTS_CONFIG_MAP = 'wandb-charts'


@dataclasses.dataclass(frozen=True)
class Reference:
    """An object that an option names. ``keys`` must be in it; none = the whole object. ``purpose``: under which name its
    HMAC goes to the pods; none = nothing in a pod depends on it."""

    option: str
    kind: str
    namespace: str
    name: str
    keys: tuple[str, ...] = ()
    purpose: str = ''

    @property
    def id(self) -> tuple[str, str, str]:
        """Kind, namespace, name."""
        return self.kind, self.namespace, self.name


def hmac_secret(name: str) -> str:
    """Name of the Secret that holds the HMAC's key."""
    return f'{name}-hmac'


def references(options: t.Mapping[str, t.Any]) -> list[Reference]:
    """Everything that these options refer to, also where only ``guide_values`` name it."""
    options = with_guide(options, Notes())
    namespace = options['namespace']
    found: list[Reference] = []

    def secret(option: str, given: t.Mapping[str, t.Any] | None, keys: t.Sequence[str], purpose: str = '') -> None:
        if given and given.get('name'):
            found.append(Reference(option, 'Secret', namespace, given['name'], tuple(given[key] for key in keys if given.get(key)), purpose))

    def of(option: str) -> t.Mapping[str, t.Any]:
        return options.get(option) or {}

    def store(option: str, given: t.Mapping[str, t.Any], purpose: str) -> None:
        # Azure has a single key.
        keys = ['access_key_key'] if given.get('provider') == 'az' else ['access_key_key', 'secret_key_key']
        secret(option, given.get('secret'), keys, purpose)

    secret('license_secret', options.get('license_secret'), ['key'], 'license')
    for option, key, purpose in _PASSWORDS:
        secret(f'{option}.{key}', of(option).get(key), ['key'], purpose)
    for option in ('bucket', 'default_bucket'):
        # On GCS the chart reads none.
        if of(option).get('provider') != 'gcs':
            store(f'{option}.secret', of(option), 'bucket')
    for index, team in enumerate(options.get('team_buckets') or []):
        store(f'team_buckets[{index}].secret', team, 'team-buckets')
    secret('ingress.tls_secret', {'name': (options.get('ingress') or {}).get('tls_secret')}, [])
    for name in options.get('image_pull_secrets') or []:
        secret('image_pull_secrets', {'name': name}, [])
    if options.get('custom_ca_configmap'):
        found.append(Reference('custom_ca_configmap', 'ConfigMap', namespace, options['custom_ca_configmap'], purpose='ca'))
    chart = options.get('chart') or {}
    secret('chart.credential_secret', chart.get('credential_secret'), ['username_key', 'password_key'])
    if chart_form(chart) == 'path' and chart['path'].startswith(CHARTS_FOLDER) and options.get('operator_namespace'):
        # The path stays the same when the archive behind it changes, and the operator compares the custom resource only.
        key = chart['path'][len(CHARTS_FOLDER) :]
        found.append(Reference('chart.path', 'ConfigMap', options['operator_namespace'], CHARTS_CONFIG_MAP, (key,), 'chart'))
    environments = {'env': options.get('env')}
    for name, component in (options.get('components') or {}).items():
        if isinstance(component, t.Mapping) and isinstance(component.get('env'), t.Mapping):
            environments[f'components.{name}.env'] = component['env']
    for option, env in environments.items():
        found += [Reference(option, kind, namespace, name, (key,), 'env') for kind, name, key in env_references(env)]
    return found


def content(document: t.Mapping[str, t.Any]) -> dict[str, bytes]:
    """Key -> content of a Secret or ConfigMap."""
    if document.get('kind') == 'Secret':
        return {key: _decoded(value) for key, value in (document.get('data') or {}).items()}
    plain = {key: value.encode() for key, value in (document.get('data') or {}).items()}
    return {**plain, **{key: _decoded(value) for key, value in (document.get('binaryData') or {}).items()}}


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b''


def reference_problems(wanted: t.Sequence[Reference], objects: Objects) -> list[str]:
    """What is missing, each with the option that asks for it."""
    problems = []
    for reference in wanted:
        found = objects.get(reference.id)
        place = f'{reference.kind} {reference.name} in namespace {reference.namespace}'
        if found is None:
            problems.append(f'{reference.option}: there is no {place}')
            continue
        held = content(found)
        for key in reference.keys:
            if not held.get(key):
                what = 'an empty' if key in held else 'no'
                problems.append(f'{reference.option}: {place} has {what} key {key} (it has: {", ".join(sorted(held)) or "none"})')
        if reference.purpose == 'ca':
            problems += [
                f'{reference.option}: key {key} of {place} must end in .crt, or update-ca-certificates passes it over'
                for key in sorted(held)
                if not key.endswith('.crt')
            ]
    return problems


def checksums(wanted: t.Sequence[Reference], objects: Objects, key: bytes) -> dict[str, str]:
    """Purpose -> HMAC-SHA256 (first 32 hex digits) over all objects of that purpose; absent ones count as empty."""
    digests: dict[str, hmac.HMAC] = {}
    for reference in sorted(wanted, key=lambda one: (one.purpose, one.id, one.keys)):
        if not reference.purpose:
            continue
        digest = digests.setdefault(reference.purpose, hmac.new(key, reference.purpose.encode(), hashlib.sha256))
        held = content(objects.get(reference.id) or {})
        for name in reference.keys or sorted(held):
            # Lengths in front, so that no two contents can run into one another.
            for part in (reference.name.encode(), name.encode(), held.get(name, b'')):
                digest.update(len(part).to_bytes(8, 'big') + part)
    return {purpose: digest.hexdigest()[:32] for purpose, digest in digests.items()}
