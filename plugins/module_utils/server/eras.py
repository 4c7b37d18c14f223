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
    ``pod``/``container``: where the security contexts stand; empty where none can be set.
    ``restricted``: whether its pods can pass the PodSecurity standard of that name.
    """

    name: str
    installed: bool = False
    base: bool = True
    install: Path = ()
    tag: Path = ('image', 'tag')
    release: str = 'server'
    pod: tuple[Path, ...] = (('podSecurityContext',),)
    container: tuple[Path, ...] = (('securityContext',),)
    restricted: bool = True

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


# Parts that are no instances of wandb-base, with layouts of their own, the same in both eras.
_OTHERS = (
    # Bitnami's chart secures its pods by itself; only the ids can need setting (OpenShift).
    Component('redis', True, base=False, release='', pod=(), container=()),
    # hostPath, hostPorts and uid 1000: its DaemonSet passes no restricted policy, whatever is set.
    Component('otel', True, base=False, tag=('daemonset', 'image', 'tag'), release='', pod=(), container=(), restricted=False),
    # Its security contexts have not been seen rendered, so nothing is claimed of them.
    Component('prometheus', True, base=False, tag=('instance', 'server', 'image', 'tag'), release='', pod=(), container=(), restricted=False),
    *(
        Component(name, base=False, release='', pod=(), container=(), restricted=False)
        for name in ('mysql', 'kafka', 'clickhouse', 'etcd', 'bufstream', 'nginx', 'reloader', 'stackdriver', 'yace')
    ),
)

_BASE_ON = ('app', 'parquet', 'weave')
_BASE_OFF = (
    'executor', 'frontend', 'filestream', 'filemeta', 'flat-run-fields-updater', 'metric-observer', 'parquet-metadata-cache',
    'settingsMigrationJob', 'clickhouseMigrationJob', 'internalSignerPreHook', 'weave-trace', 'weave-trace-worker',
    'weave-evaluate-model-worker', 'weave-trace-agent-scoring-worker', 'anaconda2', 'history-reader', 'history-updater',
)  # fmt: skip

BASE = Era(
    'base',
    _table(
        *(Component(name, True) for name in _BASE_ON),
        # Its images have versions of their own (2.18.12 goes with server 0.78.2).
        Component('console', True, release='console'),
        Component('appRenamePreHook', True, release=''),
        Component('appRenamePostHook', True, release=''),
        *(Component(name) for name in _BASE_OFF),
        Component('api', install=('global', 'api', 'enabled')),
        Component('glue', install=('global', 'glue', 'enabled')),
        Component('mcp-server', release=''),
        Component('lumen', release=''),
        *_OTHERS,
    ),
)

# wandb-base was already under these three; the rest read the old keys only. Emitting both serves either.
_OLD_POD: tuple[Path, ...] = (('pod', 'securityContext'), ('podSecurityContext',))
_OLD_CONTAINER: tuple[Path, ...] = (('container', 'securityContext'), ('securityContext',))

CLASSIC = Era(
    'classic',
    _table(
        *(Component(name, True, pod=_OLD_POD, container=_OLD_CONTAINER) for name in _BASE_ON),
        Component('console', True, release='console', pod=_OLD_POD, container=_OLD_CONTAINER),
        *(
            Component(name, pod=_OLD_POD, container=_OLD_CONTAINER)
            for name in ('executor', 'filestream', 'flat-run-fields-updater', 'settingsMigrationJob', 'weave-trace')
        ),
        Component('api', install=('global', 'api', 'enabled'), pod=_OLD_POD, container=_OLD_CONTAINER),
        Component('glue', install=('global', 'glue', 'enabled'), pod=_OLD_POD, container=_OLD_CONTAINER),
        *_OTHERS,
    ),
)

# Top-level keys of the values that are no components.
OTHER_KEYS = frozenset({'global', 'ingress', 'reconcileFrequency'})


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
