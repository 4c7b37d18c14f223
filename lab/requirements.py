# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine must have before anything is made. All that is missing is told at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from lab.cache import cache_dir
from lab.podman import hybrid_cgroups
from lab.report import LabError, say

COLD_GB = 15
WARM_GB = 3
# Debian package -> a file that proves it is there.
PACKAGES = {
    "podman": ["/usr/bin/podman"],
    "netavark": ["/usr/lib/podman/netavark", "/usr/libexec/podman/netavark"],
    "aardvark-dns": ["/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns"],
    # Without it netavark fails with a bare "No such file or directory (os error 2)".
    "iptables": ["/usr/sbin/iptables", "/sbin/iptables"],
    "debootstrap": ["/usr/sbin/debootstrap"],
    "debian-archive-keyring": ["/usr/share/keyrings/debian-archive-keyring.gpg"],
    "openssh-client": ["/usr/bin/ssh-keygen"],
    "curl": ["/usr/bin/curl"],
}
GO_MEND = "install Go 1.26 or newer (go.dev/doc/install) and put it on PATH"


def wanted_packages(*, hybrid: bool, maven: bool) -> dict[str, list[str]]:
    wanted = dict(PACKAGES)
    if hybrid:
        wanted["runc"] = ["/usr/sbin/runc", "/usr/bin/runc"]
    if maven:
        wanted["maven"] = ["/usr/bin/mvn"]
    return wanted


def missing_packages(wanted: dict[str, list[str]]) -> list[str]:
    return [package for package, proofs in wanted.items() if not any(Path(proof).exists() for proof in proofs)]


def free_gb(path: Path) -> float:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free / 1e9


def check(*, building: bool) -> None:
    """`building`: at least one program must still be built (more room, Go and Maven are needed)."""
    if os.geteuid() != 0:
        raise LabError("the lab's hosts boot systemd, which needs a root podman", "run it as root (sudo -E), on a machine you may change")
    lacks = missing_packages(wanted_packages(hybrid=hybrid_cgroups(), maven=building and not shutil.which("mvn")))
    if lacks:
        install(lacks)
    if building and not shutil.which("go"):
        raise LabError("`go` is not on PATH; the lab builds its Kubernetes, MinIO and Helm with it", GO_MEND)
    needed = COLD_GB if building else WARM_GB
    for what, path in (("cache", cache_dir()), ("podman storage", Path("/var/lib/containers"))):
        free = free_gb(path)
        if free < needed:
            raise LabError(
                f"{free:.1f} GB are free for the {what} ({path}), {needed} GB are needed",
                "make room (`python -m lab clean --cache`, `go clean -cache`), or put the cache elsewhere with WANDB_LAB_CACHE",
            )


def install(packages: list[str]) -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not shutil.which("apt-get"):
        raise LabError(f"missing on this machine: {', '.join(packages)} (Debian's names)", "install them with this machine's package manager")
    say(f"installing {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "-q", "update"], command):
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"`{' '.join(argv)}` failed: {done.stderr.strip()[-800:]}", "mend apt on this machine, or install the packages by hand")
