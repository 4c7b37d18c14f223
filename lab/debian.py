# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this machine takes Debian's packages from: read out of its own apt configuration, so that the lab uses the same mirror."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.report import LabError

SUITES = {"bullseye", "bookworm", "trixie", "forky", "duke", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable"}
# What lets apt reach this machine's mirror at all; an image without it cannot.
CARRIED = re.compile(r'^Acquire::(?:https?::Proxy|Check-Valid-Until|Check-Date) ".+";$')


def one_line_entries(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """(URI, suite, components) of every `deb [options] uri suite components...` line."""
    for line in text.splitlines():
        words = re.sub(r"\[[^\]]*\]", " ", line.split("#", 1)[0]).split()
        if len(words) >= 4 and words[0] == "deb":
            yield words[1], words[2], words[3:]


def deb822_entries(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """(URI, suite, components) of every enabled `deb` stanza, one for each pair of URI and suite."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = fields.get(name, "") + " " + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield uri, suite, fields.get("components", "").split()


def pick_mirror(entries: Iterable[tuple[str, str, list[str]]]) -> str:
    """The first URI that serves Debian itself: a suite of Debian's, component main, by HTTP; '' = none."""
    for uri, suite, components in entries:
        if suite in SUITES and "main" in components and uri.startswith(("http://", "https://")):
            return uri.rstrip("/")
    return ""


def mirror(apt: Path = Path("/etc/apt")) -> str:
    if os.environ.get("LAB_DEBIAN_MIRROR"):
        return os.environ["LAB_DEBIAN_MIRROR"].rstrip("/")
    entries: list[tuple[str, str, list[str]]] = []
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            entries += deb822_entries(path.read_text())
        elif path.suffix == ".list" and path.exists():
            entries += one_line_entries(path.read_text())
    found = pick_mirror(entries)
    if not found:
        raise LabError(
            "this machine's apt configuration names no Debian mirror, from which the lab's hosts are made",
            "set LAB_DEBIAN_MIRROR=<address of a Debian mirror> (the one that ends in /debian)",
        )
    return found


def apt_conf(dump: str | None = None) -> str:
    """The machine's own proxy and clock settings for apt, as apt.conf lines."""
    if dump is None:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return "".join(line + "\n" for line in dump.splitlines() if CARRIED.match(line))
