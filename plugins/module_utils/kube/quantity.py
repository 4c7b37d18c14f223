# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities of Kubernetes."""

from __future__ import annotations

import typing as t

_FACTORS = {'m': 1e-3, '': 1.0, 'k': 1e3, 'M': 1e6, 'G': 1e9, 'T': 1e12, 'P': 1e15, 'Ki': 2.0**10, 'Mi': 2.0**20, 'Gi': 2.0**30, 'Ti': 2.0**40, 'Pi': 2.0**50}


def quantity(text: t.Any) -> float:
    """A Kubernetes quantity (``3920m``, ``16Gi``, ``1e3``) as a number."""
    value = str(text)
    try:
        return float(value)
    except ValueError:
        number = value.rstrip('mkKMGTPi')
        return float(number) * _FACTORS[value[len(number):]]
