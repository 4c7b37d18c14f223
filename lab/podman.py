# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""podman, with the one configuration file that some machines need."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.cache import cache_dir
from lab.report import LabError

CAP_SYS_RESOURCE = 1 << 24


def needed_conf(*, hybrid_cgroups: bool, raises_limits: bool, nofile: int, nproc: int) -> str:
    """Text of containers.conf; '' on an ordinary machine.

    crun refuses hybrid cgroups (runc does not), and without CAP_SYS_RESOURCE podman's own default limits cannot be set.
    """
    conf = ""
    if not raises_limits:
        conf += f'[containers]\ndefault_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]\n'
    if hybrid_cgroups:
        conf += '[engine]\nruntime = "runc"\n'
    return conf


def hybrid_cgroups(root: Path = Path("/sys/fs/cgroup")) -> bool:
    return (root / "unified").is_dir() and not (root / "cgroup.controllers").exists()


def raises_limits(status: str | None = None) -> bool:
    text = Path("/proc/self/status").read_text() if status is None else status
    effective = next(line.split()[1] for line in text.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) & CAP_SYS_RESOURCE)


def hard_limit(which: int, at_most: int) -> int:
    limit = resource.getrlimit(which)[1]
    return at_most if limit == resource.RLIM_INFINITY else min(limit, at_most)


def environment() -> dict[str, str]:
    # podman lowers its own process limit first: the machine's full number is refused, 30000 is not.
    nofile, nproc = hard_limit(resource.RLIMIT_NOFILE, 1048576), hard_limit(resource.RLIMIT_NPROC, 30000)
    conf = needed_conf(hybrid_cgroups=hybrid_cgroups(), raises_limits=raises_limits(), nofile=nofile, nproc=nproc)
    if not conf or os.environ.get("CONTAINERS_CONF"):
        return dict(os.environ)
    path = cache_dir() / "containers.conf"
    if not path.exists() or path.read_text() != conf:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text(conf)
        part.replace(path)
    return {**os.environ, "CONTAINERS_CONF": str(path)}


def podman(*args: str, data: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs podman and captures what it says; a failure becomes a LabError with podman's own words."""
    done = subprocess.run(
        ["podman", *args],
        env=environment(),
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise LabError(
            f"`podman {' '.join(args[:2])} ...` failed: {done.stderr.strip()[-1500:]}", "see podman's words above; `python -m lab status` shows what stands"
        )
    return done


def listed(*args: str) -> list[dict[str, Any]]:
    """The answer of a podman command with `--format json`."""
    return json.loads(podman(*args, "--format", "json").stdout or "[]") or []


def interactive(args: Sequence[str]) -> int:
    return subprocess.run(["podman", *args], env=environment(), check=False).returncode
