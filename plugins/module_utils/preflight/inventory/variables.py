# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for every variable alike: that it can be read, is known, and is of the type, the choices and the keys of its argument_specs. Pure."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import EVERY, Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import is_placeholder, is_secret
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import GROUPS, SERVICE_GROUPS, Site, Unreadable

Spec = t.Mapping[str, t.Any]

# Variables of earlier versions and of the first design, whose nearest name would be the wrong one.
REPLACED = {
    'wandb_server_pod_annotations': 'write wandb_server_object_metadata: {pod: {annotations: ...}}',
    'wandb_kube_host': 'put that host in group wandb_kube',
    'wandb_minio_endpoint': 'describe your own object store in wandb_bucket_endpoint',
    'wandb_version': 'write wandb_server_version',
    'wandb_chart_version': 'write wandb_server_chart_version',
}
# What a dictionary needs as soon as it is not empty. In argument_specs these cannot be required, for empty is the default.
REQUIRED_KEYS = {
    'wandb_clickhouse_endpoint': ('host',),
    'wandb_mysql_repository': ('uris', 'suites', 'components', 'key'),
    'wandb_server_oidc': ('client_id', 'issuer'),
    'wandb_server_ldap': ('host', 'base_dn'),
    'wandb_server_smtp': ('host',),
    'wandb_server_slack': ('client_id',),
}
# Variables of which a role requires one, as another variable is given or not -> group, that variable, whether it is given, how to come by it.
REQUIRED_WHERE = {
    'wandb_nginx_ingress_upstreams': ('wandb_nginx', 'wandb_node_ports', False, 'list the ingress as host:port, one entry a node'),
    'wandb_nginx_node_addresses': ('wandb_nginx', 'wandb_node_ports', True, "list the cluster's nodes, each a name or an address without a port"),
}
# Roles that run on the API host or on the controller: their variables do nothing on a host of a service.
_CENTRAL_ROLES = frozenset({'common', 'server', 'operator', 'platform', 'verify', 'preflight'})
# Variables of a service's role that the whole site reads as well, to find the service.
_READ_BY_ALL = frozenset({
    'wandb_mysql_port', 'wandb_mysql_database', 'wandb_mysql_user', 'wandb_mysql_virtual_address', 'wandb_mysql_password', 'wandb_redis_port',
    'wandb_redis_virtual_address', 'wandb_redis_sentinel_endpoint', 'wandb_redis_sentinel_port', 'wandb_redis_master_name',
    'wandb_redis_password', 'wandb_minio_port', 'wandb_minio_bucket', 'wandb_minio_region', 'wandb_minio_root_user', 'wandb_minio_root_password',
    'wandb_minio_access_key', 'wandb_minio_secret_key', 'wandb_nginx_virtual_address', 'wandb_nginx_balanced_elsewhere',
})
# Of those for the whole site, the ones that hosts of a service read as well: said for the API host alone they are missing there.
_READ_BY_HOSTS = ('wandb_host', 'wandb_mysql_address', 'wandb_redis_address', 'wandb_minio_address', 'wandb_node_ports', 'wandb_size_profile',
                  'wandb_no_log')
TYPES: dict[str, tuple[type, ...]] = {
    'bool': (bool,), 'int': (int,), 'float': (int, float), 'list': (list, tuple), 'dict': (dict,), 'str': (str,), 'path': (str,),
}
TYPE_NAMES: dict[type, str] = {bool: 'bool', int: 'int', float: 'float', str: 'str', list: 'list', tuple: 'list', dict: 'dict'}


def nearest(name: str, known: t.Iterable[str], cutoff: float = 0.75) -> str:
    """The name that was most probably meant, or an empty string."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=cutoff)
    return close[0] if close else ''


def type_problem(value: t.Any, wanted: str) -> str:
    """What a literal value is instead of ``wanted``, or an empty string."""
    kinds = TYPES.get(wanted)
    if kinds is None or value is None or isinstance(value, Unreadable):
        return ''
    # bool before int: a bool is an int in Python.
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return ''
    return next((shown for kind, shown in TYPE_NAMES.items() if isinstance(value, kind)), 'value of another kind')


def type_mend(value: t.Any, wanted: str) -> str:
    """How to write it instead."""
    if isinstance(value, str) and wanted in ('bool', 'int', 'float'):
        return f'write it without quotes: a text is not a {wanted}, and the text "false" is true' if wanted == 'bool' else 'write the number without quotes'
    if wanted in ('str', 'path') and isinstance(value, (int, float)):
        return 'write it in quotes, or YAML makes a number of it (0.80 becomes 0.8)'
    return {'list': 'write a list: [one, two]', 'dict': 'write a dictionary: {key: value}', 'bool': 'write true or false'}.get(wanted, f'write a {wanted}')


@rule(
    'unreadable', EVERY,
    why='A template that fails would stop a role half way.',
    mend='correct the expression',
)
def unreadable(site: Site) -> t.Iterator[Found]:
    """Every variable can be read."""
    for where, name, value in site.names():
        if isinstance(value, Unreadable):
            yield Found(name, f'cannot be read: {value.reason}', where=where)


@rule(
    'unknown-variable', EVERY,
    why='Ansible passes over a misspelt variable in silence, and the default stands.',
    mend='remove it; the README of each role lists its variables',
)
def unknown_variable(site: Site) -> t.Iterator[Found]:
    """Every variable that begins with wandb_ is one of a role."""
    for where, name, _value in site.names():
        if name not in site.specs and name not in REPLACED:
            near = nearest(name, site.specs)
            yield Found(name, 'no role of this collection has this variable', f'did you mean {near}?' if near else '', where, hide=True)


@rule(
    'replaced-variable', *REPLACED,
    why='What it said would be passed over.',
    mend='use what took its place',
)
def replaced_variable(site: Site) -> t.Iterator[Found]:
    """No variable of an earlier version is left."""
    for where, name, _value in site.names():
        if name in REPLACED and name not in site.specs:
            yield Found(name, 'this variable is no longer read', REPLACED[name], where, hide=True)


@rule(
    'unknown-group', '(groups)',
    why='Hosts in a misspelt group are never touched.',
    mend=f'the groups are {", ".join(GROUPS)}',
)
def unknown_group(site: Site) -> t.Iterator[Found]:
    """A group that begins with wandb_ is one of the collection's, or its hosts are in one of those as well."""
    known = {host for group in GROUPS for host in site.members(group)}
    for name in sorted(site.groups):
        if re.match(r'wandb[_-]', name) and name not in GROUPS and set(site.members(name)) - known:
            near = nearest(name.replace('-', '_'), GROUPS, cutoff=0.6)
            yield Found(name, 'no playbook runs on this group', f'did you mean {near}?' if near else '')


@rule(
    'type', EVERY,
    why='A role would stop at it half way, or read it as something else: the text "false" is true in a condition.',
    mend='correct the type',
)
def wrong_type(site: Site) -> t.Iterator[Found]:
    """A value that is written down is of the type that its role specifies. (What a template gives may be text; roles convert it.)"""
    for where, name, value in site.names():
        wanted = site.specs.get(name, {}).get('type', 'str')
        found = type_problem(value, wanted) if site.is_literal(where, name) and name in site.specs else ''
        if found:
            yield Found(name, f'is a {found}, must be a {wanted}', type_mend(value, wanted), where)


@rule(
    'choice', '(every variable with choices)',
    why='A role knows no other value.',
    mend='take one of them',
)
def choice(site: Site) -> t.Iterator[Found]:
    """A value is one of those that its role knows."""
    for where, name, value in site.names():
        choices = site.specs.get(name, {}).get('choices')
        if choices and isinstance(value, (str, int)) and value not in choices:
            near = nearest(str(value), [str(one) for one in choices], cutoff=0.6)
            told = ', '.join(str(one) or '""' for one in choices)
            yield Found(name, 'is none of the possible values', f'take one of {told}' + (f'; did you mean {near}?' if near else ''), where)


@rule(
    'element', '(every list)',
    why='A role would stop at it half way.',
    mend='correct the entry',
)
def element(site: Site) -> t.Iterator[Found]:
    """The entries of a list are of the type that its role specifies."""
    for where, name, value in site.names():
        wanted = site.specs.get(name, {}).get('elements')
        if not wanted or site.specs[name].get('options') or not isinstance(value, (list, tuple)):
            continue
        for number, entry in enumerate(value, 1):
            found = 'value of nothing' if entry is None else type_problem(entry, wanted)
            if found:
                yield Found(name, f'entry {number} is a {found}, must be a {wanted}', where=where)


@rule(
    'dictionary', '(every variable with keys)',
    why='Nothing reads a misspelt key, and a missing one stops a role half way.',
    mend='correct the keys; the README of the role lists them',
)
def dictionary(site: Site) -> t.Iterator[Found]:
    """A dictionary has the keys, types and choices of its role's argument_specs, and those that must not be missing."""
    for where, name, value in site.names():
        options = site.specs.get(name, {}).get('options')
        if not options or value is None or isinstance(value, Unreadable):
            continue
        literal = site.is_literal(where, name)
        if site.specs[name].get('type') == 'list':
            for number, entry in enumerate(value if isinstance(value, (list, tuple)) else (), 1):
                for wrong, mend in keys(f'entry {number}', entry, options, literal):
                    yield Found(name, wrong, mend, where)
        elif isinstance(value, t.Mapping) and value:
            for wrong, mend in keys('', value, options, literal):
                yield Found(name, wrong, mend, where)
            for key in REQUIRED_KEYS.get(name, ()):
                if not value.get(key):
                    yield Found(name, f'has no {key}', f'add {key}', where)


def keys(place: str, value: t.Any, options: Spec, literal: bool) -> t.Iterator[tuple[str, str]]:
    """(what is wrong, mend) of one dictionary and of those in it. Never shows a value that is no choice."""
    within = f'{place}: ' if place else ''
    if not isinstance(value, t.Mapping):
        yield f'{within}is no dictionary', f'write a dictionary of {", ".join(sorted(options))}'
        return
    for key in value:
        if key not in options:
            near = nearest(str(key), options, cutoff=0.6)
            yield f'{within}nothing reads {key}', f'did you mean {near}?' if near else f'it may have {", ".join(sorted(options))}'
    for key, option in options.items():
        given, wanted = value.get(key), option.get('type', 'str')
        found = type_problem(given, wanted) if literal else ''
        if given is None:
            if option.get('required'):
                yield f'{within}has no {key}', f'add {key}'
        elif found:
            yield f'{within}{key} is a {found}, must be a {wanted}', type_mend(given, wanted)
        elif option.get('choices') and given not in option['choices']:
            yield f'{within}{key} is {given!r}', f'must be one of {", ".join(str(one) for one in option["choices"])}'
        elif option.get('options') and given:
            yield from keys(f'{place}.{key}' if place else str(key), given, option['options'], literal)


@rule(
    'required', '(every variable that a role requires)',
    why='The role would stop on that host.',
    mend='set it; the README of the role tells what it is',
)
def required(site: Site) -> t.Iterator[Found]:
    """A host has every variable that its role cannot do without."""
    for name, spec in sorted(site.specs.items()):
        # Another name is what a verb asks for at the command line (confirm).
        if not spec.get('required') or is_secret(name) or not name.startswith('wandb_'):
            continue
        for group in SERVICE_GROUPS:
            if group.removeprefix('wandb_') not in spec.get('roles', ()):
                continue
            for host in site.members(group):
                if not site.has(name, host):
                    yield Found(name, 'is missing', where=host)
    for name, (group, other, given, mend) in REQUIRED_WHERE.items():
        for host in site.members(group) if site.has(other) is given else ():
            if not site.has(name, host):
                yield Found(name, 'is missing', mend, host)


@rule(
    'site-wide', *sorted(_READ_BY_ALL), '(and every variable of roles common, server, operator, platform and verify)',
    why='A host of a service and the API host would work with different values: clients would look for the service elsewhere than it is.',
    mend='move it to group all (group_vars/all)',
)
def site_wide(site: Site) -> t.Iterator[Found]:
    """What the whole site reads is said once, for the whole site."""
    for host in dict.fromkeys(member for group in SERVICE_GROUPS for member in site.members(group)):
        for name in _READ_BY_HOSTS if not site.api_host_is_controller else ():
            if name in site.given and name not in site.own.get(host, ()) and site.value(name, host) != site.value(name):
                yield Found(name, 'is set for the API host or its group only, and hosts of a service read it', where=host)
        for name in sorted(site.own.get(host, ())):
            central = set(site.specs.get(name, {}).get('roles', ())) & _CENTRAL_ROLES
            if (central or name in _READ_BY_ALL) and site.value(name, host) != site.value(name):
                yield Found(name, 'is set for this host or its group only, and the whole site reads it', where=host)


@rule(
    'placeholder', EVERY,
    why='The shipped inventories mark with it what only you can know.',
    mend='replace it by your own value',
)
def placeholder(site: Site) -> t.Iterator[Found]:
    """No value is still a placeholder such as CHANGE-ME."""
    for where, name, value in site.names():
        if any(is_placeholder(text) for text in texts(value)):
            yield Found(name, 'still holds a placeholder', where=where, hide=True)


def texts(value: t.Any) -> t.Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, t.Mapping):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from texts(one)


RULES = (
    unreadable, unknown_variable, replaced_variable, unknown_group, wrong_type, choice, element, dictionary, required, site_wide, placeholder,
)
