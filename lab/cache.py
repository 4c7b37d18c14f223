# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache outside the checkout: where it is, who may write to it, and whether what lies in it is still whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab.report import say

HERE = Path(__file__).resolve().parent
RECORD = "built.json"


def cache_dir(env: Mapping[str, str] = os.environ) -> Path:
    if env.get("WANDB_LAB_CACHE"):
        return Path(env["WANDB_LAB_CACHE"])
    home = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "wandb-onprem"


def versions() -> dict[str, Any]:
    pins: dict[str, Any] = yaml.safe_load((HERE / "versions.yml").read_text())
    return pins


def digest(*parts: str | bytes) -> str:
    """A short key over texts; the length of each part counts, so that ('ab', 'c') and ('a', 'bc') differ."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()[:10]


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one run at a time works on `name`; another one waits and says so."""
    folder = cache_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is at work on the {name}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Shelf:
    """One folder of the cache (`name-version-key`) with files whose sha256 was recorded when they were made."""

    def __init__(self, root: Path, name: str, version: str, key: str) -> None:
        self.folder = root / f"{name}-{version}-{key}"
        self.name = name

    def sums(self) -> dict[str, str]:
        """The recorded sha256 of each file; empty = nothing (whole) is here."""
        try:
            recorded = json.loads((self.folder / RECORD).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return recorded if isinstance(recorded, dict) else {}

    def damage(self) -> str:
        """What is wrong with the files, or '' when each is as recorded."""
        recorded = self.sums()
        if not recorded:
            return "its record is missing" if self.folder.exists() else "it was never made"
        for filename, expected in recorded.items():
            path = self.folder / filename
            if not path.is_file():
                return f"{filename} is missing"
            if sha256_of(path) != expected:
                return f"{filename} is damaged (its sha256 is not the recorded one)"
        return ""

    def begin(self) -> Path:
        """An empty folder to make the files in; what a cut-off run left there is thrown away."""
        work = self.folder.with_name(self.folder.name + ".part")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        return work

    def finish(self, work: Path) -> None:
        """Records the sums and puts the folder in place in one step."""
        sums = {path.name: sha256_of(path) for path in sorted(work.iterdir()) if path.is_file()}
        (work / RECORD).write_text(json.dumps(sums, indent=2) + "\n")
        shutil.rmtree(self.folder, ignore_errors=True)
        work.rename(self.folder)
