# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on kube-1 as `python3 -m lab.kube.node`: files, units, objects. Every line that it prints is something that it changed."""

from __future__ import annotations

import argparse
import base64
import datetime
import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from lab.kube import objects, pki

HERE = Path(__file__).parent
STATE = Path("/var/lib/lab")
PKI = STATE / "pki"
UNITS = Path("/etc/systemd/system")
# In the order of starting. Name of the unit -> files of ours, besides the unit itself, that it reads only at its start.
ORDER = {
    "lab-etcd": ["pki/etcd.crt"],
    "lab-kube-apiserver": ["pki/apiserver.crt", "pki/ca.crt"],
    "lab-kube-controller-manager": ["kubeconfig/controller-manager"],
    "lab-kube-scheduler": ["kubeconfig/scheduler"],
    "lab-kwok": ["kubeconfig/kwok", "kwok.yaml"],
    "lab-runtime": ["pki/runtime.crt", "pki/kubelet.crt"],
    "lab-ingress": ["pki/ingress.crt"],
}
# Units of ours that no boot starts: the ingress program starts nginx when it has written its configuration, `lab openshift` the other.
ON_DEMAND = ["lab-nginx", "lab-openshift"]


def write(path: Path, text: str, mode: int = 0o644) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".new")
    part.touch(mode=mode)
    part.chmod(mode)
    part.write_text(text)
    part.replace(path)
    print(f"wrote {path}")
    return True


def source_digest(folder: Path) -> str:
    """Stands in the units of our own programs, so that new code restarts them."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))).hexdigest()[:12]


def kubeconfig(server: str, name: str) -> str:
    def embedded(file: str) -> str:
        return base64.b64encode((PKI / file).read_bytes()).decode()

    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority-data": embedded("ca.crt")}}],
        "users": [{"name": name, "user": {"client-certificate-data": embedded(f"{name}.crt"), "client-key-data": embedded(f"{name}.key")}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": name}}],
        "current-context": "lab",
    }
    return json.dumps(config, indent=2) + "\n"


def systemctl(*argv: str) -> str:
    return subprocess.run(["systemctl", *argv], capture_output=True, text=True, check=True).stdout


def started(unit: str) -> float:
    """When the running program was started; 0 = it does not run."""
    shown = dict(line.split("=", 1) for line in systemctl("show", "--timestamp=us+utc", "-p", "ActiveState,ExecMainStartTimestamp", unit).splitlines())
    if shown["ActiveState"] != "active":
        return 0.0
    moment = datetime.datetime.strptime(shown["ExecMainStartTimestamp"], "%a %Y-%m-%d %H:%M:%S.%f UTC")
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def kubectl(*argv: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["kubectl", f"--kubeconfig={STATE}/kubeconfig/admin", *argv], input=data, capture_output=True, text=True, check=False)


def wait_ready(limit: float = 120) -> None:
    end = time.monotonic() + limit
    while (answer := kubectl("get", "--raw", "/readyz")).stdout != "ok":
        if time.monotonic() > end:
            log = ["journalctl", "-u", "lab-kube-apiserver", "-n", "20", "--no-pager", "-o", "cat"]
            words = subprocess.run(log, capture_output=True, text=True, check=False).stdout
            raise SystemExit(f"the API is not ready after {limit:.0f} s: {answer.stderr.strip() or answer.stdout}\n{words}")
        time.sleep(0.3)


def start(units: Iterable[str]) -> None:
    """Starts what does not run, and restarts what runs with older files than those that lie there."""
    for unit in units:
        newest = max(path.stat().st_mtime for path in [UNITS / f"{unit}.service", *(STATE / file for file in ORDER[unit])])
        since = started(unit)
        if since < newest:
            systemctl("restart", unit)
            print(f"{'re' if since else ''}started {unit}")
        if unit == "lab-kube-apiserver":
            wait_ready()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--name", required=True)
    args = parser.parse_args()
    for made in pki.make(PKI, args.address, args.name):
        print(f"made certificate {made}")
    for user in ("admin", "controller-manager", "scheduler", "kwok"):
        write(STATE / "kubeconfig" / user, kubeconfig(f"https://{args.address}:6443", user), 0o600)
    write(STATE / "kwok.yaml", objects.kwok_config())
    variables = {"ADDRESS": args.address, "SOURCE": source_digest(HERE.parent / "runtime"), "SOURCE_KUBE": source_digest(HERE)}
    changed = False
    for unit in [*ORDER, *ON_DEMAND]:
        text = (HERE / "units" / f"{unit}.service").read_text()
        for variable, value in variables.items():
            text = text.replace(f"@{variable}@", value)
        changed |= write(UNITS / f"{unit}.service", text)
    if changed:
        systemctl("daemon-reload")
        systemctl("enable", "--quiet", *ORDER)
    start(["lab-etcd", "lab-kube-apiserver"])
    applied = kubectl("apply", "--server-side", "--field-manager=lab", "-f", "-", data=objects.cluster())
    if applied.returncode:
        raise SystemExit(f"kubectl apply: {applied.stderr}")
    start(unit for unit in ORDER if unit not in ("lab-etcd", "lab-kube-apiserver"))
    nodes = kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
    if nodes.returncode:
        raise SystemExit(f"the nodes are not ready: {nodes.stderr}")
    if shutil.disk_usage(STATE).free < 1 << 30:
        print("less than 1 GiB of disk is left")


if __name__ == "__main__":
    main()
