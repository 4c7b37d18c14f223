# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the inventory on the controller, opens no connection, and reports every problem at once."""

from __future__ import annotations

import pathlib
import time
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.host_rules import check_hosts
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem, Site, Unreadable
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import check

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core < 2.19 templates every text

    def trust_as_template(value: str) -> str:
        """Nothing to do there."""
        return value


ROLES = pathlib.Path(__file__).resolve().parent.parent.parent / 'roles'
# Read from the controller's side of each group; a host outside of these is none of our business.
GROUPS = ('wandb_nginx', 'wandb_mysql', 'wandb_minio', 'wandb_redis', 'wandb_kube')


def specified_variables() -> dict[str, dict[str, t.Any]]:
    """Every variable of the roles, as their argument specifications have it."""
    specified: dict[str, dict[str, t.Any]] = {}
    for path in sorted(ROLES.glob('*/meta/argument_specs.yml')):
        for entry in yaml.safe_load(path.read_text(encoding='utf-8'))['argument_specs'].values():
            specified.update(entry.get('options') or {})
    return specified


def common_defaults() -> dict[str, t.Any]:
    """Defaults of the whole site, not templated; those of single roles may need a host that the controller is not."""
    text = (ROLES / 'common' / 'defaults' / 'main.yml').read_text(encoding='utf-8')
    return {name: trust_as_template(value) if isinstance(value, str) else value for name, value in yaml.safe_load(text).items()}


def read(source: t.Mapping[str, t.Any], name: str) -> t.Any:
    """A variable's value; Unreadable with the reason where its template fails."""
    try:
        return source[name]
    except (AnsibleError, KeyError) as exc:
        return Unreadable(str(exc).splitlines()[0])


def values_of(source: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The ``wandb_`` variables of one host."""
    return {name: read(source, name) for name in source if name.startswith('wandb_')}


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
            problems = check_hosts(self._observed(task_vars['hostvars'], observed))
        else:
            problems = check(self._site(task_vars))
        result.update(changed=False, problems=[problem.as_dict() for problem in problems])
        if problems:
            result.update(failed=True, msg=report(problems))
        return result

    def _site(self, task_vars: dict[str, t.Any]) -> Site:
        groups = task_vars['groups']
        hostvars = task_vars['hostvars']
        members = sorted({host for group in GROUPS for host in groups.get(group, ())})
        # The play runs on the controller, which sees the site-wide variables; what they leave open is as role `common` has it.
        variables = {**common_defaults(), **task_vars}
        self._templar.available_variables = variables
        values = {name: self._value(variables, name) for name in variables if name.startswith('wandb_')}
        specified = specified_variables()
        return Site(
            groups={name: list(hosts) for name, hosts in groups.items()},
            values=values,
            hosts={host: values_of(hostvars[host]) for host in members},
            known={name: option.get('type', 'str') for name, option in specified.items()},
            options={name: option['options'] for name, option in specified.items() if option.get('options')},
            literal=frozenset(name for name in task_vars if name.startswith('wandb_') and not self._templar.is_template(task_vars[name])),
            controller_is_api_host=not groups.get('wandb_kube') or list(groups['wandb_kube']) == ['localhost'],
        )

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

    def _value(self, task_vars: dict[str, t.Any], name: str) -> t.Any:
        try:
            return self._templar.template(task_vars[name])
        except AnsibleError as exc:
            return Unreadable(str(exc).splitlines()[0])


def report(problems: list[Problem]) -> str:
    """All problems as one message, a line each."""
    lines = '\n'.join(f'  - {problem}' for problem in problems)
    return f'{len(problems)} problem(s), nothing was changed:\n{lines}'
