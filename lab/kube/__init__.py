# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-1: a real Kubernetes API on one host, with kwok's nodes, the runtime and the ingress stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.state import Lab

# On kube-1. The link makes `lab` a package there, wherever the checkout is mounted from.
PYTHON = "/var/lib/lab/python"
SETUP = f'mkdir -p {PYTHON} && ln -sfn /opt/lab/src {PYTHON}/lab && exec env PYTHONPATH={PYTHON} python3 -B -m lab.kube.node "$@"'


def start(lab: Lab) -> None:
    """Makes or mends everything on kube-1, waits until the API is ready and leaves its kubeconfig in the lab's folder. Idempotent."""
    from lab.report import say
    from lab.state import write_if_changed

    for line in lab.exec("kube-1", ["sh", "-c", SETUP, "setup", "--address", lab.address("kube-1"), "--name", "kube-1"]).splitlines():
        say(f"kube-1: {line}")
    write_if_changed(lab.state_dir / "kubeconfig", lab.exec("kube-1", ["cat", "/var/lib/lab/kubeconfig/admin"]), mode=0o600)
