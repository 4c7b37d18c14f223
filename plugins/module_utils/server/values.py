# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small work on nested Helm values: put, merge, drop what is empty, compare. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

Values = dict[str, t.Any]


def put(values: Values, path: t.Sequence[str], value: t.Any) -> None:
    """Set ``value`` at ``path``, making the maps on the way."""
    for part in path[:-1]:
        values = values.setdefault(part, {})
    values[path[-1]] = value


def get(values: t.Mapping[str, t.Any], path: t.Sequence[str]) -> t.Any:
    """What stands at ``path``, or None."""
    found: t.Any = values
    for part in path:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def has(values: t.Mapping[str, t.Any], path: t.Sequence[str]) -> bool:
    """Whether something stands at ``path``, a null too."""
    *parents, last = path
    found = get(values, parents) if parents else values
    return isinstance(found, Mapping) and last in found


def merge(first: t.Mapping[str, t.Any], second: t.Mapping[str, t.Any]) -> Values:
    """A new map: ``second`` over ``first``. Maps are merged, everything else is replaced."""
    merged = dict(first)
    for key, value in second.items():
        mine = merged.get(key)
        merged[key] = merge(mine, value) if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return merged


def without_nulls(value: t.Any) -> t.Any:
    """A copy without any null: the operator's merge may stumble over one, and drops it at best."""
    if isinstance(value, Mapping):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value


def without_empty_maps(values: t.Mapping[str, t.Any]) -> Values:
    """A copy without the maps that hold nothing, however deep."""
    kept = {key: without_empty_maps(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    return {key: value for key, value in kept.items() if value != {}}


def null_paths(value: t.Any, path: str = '') -> list[str]:
    """Dotted paths of all nulls."""
    if value is None:
        return [path]
    if isinstance(value, Mapping):
        return [found for key, inner in value.items() for found in null_paths(inner, f'{path}.{key}' if path else str(key))]
    if isinstance(value, list):
        return [found for index, inner in enumerate(value) for found in null_paths(inner, f'{path}[{index}]')]
    return []


def lacking(wanted: t.Any, found: t.Any, path: str = '') -> list[str]:
    """Dotted paths of ``wanted`` that ``found`` does not contain.

    The operator adds keys of its own (so maps are compared by containment) and puts the list entries of the console and
    the channel beside ours (so a list must be found in one piece).
    """
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return [] if not wanted and found is None else [path]
        return [
            missing for key, value in wanted.items() for missing in lacking(value, found.get(key), f'{path}.{key}' if path else str(key))
        ]
    if isinstance(wanted, list):
        places = range(len(found) - len(wanted) + 1) if isinstance(found, list) else ()
        held = any(not any(lacking(mine, theirs) for mine, theirs in zip(wanted, found[place:])) for place in places)
        return [] if held else [path]
    # 3306 and 3306.0 are one number to JSON; True and 1 are not one value.
    same = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return [] if same else [path]


def extras(wanted: t.Any, found: t.Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of the leaves (a list is one) in which ``found`` holds more than ``wanted``."""
    if isinstance(found, Mapping):
        mine = wanted if isinstance(wanted, Mapping) else {}
        return [more for key, value in found.items() for more in extras(mine.get(key), value, (*path, str(key)))]
    if isinstance(found, list) and isinstance(wanted, list):
        return [path] if len(found) > len(wanted) else []
    return [path] if wanted is None else []
