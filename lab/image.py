# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two images of the lab's hosts: a bare Debian that boots systemd, and the same with what kube-1 needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from lab import debian
from lab.cache import HERE, cache_dir, digest, locked, versions
from lab.podman import listed, podman
from lab.report import LabError, phase, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BASE_PACKAGES = ["systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "iproute2", "ca-certificates", "openssh-server", "sudo"]
# Until lab/kube/packages.txt says otherwise.
KUBE_PACKAGES = ["etcd-server", "etcd-client", "nginx", "iproute2", "nftables", "python3-kubernetes", "python3-pymysql", "python3-redis", "python3-yaml"]
# sshd's keys are each host's own: made at its first start, never in the image.
# (Debian's sshd-keygen.service waits for systemd's "first boot", which a container does not have.)
HOST_KEYS_UNIT = """[Unit]
Description=Make this host's own SSH keys
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
"""
# A background `apt-get update` holds the lock that a role's task waits for, at times nobody chose.
MASKED_UNITS = ("apt-daily.timer", "apt-daily-upgrade.timer")
KUBE_INSTALL = """set -eu
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -q install -y --no-install-recommends "$@"
rm -f /usr/sbin/policy-rc.d
apt-get clean
# The lab starts what it needs with its own settings.
for unit in etcd nginx; do
    if [ -e "/usr/lib/systemd/system/$unit.service" ]; then systemctl disable "$unit"; fi
done
rm -f /etc/machine-id
: > /etc/machine-id
"""


def kube_packages(path: Path = HERE / "kube" / "packages.txt") -> list[str]:
    if not path.exists():
        return KUBE_PACKAGES
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return sorted({line for line in lines if line})


def base_key(suite: str, mirror: str, apt_conf: str) -> str:
    return digest(suite, mirror, apt_conf, *BASE_PACKAGES, HOST_KEYS_UNIT, *MASKED_UNITS)


def kube_key(base: str, packages: list[str]) -> str:
    return digest(base, *packages, KUBE_INSTALL)


def names() -> tuple[str, str]:
    """Full names of (base, kube) that this checkout wants."""
    base = base_key(versions()["debian"], debian.mirror(), debian.apt_conf())
    return f"localhost/wandb-lab-base:{base}", f"localhost/wandb-lab-kube:{kube_key(base, kube_packages())}"


def exists(image: str) -> bool:
    return podman("image", "exists", image, check=False).returncode == 0


def ensure(*, kube: bool = True) -> tuple[str, str]:
    base, kube_image = names()
    if exists(base) and (not kube or exists(kube_image)):
        return base, kube_image
    with locked("images"):
        if not exists(base):
            with phase(f"image {base}"):
                make_base(base)
        if kube and not exists(kube_image):
            with phase(f"image {kube_image}"):
                make_kube(base, kube_image)
        remove_others({base, kube_image} if kube else {base, *(name for name in ours() if "/wandb-lab-kube:" in name)})
    return base, kube_image


def make_base(image: str) -> None:
    folder = cache_dir() / "images"
    tar = folder / f"{image.rsplit(':', 1)[1]}.tar"
    if not tar.exists():
        folder.mkdir(parents=True, exist_ok=True)
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        say("debootstrap (about 1 min)")
        bootstrap(root)
        finish_root(root)
        part = tar.with_suffix(".part")
        subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(part), "."], check=True)
        part.replace(tar)
        shutil.rmtree(root)
    podman("import", "-q", "--change", 'CMD ["/sbin/init"]', "--change", "STOPSIGNAL SIGRTMIN+3", str(tar), image)


def bootstrap(root: Path) -> None:
    if not KEYRING.exists():
        raise LabError(f"{KEYRING} is missing: Debian's packages cannot be verified", "apt-get install debian-archive-keyring")
    log = cache_dir() / "log" / "debootstrap.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = ["debootstrap", "--variant=minbase", f"--keyring={KEYRING}", f"--include={','.join(BASE_PACKAGES)}"]
    with log.open("w") as stream:
        done = subprocess.run(
            [*argv, versions()["debian"], str(root), debian.mirror()],
            env={**os.environ, **proxy_environment()},
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-12:])
        raise LabError(
            f"debootstrap failed; the end of {log}:\n{tail}",
            "is the mirror reachable (LAB_DEBIAN_MIRROR names another one)? If a signature could not be verified, a newer debian-archive-keyring is needed",
        )


def proxy_environment() -> dict[str, str]:
    """debootstrap fetches with wget, which does not read apt's proxy."""
    found = {}
    for line in debian.apt_conf().splitlines():
        name, _, value = line.rstrip(";").partition(" ")
        scheme = {"Acquire::http::Proxy": "http_proxy", "Acquire::https::Proxy": "https_proxy"}.get(name)
        if scheme:
            found[scheme] = value.strip('"')
    return found


def finish_root(root: Path) -> None:
    for key in root.glob("etc/ssh/ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")
    units = root / "etc/systemd/system"
    (units / "lab-host-keys.service").write_text(HOST_KEYS_UNIT)
    (units / "ssh.service.requires").mkdir(exist_ok=True)
    (units / "ssh.service.requires" / "lab-host-keys.service").symlink_to("../lab-host-keys.service")
    for unit in MASKED_UNITS:
        (units / unit).symlink_to("/dev/null")
    (root / "etc/apt/apt.conf.d/90lab").write_text(debian.apt_conf())
    for package in root.glob("var/cache/apt/archives/*.deb"):
        package.unlink()


def make_kube(base: str, image: str) -> None:
    name = f"wandb-lab-making-{image.rsplit(':', 1)[1]}"
    podman("rm", "-f", "--ignore", name)
    try:
        podman("run", "--name", name, base, "/bin/sh", "-c", KUBE_INSTALL, "sh", *kube_packages())
        podman("commit", "-q", "--change", 'CMD ["/sbin/init"]', name, image)
    finally:
        podman("rm", "-f", "--ignore", name)


def ours() -> list[str]:
    return [name for row in listed("images") for name in row.get("Names") or [] if name.startswith(("localhost/wandb-lab-base:", "localhost/wandb-lab-kube:"))]


def remove_others(keep: set[str]) -> None:
    """Older images of ours go, unless a host still stands on them."""
    for name in ours():
        if name not in keep and podman("rmi", name, check=False).returncode == 0:
            say(f"removed the older image {name}")
    for tar in (cache_dir() / "images").glob("*.tar"):
        if not any(name.endswith(f":{tar.stem}") for name in keep):
            tar.unlink()


def remove_all() -> None:
    for name in sorted(ours(), reverse=True):
        if podman("rmi", name, check=False).returncode:
            say(f"kept {name}: hosts of another lab stand on it")
    shutil.rmtree(cache_dir() / "images", ignore_errors=True)
