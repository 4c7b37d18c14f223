# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab is: its name, its hosts' addresses, its folder in the checkout, and what is remembered there."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.cache import HERE, digest
from lab.podman import podman
from lab.report import LabError

CHECKOUT = HERE.parent
# Last part of each host's address.
HOSTS = {
    **{"lb-1": 11, "lb-2": 12, "db-1": 21, "db-2": 22},
    **{f"s3-{n}": 30 + n for n in (1, 2, 3, 4)},
    **{f"rd-{n}": 40 + n for n in (1, 2, 3)},
    "kube-1": 51,
}
EXTRA = range(200, 250)
# Names under which browsers and pods reach the site; both lead to the load balancers' one address (inventories/lab).
PUBLIC_NAMES = ("wandb.lab.test", "s3.lab.test")
NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


def valid_name(name: str, what: str = "LAB") -> str:
    if not NAME.fullmatch(name):
        raise LabError(f"{what}={name!r} is no name: a small letter, then up to 15 of a-z, 0-9 and '-'", f"choose another one, e.g. {what}=wandb")
    return name


def lab_name(env: Mapping[str, str] = os.environ) -> str:
    return valid_name(env.get("LAB") or "wandb")


def free_network(taken: Iterable[str], preferred: str = "") -> str:
    """'10.89.N' such that 10.89.N.0/24 overlaps none of `taken` (CIDRs of networks and routes)."""
    others = [ipaddress.ip_network(cidr, strict=False) for cidr in taken]
    for prefix in [preferred, *(f"10.89.{n}" for n in range(40, 250))]:
        if prefix and not any(other.version == 4 and other.overlaps(ipaddress.ip_network(f"{prefix}.0/24")) for other in others):
            return prefix
    raise LabError("no free network among 10.89.40.0/24 ... 10.89.249.0/24", "`podman network ls` shows who has them; `podman network prune` helps")


@dataclass
class Lab:
    """One lab. `network` is the first three parts of its addresses, '' as long as there is none."""

    name: str
    state_dir: Path
    network: str = ""
    bin_dir: Path = Path()
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str) -> Lab:
        lab = cls(name, CHECKOUT / ".lab" / name)
        if lab.state_file.exists():
            try:
                state = json.loads(lab.state_file.read_text())
            except json.JSONDecodeError:
                # Cut off while it was written, by a version without `save`'s rename: what stands is looked at anew.
                state = {}
            lab.network, lab.hosts = state.get("network", ""), state.get("hosts", {})
        return lab

    @property
    def state_file(self) -> Path:
        return self.state_dir / "state.json"

    def save(self) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        write_if_changed(self.state_file, json.dumps({"network": self.network, "hosts": self.hosts}, indent=2, sort_keys=True) + "\n")

    @property
    def network_name(self) -> str:
        return f"wandb-lab-{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        return {"wandb.onprem.lab": self.name, "wandb.onprem.checkout": digest(str(CHECKOUT)), "wandb.onprem.path": str(CHECKOUT)}

    def container(self, host: str) -> str:
        return f"{self.name}-{host}"

    def volume(self, host: str) -> str:
        return f"{self.name}-{host}-data"

    def suffix(self, host: str) -> int:
        if host in HOSTS:
            return HOSTS[host]
        if host in self.hosts:
            return int(self.hosts[host]["suffix"])
        used = {entry.get("suffix") for entry in self.hosts.values()}
        return next(number for number in EXTRA if number not in used)

    def address(self, host: str) -> str:
        return f"{self.network}.{self.suffix(host)}"

    @property
    def public_address(self) -> str:
        """What the public names lead to: one of the load balancers has it."""
        return f"{self.network}.10"

    def hardware_address(self, host: str) -> str:
        """The same after each start, as a real host's: with another one its neighbours would go on sending to the old one for a while."""
        return "02:00:" + ":".join(f"{int(part):02x}" for part in self.address(host).split("."))

    def exec(self, host: str, argv: Sequence[str], data: str | None = None, check: bool = True) -> str:
        """Runs a command as root on the host and returns its standard output."""
        return podman("exec", *(["-i"] if data is not None else []), self.container(host), *argv, data=data, check=check).stdout


def write_if_changed(path: Path, text: str, mode: int = 0o644) -> bool:
    """Writes in one step (a reader never sees half of it) and only when something changes."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.chmod(mode)
    part.replace(path)
    return True
