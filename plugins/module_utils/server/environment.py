# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment of the pods, as the chart takes it. Pure."""

from __future__ import annotations

import re
import typing as t

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*')
_SECRET = re.compile(r'PASSWORD|PASSWD|SECRET|TOKEN|API_KEY$|ACCESS_KEY$|LICENSE|BIND_PW', re.I)


class _Notes(t.Protocol):
    problems: list[str]
    warnings: list[str]


def env_values(env: t.Mapping[str, t.Any] | None, option: str, notes: _Notes) -> dict[str, t.Any]:
    """Name -> string, or a map with ``valueFrom``. The chart quotes nothing, so numbers and booleans become strings."""
    found: dict[str, t.Any] = {}
    for name, value in (env or {}).items():
        if not _NAME.fullmatch(name):
            notes.problems.append(f'{option}: "{name}" is no name of an environment variable')
        elif isinstance(value, t.Mapping):
            if set(value) != {'valueFrom'} or not isinstance(value['valueFrom'], t.Mapping):
                notes.problems.append(f'{option}.{name}: a map holds valueFrom and nothing else')
            found[name] = value
        elif isinstance(value, bool):
            found[name] = str(value).lower()
        elif isinstance(value, (str, int, float)):
            if _SECRET.search(name):
                notes.warnings.append(f'{option}.{name} looks like a secret and stands in clear in the custom resource: use valueFrom.secretKeyRef')
            found[name] = str(value)
        else:
            notes.problems.append(f'{option}.{name}: a string or a map with valueFrom is wanted')
    return found


def env_references(env: t.Mapping[str, t.Any] | None) -> list[tuple[str, str, str]]:
    """(kind, name, key) of every Secret and ConfigMap that the environment refers to."""
    found = []
    for value in (env or {}).values():
        source = value.get('valueFrom') if isinstance(value, t.Mapping) else None
        if not isinstance(source, t.Mapping):
            continue
        for reference, kind in (('secretKeyRef', 'Secret'), ('configMapKeyRef', 'ConfigMap')):
            wanted = source.get(reference)
            if isinstance(wanted, t.Mapping) and not wanted.get('optional'):
                found.append((kind, str(wanted.get('name')), str(wanted.get('key'))))
    return found
