# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container is on kube-1: a root folder, a network namespace and a transient systemd unit."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.runtime.api import timestamp
from lab.runtime.images import Image, wrapper
from lab.runtime.status import terminated, waiting
from lab.runtime.volumes import Mount

PODS = Path("/run/lab/pods")
LOGS = Path("/var/log/pods")
BRIDGE = "lab0"
NET = "10.244.0"
SHARED = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/opt/lab/bin", "/opt/lab/src")
FROM_ETC = (
    *("passwd", "group", "nsswitch.conf", "resolv.conf", "services", "protocols", "host.conf", "mime.types", "localtime"),
    *("ssl", "ca-certificates", "alternatives", "ld.so.cache"),
)
FOLDERS = (
    *("proc", "sys", "dev", "run", "var/log", "var/lib", "var/run", "home", "root", "opt/lab", "etc"),
    *("usr/local/bin", "usr/local/share/ca-certificates"),
)
NAT = f"""table ip lab_pods
flush table ip lab_pods
table ip lab_pods {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip saddr {NET}.0/24 oifname != "{BRIDGE}" masquerade
  }}
}}
"""


def run(*argv: str, data: str | None = None) -> str:
    done = subprocess.run(argv, input=data, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{argv[0]}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
    return done.stdout


def make_bridge() -> None:
    if not Path(f"/sys/class/net/{BRIDGE}").exists():
        run("ip", "-batch", "-", data=f"link add {BRIDGE} type bridge\naddr add {NET}.1/24 dev {BRIDGE}\nlink set {BRIDGE} up\n")
    run("nft", "-f", "-", data=NAT)


def make_network(uid: str, address: str) -> None:
    """A namespace `pod-<uid>` with eth0 on the bridge; one that stands already is kept."""
    space, link = f"pod-{uid}", "v" + uid.replace("-", "")[:13]
    if Path(f"/run/netns/{space}").exists() and Path(f"/sys/class/net/{link}").exists():
        return
    remove_network(uid)
    run("ip", "-batch", "-", data=f"netns add {space}\nlink add {link} type veth peer name eth0 netns {space}\nlink set {link} master {BRIDGE} up\n")
    run("ip", "-n", space, "-batch", "-", data=f"addr add {address}/24 dev eth0\nlink set lo up\nlink set eth0 up\nroute add default via {NET}.1\n")


def remove_network(uid: str) -> None:
    if Path(f"/run/netns/pod-{uid}").exists():
        run("ip", "netns", "del", f"pod-{uid}")


class Addresses:
    """Gives out pod addresses in turn, so that one is used again as late as possible."""

    def __init__(self, used: Mapping[str, str]) -> None:
        self.used = dict(used)
        self.last = 1

    def take(self, uid: str) -> str:
        if uid not in self.used:
            taken = set(self.used.values())
            order = [*range(self.last + 1, 255), *range(2, self.last + 1)]
            self.last = next(number for number in order if f"{NET}.{number}" not in taken)
            self.used[uid] = f"{NET}.{self.last}"
        return self.used[uid]

    def release(self, uid: str) -> None:
        self.used.pop(uid, None)


def make_root(root: Path, image: Image, hosts: str) -> None:
    """A root folder of the container's own: kube-1's programs are bound into it read-only, the rest is private and goes with it."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(0o1777)
    for name in FROM_ETC:
        source = Path("/etc") / name
        if source.is_dir():
            shutil.copytree(source, root / "etc" / name, symlinks=True)
        elif source.exists():
            shutil.copy(source, root / "etc" / name)
    (root / "etc/hosts").write_text(hosts)
    for path, argv in image.programs.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(wrapper(argv))
        target.chmod(0o755)


class Attempt:
    """One start of a container: its folder, its unit, its log."""

    def __init__(self, folder: Path, unit: str, log: Path) -> None:
        self.folder, self.unit, self.log = folder, unit, log

    def start(self, *, order: Mapping[str, Any], image: Image, mounts: Sequence[Mount], space: str, hosts: str, grace: int, title: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        root = self.folder / "root"
        make_root(root, image, hosts)
        descriptor = os.open(self.folder / "order", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(order, stream)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        binds = [f"{'BindReadOnlyPaths' if mount.read_only else 'BindPaths'}={mount.source}:{mount.target}" for mount in mounts]
        properties = [
            "Type=exec",
            f"NetworkNamespacePath=/run/netns/{space}",
            f"RootDirectory={root}",
            "MountAPIVFS=yes",
            *(f"BindReadOnlyPaths={path}" for path in SHARED),
            *binds,
            f"StandardInput=file:{self.folder}/order",
            f"StandardOutput=append:{self.log}",
            f"StandardError=append:{self.folder}/record",
            "KillMode=mixed",
            f"TimeoutStopSec={max(grace, 1)}",
        ]
        run(
            *("systemd-run", "--quiet", "--collect", f"--unit={self.unit}", "--slice=lab-pods.slice", f"--description={title}"),
            *(f"--property={line}" for line in properties),
            *("/usr/bin/python3", "-I", "-B", "/opt/lab/src/runtime/shim.py"),
        )

    def record(self) -> dict[str, Any]:
        path = self.folder / "record"
        if not path.exists():
            return {}
        merged: dict[str, Any] = {}
        for line in path.read_text().splitlines():
            try:
                merged.update(json.loads(line))
            except ValueError:
                merged.setdefault("message", line)
        return merged

    def alive(self) -> bool:
        """The shim holds a lock on its record until it ends."""
        with (self.folder / "record").open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def state(self) -> dict[str, Any]:
        """The API's state: waiting only in the moment between the unit's start and the program's."""
        record = self.record()
        if "exitCode" not in record and (self.folder / "record").exists():
            if self.alive():
                return {"running": {"startedAt": record["startedAt"][:19] + "Z"}} if record.get("startedAt") else waiting("ContainerCreating")
            record = self.record()
        born = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.folder.stat().st_mtime))
        begin = record.get("startedAt", born)[:19].rstrip("Z") + "Z"
        if "exitCode" in record:
            return terminated(begin, record["finishedAt"][:19] + "Z", record["exitCode"], record.get("reason", ""), record.get("message", ""))
        if not record and time.time() - self.folder.stat().st_mtime < 5:
            return waiting("ContainerCreating")
        # Killed together with its shim, which could not write the end down.
        return terminated(begin, timestamp(), 137, "Error", record.get("message", ""))

    def pid(self) -> int:
        return int(self.record().get("pid", 0))


def stop(attempts: Sequence[Attempt], grace: float) -> None:
    """SIGTERM, up to `grace` seconds, SIGKILL; returns when all are gone."""
    attempts = [attempt for attempt in attempts if (attempt.folder / "record").exists() and attempt.alive()]
    if not attempts:
        return
    names = [attempt.unit + ".service" for attempt in attempts]
    subprocess.run(["systemctl", "stop", "--no-block", *names], capture_output=True, check=False)
    for limit in (grace, 10):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if not any(attempt.alive() for attempt in attempts):
                return
            time.sleep(0.1)
        subprocess.run(["systemctl", "kill", "--signal=KILL", *names], capture_output=True, check=False)
    raise OSError(f"{', '.join(names)} did not end")
