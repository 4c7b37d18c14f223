# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/inventory_rules.md and docs/host_rules.md: every rule that inventory, hosts and cluster are held to, out of the rules themselves.

Usage: inventory_rules.py [--check]: --check only compares and fails when a committed file is another.
"""

from __future__ import annotations

import pathlib
import sys
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / '.cache' / 'collections'))

from ansible_collections.wandb.onprem.plugins.module_utils.preflight import host_rules
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.shapes import ENTRY_FORMS, FORMS, RANGES
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import RULES, SUBJECTS
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import SeenRule

PAGE = ROOT / 'docs' / 'inventory_rules.md'
HOST_PAGE = ROOT / 'docs' / 'host_rules.md'
HEAD = '''<!-- Made by tools/inventory_rules.py; changes are lost. -->
# Rules for an inventory

`ansible-playbook -i <inventory> wandb.onprem.preflight` holds the whole inventory to these {rules} rules on the controller, before any host is asked.
All that is wrong comes at once, each with its variable, its value (a secret's is hidden), why, and how to mend it; the rule's name stands at
the end, in brackets.
{refusing} rules refuse; {warning} warn, and nothing is refused for them (marked *warning*).

A rule is a pure function in `plugins/module_utils/preflight/inventory/`, with the texts of this page beside it. Each is broken by at least one
inventory of `tests/inventories/`.
'''

HOST_HEAD = '''<!-- Made by tools/inventory_rules.py; changes are lost. -->
# Rules for hosts and cluster

Once the inventory passes [its own rules](inventory_rules.md), `ansible-playbook -i <inventory> wandb.onprem.preflight` looks at every host, at the
API host and at the cluster, changes nothing, and holds what it saw to these {rules} rules. All that is wrong comes in one table and in a file
(`wandb_preflight_report`).
{refusing} rules refuse; {warning} only warn (marked *warning*). Where a rule says so, what is doubtful is warned of by the others, too.

`wandb_preflight_accept: [<rule>, ...]` makes rules only warn. `ansible_host` stands for the machine itself.

A rule is a pure function in `plugins/module_utils/preflight/hosts/` or `cluster/`, with the texts of this page beside it, over what one look showed
(modules `host_info`, `cluster_info`, `redis_probe`, `s3_probe`, `image_info`).
'''
# Kind of a look, for people.
LOOKS = {'host': 'hosts', 'api_host': 'API host', 'cluster': 'cluster', 'redis': 'Redis of your own', 'bucket': 'bucket of your own', 'images': 'registry',
         'unseen': 'hosts, API host'}


def code(text: str) -> str:
    """A name as code; what is in brackets is said in words."""
    return text if text.startswith('(') else f'`{text}`'


def cell(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace('|', '\\|').replace('<', '&lt;').replace('\n', ' ')


def host_row(rule: SeenRule) -> str:
    """One line of a table."""
    name = f'`{rule.id}`' + (' *warning*' if rule.warning else '')
    looks = ', '.join(LOOKS[kind] for kind in rule.kinds)
    variables = ', '.join(code(variable) for variable in rule.variables)
    return f'| {name} | {looks} | {variables} | {cell(rule.demand)} | {cell(rule.why)} | {cell(rule.mend)} |'


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


def host_page() -> str:
    """The whole page about hosts and cluster."""
    rules = host_rules.RULES
    warning = sum(rule.warning for rule in rules)
    lines = [HOST_HEAD.format(rules=len(rules), refusing=len(rules) - warning, warning=warning).rstrip('\n')]
    for subject, some in host_rules.SUBJECTS.items():
        head = ['', f'## {subject}', '', '| rule | looks at | variables | what must hold | why | mend |', '|---|---|---|---|---|---|']
        lines += [*head, *(host_row(rule) for rule in some)]
    return '\n'.join(lines) + '\n'


def main(arguments: t.Sequence[str]) -> int:
    """Write the pages, or compare."""
    failed = 0
    for path, text, number in ((PAGE, page(), len(RULES)), (HOST_PAGE, host_page(), len(host_rules.RULES))):
        if '--check' not in arguments:
            path.write_text(text, encoding='utf-8')
            print(f'{path.name}: {number} rules')
        elif not path.exists() or path.read_text(encoding='utf-8') != text:
            print(f'{path.name} is not what tools/inventory_rules.py makes: run it', file=sys.stderr)
            failed = 1
    return failed


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
