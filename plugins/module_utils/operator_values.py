# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options -> values of chart ``operator`` (facts 2.2). Pure: no file, no network, no clock.

All problems are told at once; each names its option and the mend.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_value_checks import (
    CHART_ENV,
    dead_keys,
    env_problems,
    secrets_in_clear,
    unknown_keys,
)
from ansible_collections.wandb.onprem.plugins.module_utils.pem import split
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import merge

Object = dict[str, t.Any]
Options = t.Mapping[str, t.Any]

# What the operator must reach without a proxy: itself, the cluster's services, and the API server, whose address the kubelet fills in.
CLUSTER = ('localhost', '127.0.0.1', '.svc', '.cluster.local', '$(KUBERNETES_SERVICE_HOST)')

_DIGEST = re.compile(r'sha256:[0-9a-f]{64}')
_URL = re.compile(r'https?://[^/\s]+')


class ValuesError(KubeError):
    """The options contradict each other or would do nothing: every problem, not the first one."""

    def __init__(self, problems: t.Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__('; '.join(problems))


@dataclasses.dataclass
class Built:
    """Values without any null that was not asked for, and what a person should know."""

    values: Object
    warnings: list[str]


def build(options: Options, chart_keys: t.Collection[str] = ()) -> Built:
    """Values for ``options``; ``chart_keys`` are the top-level keys that the chart at hand knows. Raises ValuesError."""
    problems: list[str] = []
    extra = options.get('extra_values') or {}
    given_env = options.get('extra_env') or {}
    problems += _image(options) + _account(options) + env_problems(given_env) + dead_keys(extra) + secrets_in_clear(options)
    generated = {**_proxies(options, problems), **_channel(options, problems)}
    problems += [f'extra_env.{name}: is what {option} sets: give one of the two' for name, option in _generators(options) if name in given_env]
    certificates, bad = split(options.get('custom_ca_certs') or [])
    problems += [f'custom_ca_certs[{index}]: the PEM text of one or more certificates is wanted' for index in bad]
    if problems:
        raise ValuesError(problems)
    values: Object = {
        'image': {'repository': options['image_repository'], 'tag': options.get('image_tag'), 'digest': options.get('image_digest'),
                  'pullPolicy': options['image_pull_policy'], 'pullSecrets': options.get('image_pull_secrets')},
        'airgapped': options['airgapped'],
        'customCACerts': certificates,
        'caCertsConfigMap': options.get('ca_certs_configmap'),
        'extraEnv': [_env(name, value) for name, value in sorted({**generated, **given_env}.items())],
        'resources': options.get('resources'),
        'role': {'rules': options.get('role_rules')},
        'manager': {'serviceAccount': {'create': None if options.get('service_account_create', True) else False, 'name': options.get('service_account_name')}},
        'podSecurityContext': options['pod_security_context'],
        'securityContext': options['security_context'],
        'podAnnotations': {key: str(value) for key, value in (options.get('pod_annotations') or {}).items()},
        'nodeSelector': {key: str(value) for key, value in (options.get('node_selector') or {}).items()},
        'tolerations': options.get('tolerations'),
        'affinity': options.get('affinity'),
        'nameOverride': options.get('name_override'),
        'fullnameOverride': options.get('fullname_override'),
    }
    if options.get('namespace_isolation'):
        # The chart adds the release's own namespace, and would render its Role twice.
        further = [one for one in options.get('additional_namespaces') or [] if one != options.get('namespace')]
        values['namespaceIsolation'] = {'enabled': True, 'additionalNamespaces': list(dict.fromkeys(further))}
    # Helm keeps values as JSON: what is compared with them later must have been through it, too.
    merged = json.loads(json.dumps(merge(_without_empty(values), extra)))
    return Built(merged, unknown_keys(extra, chart_keys) + _warnings(options))


def _image(options: Options) -> list[str]:
    found = []
    repository, digest = str(options.get('image_repository') or ''), options.get('image_digest')
    if '@' in repository or ':' in repository.rpartition('/')[2]:
        found.append(f'image_repository: {repository} holds a tag or digest: they go into image_tag and image_digest')
    if '://' in repository:
        found.append(f'image_repository: {repository} is a URL: registry and path are wanted, such as registry.example.com/wandb/controller')
    if digest and not _DIGEST.fullmatch(digest):
        found.append('image_digest: sha256: and 64 hexadecimal digits are wanted')
    return found


def _account(options: Options) -> list[str]:
    found = []
    if options.get('service_account_create') is False and not options.get('service_account_name'):
        found.append("service_account_name: is required with service_account_create=false, or the namespace's default account would get the operator's rights")
    if options.get('additional_namespaces') and not options.get('namespace_isolation'):
        found.append('additional_namespaces: do nothing without namespace_isolation=true, for the operator then looks after every namespace')
    return found


def _proxies(options: Options, problems: list[str]) -> Object:
    proxy = {key: value for key, value in (options.get('pod_proxy') or {}).items() if value}
    for key in ('http', 'https'):
        if proxy.get(key) and not _URL.match(proxy[key]):
            problems.append(f'pod_proxy.{key}: a URL is wanted, such as http://proxy.example.com:3128')
    if not proxy:
        return {}
    bypass = [*CLUSTER, *(one for one in proxy.get('no_proxy') or [] if one not in CLUSTER)]
    return {**{name: proxy[key] for key, name in (('http', 'HTTP_PROXY'), ('https', 'HTTPS_PROXY')) if key in proxy}, 'NO_PROXY': ','.join(bypass)}


def _channel(options: Options, problems: list[str]) -> Object:
    url = options.get('deployer_channel_url')
    if not url:
        return {}
    if not _URL.match(url):
        problems.append('deployer_channel_url: a URL is wanted')
    if options.get('airgapped'):
        problems.append('deployer_channel_url: does nothing with airgapped=true, for the operator then asks no channel')
    return {'DEPLOYER_CHANNEL_URL': url}


def _generators(options: Options) -> list[tuple[str, str]]:
    """Variable -> the option that sets it."""
    proxy = options.get('pod_proxy') or {}
    found = [(name, f'pod_proxy.{key}') for key, name in (('http', 'HTTP_PROXY'), ('https', 'HTTPS_PROXY'), ('no_proxy', 'NO_PROXY')) if proxy.get(key)]
    if options.get('deployer_channel_url'):
        found.append(('DEPLOYER_CHANNEL_URL', 'deployer_channel_url'))
    return found + list(CHART_ENV.items())


def _env(name: str, value: t.Any) -> Object:
    if isinstance(value, t.Mapping):
        return {'name': name, **value}
    return {'name': name, 'value': str(value).lower() if isinstance(value, bool) else str(value)}


def _warnings(options: Options) -> list[str]:
    found = []
    rules = options.get('role_rules')
    if rules and not any(_covers(rule, 'apiGroups', 'coordination.k8s.io') and _covers(rule, 'resources', 'leases') for rule in rules):
        found.append('role_rules replaces the chart\'s own list and has no rule for leases of coordination.k8s.io, which charts since 1.4.8 need')
    if options.get('airgapped') and options.get('name_override') not in (None, '', 'wandb'):
        found.append(f'name_override: charts may mount ConfigMap {options["name_override"]}-charts in place of wandb-charts then')
    return found


def _covers(rule: t.Mapping[str, t.Any], key: str, name: str) -> bool:
    return any(one in (name, '*') for one in rule.get(key) or [])


def _without_empty(document: Object) -> Object:
    """No key for what was not given: the chart's own default stands."""
    clean = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in document.items()}
    return {key: value for key, value in clean.items() if value not in (None, '', [], {})}
