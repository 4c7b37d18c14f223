# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MySQL, Redis and ClickHouse. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import encoded, pem, text, url_safe
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get

Options = t.Mapping[str, t.Any]


def mysql_values(options: Options, notes: Notes) -> Values:
    """The external database, or nothing where the chart's own was asked for."""
    mysql = options.get('mysql')
    if not mysql:
        if not (options.get('install') or {}).get('mysql'):
            notes.problems.append("mysql: an endpoint is wanted (install.mysql: true takes the chart's own, for tests only)")
        return {}
    for key in ('database', 'user'):
        # The client in init-db takes these as they are, the app's URL percent-decoded.
        url_safe(str(mysql.get(key) or ''), f'mysql.{key}', notes)
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
                'caCert': pem(mysql.get('ca'), 'mysql.ca', notes),
            },
        },
    }


def redis_values(options: Options, notes: Notes) -> Values:
    """The external Redis, or the chart's own."""
    redis = options.get('redis')
    if not redis:
        return {'redis': {'install': True}}
    params = _redis_params(redis, notes)
    ca = pem(redis.get('ca'), 'redis.ca', notes)
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


def _redis_params(redis: t.Mapping[str, t.Any], notes: Notes) -> dict[str, str]:
    params = {str(key): encoded(text(value), '/:.') for key, value in (redis.get('params') or {}).items() if value is not None}
    if 'ttlInSeconds' in params:
        notes.problems.append("redis.params.ttlInSeconds cannot be changed: the chart's own 604800 goes over it")
    master = redis.get('sentinel_master')
    if master:
        if 'master' in params:
            notes.problems.append('redis.params.master and redis.sentinel_master are the same: give one of them')
        params['master'] = encoded(master)
        notes.warnings.append(
            'redis.sentinel_master: weave-python does not know Sentinel, and there is no parameter for the password of a Sentinel;'
            ' one address that follows the master serves all of the server'
        )
    return params


def clickhouse_values(options: Options, active: t.Mapping[str, eras.Component], notes: Notes) -> Values:
    """ClickHouse, and the switch of Weave's traces that belongs to their workloads."""
    clickhouse = options.get('clickhouse')
    needing = sorted(name for name, component in active.items() if component.traces)
    given = clickhouse or get(options.get('extra_values') or {}, ('global', 'clickhouse', 'host'))
    if needing and not given:
        notes.problems.append(f'install.{needing[0]}: Weave keeps its traces in ClickHouse; give clickhouse')
    if clickhouse and not needing:
        notes.warnings.append('clickhouse: nothing reads it before install.weave-trace is true')
    shared: Values = {}
    if clickhouse:
        secret = clickhouse['password_secret']
        shared['clickhouse'] = {
            'host': clickhouse.get('host'),
            'port': clickhouse.get('port'),
            'database': clickhouse.get('database'),
            'user': clickhouse.get('user'),
            'passwordSecret': {'name': secret.get('name'), 'passwordKey': secret.get('key')},
            'replicated': bool(clickhouse.get('replicated')),
        }
    if 'weave-trace' in active:
        # Without it the other components are not told of the traces' server.
        shared['weave-trace'] = {'enabled': True}
    return {'global': shared} if shared else {}
