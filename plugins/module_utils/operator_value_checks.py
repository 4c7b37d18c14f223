# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not go into the operator chart's values: keys that do nothing, misspelt ones, secrets in clear. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server.eras import nearest
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get

Options = t.Mapping[str, t.Any]

# Top-level values of chart operator 1.4.8, for where no chart is at hand; what a template reads and values.yaml does not list is in it, too.
KNOWN = ('affinity', 'airgapped', 'caCertsConfigMap', 'customCACerts', 'extraEnv', 'fullnameOverride', 'image', 'manager', 'nameOverride', 'namespaceIsolation',
         'nodeSelector', 'podAnnotations', 'podSecurityContext', 'resources', 'role', 'securityContext', 'tolerations')

# Path in the values that no template of the chart reads -> what to give in its place.
DEAD: dict[tuple[str, ...], str] = {
    ('replicaCount',): 'the chart runs one replica, always',
    ('replicas',): 'the chart runs one replica, always',
    ('manager', 'debug'): 'the operator has no such switch; its log level cannot be set by the chart',
    ('manager', 'image'): 'image_repository, image_tag',
    ('manager', 'resources'): 'resources',
    ('serviceAccount',): 'service_account_create, service_account_name',
    ('manager', 'serviceAccount', 'annotations'): 'the chart writes none; make the account yourself, then service_account_create=false',
    ('rbac',): 'role_rules, namespace_isolation',
    ('role', 'create'): 'the chart makes its role, always',
    ('env',): 'extra_env',
    ('extraEnvs',): 'extra_env',
    ('imagePullSecrets',): 'image_pull_secrets',
    ('image', 'pullSecret'): 'image_pull_secrets',
    ('image', 'registry'): 'image_repository, which holds the registry',
    ('pod', 'securityContext'): 'pod_security_context',
    ('proxy',): 'pod_proxy',
    ('global',): 'values of the server: they go to module wandb_server, not to the operator',
    ('crds',): 'the module applies the CRDs of the chart itself',
}

# Variables that the chart sets by itself: a second entry of that name would win or lose by chance.
CHART_ENV = {'AIRGAPPED': 'airgapped', 'SSL_CERT_DIR': 'custom_ca_certs or ca_certs_configmap', 'OPERATOR_NAMESPACE': 'namespace',
             'SERVICE_ACCOUNT_NAME': 'service_account_name', 'WANDB_MANAGER_SERVICE_ACCOUNT': 'service_account_name'}

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*')
_SECRET_NAME = re.compile(r'(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|SECRET_?KEY|LICENSE)$', re.I)
_SECRET_TEXT: tuple[tuple[t.Pattern[str], str], ...] = (
    (re.compile(r'-----BEGIN [A-Z ]*PRIVATE KEY-----'), 'a private key'),
    (re.compile(r'://[^/\s:@]+:[^/\s@]+@'), 'a URL with a password in it'),
    (re.compile(r'\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}'), 'a token or licence'),
)
# Options whose content ends in the release in clear.
_CHECKED = ('extra_env', 'extra_values', 'pod_proxy', 'deployer_channel_url', 'pod_annotations', 'custom_ca_certs')


def unknown_keys(extra: t.Mapping[str, t.Any], chart_keys: t.Collection[str] = ()) -> list[str]:
    """Top-level keys of ``extra_values`` that the chart does not know."""
    known = {*KNOWN, *chart_keys}
    return [f'extra_values.{key}: the chart has no such value{nearest(str(key), known)}' for key in sorted(extra, key=str) if key not in known]


def dead_keys(extra: t.Mapping[str, t.Any]) -> list[str]:
    """Keys of ``extra_values`` that would do nothing, with the right place."""
    return [f'extra_values.{".".join(path)}: does nothing ({mend})' for path, mend in DEAD.items() if get(extra, path) is not None]


def env_problems(env: t.Mapping[str, t.Any]) -> list[str]:
    """Names and values that a container cannot have."""
    found = []
    for name, value in env.items():
        if not _NAME.fullmatch(str(name)):
            found.append(f'extra_env: "{name}" is no name of an environment variable')
        elif isinstance(value, t.Mapping):
            if set(value) != {'valueFrom'} or not isinstance(value['valueFrom'], t.Mapping):
                found.append(f'extra_env.{name}: a map holds valueFrom and nothing else')
        elif not isinstance(value, (str, int, float)):
            found.append(f'extra_env.{name}: a string or a map with valueFrom is wanted')
    return found


def secrets_in_clear(options: Options) -> list[str]:
    """Where an option holds what looks like a secret; its value is not told. Helm keeps values readable for whoever may read the release."""
    mend = 'would stand in the Helm release in clear: give it by extra_env with valueFrom.secretKeyRef'
    found = []
    for name in _CHECKED:
        for path, key, value in _leaves(options.get(name), name):
            # An environment variable, as a map or as the chart's list of name and value.
            if (value and path.startswith('extra_env.') and _SECRET_NAME.search(key)) or _named_secret(options, path):
                found.append(f'{path}: looks like a secret and {mend}')
                continue
            found += [f'{path}: holds {what}, which {mend}' for pattern, what in _SECRET_TEXT if pattern.search(value)]
    return found


def _named_secret(options: Options, path: str) -> bool:
    """Whether ``path`` is the value of an entry of extra_values.extraEnv with a secret-looking name."""
    match = re.fullmatch(r'extra_values\.extraEnv\[(\d+)\]\.value', path)
    return bool(match and _SECRET_NAME.search(str(options['extra_values']['extraEnv'][int(match.group(1))].get('name'))))


def _leaves(value: t.Any, path: str, key: str = '') -> t.Iterator[tuple[str, str, str]]:
    """(path, last key, text) of every string; what stands under valueFrom is a name and no secret."""
    if isinstance(value, t.Mapping):
        for name, inner in value.items():
            if name != 'valueFrom':
                yield from _leaves(inner, f'{path}.{name}', str(name))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f'{path}[{index}]', key)
    elif isinstance(value, str):
        yield path, key, value
