# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all pods have: labels and annotations, placement, proxies. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import has_credentials, host_name, labels, text_map
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import Env
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import METADATA_LEVELS
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get, merge

Options = t.Mapping[str, t.Any]

ANNOTATION_PREFIX = 'inputs.wandb.onprem/'
# Facts of the cluster; the API server by the variable that Kubernetes itself gives to every container.
IN_THE_CLUSTER = ('localhost', '127.0.0.1', '::1', '.svc', '.cluster.local', '$(KUBERNETES_SERVICE_HOST)')

_INSTANCE = 'app.kubernetes.io/instance'
# The chart writes these itself; twice the same key is no YAML.
_OF_THE_CHART = (_INSTANCE, 'app.kubernetes.io/name', 'app.kubernetes.io/managed-by')


def metadata_values(options: Options, notes: Notes) -> Values:
    """``object_metadata``."""
    given = options.get('object_metadata') or {}
    shared: Values = {}
    for level in METADATA_LEVELS:
        option, one = f'object_metadata.{level}', given.get(level) or {}
        found = {
            'labels': labels(one.get('labels'), f'{option}.labels', notes),
            'annotations': text_map(one.get('annotations'), f'{option}.annotations', notes),
        }
        for name in found['labels']:
            if name == _INSTANCE and level == 'common':
                notes.problems.append(
                    f'{option}.labels: with {name} the operator would make itself the owner of Secrets that have to outlive the custom resource; leave it out'
                )
            elif name in _OF_THE_CHART:
                notes.problems.append(f'{option}.labels: {name} is written by the chart itself; leave it out')
        for name in found['annotations']:
            if name.startswith(ANNOTATION_PREFIX):
                notes.problems.append(f'{option}.annotations: {name} is written by the module itself')
        shared[level] = {key: value for key, value in found.items() if value}
    return {'global': {level: one for level, one in shared.items() if one}}


def pod_annotations(values: Values, annotations: t.Mapping[str, str], era: eras.Era, active: t.Mapping[str, eras.Component]) -> Values:
    """``annotations`` where they reach every pod."""
    values = merge(values, {'global': {'pod': {'annotations': dict(annotations)}}})
    if era is not eras.BASE:
        # There each component reads its own only.
        everywhere = get(values, ('global', 'pod', 'annotations'))
        for name in sorted(name for name, component in active.items() if component.base):
            values = merge(values, {name: {'pod': {'annotations': merge(everywhere, get(values, (name, 'pod', 'annotations')) or {})}}})
    return values


def placement_values(options: Options, era: eras.Era, notes: Notes) -> Values:
    """Where pods go whose component says nothing of its own."""
    tolerations = options.get('tolerations') or None
    if tolerations and era is not eras.BASE:
        notes.warnings.append('tolerations: charts before 0.33 read them in the components only; set components.NAME.tolerations')
    return {
        'global': {
            'nodeSelector': text_map(options.get('node_selector'), 'node_selector', notes) or None,
            'tolerations': tolerations,
            'priorityClassName': options.get('priority_class') or None,
        },
    }


def proxy_env(options: Options, notes: Notes) -> Env:
    """``pod_proxy`` in capitals and in small letters: programs differ in which they read."""
    proxy = options.get('pod_proxy')
    if not proxy:
        return {}
    env: Env = {}
    for key in ('http', 'https'):
        url = proxy.get(key)
        if not url:
            continue
        if not url.startswith(('http://', 'https://')):
            notes.problems.append(f'pod_proxy.{key}: "{url}" must begin with http:// or https://')
        elif has_credentials(url):
            notes.problems.append(f'pod_proxy.{key} holds a password, in clear in the custom resource: set env.{key.upper()}_PROXY by valueFrom.secretKeyRef')
        env[f'{key.upper()}_PROXY'] = url
    env['NO_PROXY'] = ','.join(dict.fromkeys([*IN_THE_CLUSTER, *_own_hosts(options), *(proxy.get('no_proxy') or [])]))
    return {**env, **{name.lower(): value for name, value in env.items()}}


def _own_hosts(options: Options) -> list[str]:
    services = [options.get(name) or {} for name in ('mysql', 'redis', 'bucket', 'default_bucket', 'clickhouse')] + list(options.get('team_buckets') or [])
    return [host_name(options.get('wandb_host') or ''), *(service['host'] for service in services if service.get('host'))]
