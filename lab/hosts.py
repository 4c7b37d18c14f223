# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, finds again and removes the lab's network and hosts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lab import debian, inventory, ssh
from lab.cache import HERE
from lab.podman import listed, podman
from lab.report import LabError, say
from lab.state import HOSTS, NAME, PUBLIC_NAMES, Lab, free_network

T = TypeVar("T")
R = TypeVar("R")
PARALLEL = 6
MYSQL_VERSIONS = ("8.0", "9.7")
# MySQL 9.7, and the client programs that the 8.0 archive lacks, are in Debian's sid only. Priority 100: nothing comes from there unless asked for.
SID_SOURCE = "deb [check-valid-until=no] {mirror} sid main\n"
SID_PIN = "Package: *\nPin: release n=sid\nPin-Priority: 100\n"


MEMORY = {"db": "3g", "kube": "6g", "s3": "2g"}


def decide(lab: Lab, host: str, found: dict[str, Any] | None) -> str:
    """What to do about one host: create, keep, start, replace or refuse.

    `found`: {labels, id, state} of the container that has the host's name, None = there is none.
    """
    if found is None:
        return "create"
    labels = found["labels"]
    if labels.get("wandb.onprem.lab") != lab.name:
        return "refuse"
    if elsewhere(lab, labels):
        return "refuse"
    if lab.hosts.get(host, {}).get("id") != found["id"]:
        # Never finished: the run that made it was cut off, its state was lost, or its whole checkout was removed.
        return "replace"
    return "keep" if found["state"] == "running" else "start"


def containers(lab: Lab) -> dict[str, dict[str, Any]]:
    """The containers named as hosts of this lab, whoever they belong to."""
    found = {}
    for row in listed("ps", "--all", "--filter", f"name=^{lab.name}-"):
        name = row["Names"][0]
        found[name.removeprefix(f"{lab.name}-")] = {"id": row["Id"], "state": row["State"], "labels": row.get("Labels") or {}, "image": row["Image"]}
    return found


def elsewhere(lab: Lab, labels: Mapping[str, str]) -> bool:
    """Whether something of this lab's name belongs to another checkout that is still there."""
    return labels.get("wandb.onprem.checkout") != lab.labels["wandb.onprem.checkout"] and Path(labels.get("wandb.onprem.path", "/nowhere")).is_dir()


def network_labels(lab: Lab) -> dict[str, str] | None:
    found = podman("network", "inspect", lab.network_name, check=False)
    return (json.loads(found.stdout)[0].get("labels") or {}) if found.returncode == 0 else None


def together(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(work, items))


def refuse(what: str, labels: dict[str, str]) -> LabError:
    owner = labels.get("wandb.onprem.path", "something that is no lab")
    return LabError(f"{what} belongs to {owner}", "take another name for this lab: LAB=<other name> (or run `python -m lab down` there first)")


def ensure_network(lab: Lab) -> None:
    """Finds the lab's network again or makes it; one that is not ours is refused, one that lost its state is made anew."""
    own = network_labels(lab)
    rows = [json.loads(podman("network", "inspect", row["name"]).stdout)[0] for row in listed("network", "ls")]
    subnets = {row["name"]: [subnet["subnet"] for subnet in row.get("subnets") or []] for row in rows}
    if own is not None:
        if elsewhere(lab, own):
            raise refuse(f"the network {lab.network_name}", own)
        if lab.network and subnets[lab.network_name] == [f"{lab.network}.0/24"]:
            return
        say(f"the network {lab.network_name} is left from a cut-off run; making it again")
        remove_hosts(lab, containers(lab))
        podman("network", "rm", "-f", lab.network_name)
        del subnets[lab.network_name]
    elif lab.hosts:
        # The network was removed by hand: hosts cannot be moved to another one.
        remove_hosts(lab, containers(lab))
    lab.hosts = {}
    taken = [cidr for cidrs in subnets.values() for cidr in cidrs] + routes()
    lab.network = free_network(taken, lab.network)
    labels_args = [arg for name, value in lab.labels.items() for arg in ("--label", f"{name}={value}")]
    podman("network", "create", "--subnet", f"{lab.network}.0/24", *labels_args, lab.network_name)
    lab.save()
    say(f"network {lab.network_name}: {lab.network}.0/24")


def routes() -> list[str]:
    rows = json.loads(subprocess.run(["ip", "-j", "-4", "route"], capture_output=True, text=True, check=True).stdout or "[]")
    return [row["dst"] for row in rows if row["dst"] != "default"]


def run_arguments(lab: Lab, host: str, image: str) -> list[str]:
    args = ["run", "-d", "--name", lab.container(host), "--hostname", host, "--systemd=always"]
    args += ["--network", lab.network_name, "--ip", lab.address(host), "--mac-address", lab.hardware_address(host), "--network-alias", host]
    # A server that asks for the whole machine's memory (a wrong buffer pool is enough) is ended alone, not with all the others.
    args += ["--memory", MEMORY.get(host.split("-")[0], "1g")]
    # SYS_ADMIN: without it systemd ignores every sandboxing option of a unit; NET_*: keepalived, network namespaces.
    args += [f"--cap-add={cap}" for cap in ("SYS_ADMIN", "NET_ADMIN", "NET_RAW")]
    args += [arg for name, value in lab.labels.items() for arg in ("--label", f"{name}={value}")]
    args += [arg for name in PUBLIC_NAMES for arg in ("--add-host", f"{name}:{lab.public_address}")]
    if host.startswith("s3-"):
        args += ["--volume", f"{lab.volume(host)}:/data/1"]
    if host == "kube-1":
        # The runtime enters containers of other users for probes and hooks.
        args += ["--cap-add=SYS_PTRACE", "--volume", f"{lab.bin_dir}:/opt/lab/bin:ro", "--volume", f"{HERE}:/opt/lab/src:ro"]
    return [*args, image, "/sbin/init"]


def create(lab: Lab, host: str, image: str) -> None:
    if host.startswith("s3-"):
        podman("volume", "rm", "-f", lab.volume(host), check=False)
        podman("volume", "create", *[arg for name, value in lab.labels.items() for arg in ("--label", f"{name}={value}")], lab.volume(host))
    podman(*run_arguments(lab, host, image))


def provision(lab: Lab, host: str, public_key: str, mysql: str) -> list[str]:
    """Everything after the container runs; returns the host's lines for known_hosts."""
    ssh.authorise(lab, host, public_key)
    if mysql:
        lab.exec(host, ["sh", "-c", "cat > /etc/apt/sources.list.d/sid.list"], data=SID_SOURCE.format(mirror=debian.mirror()))
        lab.exec(host, ["sh", "-c", "cat > /etc/apt/preferences.d/sid"], data=SID_PIN)
        lab.exec(host, ["apt-get", "-q", "update"])
    return ssh.host_keys(lab, host)


def wanted_mysql(lab: Lab, host: str, asked: str) -> str:
    """'8.0' or '9.7' for a database host, '' for others; a standing host cannot change its mind."""
    if not (host.startswith("db-") or (asked and host not in HOSTS)):
        return ""
    standing = lab.hosts.get(host, {}).get("mysql", "")
    if asked and standing and asked != standing:
        raise LabError(f"{host} was made for MySQL {standing}, not {asked}", "`python -m lab down` first, or another lab: LAB=<other name> LAB_MYSQL=" + asked)
    return standing or asked or "8.0"


def mysql_asked(env: Mapping[str, str] = os.environ) -> str:
    asked = env.get("LAB_MYSQL", "")
    if asked not in ("", *MYSQL_VERSIONS):
        raise LabError(f"LAB_MYSQL={asked!r} is none of {', '.join(MYSQL_VERSIONS)}", "leave it out for 8.0")
    return asked


def up(lab: Lab, names: Sequence[str], images: tuple[str, str], mysql: str = "") -> None:
    base, kube = images
    ensure_network(lab)
    public_key = ssh.make_key(lab)
    found = containers(lab)
    plans = {}
    for host in names:
        plans[host] = decide(lab, host, found.get(host))
        if plans[host] == "refuse":
            raise refuse(f"the container {lab.container(host)}", found[host]["labels"])
    older = [host for host in names if plans[host] in ("keep", "start") and found[host]["image"] != (kube if host == "kube-1" else base)]
    if older:
        say(f"made from an older image: {' '.join(older)} (`python -m lab host down NAME` and `up NAME` make a host anew)")
    leftovers = [host for host in names if plans[host] == "replace"]
    if leftovers:
        say(f"replacing what a cut-off run left: {' '.join(leftovers)}")
        remove_hosts(lab, leftovers)
    for host in leftovers:
        plans[host] = "create"
    versions = {host: wanted_mysql(lab, host, mysql) for host in names}
    suffixes: dict[str, int] = {}
    for host in names:
        suffixes[host] = lab.suffix(host)
        lab.hosts.setdefault(host, {"suffix": suffixes[host]})
    lab.save()

    new = [host for host in names if plans[host] == "create"]
    if new:
        say(f"making {' '.join(new)}")
        together(lambda host: create(lab, host, kube if host == "kube-1" else base), new)
        keys = together(lambda host: provision(lab, host, public_key, versions[host]), new)
        ssh.learn(lab, dict(zip(new, keys, strict=True)))
    stopped = [host for host in names if plans[host] == "start"]
    if stopped:
        say(f"starting {' '.join(stopped)}")
        together(lambda host: podman("start", lab.container(host)), stopped)
        together(lambda host: ssh.host_keys(lab, host), stopped)
    silent = [host for host, answer in zip(names, together(lambda host: ssh.answers(lab, host), names), strict=True) if not answer]
    if silent:
        raise LabError(
            f"no answer by SSH from {' '.join(silent)}",
            f"`python -m lab exec {silent[0]} journalctl -u ssh` tells why; `python -m lab host down {silent[0]}`, then `up`",
        )
    if new:
        ids = {host: entry["id"] for host, entry in containers(lab).items()}
        for host in new:
            lab.hosts[host] = {"suffix": suffixes[host], "id": ids[host], **({"mysql": versions[host]} if versions[host] else {})}
    lab.save()
    inventory.write(lab)


def removed(container: str) -> None:
    """podman stumbles over a container that stops by itself while it is being stopped (seen on a loaded machine)."""
    try:
        podman("rm", "-f", "-t", "2", container)
    except LabError:
        podman("rm", "-f", "-t", "2", container)


def remove_hosts(lab: Lab, names: Iterable[str]) -> None:
    """Removes our containers and volumes of these names; others' are left alone."""
    gone = []
    for host, entry in containers(lab).items():
        mine = entry["labels"].get("wandb.onprem.lab") == lab.name
        if host in set(names) and mine:
            gone.append(host)
    together(lambda host: removed(lab.container(host)), gone)
    for host in gone:
        podman("volume", "rm", "-f", lab.volume(host), check=False)
    for host in names:
        lab.hosts.pop(host, None)


def host_down(lab: Lab, host: str) -> None:
    if host not in lab.hosts:
        raise LabError(f"this lab has no host {host}", f"it has {' '.join(lab.hosts) or 'none'}")
    ssh.close(lab, host)
    remove_hosts(lab, [host])
    ssh.learn(lab, {}, forget={host})
    lab.save()
    inventory.write(lab)


def down(lab: Lab) -> None:
    """Removes everything of this lab: containers, volumes, network, standing connections, its folder."""
    for host, entry in containers(lab).items():
        if entry["labels"].get("wandb.onprem.lab") == lab.name and elsewhere(lab, entry["labels"]):
            raise refuse(f"the container {lab.container(host)}", entry["labels"])
    own = network_labels(lab)
    if own is not None and elsewhere(lab, own):
        raise refuse(f"the network {lab.network_name}", own)
    if lab.network:
        ssh.close(lab)
    remove_hosts(lab, list(containers(lab)))
    for row in listed("volume", "ls", "--filter", f"label=wandb.onprem.lab={lab.name}"):
        podman("volume", "rm", "-f", row["Name"])
    if own is not None:
        podman("network", "rm", "-f", lab.network_name)
    shutil.rmtree(lab.state_dir, ignore_errors=True)
    parent = lab.state_dir.parent
    if parent.is_dir() and not any(parent.iterdir()):
        parent.rmdir()


def valid_extra(host: str) -> str:
    if host in HOSTS or not NAME.fullmatch(host):
        raise LabError(f"{host!r} cannot be the name of an extra host", "a small letter, then up to 15 of a-z, 0-9 and '-', and none of the lab's own names")
    return host
