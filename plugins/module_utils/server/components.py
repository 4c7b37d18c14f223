# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every component has: switch, image, size, placement, environment, security contexts. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import env_values
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, merge, put

Options = t.Mapping[str, t.Any]

# Key of ``components.<name>`` -> path under the component. A dict as value: sub-keys, each with its path.
_KEYS: dict[str, t.Any] = {
    'image': {
        'repository': ('image', 'repository'),
        'tag': ('image', 'tag'),
        'digest': ('image', 'digest'),
        'pull_policy': ('image', 'pullPolicy'),
    },
    'replicas': ('replicaCount',),
    'size': ('size',),
    'resources': ('resources',),
    'autoscaling': {
        'enabled': ('autoscaling', 'horizontal', 'enabled'),
        'min_replicas': ('autoscaling', 'horizontal', 'minReplicas'),
        'max_replicas': ('autoscaling', 'horizontal', 'maxReplicas'),
    },
    'node_selector': ('nodeSelector',),
    'tolerations': ('tolerations',),
    'affinity': ('affinity',),
    'priority_class': ('priorityClassName',),
    'service_account': {
        'create': ('serviceAccount', 'create'),
        'name': ('serviceAccount', 'name'),
        'annotations': ('serviceAccount', 'annotations'),
        'automount': ('serviceAccount', 'automount'),
    },
    'service': {'type': ('service', 'type'), 'annotations': ('service', 'annotations')},
    'pod_disruption_budget': ('podDisruptionBudget',),
    'env': ('extraEnv',),
}
KEYS = (*_KEYS, 'pod_security_context', 'security_context')

# The chart's own defaults, which pass PodSecurity "restricted" once every capability is dropped.
_POD_CONTEXT = {'runAsNonRoot': True, 'runAsUser': 999, 'runAsGroup': 0, 'fsGroup': 0, 'fsGroupChangePolicy': 'OnRootMismatch'}
_SECCOMP = {'seccompProfile': {'type': 'RuntimeDefault'}}
_CONTAINER_CONTEXT = {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}}


class _Notes(t.Protocol):
    problems: list[str]
    warnings: list[str]


def component_values(options: Options, era: eras.Era, notes: _Notes) -> Values:
    """Values of all components: switches, release tags, security contexts, then what ``components`` says."""
    given, switches = options.get('components') or {}, options.get('install') or {}
    for option, names in (('components', given), ('install', switches)):
        for name in names:
            if name not in era.components:
                notes.problems.append(f'{option}.{name}: the chart has no such component{eras.nearest(name, era.components)}')
    values: Values = {}
    switches = _with_policy(options, era, switches, notes)
    for name, wanted in switches.items():
        if name in era.components:
            put(values, era.components[name].switch(), wanted)
    active = _active(era, switches, options)
    for name in sorted(active):
        component = era.components[name]
        values = merge(values, {name: merge(_release_tag(component, options), _security(component, options))})
    if not options.get('follow_channel'):
        console = (given.get('console') or {}).get('image') or {}
        if 'console' in active and not (options.get('console_tag') or console.get('tag') or console.get('digest')):
            notes.problems.append("console_tag: give the console's own version (its releases are numbered apart from the server's), or set follow_channel")
    for name, wanted in given.items():
        if name in era.components:
            values = merge(values, {name: _one(era.components[name], wanted, f'components.{name}', notes)})
    return {name: part for name, part in values.items() if part != {}}


def _with_policy(options: Options, era: eras.Era, switches: t.Mapping[str, bool], notes: _Notes) -> dict[str, bool]:
    """Switches under the preset: what cannot pass "restricted" is off unless it was asked for."""
    decided = dict(switches)
    # Of the data services this is decided by the endpoint.
    for name in ('redis', 'mysql'):
        if options.get(name):
            if switches.get(name):
                notes.problems.append(f'install.{name}: an endpoint is given in {name}, so the bundled one cannot be installed as well')
            decided.pop(name, None)
    if (options.get('security_context') or {}).get('preset') != 'restricted':
        return decided
    for name, component in era.components.items():
        if component.restricted:
            continue
        if decided.get(name):
            notes.warnings.append(f'install.{name}: its pods do not pass PodSecurity "restricted" (or were never seen to); admission may refuse them')
        elif component.installed:
            decided[name] = False
    return decided


def _active(era: eras.Era, switches: t.Mapping[str, bool], options: Options) -> set[str]:
    """Components whose pods will run: the chart's defaults, as switched here and in ``extra_values``."""
    active = {name for name in era.installed() if switches.get(name, True)}
    active |= {name for name, wanted in switches.items() if wanted and name in era.components}
    extra = options.get('extra_values') or {}
    active |= {name for name, part in extra.items() if name in era.components and isinstance(part, t.Mapping) and part.get('install')}
    if options.get('redis'):
        active.discard('redis')
    return active


def _release_tag(component: eras.Component, options: Options) -> Values:
    tag = {'server': options.get('image_tag'), 'console': options.get('console_tag')}.get(component.release)
    values: Values = {}
    if tag:
        put(values, component.tag, tag)
    return values


def _security(component: eras.Component, options: Options) -> Values:
    wanted = options.get('security_context') or {}
    ids = {
        key: value
        for key, value in (('runAsUser', wanted.get('run_as_user')), ('fsGroup', wanted.get('fs_group')))
        if value is not None
    }
    restricted = wanted.get('preset') == 'restricted'
    values: Values = {}
    pod = {**(_POD_CONTEXT if restricted else {}), **ids, **(_SECCOMP if restricted else {})}
    for path in component.pod if pod else ():
        put(values, path, pod)
    for path in component.container if restricted else ():
        put(values, path, _CONTAINER_CONTEXT)
    if component.name == 'redis' and ids:
        put(values, ('master', 'podSecurityContext'), {'fsGroup': ids.get('fsGroup', ids.get('runAsUser'))})
        if 'runAsUser' in ids:
            put(values, ('master', 'containerSecurityContext'), {'runAsUser': ids['runAsUser']})
    return values


def _one(component: eras.Component, wanted: t.Any, option: str, notes: _Notes) -> Values:
    """``components.<name>`` under the chart's keys."""
    if not isinstance(wanted, t.Mapping):
        notes.problems.append(f'{option}: a map is wanted')
        return {}
    values: Values = {}
    for key, value in wanted.items():
        if value is None:
            continue
        if key not in KEYS:
            notes.problems.append(f'{option}.{key} is unknown{eras.nearest(key, KEYS)}; the chart\'s further keys go to extra_values')
        elif not component.base and key != 'image':
            notes.problems.append(f'{option}.{key}: {component.name} is a chart of its own with other keys; set them in extra_values.{component.name}')
        elif key in ('pod_security_context', 'security_context'):
            for path in component.pod if key == 'pod_security_context' else component.container:
                put(values, path, value)
        else:
            _put_option(values, component, key, value, option, notes)
    return values


def _put_option(values: Values, component: eras.Component, key: str, value: t.Any, option: str, notes: _Notes) -> None:
    path = _KEYS[key]
    if key == 'env':
        put(values, path, env_values(value, f'{option}.env', notes))
        return
    if not isinstance(path, dict):
        put(values, path, value)
        return
    if not isinstance(value, t.Mapping):
        notes.problems.append(f'{option}.{key}: a map of {", ".join(path)} is wanted')
        return
    for sub, inner in value.items():
        if sub not in path:
            notes.problems.append(f'{option}.{key}.{sub} is unknown{eras.nearest(sub, path)}')
        elif inner is not None:
            # Components of other layouts keep their image apart.
            put(values, (*component.tag[:-1], path[sub][-1]) if key == 'image' else path[sub], inner)
