# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``extra_values``: what the chart does not know, what does nothing, and what must not stand in clear. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import OF_THE_APP, env_values
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get, has, null_paths

Options = t.Mapping[str, t.Any]

# What must come by a reference, and the option that takes it.
CLEAR_SECRETS: tuple[tuple[str, str], ...] = (
    ('global.license', 'license_secret'),
    ('global.mysql.password', 'mysql.password_secret'),
    ('global.mysql.rootPassword', 'mysql.password_secret'),
    ('global.redis.password', 'redis.password_secret'),
    ('global.bucket.accessKey', 'bucket.secret'),
    ('global.bucket.secretKey', 'bucket.secret'),
    ('global.defaultBucket.accessKey', 'default_bucket.secret'),
    ('global.defaultBucket.secretKey', 'default_bucket.secret'),
    ('global.clickhouse.password', 'clickhouse.password_secret'),
    ('global.auth.oidc.secret', 'oidc.secret'),
    ('global.email.smtp.password', 'smtp.password_secret'),
    ('global.slack.secret', 'slack.secret'),
    ('global.kafka.password', 'extra_values.global.kafka.passwordSecret'),
    *((f'global.olap.{name}.password', f'extra_values.global.olap.{name}.password.valueFrom') for name in ('default', 'registrySearch')),
    *((f'global.olap.{name}.password', f'extra_values.global.olap.{name}.password.valueFrom') for name in ('runStoreAccelerator', 'history')),
    ('global.statsig.apiKey', 'a Secret gorilla-statsig'),
    ('redis.auth.password', 'extra_values.redis.auth.existingSecret'),
    ('clickhouse.auth.password', 'extra_values.clickhouse.auth.existingSecret'),
)

# Keys that no chart reads, though the guide, W&B's pages or its examples have them, and what does the work.
DEAD_KEYS: tuple[tuple[str, str], ...] = (
    ('global.redis.auth', 'use redis.password_secret'),
    ('global.ldap', 'use ldap'),
    ('global.auth.ldap', 'use ldap'),
    ('global.mysql.name', 'use mysql.database'),
    ('mysql.name', 'use mysql.database'),
    ('global.defaultBucket.secret', 'use default_bucket.secret'),
    ('global.redis.params.ttlInSeconds', "the chart's own 604800 goes over it; leave it out"),
    ('global.ingress', 'use ingress; its key stands beside global, not in it'),
    ('route', 'set ingress.enabled: false and make the Route yourself'),
    ('ingress.enabled', 'use ingress.enabled of the module'),
    ('ingress.issuer', 'its certificate is written under a wrong key; use ingress.tls_secret'),
    ('imagePullSecrets', 'use image_pull_secrets'),
    ('customCACerts', 'use custom_cas'),
    ('caCertsConfigMap', 'use custom_ca_configmap'),
    ('prometheus.server', 'use components.prometheus.image'),
    ('otel.image', 'use components.otel.image'),
    ('app.extraEnv.BUCKET_QUEUE', 'use bucket.queue'),
    ('global.env.BUCKET_QUEUE', 'use bucket.queue'),
    ('global.extraEnv.BUCKET_QUEUE', 'use bucket.queue'),
)


def extra_values(options: Options, era: eras.Era, notes: Notes) -> Values:
    """``extra_values`` as they are, with everything told that is wrong with them."""
    extra = dict(options.get('extra_values') or {})
    if not extra:
        return {}
    known = {*era.components, *eras.OTHER_KEYS}
    dead = _dead(extra, era)
    notes.problems += [f'extra_values.{path}: the chart does not read it: {mend}' for path, mend in dead]
    for key in extra:
        if key not in known and not any(path.split('.')[0] == key for path, _other in dead):
            notes.warnings.append(f'extra_values.{key}: the chart knows no such key{eras.nearest(key, known)}')
    for path in null_paths(extra):
        if path == 'global.bucket.kmsKey':
            notes.problems.append('extra_values.global.bucket.kmsKey is null: leave it out, without a key none is used')
        else:
            notes.warnings.append(f'extra_values.{path} is null and left out: the operator drops nulls, so it would do nothing')
    for clear, option in CLEAR_SECRETS:
        found = get(extra, clear.split('.'))
        if isinstance(found, (str, int)) and found:
            notes.problems.append(f'extra_values.{clear} would stand in clear in the custom resource: use {option}')
    for name in ('global', *era.components):
        for key in ('env', 'extraEnv'):
            env = get(extra, (name, key))
            if isinstance(env, t.Mapping):
                env_values({one: value for one, value in env.items() if value is not None}, f'extra_values.{name}.{key}', notes)
    return extra


def _dead(extra: Values, era: eras.Era) -> list[tuple[str, str]]:
    found = [(path, mend) for path, mend in DEAD_KEYS if has(extra, path.split('.'))]
    if isinstance(get(extra, ('global', 'customCACerts')), t.Mapping):
        found.append(('global.customCACerts', 'a list is wanted; use custom_cas'))
    if era is eras.BASE:
        for name, component in era.components.items():
            if component.base and has(extra, (name, 'pod', 'securityContext')):
                found.append((f'{name}.pod.securityContext', f'use components.{name}.pod_security_context'))
    return found


def env_problems(env: t.Mapping[str, t.Any], era: eras.Era, notes: Notes) -> None:
    """Names in ``env`` that the app will not see."""
    if era is not eras.BASE:
        return
    for name in sorted(OF_THE_APP & set(env)):
        if name == 'BUCKET_QUEUE':
            notes.problems.append("env.BUCKET_QUEUE: the chart's own app.env goes over it: use bucket.queue")
        else:
            notes.warnings.append(f"env.{name}: the app keeps the chart's own value, which goes over it; components.app.env.{name} reaches the app")
