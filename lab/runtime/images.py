# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table `image -> program`, in the place of a container registry."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Image:
    """What an image would bring: its entry point, further programs by the path at which pods call them, its user."""

    entrypoint: list[str] = field(default_factory=list)
    programs: Mapping[str, list[str]] = field(default_factory=dict)
    user: int = 0


def parse_row(row: Any) -> Image:
    if isinstance(row, list):
        return Image(entrypoint=[str(word) for word in row])
    unknown = set(row) - {"entrypoint", "programs", "user"}
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}: a row has entrypoint, programs and user")
    programs = {path: [str(word) for word in argv] for path, argv in row.get("programs", {}).items()}
    return Image([str(word) for word in row.get("entrypoint", [])], programs, int(row.get("user", 0)))


def names(image: str) -> list[str]:
    """The keys under which an image is looked up, best first: with its tag or digest, then without."""
    for prefix in ("index.docker.io/", "docker.io/", "library/"):
        image = image.removeprefix(prefix)
    name = image.split("@", 1)[0]
    if ":" in name.rsplit("/", 1)[-1]:
        name = name.rsplit(":", 1)[0]
    return [image] if image == name else [image, name]


def find(table: Mapping[str, Any], image: str) -> Image | None:
    return next((parse_row(table[name]) for name in names(image) if name in table), None)


def wrapper(argv: list[str]) -> str:
    """The file that stands at a path of an image and runs the lab's program instead."""
    return f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n'


class Table:
    """The table out of files of which later ones win, read anew whenever one of them changes."""

    def __init__(self, *paths: Path) -> None:
        self.paths = paths
        self.seen: list[tuple[int, int] | None] = []
        self.rows: dict[str, Any] = {}

    def find(self, image: str) -> Image | None:
        seen = [(path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else None for path in self.paths]
        if seen != self.seen:
            rows: dict[str, Any] = {}
            for path in self.paths:
                if path.exists():
                    rows.update((yaml.safe_load(path.read_text()) or {}).get("images", {}))
            self.rows, self.seen = rows, seen
        return find(self.rows, image)
