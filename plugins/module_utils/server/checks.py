# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and small changes of single values that several rooms of the builder need. Pure."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from ansible_collections.wandb.onprem.plugins.module_utils.pem import split
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes

HOST_URL = re.compile(r'https://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?')
_ORIGIN = re.compile(r'https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?')
_URL_SAFE = re.compile(r'[A-Za-z0-9._~-]+')
# User and password in a URL. Composed of $(NAME) they come from a Secret and stand in the clear nowhere.
_CREDENTIALS = re.compile(r'://[^/@\s]*:(?!\$\()[^/@\s]+@')
_LABEL_NAME = re.compile(r'([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?')
_LABEL_VALUE = re.compile(r'([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?')


def host_name(host: str) -> str:
    """``https://wandb.example.com:8443`` -> ``wandb.example.com``."""
    return host.split('://', 1)[-1].split(':', 1)[0]


def origin_problem(origin: str) -> bool:
    """Whether this is no origin (scheme, name, perhaps a port; no path)."""
    return not _ORIGIN.fullmatch(origin)


def has_credentials(url: str) -> bool:
    """Whether a URL holds a password in clear."""
    return bool(_CREDENTIALS.search(url))


def url_safe(value: str, option: str, notes: Notes) -> None:
    """For what one client takes as it is and another percent-decodes: only what is both can work."""
    if not _URL_SAFE.fullmatch(value):
        notes.problems.append(f'{option}: "{value}" may hold letters, digits and ._~- only (it stands in a URL)')


def encoded(value: t.Any, safe: str = '') -> str:
    """Percent-encoded for a URL; a blank is ``%20``, a plus ``%2B``."""
    return quote(str(value), safe=safe)


def text(value: t.Any) -> str:
    """As a string of YAML's own spelling: ``true``, not ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def text_map(given: t.Mapping[str, t.Any] | None, option: str, notes: Notes) -> dict[str, str]:
    """A map of strings (labels, annotations, a node selector)."""
    found = {}
    for key, value in (given or {}).items():
        if isinstance(value, (str, int, float)):
            found[str(key)] = text(value)
        elif value is not None:
            notes.problems.append(f'{option}.{key}: a string is wanted')
    return found


def labels(given: t.Mapping[str, t.Any] | None, option: str, notes: Notes) -> dict[str, str]:
    """Labels that Kubernetes takes as they are (the chart would cut longer ones off in silence)."""
    found = text_map(given, option, notes)
    for key, value in found.items():
        if not _LABEL_NAME.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            notes.problems.append(f'{option}.{key}: "{value}" is no label (at most 63 letters, digits and -_.)')
    return found


def pem(given: str | None, option: str, notes: Notes) -> str | None:
    """PEM text of certificates, or None."""
    if not given:
        return None
    if '-----BEGIN CERTIFICATE-----' not in given or 'PRIVATE KEY' in given:
        notes.problems.append(f'{option}: the text of one or more PEM certificates is wanted')
    return given.strip() + '\n'


def certificates(given: t.Sequence[str] | None, option: str, notes: Notes) -> list[str]:
    """One PEM certificate an entry, each once."""
    found, bad = split(given or [])
    notes.problems += [f'{option}[{index}]: the text of one or more PEM certificates is wanted' for index in bad]
    return found
