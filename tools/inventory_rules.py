# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/inventory_rules.md: every rule that an inventory is held to, out of the rules themselves.

Usage: inventory_rules.py [--check]: --check only compares and fails when the committed file is another.
"""

from __future__ import annotations

import pathlib
import sys
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / '.cache' / 'collections'))

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.shapes import ENTRY_FORMS, FORMS, RANGES
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import RULES, SUBJECTS

PAGE = ROOT / 'docs' / 'inventory_rules.md'
HEAD = '''<!-- Made by tools/inventory_rules.py; changes are lost. -->
# Rules for an inventory

`ansible-playbook -i <inventory> wandb.onprem.preflight` holds the whole inventory to these {rules} rules on the controller, before any host is asked.
All that is wrong comes at once, each with its variable, its value (a secret's is hidden), why, and how to mend it; the rule's name stands at
the end, in brackets.
{refusing} rules refuse; {warning} warn, and nothing is refused for them (marked *warning*).

A rule is a pure function in `plugins/module_utils/preflight/inventory/`, with the texts of this page beside it. Each is broken by at least one
inventory of `tests/inventories/`.
'''


def code(text: str) -> str:
    """A name as code; what is in brackets is said in words."""
    return text if text.startswith('(') else f'`{text}`'


def cell(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace('|', '\\|').replace('<', '&lt;').replace('\n', ' ')


def row(rule: Rule) -> str:
    """One line of a table."""
    name = f'`{rule.id}`' + (' *warning*' if rule.warning else '')
    variables = 'see [below](#numbers-and-forms)' if rule.id in ('range', 'form') else ', '.join(code(variable) for variable in rule.variables)
    return f'| {name} | {variables} | {cell(rule.demand)} | {cell(rule.why)} | {cell(rule.mend)} |'


def shapes() -> t.Iterator[str]:
    """The numbers and forms of single values."""
    yield from ('', '## Numbers and forms', '', '| variable | wanted |', '|---|---|')
    for name, (low, high) in RANGES.items():
        yield f'| `{name}` | {low} to {high} |'
    for name, form in FORMS.items():
        yield f'| `{name}` | {cell(form.wanted)} |'
    for name, form in ENTRY_FORMS.items():
        yield f'| `{name}`, each entry | {cell(form.wanted)} |'


def profiles() -> t.Iterator[str]:
    """The guide's sizes."""
    sizes = yaml.safe_load((ROOT / 'roles/common/vars/main.yml').read_text(encoding='utf-8'))['__wandb_size_profiles']
    what = "`wandb_size_profile` is the size of the hosting guide by name. What it asks of hosts is the guide's; what follows is a default."
    yield from ('', '## Size profiles', '', what, '')
    yield '| profile | each worker node | each MySQL host | server size | MySQL buffer pool | Redis memory | one drive allowed |'
    yield '|---|---|---|---|---|---|---|'
    for name, size in sizes.items():
        hosts = [f'{one["cores"]} cores, {one["memory_gb"]} GB, {one["disk_gb"]} GB disk' if one else '' for one in (size.get('node'), size.get('mysql_host'))]
        defaults = [f'`{size[key]}`' for key in ('server_size', 'mysql_buffer_pool', 'redis_maxmemory')]
        yield f'| {" | ".join([f"`{name}`" if name else "(none)", *hosts, *defaults, "yes" if size["single_drive"] else "no"])} |'


def page() -> str:
    """The whole page."""
    warning = sum(rule.warning for rule in RULES)
    lines = [HEAD.format(rules=len(RULES), refusing=len(RULES) - warning, warning=warning).rstrip('\n')]
    for subject, rules in SUBJECTS.items():
        lines += ['', f'## {subject}', '', '| rule | variables | what must hold | why | mend |', '|---|---|---|---|---|', *(row(rule) for rule in rules)]
    return '\n'.join([*lines, *shapes(), *profiles()]) + '\n'


def main(arguments: t.Sequence[str]) -> int:
    """Write the page, or compare."""
    text = page()
    if '--check' in arguments:
        if not PAGE.exists() or PAGE.read_text(encoding='utf-8') != text:
            print(f'{PAGE.name} is not what tools/inventory_rules.py makes: run it', file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding='utf-8')
    print(f'{PAGE.name}: {len(RULES)} rules')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
