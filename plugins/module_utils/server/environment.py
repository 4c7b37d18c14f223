# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment of the pods, as the chart takes it. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import has_credentials, text
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

Env = dict[str, t.Any]

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*')
_SECRET = re.compile(r'PASSWORD|PASSWD|SECRET|TOKEN|API_KEY$|ACCESS_KEY$|LICENSE|BIND_PW', re.I)
# Names under which the server is known to take a secret.
SECRET_NAMES = frozenset({
    'AZURE_STORAGE_KEY', 'BUCKET_ACCESS_KEY', 'BUCKET_SECRET_KEY', 'GLOBAL_ADMIN_API_KEY', 'GORILLA_LICENSE', 'GORILLA_OIDC_CLIENT_SECRET',
    'GORILLA_OIDC_SECRET', 'GORILLA_SLACK_SECRET', 'LDAP_BIND_PW', 'LICENSE', 'LOCAL_LDAP_BIND_PW', 'MYSQL_PASSWORD', 'MYSQL_ROOT_PASSWORD',
    'OIDC_CLIENT_SECRET', 'OIDC_SECRET', 'REDIS_PASSWORD', 'SLACK_SECRET', 'SMTP_PASSWORD', 'WF_CLICKHOUSE_PASS',
})  # fmt: skip
# What the chart sets under app.env itself, which goes over global.extraEnv and app.extraEnv.
OF_THE_APP = frozenset({
    'BUCKET_QUEUE', 'GORILLA_GLUE_CONTAINER_PORT', 'GORILLA_GLUE_VIEW_SPEC_UPDATER_EXECUTABLE', 'GORILLA_LICENSE_CERT_PATH',
    'GORILLA_TASK_CONFIG_PATH', 'GORILLA_VIEW_SPEC_UPDATER_EXECUTABLE',
})  # fmt: skip


def env_values(env: t.Mapping[str, t.Any] | None, option: str, notes: Notes) -> Env:
    """Name -> string, or a map with ``valueFrom``. The chart quotes nothing, so numbers and booleans become strings."""
    found: Env = {}
    for name, value in (env or {}).items():
        if not _NAME.fullmatch(name):
            notes.problems.append(f'{option}: "{name}" is no name of an environment variable')
        elif isinstance(value, t.Mapping):
            if set(value) != {'valueFrom'} or not isinstance(value['valueFrom'], t.Mapping):
                notes.problems.append(f'{option}.{name}: a map holds valueFrom and nothing else')
            found[name] = value
        elif isinstance(value, (str, int, float)):
            _clear(name, text(value), option, notes)
            found[name] = text(value)
        else:
            notes.problems.append(f'{option}.{name}: a string or a map with valueFrom is wanted')
    return found


def _clear(name: str, value: str, option: str, notes: Notes) -> None:
    if has_credentials(value):
        notes.problems.append(
            f'{option}.{name} holds a password in a URL, in clear in the custom resource: write $(NAME) for it, and set NAME by valueFrom.secretKeyRef'
        )
    elif name.upper() in SECRET_NAMES and value and '$(' not in value:
        notes.problems.append(f'{option}.{name} would stand in clear in the custom resource: use valueFrom.secretKeyRef')
    elif _SECRET.search(name):
        notes.warnings.append(f'{option}.{name} looks like a secret and stands in clear in the custom resource: use valueFrom.secretKeyRef')


def global_env(env: t.Mapping[str, t.Any], era: eras.Era) -> Values:
    """Under ``global``."""
    if era is eras.BASE:
        return {'extraEnv': dict(env)} if env else {}
    return _classic(env)


def component_env(env: t.Mapping[str, t.Any], era: eras.Era) -> Values:
    """Under a component. Since 0.33 as ``env``: it goes over what the chart sets there, ``extraEnv`` beneath it."""
    if era is eras.BASE:
        return {'env': dict(env)} if env else {}
    return _classic(env)


def _classic(env: t.Mapping[str, t.Any]) -> Values:
    # These charts print a value of extraEnv as text, a map too, and take references apart.
    references = {name: value['valueFrom'] for name, value in env.items() if isinstance(value, t.Mapping) and 'valueFrom' in value}
    plain = {name: value for name, value in env.items() if name not in references}
    return {key: part for key, part in (('extraEnv', plain), ('extraEnvFrom', references)) if part}


def from_secret(secret: t.Mapping[str, t.Any], key: str = 'key') -> Values:
    """The value of an environment variable that comes from a Secret; ``key`` is the suboption that names its key."""
    return {'valueFrom': {'secretKeyRef': {'name': secret.get('name'), 'key': secret.get(key)}}}


def env_references(env: t.Mapping[str, t.Any] | None) -> list[tuple[str, str, str]]:
    """(kind, name, key) of every Secret and ConfigMap that the environment refers to."""
    found = []
    for value in (env or {}).values():
        source = value.get('valueFrom') if isinstance(value, t.Mapping) else None
        if not isinstance(source, t.Mapping):
            continue
        for reference, kind in (('secretKeyRef', 'Secret'), ('configMapKeyRef', 'ConfigMap')):
            wanted = source.get(reference)
            if isinstance(wanted, t.Mapping) and not wanted.get('optional'):
                found.append((kind, str(wanted.get('name')), str(wanted.get('key'))))
    return found
