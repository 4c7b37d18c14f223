# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's tests do to the cluster."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

from lab.state import Lab


class Cluster:
    """kubectl with the lab's own kubeconfig, and commands on kube-1."""

    def __init__(self, lab: Lab, namespace: str) -> None:
        self.lab, self.namespace = lab, namespace

    def kubectl(self, *argv: str, data: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", f"--kubeconfig={self.lab.state_dir}/kubeconfig", f"--namespace={self.namespace}", *argv]
        done = subprocess.run(command, input=data, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0 or not check, f"kubectl {' '.join(argv)}: {done.stderr}"
        return done

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", data="\n".join(json.dumps(entry) for entry in objects))

    def replace(self, entry: dict[str, Any]) -> None:
        self.kubectl("replace", "-f", "-", data=json.dumps(entry))

    def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json").stdout)
        return found

    def find(self, kind: str, selector: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-l", selector, "-o", "json").stdout)["items"]
        return found

    def on_kube(self, *argv: str) -> str:
        return self.lab.exec("kube-1", argv)

    def pod(self, name: str, container: dict[str, Any], **spec: Any) -> None:
        self.pod_of({}, name, container, **spec)

    def pod_of(self, labels: dict[str, str], name: str, container: dict[str, Any], **spec: Any) -> None:
        body = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "lab/sh", **container}], **spec}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": body})

    def container(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = (self.get("pod", name)["status"].get("containerStatuses") or [{"state": {}}])[0]
        return status

    def waiting(self, name: str) -> str:
        return str(self.container(name)["state"].get("waiting", {}).get("reason", ""))

    def ended(self, name: str) -> str:
        """Waits for the end of a pod and returns its log."""
        until(lambda: self.get("pod", name)["status"]["phase"] in ("Succeeded", "Failed"), f"the end of pod {name}")
        return self.kubectl("logs", name).stdout


def until(holds: Callable[[], Any], what: str, limit: float = 60) -> Any:
    end = time.monotonic() + limit
    while not (value := holds()):
        assert time.monotonic() < end, f"waited {limit:.0f} s in vain for {what}"
        time.sleep(0.3)
    return value
