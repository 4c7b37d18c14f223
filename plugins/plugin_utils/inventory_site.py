# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's variables to the `Site` that the rules look at: every value as the roles would see it, templated when it is asked for."""

from __future__ import annotations

import functools
import pathlib
import re
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory import modules, pki
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import SERVICE_GROUPS, Controller, Options, Site, Unreadable
from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import certificate_problems
from ansible_collections.wandb.onprem.plugins.plugin_utils.inventory_files import Written
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_rules import Deployment, check

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core < 2.19 templates every text

    def trust_as_template(value: str) -> str:  # type: ignore[misc]
        """Nothing to do there."""
        return value


ROLES = pathlib.Path(__file__).resolve().parent.parent.parent / 'roles'
# Module -> the role and the task file that call it.
MODULES = {'wandb_server': ('server', 'custom_resource.yml'), 'wandb_operator': ('operator', 'release.yml')}
# What a role would refuse of the inventory alone: sentences, or rules of `holds` and `else`.
REFUSALS = {'mysql': '__wandb_mysql_pair_problems', 'minio': '__wandb_minio_rules', 'redis': '__wandb_redis_problems'}
# How role minio reads its layout.
LAYOUT = '__wandb_minio_layout_options'
# What role pki makes of a certificate that was given: the certificate, its key, its names, the CAs, and the same for the ingress.
CERTIFICATES = (
    '__wandb_pki_given_certificate', '__wandb_pki_given_key', '__wandb_pki_service_sans', '__wandb_pki_trusted', '__wandb_pki_ingress_certificate',
    '__wandb_pki_ingress_key',
)
_SAFE = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_INTERNAL = re.compile(r'\b__wandb_\w+')
_REFERENCE = re.compile(r'\{\{ (\w+)( or omit)? \}\}')
_OMITTED = '__omit_place_holder__'

Variables = t.Mapping[str, t.Any]


def as_template(value: t.Any) -> t.Any:
    """The collection's own text may be a template, which newer versions of Ansible want to be told."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {name: as_template(inner) for name, inner in value.items()}
    return [as_template(inner) for inner in value] if isinstance(value, list) else value


def is_plain(value: t.Any) -> bool:
    """Whether a value is what it is: nothing in it looks like a template or is encrypted."""
    if isinstance(value, str):
        return not any(sign in value for sign in ('{{', '{%', '{#'))
    if isinstance(value, dict):
        return all(is_plain(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return all(is_plain(inner) for inner in value)
    return value is None or isinstance(value, (bool, int, float))


def untagged(value: t.Any) -> t.Any:
    """The same of Python's own types: newer versions of Ansible hang tags on values, which are slow to copy."""
    if isinstance(value, t.Mapping):
        return {untagged(name): untagged(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [untagged(inner) for inner in value]
    kind = next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), None)
    return kind(value) if kind else value


def _load(path: pathlib.Path) -> t.Any:
    return yaml.load(path.read_text(encoding='utf-8'), Loader=_SAFE) if path.is_file() else {}


@functools.cache
def specified() -> dict[str, dict[str, t.Any]]:
    """Every variable of the roles, as their argument specifications have it, and which roles those are."""
    found: dict[str, dict[str, t.Any]] = {}
    for path in sorted(ROLES.glob('*/meta/argument_specs.yml')):
        for entry in _load(path)['argument_specs'].values():
            for name, option in (entry.get('options') or {}).items():
                known = found.setdefault(name, {**option, 'roles': []})
                known['roles'] = sorted({*known['roles'], path.parent.parent.name})
                known['required'] = bool(known.get('required') or option.get('required'))
    return found


@functools.cache
def role_variables(kind: str) -> dict[str, t.Any]:
    """``defaults`` or ``vars`` of all roles, not templated."""
    return {name: as_template(value) for path in sorted(ROLES.glob(f'*/{kind}/main.yml')) for name, value in (_load(path) or {}).items()}


@functools.cache
def module_arguments(module: str) -> dict[str, t.Any]:
    """The arguments that the role has for its module, not templated."""
    role, file = MODULES[module]
    task = next(task for task in _load(ROLES / role / 'tasks' / file) if f'wandb.onprem.{module}' in task)
    return {name: as_template(value) for name, value in task[f'wandb.onprem.{module}'].items() if name not in modules.INTERNAL}


def _internals(*values: t.Any) -> tuple[str, ...]:
    """Internal variables of the roles that these values are made of, each behind the ones that it is made of itself."""
    known = role_variables('vars')
    found: dict[str, None] = {}

    def visit(value: t.Any) -> None:
        for name in _INTERNAL.findall(str(value)):
            if name in known and name not in found:
                visit(known[name])
                found[name] = None

    for value in values:
        visit(value)
    return tuple(found)


@functools.cache
def module_internals(module: str) -> tuple[str, ...]:
    """Those of a module's arguments."""
    return _internals(module_arguments(module))


@functools.cache
def internals() -> dict[str, t.Any]:
    """All that the rules can come to, not templated. Ansible copies every variable for every template, so there are no others."""
    wanted = _internals(role_variables('defaults'), *(module_arguments(module) for module in MODULES), *CERTIFICATES, *REFUSALS.values(), LAYOUT)
    return {name: role_variables('vars')[name] for name in wanted}


class Templated(t.Mapping[str, t.Any]):
    """Variables in the context of one host, each templated when it is first read.

    What the inventory gives and cannot be read is an `Unreadable` with the reason; a role's default that cannot be (for it needs facts of the
    host) counts as missing.
    """

    def __init__(self, templar: t.Any, raw: Variables, more: Variables) -> None:
        self.raw = raw
        self._all = {**role_variables('defaults'), **raw, **internals(), **more}
        self._templar = templar.copy_with_new_env(available_variables=self._all)
        self._seen: dict[str, t.Any] = {}

    def __getitem__(self, name: str) -> t.Any:
        if name not in self._seen:
            self._seen[name] = self._read(name)
        if isinstance(self._seen[name], Unreadable) and name not in self.raw:
            raise KeyError(name)
        return self._seen[name]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def reason(self, name: str) -> str:
        """Why a variable cannot be read, a role's default too; empty where it can."""
        value = self.get(name, self._seen.get(name))
        return value.reason if isinstance(value, Unreadable) else ''

    def _read(self, name: str) -> t.Any:
        value = self.template(self._all[name])
        # Others are made of it, and it need not be made again for each of them. What still looks like a template would be taken for one.
        if is_plain(value):
            self._all[name] = value
        return value

    def template(self, value: t.Any) -> t.Any:
        """Any value in this context."""
        if is_plain(value):
            return value
        try:
            made = self._templar.template(value)
            # Before ansible-core 2.19 an encrypted text is an object that is decrypted when it is made text.
            return str(made) if type(made).__name__ == 'AnsibleVaultEncryptedUnicode' else made
        except AnsibleError as exc:
            return Unreadable(str(exc).splitlines()[0])

    def is_literal(self, name: str) -> bool:
        """Whether a given value holds no template."""
        return is_plain(self.raw[name]) or not self._templar.is_template(self.raw[name])

    def arguments(self, module: str) -> Options:
        """What the role would hand to its module."""
        values: dict[str, t.Any] = {}
        failed: dict[str, str] = {}
        for name in module_internals(module):
            self.get(name)
        for name, argument in module_arguments(module).items():
            reference = _REFERENCE.fullmatch(argument) if isinstance(argument, str) else None
            made = self._referred(name, reference) if reference else self.template({name: argument})
            if isinstance(made, Unreadable):
                failed[name] = made.reason
            elif name in made and not (isinstance(made[name], str) and made[name].startswith(_OMITTED)):
                values[name] = untagged(made[name])
        return Options(values, failed)

    def _referred(self, option: str, reference: re.Match[str]) -> t.Any:
        """The same as a template would give for a plain reference, in a tenth of the time: most arguments are one."""
        value = self.get(reference.group(1), Unreadable(f'{reference.group(1)} is undefined'))
        if isinstance(value, Unreadable):
            return value
        return {} if reference.group(2) and not value else {option: value}


def _ours(variables: Variables) -> frozenset[str]:
    return frozenset(name for name in variables if name.startswith('wandb_'))


def _certificates(values: t.Mapping[str, Templated], site_values: Templated) -> dict[str, list[str]]:
    """What is wrong with the certificates that were given, by the same check as in role pki. What cannot be read is another rule's matter."""
    certificate, key, names, trusted, ingress_certificate, ingress_key = CERTIFICATES
    found = {}
    given = {host: (one, certificate, key, names) for host, one in values.items() if one.get('wandb_pki_mode') == 'provided'}
    if site_values.get('wandb_pki_ingress_certificate'):
        given[pki.INGRESS] = (site_values, ingress_certificate, ingress_key, '')
    for host, (one, certificate, key, sans) in given.items():
        pem, private, ca = (one.get(name) for name in (certificate, key, trusted))
        wanted = one.get(sans) if sans else [one.get('wandb_host')]
        if all(isinstance(text, str) and text for text in (pem, private, ca)) and isinstance(wanted, list):
            days = one.get('wandb_pki_renew_before')
            found[host] = certificate_problems(pem, ca, wanted, private_key=private, min_days=int(days) if str(days).isdigit() else 0)
    return {host: problems for host, problems in found.items() if problems}


def _refused(role: str, hosts: t.Sequence[str], values: t.Mapping[str, Templated], own: t.Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """What a role would refuse, by its own rules; only once where hosts are described alike."""
    found = {}
    for host in hosts:
        if host != hosts[0] and not any(name.startswith(f'wandb_{role}_') for name in own[host] ^ own[hosts[0]]):
            continue
        rules = values[host].get(REFUSALS[role])
        sentences = [rule if isinstance(rule, str) else rule['else'] for rule in rules if isinstance(rule, str) or not rule['holds']] if rules else []
        sentences += _layout(values[host], hosts) if role == 'minio' else []
        found[host] = [' '.join(sentence.split()) for sentence in sentences]
    return {host: sentences for host, sentences in found.items() if sentences}


def _layout(one: Templated, hosts: t.Sequence[str]) -> list[str]:
    """What cannot be a deployment of MinIO, or would not survive the loss of a drive."""
    options, volumes = one.get(LAYOUT), one.get('wandb_minio_volumes')
    if isinstance(volumes, str) and isinstance(options, dict):
        return check(Deployment(
            volumes, hosts, {}, int(options['parity']) or None, allow_single=bool(options['allow_single']), allow_root_drive=bool(options['allow_root_drive'])))
    reason = one.reason('wandb_minio_volumes') if 'wandb_minio_volumes' not in one.raw else ''
    return [f'wandb_minio_volumes cannot be made of hosts and drives: {reason}'] if reason else []


def site_of(templar: t.Any, task_vars: Variables, files: Written, controller: Controller | None = None) -> Site:
    """The inventory, from the variables of a task on the controller.

    What the whole site sees is what the API host sees: the host in wandb_kube, or the controller.
    """
    groups = {name: list(hosts) for name, hosts in task_vars['groups'].items()}
    hostvars = task_vars['hostvars']
    kube = groups.get('wandb_kube', [])
    context = {'hostvars': hostvars, 'ansible_search_path': [str(ROLES / role) for role, _file in MODULES.values()]}
    raw = hostvars.raw_get(kube[0]) if len(kube) == 1 and kube != ['localhost'] else task_vars
    values = Templated(templar, raw, context)
    members = list(dict.fromkeys(host for group in SERVICE_GROUPS for host in groups.get(group, ())))
    hosts = {host: Templated(templar, hostvars.raw_get(host), context) for host in members}
    given = _ours(raw)
    own = {host: frozenset(name for name in _ours(one.raw) if name not in raw or one.raw[name] != raw[name]) for host, one in hosts.items()}
    sizes = values.get('__wandb_size_profiles')
    return Site(
        groups=groups,
        values=values,
        hosts=hosts,
        specs=specified(),
        given=given,
        own=own,
        literal=frozenset(name for name in given if values.is_literal(name)),
        own_literal={host: frozenset(name for name in own[host] if one.is_literal(name)) for host, one in hosts.items()},
        modules={module: values.arguments(module) for module in MODULES},
        refused={role: _refused(role, groups.get(f'wandb_{role}', []), hosts, own) for role in REFUSALS},
        certificates=_certificates(hosts, values),
        in_clear=files.in_clear,
        has_vault=files.has_vault,
        in_files=files.names,
        sizes=sizes if isinstance(sizes, t.Mapping) else {},
        controller=controller or Controller(),
    )
