# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How people and their mail get in and out: OIDC, LDAP, SMTP, Slack, sessions, origins, banners. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import encoded, origin_problem
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import Env, from_secret
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

Options = t.Mapping[str, t.Any]

_AUTH_METHODS = ('pkce', 'implicit')
_BANNER_KEYS = ('type', 'message', 'heading', 'dismissable')
_BANNER_TYPES = ('info', 'warning', 'error')

# Key of ``ldap`` -> end of the variable's name; W&B's page on LDAP has LOCAL_LDAP_ in front, its older chart LDAP_.
_LDAP = {
    'host': 'ADDRESS',
    'base_dn': 'BASE_DN',
    'bind_dn': 'BIND_DN',
    'attributes': 'ATTRIBUTES',
    'tls': 'TLS_ENABLE',
    'login': 'LOGIN',
    'group_allow_list': 'GROUP_ALLOW_LIST',
    'user_base_dn': 'USER_BASE_DN',
    'group_base_dn': 'GROUP_BASE_DN',
    'user_object_class': 'USER_OBJECT_CLASS',
    'group_object_class': 'GROUP_OBJECT_CLASS',
}
LDAP_FAMILIES = ('LDAP_', 'LOCAL_LDAP_')


def access_values(options: Options, era: eras.Era, notes: Notes) -> Values:
    """Everything of this room that the chart has keys for."""
    hours = options.get('session_length_hours')
    if hours is not None and hours < 1:
        notes.problems.append(f'session_length_hours: {hours} is no length')
    origins = options.get('extra_cors') or []
    for origin in origins:
        if origin_problem(origin):
            notes.problems.append(f'extra_cors: "{origin}" is no origin such as https://wandb.internal.example.com')
    values: Values = {
        'global': {
            'auth': {'sessionLengthHours': hours, 'oidc': _oidc(options, era, notes)},
            'email': {'smtp': _smtp(options, era, notes)},
            'banners': _banners(options, notes) or None,
        },
    }
    if origins:
        values['app'] = {'extraCors': list(dict.fromkeys(origins))}
    return values


def _oidc(options: Options, era: eras.Era, notes: Notes) -> Values | None:
    oidc = options.get('oidc')
    if not oidc:
        return None
    method, issuer, secret = oidc.get('auth_method'), oidc.get('issuer') or '', oidc.get('secret')
    if method and method not in _AUTH_METHODS:
        notes.problems.append(f'oidc.auth_method: "{method}" is none of {", ".join(_AUTH_METHODS)}{eras.nearest(method, _AUTH_METHODS)}')
    if not issuer.startswith('https://'):
        notes.problems.append(f'oidc.issuer: "{issuer}" must begin with https://')
    if secret:
        _by_reference('oidc.secret', era, notes)
    return {
        'clientId': oidc.get('client_id'),
        'issuer': issuer,
        'authMethod': method or None,
        'oidcSecret': {'name': secret.get('name'), 'secretKey': secret.get('key')} if secret else None,
    }


def _smtp(options: Options, era: eras.Era, notes: Notes) -> Values | None:
    smtp = options.get('smtp')
    if not smtp:
        return None
    secret = smtp.get('password_secret')
    if bool(secret) != bool(smtp.get('user')):
        notes.problems.append('smtp: give user and password_secret, or neither')
    if secret:
        _by_reference('smtp.password_secret', era, notes)
    return {
        'host': smtp.get('host'),
        'port': smtp.get('port'),
        'user': encoded(smtp['user']) if smtp.get('user') else None,
        'password': from_secret(secret) if secret else None,
        'mailFrom': smtp.get('mail_from') or None,
    }


def _by_reference(option: str, era: eras.Era, notes: Notes) -> None:
    if era is not eras.BASE:
        notes.problems.append(f'{option}: charts before 0.33 take this secret in clear only; use chart 0.33 or newer')


def _banners(options: Options, notes: Notes) -> Values:
    found: Values = {}
    for name, banner in (options.get('banners') or {}).items():
        if not isinstance(banner, t.Mapping):
            notes.problems.append(f'banners.{name}: a map of {", ".join(_BANNER_KEYS)} is wanted')
            continue
        for key in banner:
            if key not in _BANNER_KEYS:
                notes.problems.append(f'banners.{name}.{key} is unknown{eras.nearest(key, _BANNER_KEYS)}')
        if banner.get('type') not in (*_BANNER_TYPES, None):
            notes.problems.append(f'banners.{name}.type: "{banner["type"]}" is none of {", ".join(_BANNER_TYPES)}')
        found[name] = dict(banner)
    return found


def access_env(options: Options, era: eras.Era, notes: Notes) -> Env:
    """LDAP and Slack, for which the chart has no keys, or none that can refer to a Secret."""
    return {**_ldap_env(options, notes), **_slack_env(options, era, notes)}


def _ldap_env(options: Options, notes: Notes) -> Env:
    ldap = options.get('ldap')
    if not ldap:
        return {}
    if not str(ldap.get('host')).startswith(('ldap://', 'ldaps://')):
        notes.problems.append(f'ldap.host: "{ldap.get("host")}" must begin with ldap:// or ldaps://')
    secret = ldap.get('bind_password_secret')
    if bool(secret) != bool(ldap.get('bind_dn')):
        notes.problems.append('ldap: give bind_dn and bind_password_secret, or neither (an anonymous bind)')
    notes.warnings.append(
        "ldap: effect unverified; the chart has no keys for it, W&B's documentation knows two families of environment variables, and both are set"
    )
    if not ldap.get('attributes'):
        notes.warnings.append('ldap.attributes: the documentation asks for them (email=mail,group=gidNumber)')
    if any(',' in group for group in ldap.get('group_allow_list') or []):
        notes.warnings.append('ldap.group_allow_list: groups are separated by commas, and a name holds one')
    env: Env = {}
    for option, end in _LDAP.items():
        value = ldap.get(option)
        if value in (None, '', []):
            continue
        told = {True: 'true', False: 'false'}[value] if isinstance(value, bool) else ','.join(value) if isinstance(value, list) else str(value)
        env.update({family + end: told for family in LDAP_FAMILIES})
    if secret:
        env.update({f'{family}BIND_PW': from_secret(secret) for family in LDAP_FAMILIES})
    return env


def _slack_env(options: Options, era: eras.Era, notes: Notes) -> Env:
    slack = options.get('slack')
    if not slack:
        return {}
    _by_reference('slack.secret', era, notes)
    secret = from_secret(slack['secret'])
    env: Env = dict.fromkeys(('SLACK_CLIENT_ID', 'GORILLA_SLACK_CLIENT_ID'), slack.get('client_id'))
    env.update(dict.fromkeys(('SLACK_SECRET', 'GORILLA_SLACK_SECRET'), secret))
    return env
