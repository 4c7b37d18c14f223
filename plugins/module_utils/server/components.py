# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every component has: switch, image, size, placement, environment, security contexts. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import component_env, env_values
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get, merge, put

Options = t.Mapping[str, t.Any]
Active = t.Mapping[str, eras.Component]

# Key of ``components.<name>`` -> path under the component, and what its value is. A dict: sub-keys, each of these.
KEYS: dict[str, t.Any] = {
    'image': {
        'repository': (('image', 'repository'), str),
        'tag': (('image', 'tag'), str),
        'digest': (('image', 'digest'), str),
        'pull_policy': (('image', 'pullPolicy'), str),
    },
    'replicas': (('replicaCount',), int),
    'size': (('size',), str),
    'resources': (('resources',), dict),
    'autoscaling': {
        'enabled': (('autoscaling', 'horizontal', 'enabled'), bool),
        'min_replicas': (('autoscaling', 'horizontal', 'minReplicas'), int),
        'max_replicas': (('autoscaling', 'horizontal', 'maxReplicas'), int),
        'target_cpu': (('autoscaling', 'horizontal', 'targetCPUUtilizationPercentage'), int),
        'target_memory': (('autoscaling', 'horizontal', 'targetMemoryUtilizationPercentage'), int),
    },
    'node_selector': (('nodeSelector',), dict),
    'tolerations': (('tolerations',), list),
    'affinity': (('affinity',), dict),
    'priority_class': (('priorityClassName',), str),
    'service_account': {
        'create': (('serviceAccount', 'create'), bool),
        'name': (('serviceAccount', 'name'), str),
        'annotations': (('serviceAccount', 'annotations'), dict),
        'automount': (('serviceAccount', 'automount'), bool),
    },
    'service': {'type': (('service', 'type'), str), 'annotations': (('service', 'annotations'), dict)},
    'pod_disruption_budget': (('podDisruptionBudget',), dict),
    'env': ((), dict),
    'pod_security_context': ((), dict),
    'security_context': ((), dict),
}
TYPES = {str: 'a string', int: 'a number', bool: 'true or false', dict: 'a map', list: 'a list'}

# The chart's own defaults, which pass PodSecurity "restricted" once every capability is dropped.
_POD_CONTEXT = {'runAsNonRoot': True, 'runAsGroup': 0, 'fsGroup': 0, 'fsGroupChangePolicy': 'OnRootMismatch'}
_SECCOMP = {'seccompProfile': {'type': 'RuntimeDefault'}}
_CONTAINER_CONTEXT = {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}}


def restricted(options: Options) -> bool:
    """Whether every pod has to pass PodSecurity "restricted"; OpenShift's SCC asks the same."""
    return (options.get('security_context') or {}).get('preset') in ('restricted', 'openshift')


def security_problems(options: Options, notes: Notes) -> None:
    """On OpenShift the ids are the namespace's; the module fills them in from its annotations."""
    wanted = options.get('security_context') or {}
    if wanted.get('preset') == 'openshift':
        for key in ('run_as_user', 'fs_group'):
            if wanted.get(key) is None:
                notes.problems.append(
                    f'security_context.{key}: preset openshift wants an id of the range that OpenShift gave the namespace'
                    ' (annotation openshift.io/sa.scc.uid-range)'
                )


def switches(options: Options, era: eras.Era, notes: Notes) -> dict[str, bool]:
    """``install``, with what the endpoints and the preset decide: what cannot pass "restricted" is off unless it was asked for."""
    decided: dict[str, bool] = {}
    for name, wanted in (options.get('install') or {}).items():
        if name not in era.components:
            notes.problems.append(f'install.{name}: the chart has no such component{eras.nearest(name, era.components)}')
            continue
        switch = _converted(wanted, bool)
        if switch is None:
            notes.problems.append(f'install.{name}: true or false is wanted')
        else:
            decided[name] = switch
    # Of the data services this is decided by the endpoint.
    for name in ('redis', 'mysql'):
        if options.get(name) and decided.pop(name, False):
            notes.problems.append(f'install.{name}: an endpoint is given in {name}, so the bundled one cannot be installed as well')
    if decided.get('redis') is False:
        notes.problems.append('install.redis: the server cannot run without Redis; give redis, or leave install.redis out for the bundled one')
    if not restricted(options):
        return decided
    for name, component in era.components.items():
        if component.restricted:
            continue
        if decided.get(name):
            notes.warnings.append(f'install.{name}: its pods do not pass PodSecurity "restricted" (or were never seen to); admission may refuse them')
        elif component.installed:
            decided[name] = False
    return decided


def active_components(options: Options, era: eras.Era, decided: t.Mapping[str, bool]) -> dict[str, eras.Component]:
    """Components whose pods will run: the chart's defaults, as switched here and in ``extra_values``."""
    extra = options.get('extra_values') or {}
    found = {}
    for name, component in era.components.items():
        own = get(extra, component.switch())
        wanted = own if isinstance(own, bool) else decided.get(name, component.installed)
        if wanted and not (name == 'redis' and options.get('redis')):
            found[name] = component
    return found


def component_values(options: Options, era: eras.Era, decided: t.Mapping[str, bool], active: Active, notes: Notes) -> Values:
    """Values of all components: switches, release tags, security contexts, then what ``components`` says."""
    given = options.get('components') or {}
    values: Values = {}
    for name, wanted in decided.items():
        put(values, era.components[name].switch(), wanted)
    for name in sorted(active):
        values = merge(values, {name: merge(_release_tag(active[name], options), _security(active[name], options))})
    console = get(given, ('console', 'image')) or {}
    if 'console' not in active:
        if options.get('console_tag'):
            notes.warnings.append('console_tag: without effect, the console is not installed')
    elif options.get('console_tag') and console.get('tag') not in (None, options['console_tag']):
        notes.warnings.append('console_tag: without effect, components.console.image.tag goes over it')
    elif not options.get('follow_channel') and not (options.get('console_tag') or console.get('tag') or console.get('digest')):
        notes.problems.append("console_tag: give the console's own version (its releases are numbered apart from the server's), or set follow_channel")
    for name, wanted in given.items():
        if name not in era.components:
            notes.problems.append(f'components.{name}: the chart has no such component{eras.nearest(name, era.components)}')
        else:
            values = merge(values, {name: _one(era.components[name], wanted, era, f'components.{name}', notes)})
            _replicas_warning(era.components[name], wanted, options, notes)
    return {name: part for name, part in values.items() if part != {}}


def unpinned_problems(options: Options, values: Values, active: Active, notes: Notes) -> None:
    """What would run an image called ``latest``, seen from the finished values."""
    if options.get('follow_channel'):
        return
    for name, component in sorted(active.items()):
        for path in component.latest:
            part = (name, *path)
            image = get(values, part[:-1]) or {}
            if get(values, (*part[:-2], 'install')) is False or image.get('tag') or image.get('digest'):
                continue
            option = '.'.join(part) if len(path) > 2 else ''
            mend = f'extra_values.{option}, or {".".join(("extra_values", *part[:-2], "install"))}: false' if option else f'components.{name}.image.tag'
            notes.problems.append(f'install.{name}: the chart would take an image with the tag latest; give {mend}')


def _release_tag(component: eras.Component, options: Options) -> Values:
    tag = {'server': options.get('image_tag'), 'console': options.get('console_tag')}.get(component.release)
    values: Values = {}
    for path in (component.tag, *((*image, 'tag') for image in component.images)) if tag else ():
        put(values, path, tag)
    return values


def _security(component: eras.Component, options: Options) -> Values:
    wanted = options.get('security_context') or {}
    ids = {
        key: value
        for key, value in (('runAsUser', wanted.get('run_as_user')), ('fsGroup', wanted.get('fs_group')))
        if value is not None
    }
    full = restricted(options)
    values: Values = {}
    pod = {**_POD_CONTEXT, 'runAsUser': component.user, **ids, **_SECCOMP} if full else ids
    for path in component.pod if pod else ():
        put(values, path, pod)
    for path in component.container if full else ():
        put(values, path, _CONTAINER_CONTEXT)
    if component.name == 'redis' and ids:
        put(values, ('master', 'podSecurityContext'), {'fsGroup': ids.get('fsGroup', ids.get('runAsUser'))})
        if 'runAsUser' in ids:
            put(values, ('master', 'containerSecurityContext'), {'runAsUser': ids['runAsUser']})
    return values


def _replicas_warning(component: eras.Component, wanted: t.Any, options: Options, notes: Notes) -> None:
    if not component.scaled or not isinstance(wanted, t.Mapping) or wanted.get('replicas') is None or options.get('size') == 'testing':
        return
    if _converted(get(wanted, ('autoscaling', 'enabled')), bool) is not False:
        option = f'components.{component.name}'
        notes.warnings.append(
            f'{option}.replicas: an autoscaler decides of it; set {option}.autoscaling.min_replicas and max_replicas, or {option}.autoscaling.enabled: false'
        )


def _one(component: eras.Component, wanted: t.Any, era: eras.Era, option: str, notes: Notes) -> Values:
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
        else:
            values = merge(values, _option(component, era, key, value, f'{option}.{key}', notes))
    return values


def _option(component: eras.Component, era: eras.Era, key: str, value: t.Any, option: str, notes: Notes) -> Values:
    known = KEYS[key]
    values: Values = {}
    if isinstance(known, dict):
        if not isinstance(value, t.Mapping):
            notes.problems.append(f'{option}: a map of {", ".join(known)} is wanted')
            return {}
        for sub, inner in value.items():
            if sub not in known:
                notes.problems.append(f'{option}.{sub} is unknown{eras.nearest(sub, known)}')
            elif inner is not None:
                path, kind = known[sub]
                # Components of other layouts keep their image apart.
                places = [(*component.tag[:-1], path[-1]), *((*image, path[-1]) for image in component.images)] if key == 'image' else [path]
                for place in places:
                    put(values, place, _checked(inner, kind, f'{option}.{sub}', notes))
        return values
    path, kind = known
    checked = _checked(value, kind, option, notes)
    if key == 'env':
        return component_env(env_values(checked, option, notes), era)
    places = list({'pod_security_context': component.pod, 'security_context': component.container}.get(key, (path,)))
    for place in places:
        put(values, place, checked)
    return values


def _checked(value: t.Any, kind: type, option: str, notes: Notes) -> t.Any:
    converted = _converted(value, kind)
    if converted is None:
        notes.problems.append(f'{option}: {TYPES[kind]} is wanted')
        return {} if kind is dict else None
    return converted


def _converted(value: t.Any, kind: type) -> t.Any:
    """``value`` as ``kind``, or None. Templates hand numbers and booleans on as text, which Kubernetes would refuse."""
    if kind is bool and isinstance(value, str):
        return {'true': True, 'false': False, 'yes': True, 'no': False}.get(value.lower())
    if kind is int and isinstance(value, str) and value.isdigit():
        return int(value)
    if kind is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if kind is dict and isinstance(value, t.Mapping):
        return dict(value)
    if isinstance(value, bool) and kind is not bool:
        return None
    return value if isinstance(value, kind) else None
