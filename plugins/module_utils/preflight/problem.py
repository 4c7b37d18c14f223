# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule says when it does not hold."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, which variable, why, and how to mend it. Never holds a secret's value.

    ``rule``: id of the rule, empty for what was seen on hosts; ``value``: the variable's value as it may be shown, empty for none;
    ``warning``: told, but nothing is refused for it.
    """

    variable: str
    why: str
    mend: str
    where: str = 'site'
    rule: str = ''
    value: str = ''
    warning: bool = False

    def __str__(self) -> str:
        value = f' = {self.value}' if self.value else ''
        rule = f' [{self.rule}]' if self.rule else ''
        return f'{self.where}: {self.variable}{value}: {self.why} - {self.mend}{rule}'

    def as_dict(self) -> dict[str, t.Any]:
        """The same as a dictionary, for the module's result."""
        return dataclasses.asdict(self)
