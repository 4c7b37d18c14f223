# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages the lab's own charts (stand-ins of W&B's) into `<state_dir>/charts/*.tgz`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from lab import programs
from lab.cache import HERE, digest
from lab.report import LabError, say
from lab.state import Lab, write_if_changed

SOURCE = HERE / "charts"
NAMES = ("operator", "operator-wandb")


def helm() -> Path:
    helm_program = next(program for program in programs.all_programs() if program.name == "helm")
    return programs.ensure(helm_program).folder / "helm"


def chart_version(name: str) -> str:
    return str(yaml.safe_load((SOURCE / name / "Chart.yaml").read_text())["version"])


def fingerprint(name: str) -> str:
    """Over every file of the chart: its name and its content."""
    folder = SOURCE / name
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest(*(piece for path in files for piece in (str(path.relative_to(folder)), path.read_bytes())))


def package(lab: Lab) -> dict[str, Path]:
    """{chart name: archive}; an archive is made anew only when a file of its chart changed, so that its bytes stay the same."""
    target = lab.state_dir / "charts"
    target.mkdir(parents=True, exist_ok=True)
    archives = {}
    for name in NAMES:
        archive = target / f"{name}-{chart_version(name)}.tgz"
        mark = target / f".{name}.made-from"
        wanted = fingerprint(name)
        if not (archive.exists() and mark.exists() and mark.read_text() == wanted):
            mark.unlink(missing_ok=True)
            done = subprocess.run([str(helm()), "package", str(SOURCE / name), "-d", str(target)], capture_output=True, text=True, check=False)
            if done.returncode:
                raise LabError(f"packaging the lab's chart {name} failed: {done.stderr.strip()}", f"`helm lint {SOURCE / name}` shows where")
            write_if_changed(mark, wanted)
            say(f"packaged {archive.name}")
        archives[name] = archive
    return archives
