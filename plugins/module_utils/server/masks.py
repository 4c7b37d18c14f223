# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide what may be a secret in a spec before it is shown. The options take secrets by reference only; ``env`` and
``extra_values`` can still hold one. Pure."""

from __future__ import annotations

import re
import typing as t

HIDDEN = '(hidden)'
_SECRET = re.compile(r'(password|passwd|secret|secret_?key|access_?key|api_?key|token|license|bind_pw)$', re.I)


def masked(value: t.Any, parent: str = '') -> t.Any:
    """A copy with the strings under secret-looking keys hidden. In a map named ``...secret`` stand names, not secrets."""
    if isinstance(value, t.Mapping):
        return {key: HIDDEN if _hides(key, inner, parent) else masked(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, parent) for inner in value]
    return value


def _hides(key: str, value: t.Any, parent: str) -> bool:
    return isinstance(value, str) and bool(value) and bool(_SECRET.search(key)) and '/' not in key and not parent.lower().endswith(('secret', 'secretkeyref'))
