# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User and group ids for OpenShift's ``restricted-v2``: out of the annotations of the namespace. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError

Options = t.Mapping[str, t.Any]
Block = tuple[int, int]

PRESET = 'openshift'
UID_RANGE = 'openshift.io/sa.scc.uid-range'
GROUPS = 'openshift.io/sa.scc.supplemental-groups'
# A stand-in where check mode cannot know: the namespace is made by an earlier step of a real run.
UNKNOWN_ID = 1000000000

_BLOCK = re.compile(r'(\d+)(?:/(\d+)|-(\d+))')


def wanted(options: Options) -> bool:
    """Whether these options ask for the preset."""
    return (options.get('security_context') or {}).get('preset') == PRESET


def blocks(text: str) -> list[Block]:
    """``start/size`` or ``start-end``, several joined by commas -> (first, last) of each. Raises ValueError."""
    found = []
    for part in text.split(','):
        match = _BLOCK.fullmatch(part.strip())
        if not match:
            raise ValueError(f'"{part}" is neither start/size nor start-end')
        start = int(match.group(1))
        last = start + int(match.group(2)) - 1 if match.group(2) else int(match.group(3))
        if last < start:
            raise ValueError(f'"{part}" holds no id')
        found.append((start, last))
    return found


def completed(options: Options, annotations: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The options with ``run_as_user`` and ``fs_group`` in them: as given, else the first of the namespace's range.

    OpenShift takes the uid range for groups as well where the namespace has none of its own. Raises OptionsError.
    """
    namespace, problems = options['namespace'], []
    ranges: dict[str, list[Block]] = {}
    for name in (UID_RANGE, GROUPS):
        try:
            ranges[name] = blocks(annotations[name]) if annotations.get(name) else []
        except ValueError as error:
            problems.append(f'security_context.preset: annotation {name} of namespace {namespace}: {error}')
    if not problems and not ranges[UID_RANGE]:
        problems.append(
            f'security_context.preset: namespace {namespace} has no annotation {UID_RANGE}. OpenShift gives it to every project; '
            'on another cluster take preset "restricted", with run_as_user and fs_group where needed'
        )
    if problems:
        raise OptionsError(problems)
    context = dict(options['security_context'])
    for option, name in (('run_as_user', UID_RANGE), ('fs_group', GROUPS if ranges[GROUPS] else UID_RANGE)):
        given, allowed = context.get(option), ranges[name]
        if given is None:
            context[option] = allowed[0][0]
        elif not any(first <= given <= last for first, last in allowed):
            shown = ', '.join(f'{first}-{last}' for first, last in allowed)
            problems.append(f'security_context.{option}: {given} is outside {shown}, which annotation {name} of namespace {namespace} allows')
    if problems:
        raise OptionsError(problems)
    return {**options, 'security_context': context}


def assumed(options: Options) -> dict[str, t.Any]:
    """The options with ids that stand for those of a namespace not looked at yet; given ones stay."""
    context = dict(options['security_context'])
    for option in ('run_as_user', 'fs_group'):
        if context.get(option) is None:
            context[option] = UNKNOWN_ID
    return {**options, 'security_context': context}
