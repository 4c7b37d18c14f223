# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a W&B licence: three parts like a compact JWS, signed by nobody, worth nothing outside the lab."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

YEAR = 365 * 24 * 3600


def part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode().rstrip("=")


def make(now: float | None = None, lifetime: int = YEAR) -> str:
    """`lifetime` in seconds; a negative one makes an expired licence."""
    issued = int(time.time() if now is None else now)
    header = {"alg": "none", "typ": "JWT", "kid": "lab-stand-in"}
    claims = {
        "iss": "wandb.onprem lab (stand-in, not a W&B licence)",
        "iat": issued,
        "exp": issued + lifetime,
        "concurrentAgents": 10,
        "maxUsers": 100,
        "trial": False,
    }
    return ".".join([part(header), part(claims), base64.urlsafe_b64encode(b"not signed: lab stand-in").decode().rstrip("=")])
