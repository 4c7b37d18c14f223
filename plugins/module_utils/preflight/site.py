# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory as the rules see it, and what they may ask of the controller."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import time
import typing as t

Values = t.Mapping[str, t.Any]
Names = frozenset[str]

SITE = 'site'
# Data hosts first; what a group's hosts do is the role of the same name.
SERVICE_GROUPS = ('wandb_mysql', 'wandb_minio', 'wandb_redis', 'wandb_nginx')
GROUPS = (*SERVICE_GROUPS, 'wandb_kube')


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """A variable whose template failed, with the reason (never the value)."""

    reason: str


class Controller:
    """The files and programs of the controller, which some rules look at; replaced in tests."""

    def is_file(self, path: str) -> bool:
        """Whether a file is there; ``~`` is the home folder."""
        return os.path.isfile(os.path.expanduser(path))

    def size(self, path: str) -> int:
        """Its bytes."""
        return os.path.getsize(os.path.expanduser(path))

    def has_program(self, name: str) -> bool:
        """Whether a program of that name or path can be run."""
        return shutil.which(os.path.expanduser(name)) is not None

    def addresses(self, name: str) -> list[str]:
        """Addresses of a name; none where it does not resolve."""
        try:
            return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError):
            return []

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


@dataclasses.dataclass(frozen=True)
class Options:
    """What a role would hand to its module: ``values`` by option, ``failed`` = options whose expression fails, with the reason."""

    values: Values = dataclasses.field(default_factory=dict)
    failed: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Site:
    """The inventory.

    ``groups``: name -> hosts. ``values``: variables as the API host sees them, the roles' defaults among them; ``hosts``: the same for each
    host of a service group. ``given``: what the inventory itself says for the whole site; ``own``: what it says otherwise for a host.
    ``literal`` and ``own_literal``: those of them that hold no template. ``specs``: every variable that the collection has, as in
    argument_specs, with the key ``roles`` besides. ``modules``: what role server and role operator would hand to their modules.
    ``refused``: role -> host -> what the role itself would refuse of the inventory. ``certificates``: host -> what is wrong with the certificate
    that was given for it (``ingress`` for that of the ingress). ``in_clear``: secret -> the inventory's file that holds it in plain text;
    ``has_vault``: whether any part of the inventory is encrypted; ``in_files``: names that stand in a file of the inventory that can be
    read (not on the command line). ``sizes``: the profiles by name. A value that could not be templated is an :class:`Unreadable`.
    """

    groups: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)
    values: Values = dataclasses.field(default_factory=dict)
    hosts: t.Mapping[str, Values] = dataclasses.field(default_factory=dict)
    specs: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    given: Names = frozenset()
    own: t.Mapping[str, Names] = dataclasses.field(default_factory=dict)
    literal: Names = frozenset()
    own_literal: t.Mapping[str, Names] = dataclasses.field(default_factory=dict)
    modules: t.Mapping[str, Options] = dataclasses.field(default_factory=dict)
    refused: t.Mapping[str, t.Mapping[str, t.Sequence[str]]] = dataclasses.field(default_factory=dict)
    certificates: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)
    in_clear: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    has_vault: bool = False
    in_files: Names = frozenset()
    sizes: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    controller: Controller = dataclasses.field(default_factory=Controller)

    def members(self, group: str) -> list[str]:
        """Hosts of a group; empty where the inventory has no such group."""
        return list(self.groups.get(group, ()))

    @property
    def api_host_is_controller(self) -> bool:
        """Whether the Kubernetes API is spoken to from here."""
        return self.members('wandb_kube') in ([], ['localhost'])

    def machine(self, host: str) -> str:
        """What a host is reached at: two hosts with one of these are one machine."""
        return str(self.value('ansible_host', host) or host)

    def known_as(self, hosts: t.Iterable[str]) -> set[str]:
        """The names and addresses of hosts."""
        return {name for host in hosts for name in (host, self.machine(host))}

    def gives(self, name: str, host: str = '') -> bool:
        """Whether the inventory says it, for the whole site or for the host; else it is a role's default."""
        return name in self.given or name in self.own.get(host, frozenset())

    def value(self, name: str, host: str = '') -> t.Any:
        """A variable, of the whole site or as a host sees it; None where it is missing or unreadable."""
        value = (self.hosts.get(host, {}) if host else self.values).get(name)
        return None if isinstance(value, Unreadable) else value

    def has(self, name: str, host: str = '') -> bool:
        """Whether there is a value that is not empty; one that cannot be read is one, for another rule tells of it."""
        return (self.hosts.get(host, {}) if host else self.values).get(name) not in (None, '', [], {})

    def text(self, name: str, host: str = '') -> str:
        """A variable as text; empty where it is missing or something else."""
        value = self.value(name, host)
        return value if isinstance(value, str) else ''

    def number(self, name: str, host: str = '') -> int | None:
        """A variable as a whole number, which a template gives as text."""
        return whole(self.value(name, host))

    def flag(self, name: str, host: str = '') -> bool:
        """Whether a variable is true; a template gives text."""
        value = self.value(name, host)
        return value is True or (isinstance(value, str) and value.lower() in ('true', 'yes'))

    def mapping(self, name: str, host: str = '') -> Values:
        """A variable as a dictionary; empty where it is something else."""
        value = self.value(name, host)
        return value if isinstance(value, t.Mapping) else {}

    def entries(self, name: str, host: str = '') -> list[t.Any]:
        """A variable as a list; empty where it is something else."""
        value = self.value(name, host)
        return list(value) if isinstance(value, (list, tuple)) else []

    def dictionaries(self, name: str, host: str = '') -> list[tuple[int, Values]]:
        """The dictionaries in a list, counted from 1."""
        return [(number, entry) for number, entry in enumerate(self.entries(name, host), 1) if isinstance(entry, t.Mapping)]

    def names(self) -> t.Iterator[tuple[str, str, t.Any]]:
        """(where, name, value) of everything that the inventory gives: once for the site, and for a host what it has otherwise."""
        for name in sorted(self.given):
            yield SITE, name, self.values.get(name)
        for host in sorted(self.own):
            for name in sorted(self.own[host]):
                yield host, name, self.hosts.get(host, {}).get(name)

    def is_literal(self, where: str, name: str) -> bool:
        """Whether the value stands in the inventory as it is, without a template."""
        return name in (self.literal if where == SITE else self.own_literal.get(where, frozenset()))


def whole(value: t.Any) -> int | None:
    """``value`` as a whole number, or None."""
    if isinstance(value, str):
        stripped = value.strip()
        return int(stripped) if stripped.lstrip('-').isdigit() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
