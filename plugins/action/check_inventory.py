# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the inventory on the controller, opens no connection, and reports every problem at once."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import time
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.host_rules import check_hosts
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.looks import looks
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import check
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import API_HOST, HOST, UNSEEN
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import SERVICE_GROUPS, Site, Unreadable
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.table import document, summary, table
from ansible_collections.wandb.onprem.plugins.plugin_utils.inventory_files import inventory_files, written
from ansible_collections.wandb.onprem.plugins.plugin_utils.inventory_site import site_of

display = Display()
# Besides the kinds of looks: an earlier check of the inventory.
INVENTORY = 'inventory'


class ActionModule(ActionBase):
    """Runs wholly on the controller."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(('observed', 'report'))

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Collect the variables, apply the rules, fail with all that they find."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        observed = self._task.args.get('observed')
        files = written(inventory_files(task_vars.get('ansible_inventory_sources') or ()))
        site = site_of(self._templar, task_vars, files)
        if observed is None:
            told, checked = check(site), ['inventory']
        else:
            # Within a role its defaults would pass for what the inventory says, so what was found before is taken as it is.
            told, checked = before(task_vars, str(observed.get(INVENTORY, ''))), ['inventory', 'hosts', 'cluster']
            entries = self._observed(task_vars['hostvars'], {kind: name for kind, name in observed.items() if kind != INVENTORY})
            # Who limits the run to some hosts has not looked at the others on purpose.
            told += check_hosts(entries if task_vars.get('ansible_limit') else entries + unseen(site, entries, observed), site)
        problems = [problem for problem in told if not problem.warning]
        warned = [problem for problem in told if problem.warning]
        result.update(changed=False, problems=[problem.as_dict() for problem in problems], warned=[problem.as_dict() for problem in warned], warnings=[])
        if self._task.args.get('report') and (problems or observed is not None):
            # Of an inventory that passes more is to come.
            self._show('\n'.join(part for part in ('', table(told, shutil.get_terminal_size((160, 0)).columns), '', summary(told, checked)) if part))
            result['warnings'] += self._write(site, told, checked)
        else:
            result['warnings'] += [str(problem) for problem in warned]
        if problems:
            result.update(failed=True, msg=report(problems))
        elif observed is None:
            result['looks'] = looks(site)
        return result

    @staticmethod
    def _show(text: str) -> None:
        # Who asked for JSON alone has it all in the result.
        if 'json' not in C.DEFAULT_STDOUT_CALLBACK:
            display.display(text)

    def _write(self, site: Site, told: list[Problem], checked: list[str]) -> list[str]:
        """The report as a file; what hinders it is a warning."""
        path = os.path.expanduser(site.text('wandb_preflight_report'))
        if not path or self._task.check_mode:
            return []
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds')
        try:
            with open(f'{path}.new', 'w', encoding='utf-8') as stream:
                json.dump(document(told, checked, now), stream, indent=2)
                stream.write('\n')
            os.replace(f'{path}.new', path)
        except OSError as exc:
            return [f'wandb_preflight_report: {path} cannot be written: {exc.strerror}']
        return []

    def _observed(self, hostvars: t.Mapping[str, t.Any], names: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
        """What the hosts registered under the given names, with the controller's clock as it is now."""
        after = time.time()
        entries = []
        # The controller need not stand in the inventory, and then hostvars does not count it.
        for host in dict.fromkeys([*hostvars, 'localhost']):
            for kind, name in names.items():
                result = read(hostvars[host], name)
                if isinstance(result, Unreadable) or result.get('skipped'):
                    continue
                seen = dict(result.get('seen', result), controller_after=after)
                entries.append({'kind': kind, 'host': host, 'seen': seen})
        return entries


def before(source: t.Mapping[str, t.Any], name: str) -> list[Problem]:
    """What an earlier check of the inventory found, out of the variable that it was registered in."""
    result = read(source, name) if name else {}
    return [] if isinstance(result, Unreadable) else [Problem(**one) for one in (*result.get('problems', ()), *result.get('warned', ()))]


def unseen(site: Site, entries: t.Iterable[t.Mapping[str, t.Any]], kinds: t.Collection[str]) -> list[dict[str, t.Any]]:
    """Hosts that should have been looked at, and were not."""
    seen = {(entry['kind'], entry['host']) for entry in entries}
    wanted = [(HOST, host) for group in SERVICE_GROUPS for host in site.members(group)]
    wanted += [(API_HOST, host) for host in site.members('wandb_kube') or ['localhost']]
    return [{'kind': UNSEEN, 'host': host, 'seen': {}} for kind, host in dict.fromkeys(wanted) if kind in kinds and (kind, host) not in seen]


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
