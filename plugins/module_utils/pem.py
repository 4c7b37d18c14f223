# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles of certificates taken apart. Pure."""

from __future__ import annotations

import re
import typing as t

_BEGIN, _END = '-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----'
_CERTIFICATE = re.compile(f'{_BEGIN}([A-Za-z0-9+/=\\s]+?){_END}')


def split(bundles: t.Iterable[str]) -> tuple[list[str], list[int]]:
    """PEM texts -> each certificate once, in order, one an entry; and the numbers (from 0) of the texts that are no certificates, or hold a key.

    The charts make one file of every entry, and update-ca-certificates reads the first certificate of a file only.
    """
    found: dict[str, str] = {}
    bad = []
    for number, text in enumerate(bundles):
        bodies = [''.join(body.split()) for body in _CERTIFICATE.findall(text)]
        if not bodies or text.count(_BEGIN) != len(bodies) or 'PRIVATE KEY' in text:
            bad.append(number)
            continue
        for body in bodies:
            lines = [body[start:start + 64] for start in range(0, len(body), 64)]
            found.setdefault(body, '\n'.join([_BEGIN, *lines, _END, '']))
    return list(found.values()), bad
