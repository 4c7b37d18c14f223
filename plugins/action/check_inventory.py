# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the inventory on the controller, opens no connection, and reports every problem at once."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.host_rules import check_hosts
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import check
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Unreadable
from ansible_collections.wandb.onprem.plugins.plugin_utils.inventory_files import inventory_files, written
from ansible_collections.wandb.onprem.plugins.plugin_utils.inventory_site import site_of


class ActionModule(ActionBase):
    """Runs wholly on the controller."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(('observed',))

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Collect the variables, apply the rules, fail with all that they find."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        observed = self._task.args.get('observed')
        if observed is not None:
            told = check_hosts(self._observed(task_vars['hostvars'], observed))
        else:
            files = written(inventory_files(task_vars.get('ansible_inventory_sources') or ()))
            told = check(site_of(self._templar, task_vars, files))
        problems = [problem for problem in told if not problem.warning]
        warned = [problem for problem in told if problem.warning]
        result.update(
            changed=False, problems=[problem.as_dict() for problem in problems], warned=[problem.as_dict() for problem in warned],
            warnings=[str(problem) for problem in warned],
        )
        if problems:
            result.update(failed=True, msg=report(problems))
        return result

    def _observed(self, hostvars: t.Mapping[str, t.Any], names: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
        """What the hosts registered under the given names, with the controller's clock as it is now."""
        after = time.time()
        entries = []
        for host in hostvars:
            for kind, name in names.items():
                result = read(hostvars[host], name)
                if isinstance(result, Unreadable) or result.get('skipped'):
                    continue
                seen = dict(result.get('seen', result), controller_after=after)
                entries.append({'kind': kind, 'host': host, 'seen': seen})
        return entries


def read(source: t.Mapping[str, t.Any], name: str) -> t.Any:
    """A variable's value; Unreadable with the reason where it is missing or its template fails."""
    try:
        return source[name]
    except (AnsibleError, KeyError) as exc:
        return Unreadable(str(exc).splitlines()[0])


def report(problems: list[Problem]) -> str:
    """All problems as one message, a line each."""
    lines = '\n'.join(f'  - {problem}' for problem in problems)
    return f'{len(problems)} problem(s), nothing was changed:\n{lines}'
