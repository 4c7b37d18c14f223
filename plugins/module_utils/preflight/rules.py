# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules for an inventory, and how they are applied: every one runs, so all problems come at once.

A rule is a pure function with its reason and its mend (``rule``); those of one subject stand in one file of ``inventory``. A new subject is
a new file there and a line here; docs/inventory_rules.md is made from this list (tools/inventory_rules.py).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory import (
    backups,
    buckets,
    charts,
    cluster,
    licence,
    minio,
    modules,
    mysql,
    names,
    network,
    nginx,
    node_ports,
    pki,
    redis,
    roles,
    secrets,
    shapes,
    sizes,
    sources,
    variables,
)
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

# Heading in the documentation -> rules, in the order in which they are told.
SUBJECTS: dict[str, tuple[Rule, ...]] = {
    'Every variable': variables.RULES,
    'Single values': shapes.RULES,
    'Names and addresses of the site': names.RULES,
    'Licence': licence.RULES,
    'Where each service comes from': sources.RULES,
    'Secrets': secrets.RULES,
    'MySQL': mysql.RULES,
    'Backups of MySQL': backups.RULES,
    'Object store': minio.RULES,
    'Buckets of your own and of teams': buckets.RULES,
    'Redis': redis.RULES,
    'Proxy': nginx.RULES,
    'Node ports': node_ports.RULES,
    'Certificates': pki.RULES,
    'Between hosts': network.RULES,
    'Cluster': cluster.RULES,
    'Charts, versions and air gaps': charts.RULES,
    'Sizes': sizes.RULES,
    'What the roles themselves would refuse': roles.RULES,
    'What the modules would refuse': modules.RULES,
}
RULES: tuple[Rule, ...] = tuple(rule for rules in SUBJECTS.values() for rule in rules)


def check(site: Site, rules: t.Iterable[Rule] = RULES) -> list[Problem]:
    """Every problem and warning that the rules find, in the order of the rules; the same one on several hosts is told once."""
    told: list[Problem] = []
    for rule in rules:
        told += list(rule.problems(site, told))
    return merged(told)


def merged(problems: t.Iterable[Problem]) -> list[Problem]:
    """The same, those that differ only in where they are as one."""
    found: dict[Problem, list[str]] = {}
    for problem in problems:
        found.setdefault(dataclasses.replace(problem, where=''), []).append(problem.where)
    return [dataclasses.replace(problem, where=', '.join(dict.fromkeys(places))) for problem, places in found.items()]
