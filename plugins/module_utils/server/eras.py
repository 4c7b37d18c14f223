# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two eras of the chart operator-wandb know: components, where their keys stand, and how a pod is secured.

Before 0.33 most components were charts of their own, with Deployments named after the component, and
``<component>.pod.securityContext`` was honoured. Since 0.33 they are instances of ``wandb-base``: that key is silently
ignored and ``podSecurityContext``/``securityContext`` take its place.

Pure; nothing is used of the module.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

Path = tuple[str, ...]
FIRST_BASE_VERSION = (0, 33)


@dataclasses.dataclass(frozen=True)
class Component:
    """One top-level key of the chart that makes workloads.

    ``installed``: the chart's default. ``base``: has the keys of ``wandb-base`` (in the older era: nearly).
    ``install``: where it is switched. ``tag``: where its image tag stands, and ``release``: whose releases that tag
    follows: the ``server``'s, the ``console``'s, or ``""`` for an image that the chart pins by itself.
    ``images``: further places of the same image, which its own template reads instead. ``latest``: tags that follow no
    release and that the chart leaves at ``latest``, so that somebody has to give them.
    ``pod``/``container``: where the security contexts stand; empty where none can be set. ``user``: the uid of its image.
    ``restricted``: whether its pods can pass the PodSecurity standard of that name.
    ``scaled``: an autoscaler of the size profile decides its replicas. ``traces``: it cannot do without ClickHouse.
    """

    name: str
    installed: bool = False
    base: bool = True
    install: Path = ()
    tag: Path = ('image', 'tag')
    images: tuple[Path, ...] = ()
    latest: tuple[Path, ...] = ()
    release: str = 'server'
    pod: tuple[Path, ...] = (('podSecurityContext',),)
    container: tuple[Path, ...] = (('securityContext',),)
    user: int = 999
    restricted: bool = True
    scaled: bool = False
    traces: bool = False

    def switch(self) -> Path:
        """Path of the key that installs the component, under ``spec.values``."""
        return self.install or (self.name, 'install')


@dataclasses.dataclass(frozen=True)
class Era:
    """An era of the chart: its components by name."""

    name: str
    components: t.Mapping[str, Component]

    def installed(self) -> set[str]:
        """What the chart installs when nothing is said."""
        return {name for name, component in self.components.items() if component.installed}


def _table(*components: Component) -> dict[str, Component]:
    return {component.name: component for component in components}


def _chart(name: str, *, installed: bool = False, restricted: bool = False, **more: t.Any) -> Component:
    """A part that is no instance of wandb-base, with a layout of its own. Its security contexts have not been seen rendered, so nothing is
    claimed of them."""
    return Component(name, installed, base=False, release=more.pop('release', ''), pod=(), container=(), restricted=restricted, **more)


_IMAGE_TAG: tuple[Path, ...] = (('image', 'tag'),)
# The same in both eras.
_OTHERS = (
    # Bitnami's chart secures its pods by itself; only the ids can need setting (OpenShift).
    _chart('redis', installed=True, restricted=True),
    # hostPath, hostPorts and uid 1000: its DaemonSet passes no restricted policy, whatever is set.
    _chart('otel', installed=True, tag=('daemonset', 'image', 'tag')),
    # The server's own image is pinned, the two exporters beside it are not.
    _chart(
        'prometheus',
        installed=True,
        tag=('instance', 'server', 'image', 'tag'),
        latest=(('redis-exporter', 'image', 'tag'), ('mysql-exporter', 'image', 'tag')),
    ),
    _chart('mysql', latest=_IMAGE_TAG),
    _chart('stackdriver', latest=_IMAGE_TAG),
    # Two subcharts deep: the values of the chart of that name are under the key again.
    _chart('reloader', tag=('reloader', 'deployment', 'image', 'tag')),
    *(_chart(name) for name in ('kafka', 'clickhouse', 'etcd', 'bufstream', 'yace')),
)

_SCALED = (
    'anaconda2', 'executor', 'filemeta', 'filestream', 'flat-run-fields-updater', 'frontend', 'history-reader', 'history-updater',
    'metric-observer', 'weave-trace', 'weave-trace-worker', 'weave-evaluate-model-worker', 'weave-trace-agent-scoring-worker',
)  # fmt: skip
_TRACES = frozenset({'weave-trace', 'weave-trace-worker', 'weave-evaluate-model-worker', 'weave-trace-agent-scoring-worker'})
# This job's container names its image by itself.
_SMJ_IMAGE: tuple[Path, ...] = (('jobs', 'smj', 'containers', 'smj', 'image'),)

BASE = Era(
    'base',
    _table(
        Component('app', True),
        Component('parquet', True, scaled=True),
        Component('weave', True, scaled=True),
        # Its images have versions of their own (2.18.12 goes with server 0.78.2).
        Component('console', True, release='console'),
        Component('appRenamePreHook', True, release=''),
        Component('appRenamePostHook', True, release=''),
        *(Component(name, scaled=True, traces=name in _TRACES, user=101 if name == 'frontend' else 999) for name in _SCALED),
        Component('api', install=('global', 'api', 'enabled'), scaled=True),
        Component('glue', install=('global', 'glue', 'enabled')),
        Component('parquet-metadata-cache'),
        Component('settingsMigrationJob', images=_SMJ_IMAGE),
        Component('clickhouseMigrationJob'),
        Component('internalSignerPreHook', install=('global', 'localService', 'bypass')),
        Component('mcp-server', release='', user=1000),
        Component('lumen-agent', release=''),
        Component('nginx', release='', latest=_IMAGE_TAG),
        *_OTHERS,
    ),
)

# wandb-base was already under some of these; the rest read the old keys only. Emitting both serves either.
_OLD_POD: tuple[Path, ...] = (('pod', 'securityContext'), ('podSecurityContext',))
_OLD_CONTAINER: tuple[Path, ...] = (('container', 'securityContext'), ('securityContext',))


def _old(name: str, installed: bool = False, **more: t.Any) -> Component:
    return Component(name, installed, pod=_OLD_POD, container=_OLD_CONTAINER, **more)


# Read in 0.15 (which lacks the last dozen) and 0.34: what stands between has come one by one.
CLASSIC = Era(
    'classic',
    _table(
        *(_old(name, True) for name in ('app', 'parquet', 'weave')),
        _old('console', True, release='console'),
        _old('api', install=('global', 'api', 'enabled')),
        _old('glue', install=('global', 'glue', 'enabled')),
        _old('settingsMigrationJob', images=_SMJ_IMAGE),
        *(_old(name, traces=name in _TRACES) for name in ('weave-trace', 'weave-trace-worker')),
        *(_old(name) for name in ('anaconda2', 'executor', 'filemeta', 'filestream', 'flat-run-fields-updater', 'metric-observer')),
        _old('frontend', user=101),
        # There it ran the server's own image.
        _chart('nginx', release='server'),
        *_OTHERS,
    ),
)

# Top-level keys of the values that are no components.
OTHER_KEYS = frozenset({'global', 'ingress', 'reconcileFrequency', 'artifactsGc', 'nameOverride', 'fullnameOverride'})


def version_tuple(version: str) -> tuple[int, ...]:
    """Leading numbers of a version (``v0.43.8-rc1`` -> ``(0, 43, 8)``).

    Raises ValueError for what is no version.
    """
    match = re.match(r'v?(\d+(?:\.\d+)*)', version)
    if not match:
        raise ValueError(f'"{version}" is no version')
    return tuple(int(part) for part in match.group(1).split('.'))


def era_of(chart_version: str) -> Era:
    """The era that a chart version belongs to. Raises ValueError for what is no version."""
    return BASE if version_tuple(chart_version) >= FIRST_BASE_VERSION else CLASSIC


def nearest(name: str, known: t.Iterable[str]) -> str:
    """`` (did you mean X?)``, or an empty string."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f' (did you mean {close[0]}?)' if close else ''
