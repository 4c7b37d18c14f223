# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab site`: what a platform engineer does on his own hosts, done on the lab's.

Inventory, vault file, `ansible-playbook wandb.onprem.site`, and a look at the result from a client's place.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab import charts, license
from lab.report import LabError, phase, say
from lab.state import CHECKOUT, Lab

HOST = "wandb.lab.test"


def inputs(lab: Lab) -> None:
    """What a user brings: the packaged charts and a licence (the lab's own stand-in for one)."""
    charts.package(lab)
    folder = lab.state_dir / "inventory" / "group_vars" / "all"
    file = folder / "license.yml"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"# A stand-in made by the lab: W&B's own keys come from W&B.\nwandb_license: {license.make()}\n", encoding="utf-8")
    playbook(lab, "wandb.onprem.secrets", quiet=True)


def playbook(lab: Lab, name: str, quiet: bool = False) -> None:
    """Run a playbook of the collection on the lab."""
    command = ["ansible-playbook", "-i", str(CHECKOUT / "inventories" / "lab"), "-i", str(lab.state_dir / "inventory"), name]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=quiet, text=True, cwd=CHECKOUT)
    if done.returncode:
        if quiet:
            sys.stderr.write(done.stdout + done.stderr)
        raise LabError(f"{name} failed", "the failed task above names the cause; `make lab` goes on from there")


def look(lab: Lab) -> None:
    """What a user sees: the answer through Nginx, and where to look."""
    ca = lab.state_dir / "pki" / "ca.crt"
    address = lab.public_address
    curl = ["curl", "--silent", "--show-error", "--max-time", "30", "--cacert", str(ca), "--resolve", f"{HOST}:443:{address}", f"https://{HOST}/ready"]
    status = subprocess.run([*curl, "--output", "/dev/null", "--write-out", "%{http_code}"], check=False, capture_output=True, text=True)
    if status.stdout != "200":
        raise LabError(
            f"https://{HOST}/ready answered {status.stdout or status.stderr.strip()}, not 200",
            "the playbook wandb.onprem.verify names the broken link",
        )
    shown = Path(ca).relative_to(CHECKOUT) if ca.is_relative_to(CHECKOUT) else ca
    options = f"--cacert {shown} --resolve {HOST}:443:{address}"
    say("")
    say(f"W&B Server (stand-in app) is ready:  https://{HOST}  at {address} (on lb-1 or lb-2)")
    say(f"  CA to trust       {shown}")
    say(f"  curl {options} https://{HOST}/ready  -> 200")
    kubectl = f"kubectl --kubeconfig {lab.state_dir.relative_to(CHECKOUT)}/kubeconfig"
    say(f"  Kubernetes        {kubectl} get pods -A")
    say(f"  console password  {kubectl} -n wandb get secret wandb-password -o jsonpath='{{.data.password}}' | base64 -d")
    say(f"  a playbook        . tools/activate; ansible-playbook -i inventories/lab -i {lab.state_dir.relative_to(CHECKOUT)}/inventory wandb.onprem.verify")
    say("  a host            python -m lab exec db-1")
    say("  take it away      make clean")


def make(lab: Lab) -> None:
    """Everything after the hosts stand."""
    with phase("inputs"):
        inputs(lab)
    with phase("site"):
        playbook(lab, "wandb.onprem.site")
    look(lab)
