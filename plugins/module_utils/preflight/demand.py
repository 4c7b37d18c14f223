# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server's pods ask for, by the chart's sizes; and which components and images there will be. Pure."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.wandb.onprem.plugins.module_utils.kube.quantity import quantity
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, Values, whole
from ansible_collections.wandb.onprem.plugins.module_utils.server import builder, components, eras, openshift, options
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get

GIB = 1024**3


class Pods(t.NamedTuple):
    """Pods of one component, and what each asks for."""

    component: str
    number: int
    cpu: float
    memory: float

    def __str__(self) -> str:
        return f'{self.number} x {self.component} ({self.cpu:g} CPU, {self.memory / GIB:g} GiB)'


# Chart 0.43.8: component -> pods, CPUs and GiB of each. What a size does not name is as in the one before it.
_SMALL = {
    'app': (1, 1, 2), 'console': (1, 1, 1), 'parquet': (2, 1, 8), 'weave': (2, 1, 8), 'api': (2, 1, 2), 'executor': (1, 1, 8), 'glue': (1, 1, 2),
    'weave-trace': (2, 1, 4),
}
_MEDIUM = {**_SMALL, 'app': (1, 4, 8), 'parquet': (2, 15, 64), 'weave': (1, 2, 24), 'api': (2, 6, 16)}
# Of the sizes above medium nobody has read the numbers: they ask for no less.
REQUESTS: dict[str, dict[str, tuple[int, int, int]]] = {'small': _SMALL, **dict.fromkeys(('medium', 'large', 'xlarge', 'xxlarge'), _MEDIUM)}
READ = ('testing', 'small', 'medium')


def server_options(site: Site) -> dict[str, t.Any]:
    """What role server hands to its module, with the defaults of the module; empty where it would be refused."""
    given = site.modules.get('wandb_server')
    result = ArgumentSpecValidator(dict(options.argument_spec())).validate(dict(given.values)) if given else None
    if result is None or result.error_messages:
        return {}
    values: dict[str, t.Any] = result.validated_parameters
    return openshift.assumed(values) if openshift.wanted(values) else values


def active(given: Values) -> list[str]:
    """The components whose pods will run."""
    try:
        era = eras.era_of(str(given.get('chart_version') or '')) if given.get('chart_version') else eras.BASE
    except ValueError:
        era = eras.BASE
    return sorted(components.active_components(given, era, components.switches(given, era, Notes())))


def _one(name: str, given: Values, size: str) -> Pods | None:
    own = (given.get('components') or {}).get(name)
    own = own if isinstance(own, t.Mapping) else {}
    count, cpu, memory = REQUESTS.get(str(own.get('size') or size), {}).get(name, (1, 0, 0))
    asked = get(own, ('resources', 'requests')) or {}
    try:
        cpus, room = quantity(asked.get('cpu', cpu)), quantity(asked.get('memory', memory * GIB))
    except (KeyError, ValueError):
        cpus, room = cpu, memory * GIB
    wanted = whole(get(own, ('autoscaling', 'min_replicas'))) or whole(own.get('replicas')) or count
    return Pods(name, wanted, cpus, room) if cpus or room else None


def demand(site: Site) -> list[Pods]:
    """What the scheduler must find room for. Without numbers (size testing, parts that are charts of their own) nothing."""
    given = server_options(site)
    size = str(given.get('size') or 'small')
    found = [_one(name, given, size) for name in active(given)] if given else []
    return [one for one in found if one]


def total(pods: t.Iterable[Pods]) -> tuple[float, float]:
    """CPUs and bytes of all."""
    found = list(pods)
    return sum(one.number * one.cpu for one in found), sum(one.number * one.memory for one in found)


def arithmetic(pods: t.Sequence[Pods]) -> str:
    """The sum, as people write it."""
    cpu, memory = total(pods)
    return f'{" + ".join(map(str, pods))} = {cpu:g} CPU, {memory / GIB:g} GiB'


# Component -> image; a tag where the chart pins one. Those of the server are mirrored under wandb_server_repository_prefix, Redis under
# wandb_server_image_registry; prometheus, reloader and otel obey neither, and are named in extra_values.
IMAGES = {
    'app': 'wandb/local', 'console': 'wandb/console', 'weave': 'wandb/weave-python', 'frontend': 'wandb/frontend-nginx',
    'appRenamePreHook': 'alpine/k8s:1.31.12', 'appRenamePostHook': 'alpine/k8s:1.31.12', 'anaconda2': 'wandb/anaconda2',
    **dict.fromkeys((
        'parquet', 'api', 'glue', 'executor', 'filemeta', 'filestream', 'flat-run-fields-updater', 'history-reader', 'history-updater', 'metric-observer',
        'parquet-metadata-cache', 'settingsMigrationJob', 'clickhouseMigrationJob', 'internalSignerPreHook'), 'wandb/megabinary'),
    **dict.fromkeys(('weave-trace', 'weave-trace-worker', 'weave-evaluate-model-worker', 'weave-trace-agent-scoring-worker'), 'wandb/weave-trace'),
}
REDIS_IMAGE = 'bitnamilegacy/redis:7.2.4-debian-12-r9'
# Where the parts with charts of their own have their images.
PLACES = {
    'prometheus': (('instance', 'server', 'image'), ('instance', 'configmapReload', 'prometheus', 'image')), 'otel': (('daemonset', 'image'),),
    'reloader': (('reloader', 'deployment', 'image'),),
}


def reference(repository: str, tag: str, digest: str = '') -> str:
    """``repository:tag``, or ``repository@digest``."""
    return f'{repository}@{digest}' if digest else f'{repository}:{tag}'


def images(site: Site) -> list[str]:
    """Every image that would be pulled and whose name says from which registry, for the operator and the server."""
    given = server_options(site)
    try:
        values = builder.build(given).spec['values'] if given else {}
    except builder.OptionsError:
        values = {}
    operator = reference(site.text('wandb_operator_image_repository'), site.text('wandb_operator_image_tag'), site.text('wandb_operator_image_digest'))
    found = [operator] + [image for name in active(given) if values for image in _images_of(name, given, values)]
    return [image for image in dict.fromkeys(found) if has_registry(image)]


def _images_of(name: str, given: Values, values: Values) -> t.Iterator[str]:
    for path in PLACES.get(name, ()):
        own = get(values, (name, *path)) or {}
        if own.get('repository') and own.get('tag'):
            yield reference(str(own['repository']), str(own['tag']), str(own.get('digest') or ''))
    if name == 'redis' and given.get('image_registry'):
        yield f'{given["image_registry"].rstrip("/")}/{REDIS_IMAGE}'
    if name in IMAGES:
        repository, _colon, pinned = IMAGES[name].partition(':')
        own = get(values, (name, 'image')) or {}
        prefix = f'{given["repository_prefix"].rstrip("/")}/' if given.get('repository_prefix') else ''
        tag = str(own.get('tag') or pinned or '')
        if tag or own.get('digest'):
            yield reference(str(own.get('repository') or prefix + repository), tag, str(own.get('digest') or ''))


def has_registry(image: str) -> bool:
    """Whether an image's name begins with a host, as Docker tells it: by a dot, a colon, or as ``localhost``."""
    first, slash, _rest = image.partition('/')
    return bool(slash) and (first == 'localhost' or '.' in first or ':' in first)
