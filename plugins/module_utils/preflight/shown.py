# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a variable's value is shown in a message. Pure.

Only single values are: a dictionary or list may hold a secret under a misspelt key, so its shape is told instead.
"""

from __future__ import annotations

import re
import typing as t

HIDDEN = '(hidden)'
# The longest value that is shown, in characters.
LONGEST = 60
SECRET_NAME = re.compile(r'(_password|_secret_key|_access_key|_api_key|_(oidc|slack)_secret|_license|_root_user|_passphrase|_private_key)$')
# What the shipped inventories mark with it is the user's to know.
_PLACEHOLDER = re.compile(r'change[-_ ]?me|replace[-_ ]?me|fill[-_ ]?me|<[a-z][a-z _-]+>', re.I)
_CREDENTIALS = re.compile(r'(://[^/\s:@]*:)[^/\s]+@')


def is_secret(variable: str) -> bool:
    """Whether a variable of that name holds a secret."""
    return bool(SECRET_NAME.search(variable))


def is_placeholder(value: t.Any) -> bool:
    """Whether a text is still what a shipped inventory had in its place."""
    return isinstance(value, str) and bool(_PLACEHOLDER.search(value))


def shown(variable: str, value: t.Any) -> str:
    """The value as it may stand in a message; empty where there is none."""
    if value is None or value == '':
        return ''
    if is_secret(variable):
        return HIDDEN
    if isinstance(value, str):
        if '-----BEGIN' in value:
            return '(PEM text)'
        text = _CREDENTIALS.sub(rf'\1{HIDDEN}@', value.strip().splitlines()[0] if value.strip() else '')
        return repr(text if len(text) <= LONGEST else text[:LONGEST - 3] + '...')
    if isinstance(value, t.Mapping):
        return f'(a dictionary of {len(value)})'
    if isinstance(value, (list, tuple)):
        return f'(a list of {len(value)})'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return str(value) if isinstance(value, (int, float)) else ''
