# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of ``wandb_server`` to the ``spec`` of a WeightsAndBiases. Pure: no module, no cluster.

Emits no null (the operator's merge may stumble over it), no list where the chart takes a map (the operator appends
lists of several levels), and percent-encodes what ends in a URL (the chart interpolates raw).
What becomes of one option stands in ``parts``, a room for each subject.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import components, eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.charts import chart_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server.environment import Env, env_values, global_env
from ansible_collections.wandb.onprem.plugins.module_utils.server.guide import with_guide
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.parts import access, ingress, pods, services, site, stores
from ansible_collections.wandb.onprem.plugins.module_utils.server.parts import extra as extras
from ansible_collections.wandb.onprem.plugins.module_utils.server.parts.pods import ANNOTATION_PREFIX
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values, get, merge, without_empty_maps, without_nulls

Options = t.Mapping[str, t.Any]

# What the chart hands to the pods in ConfigMaps of its own.
_IN_CONFIG_MAPS = (('app', 'extraCors'), ('weave-trace-worker', 'install'))


class OptionsError(ValueError):
    """The options cannot become a spec; ``problems`` holds every reason, each naming its option."""

    def __init__(self, problems: t.Sequence[str]) -> None:
        super().__init__('; '.join(problems))
        self.problems = list(problems)


@dataclasses.dataclass(frozen=True)
class Built:
    """A spec, the warnings that came up on the way, and what was translated of the guide's values."""

    spec: Values
    warnings: list[str]
    translations: list[str] = dataclasses.field(default_factory=list)


def build(options: Options, checksums: t.Mapping[str, str] | None = None) -> Built:
    """The spec for these options.

    ``checksums``: purpose -> HMAC of the objects referred to; they roll the pods when one of these changes.
    Raises OptionsError with all problems at once.
    """
    notes = Notes()
    options = with_guide(options, notes)
    chart, chart_version = chart_spec(options, notes)
    # Without a usable version there is a problem already, or the channel decides, which is of today.
    era = eras.era_of(chart_version) if chart_version else eras.BASE
    components.security_problems(options, notes)
    decided = components.switches(options, era, notes)
    active = components.active_components(options, era, decided)
    values: Values = {}
    for part in (
        site.site_values(options, notes),
        site.image_values(options, notes),
        services.mysql_values(options, notes),
        services.redis_values(options, notes),
        services.clickhouse_values(options, active, notes),
        stores.bucket_values(options, era, notes),
        access.access_values(options, era, notes),
        ingress.ingress_values(options, notes),
        pods.metadata_values(options, notes),
        pods.placement_values(options, era, notes),
        {'global': global_env(_environment(options, era, notes), era)},
        components.component_values(options, era, decided, active, notes),
    ):
        values = merge(values, part)
    values = without_nulls(values)
    values['global'] = without_empty_maps(values['global'])
    values = merge(values, without_nulls(extras.extra_values(options, era, notes)))
    components.unpinned_problems(options, values, active, notes)
    if notes.problems:
        raise OptionsError(notes.problems)
    annotations = {ANNOTATION_PREFIX + purpose: checksum for purpose, checksum in (checksums or {}).items()}
    annotations[ANNOTATION_PREFIX + 'settings'] = _settings_checksum(values)
    spec: Values = {'values': pods.pod_annotations(values, annotations, era, active)}
    if chart:
        spec['chart'] = chart
    return Built(spec, notes.warnings, notes.translations)


def _environment(options: Options, era: eras.Era, notes: Notes) -> Env:
    """Environment of all pods: what options ask for, then ``env``, which goes over it."""
    env: Env = {}
    asked = {**stores.store_env(options, era, notes), **access.access_env(options, era, notes), **pods.proxy_env(options, notes)}
    own = env_values(options.get('env'), 'env', notes)
    for name in sorted(set(asked) & set(own)):
        notes.warnings.append(f'env.{name} goes over what another option sets')
    extras.env_problems(own, era, notes)
    env.update(asked)
    env.update(own)
    return env


def _settings_checksum(values: Values) -> str:
    """The chart hands host, bucket, Redis and more to the pods in ConfigMaps and puts no checksum of those on the pods: without this one
    they would run on with the old bucket after the custom resource names another."""
    settings = {key: value for key, value in values['global'].items() if key != 'pod'}
    for path in _IN_CONFIG_MAPS:
        found = get(values, path)
        if found is not None:
            settings['.'.join(path)] = found
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:32]
