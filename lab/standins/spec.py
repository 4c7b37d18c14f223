# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator makes of a custom resource: merging of its levels, forms of spec.chart, state Secrets. No I/O."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
DEFAULT_FREQUENCY = 3600.0


class MergeError(Exception):
    """Two levels give one key values of different kinds."""


def kind(value: Any) -> str:
    """The kind that Go's JSON decoder gives a value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "float64"
    return {str: "string", dict: "map", list: "slice"}.get(type(value), type(value).__name__)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def merge(base: Any, over: Any, path: str = "") -> Any:
    """`over` wins; maps are merged; lists are put together, those of `base` first (so it was seen on a running operator)."""
    if kind(base) != kind(over):
        raise MergeError(f"type not match: {path or '.'}: {kind(over)} and {kind(base)}")
    if isinstance(base, dict):
        merged = dict(base)
        for key, value in over.items():
            merged[key] = merge(base[key], value, f"{path}.{key}".lstrip(".")) if key in base else value
        return merged
    return base + over if isinstance(base, list) else over


def desired(levels: list[Mapping[str, Any]]) -> dict[str, Any]:
    """{chart, values} of levels from the weakest to the strongest. `chart` is not merged: the strongest one that is given counts."""
    values: dict[str, Any] = {}
    chart = None
    for level in levels:
        values = merge(values, without_nulls(level.get("values") or {}))
        chart = level.get("chart") or chart
    return {"chart": without_nulls(chart) if chart else None, "values": values}


def chart_form(chart: Mapping[str, Any] | None) -> str:
    """local, oci or repo, tried in this order; '' when it is valid in none: then there is silently no chart at all."""
    chart = chart or {}
    url = str(chart.get("url") or "")
    if chart.get("path"):
        return "local"
    if url.startswith("oci://"):
        return "oci"
    return "repo" if url and chart.get("name") else ""


def frequency(values: Mapping[str, Any]) -> float:
    """Seconds until a resource is looked at again: `reconcileFrequency`, a duration as Go writes it."""
    text = str(values.get("reconcileFrequency") or "")
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return DEFAULT_FREQUENCY
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def archive(data: bytes) -> bytes:
    """A chart's file is a tgz, or base64 of one (so it fits into a ConfigMap)."""
    if data[:2] == b"\x1f\x8b":
        return data
    decoded = base64.b64decode(data)
    if decoded[:2] != b"\x1f\x8b":
        raise ValueError("gzip: invalid header")
    return decoded


def to_secret(spec: Mapping[str, Any]) -> dict[str, str]:
    """`data` of a state Secret."""
    parts = {"values": spec["values"], "chart": spec["chart"], "metadata": spec.get("metadata") or {}}
    return {key: base64.b64encode(json.dumps(part, sort_keys=True).encode()).decode() for key, part in parts.items()}


def from_secret(secret: Mapping[str, Any] | None) -> dict[str, Any]:
    """{values, chart} of a state Secret; what is not there, or not JSON, is left out."""
    found = {}
    for key in ("values", "chart"):
        text = ((secret or {}).get("data") or {}).get(key)
        try:
            if text:
                found[key] = json.loads(base64.b64decode(text))
        except ValueError:
            continue
    return found


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(other) and one["values"] == other.get("values") and one["chart"] == other.get("chart")
