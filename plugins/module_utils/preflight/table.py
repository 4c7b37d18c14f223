# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight found, as a table for people and as a document for programs. Pure."""

from __future__ import annotations

import textwrap
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem

HEADS = ('severity', 'host', 'variable', 'what is wrong', 'how to mend it')
# Of the first three columns the widest that is not broken; the last two share what is left.
_WIDEST = (8, 18, 40)
LEAST, MOST = 100, 200
_GAP = '  '


def severity(problem: Problem) -> str:
    """``error`` or ``warning``."""
    return 'warning' if problem.warning else 'error'


def _cells(problem: Problem) -> tuple[str, ...]:
    variable = f'{problem.variable} = {problem.value}' if problem.value else problem.variable
    rule = f' [{problem.rule}]' if problem.rule else ''
    return severity(problem), problem.where, variable, f'{problem.why}{rule}', problem.mend


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(' '.join(text.split()), width, break_on_hyphens=False) or ['']


def ordered(problems: t.Iterable[Problem]) -> list[Problem]:
    """Errors first, else as they came."""
    return sorted(problems, key=lambda problem: problem.warning)


def table(problems: t.Iterable[Problem], width: int = 160) -> str:
    """All of them, errors first, in a table that is no wider than ``width`` (within bounds)."""
    rows = [_cells(problem) for problem in ordered(problems)]
    if not rows:
        return ''
    whole = max(LEAST, min(width, MOST))
    first = [min(most, max(len(head), *(len(row[place]) for row in rows))) for place, (head, most) in enumerate(zip(HEADS, _WIDEST))]
    left = whole - sum(first) - len(_GAP) * (len(HEADS) - 1)
    widths = [*first, left - left * 2 // 5, left * 2 // 5]
    lines = [_line([head.upper() for head in HEADS], widths), _GAP.join('-' * one for one in widths)]
    for row in rows:
        columns = [_wrapped(text, one) for text, one in zip(row, widths)]
        lines += [_line([column[number] if number < len(column) else '' for column in columns], widths) for number in range(max(map(len, columns)))]
    return '\n'.join(lines)


def _line(cells: t.Sequence[str], widths: t.Sequence[int]) -> str:
    return _GAP.join(f'{cell:<{width}}' for cell, width in zip(cells, widths)).rstrip()


def summary(problems: t.Sequence[Problem], checked: t.Sequence[str]) -> str:
    """One sentence."""
    errors = sum(not problem.warning for problem in problems)
    return f'Preflight of {" and ".join(checked)}: {errors} error(s), {len(problems) - errors} warning(s). Nothing was changed.'


def document(problems: t.Sequence[Problem], checked: t.Sequence[str], time: str) -> dict[str, t.Any]:
    """For programs. Never holds a secret's value, for a problem does not."""
    errors = sum(not problem.warning for problem in problems)
    found = [{'severity': severity(problem), **{key: value for key, value in problem.as_dict().items() if key != 'warning'}} for problem in ordered(problems)]
    return {'time': time, 'checked': list(checked), 'passed': not errors, 'errors': errors, 'warnings': len(problems) - errors, 'problems': found}
