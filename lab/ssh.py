# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own SSH key and the hosts' own keys, which are read out of the hosts themselves and never trusted blindly."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from lab.report import LabError
from lab.state import Lab, write_if_changed

WAIT_SECONDS = 60


def key(lab: Lab) -> Path:
    return lab.state_dir / "ssh" / "id_ed25519"


def known_hosts(lab: Lab) -> Path:
    return lab.state_dir / "ssh" / "known_hosts"


def control_dir(lab: Lab) -> Path:
    # A socket's path may have 107 characters: too few for a deep checkout.
    return Path("/run") / lab.network_name


def options(lab: Lab) -> list[str]:
    return [
        "-o",
        f"UserKnownHostsFile={known_hosts(lab)}",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        f"ControlPath={control_dir(lab)}/%r@%h",
    ]


def make_key(lab: Lab) -> str:
    """The public key; the pair is made if it is not there or half there."""
    private, public = key(lab), key(lab).with_suffix(".pub")
    control_dir(lab).mkdir(mode=0o700, exist_ok=True)
    if not (private.exists() and public.exists()):
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in (private, public):
            path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.network_name, "-f", str(private)], check=True)
    return public.read_text()


def authorise(lab: Lab, host: str, public_key: str) -> None:
    lab.exec(host, ["sh", "-c", "install -d -m 0700 /root/.ssh && umask 077 && cat > /root/.ssh/authorized_keys"], data=public_key)


def host_keys(lab: Lab, host: str) -> list[str]:
    """Lines of known_hosts for this host, as soon as it has made its keys."""
    for _ in range(WAIT_SECONDS * 4):
        found = lab.exec(host, ["sh", "-c", "systemctl -q is-active ssh && cat /etc/ssh/ssh_host_*_key.pub"], check=False)
        if found:
            return [f"{host},{lab.address(host)} " + " ".join(line.split()[:2]) for line in found.splitlines()]
        time.sleep(0.25)
    raise LabError(f"{host} did not start sshd within {WAIT_SECONDS} s", f"`python -m lab exec {host} systemctl status ssh` tells why")


def learn(lab: Lab, keys: dict[str, list[str]], forget: Collection[str] = ()) -> None:
    """Puts the hosts' keys into known_hosts, in place of what it had for them."""
    path = known_hosts(lab)
    gone = {*forget, *keys}
    kept = [line for line in (path.read_text().splitlines() if path.exists() else []) if line.split(",", 1)[0] not in gone]
    lines = kept + [line for host in sorted(keys) for line in keys[host]]
    write_if_changed(path, "".join(line + "\n" for line in sorted(lines)))


def answers(lab: Lab, host: str) -> bool:
    argv = ["ssh", *options(lab), "-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-i", str(key(lab))]
    return subprocess.run([*argv, f"root@{lab.address(host)}", "true"], capture_output=True, check=False).returncode == 0


def close(lab: Lab, host: str = "") -> None:
    """Ends Ansible's standing connections to one host, or to all."""
    for socket in control_dir(lab).glob(f"*@{lab.address(host)}" if host else "*@*"):
        subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "any"], capture_output=True, check=False)
        socket.unlink(missing_ok=True)
    if not host:
        shutil.rmtree(control_dir(lab), ignore_errors=True)
