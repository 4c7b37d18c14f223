# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule says when it does not hold, and what rules are given to look at."""

from __future__ import annotations

import dataclasses
import typing as t

Values = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, which variable, why, and how to mend it. Never holds a secret's value."""

    variable: str
    why: str
    mend: str
    where: str = 'site'

    def __str__(self) -> str:
        return f'{self.where}: {self.variable}: {self.why} - {self.mend}'

    def as_dict(self) -> dict[str, str]:
        """The same as a dictionary, for the module's result."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Site:
    """The inventory as the rules see it.

    ``values`` holds the ``wandb_`` variables as the whole site sees them; ``hosts`` the same for each host; ``known`` every variable
    name that the collection has, with its type; ``options`` what may stand in a dictionary (or list of dictionaries) of that name, as in
    argument_specs; ``literal`` the names whose value stands in the inventory as it is, without a template.
    A value that could not be templated is an :class:`Unreadable`.
    """

    groups: t.Mapping[str, t.Sequence[str]]
    values: Values
    hosts: t.Mapping[str, Values]
    known: t.Mapping[str, str]
    options: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    literal: frozenset[str] = frozenset()
    controller_is_api_host: bool = True

    def members(self, group: str) -> list[str]:
        """Hosts of a group; empty where the inventory has no such group."""
        return list(self.groups.get(group, ()))

    def mapping(self, variable: str) -> Values:
        """A site-wide variable as a dictionary; empty where it is missing, empty, unreadable or something else."""
        value = self.values.get(variable)
        return value if isinstance(value, t.Mapping) else {}

    def text(self, variable: str) -> str:
        """A site-wide variable as text; empty where it is missing, empty or unreadable."""
        value = self.values.get(variable)
        return value if isinstance(value, str) else ''


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """A variable whose template failed, with the reason (never the value)."""

    reason: str


Rule = t.Callable[[Site], t.Iterable[Problem]]
