# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a kubeconfig's values are secret, and the kubeconfig without them. Pure.

Two ways of hiding, for one is not enough: what is shown of the options has every secret's place taken by ``(hidden)``,
whatever stood there; and secrets that are long enough to be told from ordinary words are handed to Ansible, which takes
them out of messages, diffs and results too. An ``AWS_PROFILE=prod`` of an exec plugin must not turn every ``prod`` of a
result into stars.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

HIDDEN = '(hidden)'

# Of users, auth providers, extensions; `tokenFile` is a path.
_SECRET_KEY = re.compile(r'(token|password|passwd|secret|key-data|api[-_]?key)$', re.I)
_SECRET_FLAG = re.compile(r'^--?[\w.-]*(token|password|passwd|secret|api[-_]?key)$', re.I)
# Environment of exec plugins that says where and as what, not with what.
_PLAIN_VARIABLE = re.compile(r'(profile|region|path|home|file|dir|config|proxy|url|endpoint|account|project|location|version|mode|method|level)s?$', re.I)

_LEAST_SECRET = 4
_LEAST_VARIABLE = 8


def without_secrets(kubeconfig: t.Any) -> tuple[t.Any, set[str]]:
    """(a copy with ``(hidden)`` in place of every secret, the secrets to be taken out of all other output).

    ``kubeconfig`` is a parsed kubeconfig; whatever else it is, is walked all the same.
    """
    secrets: set[str] = set()
    return _walk(kubeconfig, (), secrets), secrets


def url_without_password(url: str) -> tuple[str, set[str]]:
    """The same for one URL."""
    password = urllib.parse.urlsplit(url).password if '@' in url else None
    if not password:
        return url, set()
    return url.replace(f':{password}@', f':{HIDDEN}@', 1), {password, urllib.parse.unquote(password)}


def _walk(value: t.Any, path: tuple[str, ...], secrets: set[str]) -> t.Any:
    if isinstance(value, t.Mapping):
        if 'exec' in path and path[-1] == 'env':
            return _variable(value, secrets)
        return {key: _walk(inner, (*path, str(key)), secrets) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return _arguments(value, secrets) if 'exec' in path and path[-1] == 'args' else [_walk(inner, path, secrets) for inner in value]
    if value in (None, '') or isinstance(value, bool):
        return value
    if _SECRET_KEY.search(path[-1] if path else '') or ('auth-provider' in path and path[-1] != 'name'):
        return _hidden(str(value), _LEAST_SECRET, secrets)
    if isinstance(value, str) and '://' in value:
        shown, found = url_without_password(value)
        secrets.update(found)
        return shown
    return value


def _hidden(value: str, least: int, secrets: set[str]) -> str:
    if len(value) >= least:
        secrets.add(value)
    return HIDDEN


def _variable(entry: t.Mapping[str, t.Any], secrets: set[str]) -> dict[str, t.Any]:
    """``{name, value}`` of an exec plugin's environment."""
    shown = dict(entry)
    if shown.get('value') not in (None, ''):
        value = str(shown['value'])
        if '://' in value:
            secrets.update(url_without_password(value)[1])
        plain = _PLAIN_VARIABLE.search(str(shown.get('name')))
        shown['value'] = HIDDEN if plain else _hidden(value, _LEAST_VARIABLE, secrets)
    return shown


def _arguments(arguments: t.Sequence[t.Any], secrets: set[str]) -> list[t.Any]:
    """``--client-secret=x`` and ``--client-secret x`` of an exec plugin."""
    shown: list[t.Any] = []
    follows = False
    for argument in arguments:
        flag, equals, value = str(argument).partition('=')
        if follows:
            shown.append(_hidden(str(argument), _LEAST_SECRET, secrets))
        elif equals and _SECRET_FLAG.match(flag):
            shown.append(f'{flag}={_hidden(value, _LEAST_SECRET, secrets)}')
        else:
            shown.append(argument)
        follows = not follows and not equals and bool(_SECRET_FLAG.match(flag))
    return shown
