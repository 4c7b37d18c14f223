# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule for what was seen: like one for the inventory, but of one look at a host, at the API host, at the cluster, at a server of the user's own."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import shown
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import SITE, Site

Facts = t.Mapping[str, t.Any]
Check = t.Callable[[Site, str, Facts], t.Iterator[Found]]

# Kinds of looks.
HOST, API_HOST, CLUSTER, REDIS, BUCKET, IMAGES = 'host', 'api_host', 'cluster', 'redis', 'bucket', 'images'
# A host of a service, or the API host, that nobody could look at.
UNSEEN = 'unseen'
KINDS = (HOST, API_HOST, CLUSTER, REDIS, BUCKET, IMAGES, UNSEEN)
# Where the machine itself is wrong: the variable that says which one it is.
MACHINE = 'ansible_host'
MACHINES = (HOST, API_HOST)


@dataclasses.dataclass(frozen=True)
class SeenRule:
    """As :class:`Rule`; ``kinds``: of which looks it speaks."""

    id: str
    kinds: tuple[str, ...]
    variables: tuple[str, ...]
    demand: str
    why: str
    mend: str
    check: Check
    warning: bool = False

    def problems(self, site: Site, kind: str, host: str, facts: Facts) -> t.Iterator[Problem]:
        """Where it does not hold. What is of the cluster is nobody's own."""
        for found in self.check(site, host, facts):
            place = found.where if found.where != SITE else 'cluster' if kind == CLUSTER else host
            # Which machine it is says the host's name.
            value = '' if found.hide or found.variable == MACHINE else shown(found.variable, site.value(found.variable, host if host in site.hosts else ''))
            yield Problem(found.variable, found.wrong, found.mend or self.mend, place, self.id, value, self.warning or found.warning)


def seen_rule(name: str, kinds: str | tuple[str, ...], *variables: str, why: str, mend: str, warning: bool = False) -> t.Callable[[Check], SeenRule]:
    """Make a rule of a function; its docstring says what must hold."""

    def made(check: Check) -> SeenRule:
        demand = ' '.join((check.__doc__ or '').split())
        return SeenRule(name, (kinds,) if isinstance(kinds, str) else kinds, variables, demand, why, mend, check, warning)

    return made
