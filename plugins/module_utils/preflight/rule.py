# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule for the inventory: what it demands, why, how to mend it, and the pure function that finds where it does not hold."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import shown
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import SITE, Site

# For rules that look at every variable there is.
EVERY = '(every variable)'


class Found(t.NamedTuple):
    """Where a rule does not hold: the variable (or group), what is wrong, a mend that says more than the rule's own, the host.

    ``hide``: the value is not shown, for it may be a secret under a name that does not tell. ``warning``: told only, though the rule refuses.
    ``fallback``: not said where another rule has named the variable and, in what it said, this word (empty: whatever it said).
    """

    variable: str
    wrong: str
    mend: str = ''
    where: str = SITE
    hide: bool = False
    warning: bool = False
    fallback: str | None = None


Check = t.Callable[[Site], t.Iterator[Found]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """``id``: in messages and docs. ``variables``: what it looks at. ``demand``: what must hold, the function's own docstring.

    ``warning``: told, but nothing is refused.
    """

    id: str
    variables: tuple[str, ...]
    demand: str
    why: str
    mend: str
    check: Check
    warning: bool = False

    def problems(self, site: Site, told: t.Sequence[Problem] = ()) -> t.Iterator[Problem]:
        """Where it does not hold. ``told``: what other rules have said already."""
        for found in self.check(site):
            warning = self.warning or found.warning
            if found.fallback is not None and any(_says(problem, found, warning) for problem in told):
                continue
            value = '' if found.hide else shown(found.variable, site.value(found.variable, '' if found.where == SITE else found.where))
            yield Problem(found.variable, found.wrong, found.mend or self.mend, found.where, self.id, value, warning)


def _says(problem: Problem, found: Found, warning: bool) -> bool:
    """Whether a problem says what was found, at least as gravely."""
    return problem.variable == found.variable and (found.fallback or '') in problem.why and (warning or not problem.warning)


def rule(name: str, *variables: str, why: str, mend: str, warning: bool = False) -> t.Callable[[Check], Rule]:
    """Make a rule of a function; its docstring says what must hold."""

    def made(check: Check) -> Rule:
        return Rule(name, variables, ' '.join((check.__doc__ or '').split()), why, mend, check, warning)

    return made
