# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a licence says of itself. It is a compact JWS: three parts joined by dots, the second one JSON in base64url.

Its signature is not verified: W&B alone can, and the server does. Never put the licence itself into a result. Pure.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json


@dataclasses.dataclass(frozen=True)
class License:
    """``expires``: seconds since the epoch, None where the licence does not say. ``problem``: why it is none, or empty."""

    expires: float | None = None
    problem: str = ''

    def expires_at(self) -> str | None:
        """RFC 3339, UTC."""
        if self.expires is None:
            return None
        return datetime.datetime.fromtimestamp(self.expires, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')

    def days_left(self, now: float) -> int | None:
        """Whole days until it expires; negative when it has."""
        return None if self.expires is None else int((self.expires - now) // 86400)


def read_license(text: str) -> License:
    """The licence in ``text``."""
    stripped = text.strip()
    if stripped != text:
        return License(problem='has white space or a line break around it')
    parts = stripped.split('.')
    if len(parts) != 3 or not all(parts):
        return License(problem=f'is no licence: three parts joined by dots are wanted, it has {len(parts)}')
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + '=' * (-len(parts[1]) % 4)))
    except ValueError:
        return License(problem='is no licence: its second part is not JSON in base64url')
    expires = claims.get('exp') if isinstance(claims, dict) else None
    return License(expires=float(expires) if isinstance(expires, (int, float)) else None)
