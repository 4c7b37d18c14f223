# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules for what was seen on hosts, API host and cluster, and how they are applied: every one runs, so all problems come at once.

docs/host_rules.md is made from this list (tools/inventory_rules.py).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.cluster import nodes, objects
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.hosts import machine, network, storage
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import merged
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import SeenRule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

ACCEPTED = 'wandb_preflight_accept'

# Heading in the documentation -> rules, in the order in which they are told.
SUBJECTS: dict[str, tuple[SeenRule, ...]] = {
    'Machines': machine.RULES,
    'Disks and memory': storage.RULES,
    'Ports, links and names': network.RULES,
    'Cluster and nodes': nodes.RULES,
    'In the cluster': objects.RULES,
}
RULES: tuple[SeenRule, ...] = tuple(rule for rules in SUBJECTS.values() for rule in rules)


def check_hosts(observed: t.Iterable[t.Mapping[str, t.Any]], site: Site | None = None, rules: t.Iterable[SeenRule] = RULES) -> list[Problem]:
    """Every problem and warning of what was observed; the same one on several hosts is told once.

    ``observed`` = a list of ``{kind: one of KINDS, host: name, seen: {...}}``. Rules that ``wandb_preflight_accept`` names only warn.
    """
    site = site or Site()
    known = tuple(rules)
    accepted = {str(one) for one in site.entries(ACCEPTED)}
    entries = list(observed)
    told = [problem for rule in known for entry in entries if entry['kind'] in rule.kinds
            for problem in rule.problems(site, entry['kind'], entry['host'], entry['seen'])]
    told += [
        Problem(ACCEPTED, f'there is no rule {name}', 'correct it: docs/host_rules.md lists them', rule='accepted')
        for name in sorted(accepted - {rule.id for rule in RULES})
    ]
    return merged(dataclasses.replace(problem, warning=True) if problem.rule in accepted else problem for problem in told)
