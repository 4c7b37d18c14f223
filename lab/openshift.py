# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab openshift on|off`: makes the lab's cluster look like OpenShift, and takes that away again.

OpenShift's own API definitions, out of its Go module; what serves them is a stand-in (`lab/kube/openshift.py`, `lab/kube/routes.py`).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from lab.cache import versions
from lab.kube import openshift
from lab.kube.objects import documents
from lab.report import LabError, say
from lab.runtime.api import timestamp
from lab.state import Lab

KUBECTL = ["kubectl", "--kubeconfig=/var/lib/lab/kubeconfig/admin"]


def definitions() -> str:
    """OpenShift's CRDs."""
    pins: dict[str, Any] = versions()["openshift"]
    done = subprocess.run(["go", "mod", "download", "-json", f"{pins['module']}@{pins['version']}"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{pins['module']} {pins['version']}: {done.stderr or done.stdout}", "is Go's module proxy reachable (`go env GOPROXY`)?")
    folder = Path(json.loads(done.stdout)["Dir"])
    return "".join(f"---\n{(folder / name).read_text()}\n" for name in pins["crds"])


def switch(lab: Lab, on: bool) -> None:
    """Idempotent. Off: Routes and SCCs go with their definitions, annotations of namespaces stay."""
    if "kube-1" not in lab.hosts:
        raise LabError(f"the lab {lab.name} has no cluster", "`python -m lab up` makes one")
    if on:
        kubectl(lab, "apply", "--server-side", "--field-manager=lab", "-f", "-", data=definitions())
        kubectl(lab, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        ours = [openshift.cluster_version(), *openshift.scc_roles(), *openshift.policies()]
        kubectl(lab, "apply", "--server-side", "--field-manager=lab", "-f", "-", data=documents(ours))
        status = json.dumps({"status": openshift.version_status(timestamp())})
        kubectl(lab, "patch", "clusterversion", "version", "--subresource=status", "--type=merge", f"--patch={status}")
    lab.exec("kube-1", ["systemctl", "start" if on else "stop", "lab-openshift"])
    if not on:
        kubectl(lab, "delete", "--ignore-not-found", "-f", "-", data=documents([*openshift.scc_roles(), *openshift.policies()]))
        kubectl(lab, "delete", "--ignore-not-found", "-f", "-", data=definitions())
    # It asks at its start whether there are Routes.
    lab.exec("kube-1", ["systemctl", "restart", "lab-ingress"])
    say(f"the cluster {'looks like OpenShift ' + openshift.VERSION + ' (a stand-in)' if on else 'is plain Kubernetes again'}")


def kubectl(lab: Lab, *arguments: str, data: str | None = None) -> str:
    """kubectl on kube-1."""
    return lab.exec("kube-1", [*KUBECTL, *arguments], data=data)
