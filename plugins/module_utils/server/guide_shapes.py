# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted values brought into the shape in which Ansible hands options on. Pure."""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server.options import argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

Spec = t.Mapping[str, t.Any]


def empty(value: t.Any) -> bool:
    """The guide's forms are full of ``""``, ``{}`` and null: nothing is said by them."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def pop(values: t.Any, path: t.Sequence[str]) -> t.Any:
    """Take what stands at ``path`` out; None where there is nothing."""
    for part in path[:-1]:
        values = values.get(part) if isinstance(values, dict) else None
    return values.pop(path[-1], None) if isinstance(values, dict) else None


def leaves(values: t.Any, path: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], t.Any]]:
    """(path, value) of everything that is no map."""
    if isinstance(values, t.Mapping):
        for key, value in values.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, values


@functools.cache
def spec_of(option: str) -> Spec:
    """Specification of an option by its dotted path; below a free-form map anything goes."""
    spec: Spec = {'options': argument_spec()}
    for part in option.split('.'):
        if 'options' not in spec:
            return {'type': 'raw'}
        spec = spec['options'][part]
    return spec


def converted(value: t.Any, spec: Spec) -> t.Any:
    """The value in the type of its option. Raises ValueError with what is wanted; never with the value."""
    kind = spec.get('type')
    if kind == 'str':
        return _text(value)
    if kind == 'int':
        if isinstance(value, bool) or not re.fullmatch(r'[0-9]+', str(value)):
            raise ValueError('a number is wanted')
        return int(value)
    if kind == 'bool':
        if str(value).lower() not in ('true', 'false'):
            raise ValueError('true or false is wanted')
        return str(value).lower() == 'true'
    if kind == 'list':
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list):
            raise ValueError('a list is wanted')
        # Pull Secrets are maps with one name in the chart.
        return [_text(one.get('name') if isinstance(one, dict) else one) for one in value] if spec.get('elements') == 'str' else value
    if kind == 'dict' and not isinstance(value, dict):
        raise ValueError('a map is wanted')
    return value


def _text(value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError('a text is wanted')
    return str(value)


def filled(value: t.Any, spec: Spec, option: str, problems: list[str], sources: t.Mapping[str, str], told: t.Container[str]) -> t.Any:
    """Sub-options as Ansible would hand them on: defaults in their places, None for the rest.

    ``sources``: key of the guide -> option, to name what is missing. ``told``: required options whose lack is told already.
    """
    if spec.get('choices') and value not in spec['choices']:
        problems.append(f'guide_values: {option} is one of {", ".join(map(str, spec["choices"]))}')
    if spec.get('type') != 'dict' or 'options' not in spec:
        return value
    full: Values = {}
    for name, inner in spec['options'].items():
        path = f'{option}.{name}'
        if name in value:
            full[name] = filled(value[name], inner, path, problems, sources, told)
            continue
        full[name] = inner.get('default')
        if inner.get('required'):
            full[name] = {} if inner['type'] == 'dict' else ''
            keys = [key for key, target in sources.items() if target == path or target.startswith(f'{path}.')]
            if path not in told:
                problems.append(f'guide_values: {" or ".join(keys[:2])} is missing, it gives {path}')
    return full
