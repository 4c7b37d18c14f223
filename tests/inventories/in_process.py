# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the action plugin ``check_inventory`` in this process, on an inventory that is held in memory: Ansible's own variables, templates and
precedence, without a process and without a file for each of the inventories.
"""

from __future__ import annotations

import functools
import pathlib
import re
import sys
import types

import jinja2
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import action_loader, init_plugin_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = 'wandb.onprem.check_inventory'

# Ansible compiles a template whenever it meets it. The same few are met for hundreds of inventories here; what they give is not kept.
_compile = functools.cache(lambda cls, source: cls.compile.__wrapped__(_environments[cls], source))
_environments = {}


def _compiled_once(original):
    @functools.wraps(original)
    def compiled(self, source, name=None, filename=None, raw=False, defer_init=False):
        if not isinstance(source, str) or name or filename or raw or defer_init:
            return original(self, source, name, filename, raw, defer_init)
        _environments.setdefault(type(self), self)
        return _compile(type(self), str(source))

    return compiled


jinja2.Environment.compile = _compiled_once(jinja2.Environment.compile)
# From here on Ansible itself imports collections; what other tests of the same process have imported would be in its way.
for imported in [name for name in sys.modules if name.split('.')[0] == 'ansible_collections']:
    del sys.modules[imported]
init_plugin_loader([str(ROOT / '.cache' / 'collections')])

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory import modules
from ansible_collections.wandb.onprem.plugins.plugin_utils import inventory_site

# Nearly all values are the same in all of these inventories. Out of the same texts comes the same: it is made once.
_NAME = re.compile(r'[A-Za-z_]\w+')
# Templates in files are read by lookups, whose names tell nothing of the variables in them.
_FILES = [path.read_text(encoding='utf-8') for role in ('server', 'operator') for path in sorted((ROOT / 'roles' / role).glob('templates/*'))]
_once = {}
_template, _arguments, _told = inventory_site.Templated.template, inventory_site.Templated.arguments, modules.told


def _inputs(templated, texts):
    """Every variable that these texts come to, with its own text."""
    variables = templated.__dict__.setdefault(
        'texts', {**inventory_site.role_variables('defaults'), **templated.raw, **inventory_site.internals()})
    found, ahead = {}, [str(text) for text in texts]
    while ahead:
        text = ahead.pop()
        for name in _NAME.findall(text):
            if name in variables and name not in found:
                found[name] = repr(variables[name])
                ahead.append(found[name])
        if 'lookup(' in text and _FILES[0] not in ahead:
            ahead += [file for file in _FILES if file not in found]
            found.update(dict.fromkeys(_FILES, ''))
    return frozenset(found.items())


def _template_once(self, value):
    if inventory_site.is_plain(value) or 'hostvars' in str(value):
        return _template(self, value)
    inputs = str(value), _inputs(self, [value])
    if inputs not in _once:
        _once[inputs] = _template(self, value)
    return _once[inputs]


def _arguments_once(self, module):
    inputs = module, _inputs(self, [*inventory_site.module_arguments(module).values(), *_FILES])
    if inputs not in _once:
        _once[inputs] = _arguments(self, module)
    return _once[inputs]


def _told_once(given, *more):
    # The same object each time, which is never changed.
    if id(given) not in _once:
        _once[id(given)] = _told(given, *more)
    return _once[id(given)]


inventory_site.Templated.template = _template_once
inventory_site.Templated.arguments = _arguments_once
modules.told = _told_once


class NoConnection:
    """Whatever is asked of it is a connection that the check must not open."""

    _shell = types.SimpleNamespace(tmpdir='(none)')

    def __getattr__(self, name: str):
        raise AssertionError(f'check_inventory asked its connection for {name}')


class Inventory:
    """``members``: group -> hosts; ``variables``: group or host -> variables, as the files of a folder have them, later ones over earlier ones."""

    def __init__(self, members, variables):
        self.members = {group: list(hosts) for group, hosts in members.items()}
        self.variables = {place: dict(values) for place, values in variables.items()}

    def copy(self):
        """Another one with the same content; values are never changed in place."""
        return Inventory(self.members, self.variables)

    def give(self, place, values):
        """Variables of a group or host, over those that are there."""
        self.variables.setdefault(place, {}).update(values)


def load(folder):
    """An inventory folder: hosts.yml, and group_vars."""
    loader = DataLoader()

    def content(path):
        return loader.load_from_file(str(path), cache='none', trusted_as_template=True) or {}

    top = content(folder / 'hosts.yml')['all']
    inventory = Inventory({}, {'all': top.get('vars') or {}})
    for group, one in top['children'].items():
        inventory.members[group] = list(one.get('hosts') or {})
        inventory.give(group, one.get('vars') or {})
        for host, values in (one.get('hosts') or {}).items():
            inventory.give(host, values or {})
    for path in sorted(folder.glob('group_vars/**/*.yml')):
        inventory.give(path.parent.name if path.parent.name != 'group_vars' else path.stem, content(path))
    return inventory


def check(inventory, folder, said=None):
    """The result of the plugin; ``folder`` is the inventory's, for what stands beside it. ``said``: what of it stands in a file in plain text."""
    file = folder / 'group_vars' / 'all' / 'said.yml'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(inventory_site.untagged(said or {})), encoding='utf-8')
    loader = DataLoader()
    manager = InventoryManager(loader, sources=None, parse=False)
    data = manager._inventory
    for group, hosts in inventory.members.items():
        data.add_group(group)
        for host in hosts:
            data.add_host(host, group)
            data.set_variable(host, 'inventory_dir', str(folder))
    for place, values in inventory.variables.items():
        for name, value in values.items() if place in data.groups or place in data.hosts else ():
            data.set_variable(place, name, value)
    data.reconcile_inventory()
    variables = VariableManager(loader=loader, inventory=manager, version_info={})
    HostVars(inventory=manager, variable_manager=variables, loader=loader)
    task_vars = variables.get_vars(host=manager.get_host('localhost'))
    task_vars['ansible_inventory_sources'] = [str(folder)]
    task = types.SimpleNamespace(args={}, async_val=0, check_mode=False, action=NAME)
    templar = Templar(loader=loader, variables=task_vars)
    plugin = action_loader.get(
        NAME, task=task, connection=NoConnection(), play_context=None, loader=loader, templar=templar, shared_loader_obj=None,
    )
    return plugin.run(task_vars=task_vars)


def collected(inventory, folder):
    """The site that the rules are given."""
    seen = []
    module = sys.modules[action_loader.get(NAME, class_only=True).__module__]
    original, module.check = module.check, lambda site: seen.append(site) or []
    try:
        check(inventory, folder)
    finally:
        module.check = original
    return seen[0]


def dump(inventory, folder):
    """The same inventory as files, for ansible-playbook; ``hosts.yml`` alone, for what is there is whole."""
    given = inventory.variables
    children = {group: {'hosts': {host: given.get(host) for host in hosts}, 'vars': given.get(group)} for group, hosts in inventory.members.items()}
    text = yaml.safe_dump(inventory_site.untagged({'all': {'vars': given['all'], 'children': children}}), sort_keys=False, width=1000)
    (folder / 'hosts.yml').write_text(text, encoding='utf-8')
