# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lab itself, against the one that stands (`LAB=<name>`, `make lab`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from cluster import Cluster, until

from lab.state import Lab, lab_name

OVERRIDE = "/var/lib/lab/images.yml"


@pytest.fixture(scope="session")
def lab() -> Lab:
    lab = Lab.load(lab_name())
    if not (lab.state_dir / "kubeconfig").exists():
        pytest.skip(f"no lab named {lab.name!r} stands here: `make lab` (or LAB=<name>)")
    return lab


@pytest.fixture(scope="module")
def cluster(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """An empty namespace that the runtime plays, gone with everything in it afterwards."""
    cluster = Cluster(lab, "rt-" + request.module.__name__.rsplit("_", 1)[-1])
    cluster.kubectl("delete", "namespace", cluster.namespace, "--ignore-not-found")
    cluster.kubectl("create", "namespace", cluster.namespace)
    # Pods are refused until the controller manager has made it.
    until(lambda: cluster.kubectl("get", "serviceaccount", "default", check=False).returncode == 0, "the default service account")
    yield cluster
    cluster.kubectl("delete", "namespace", cluster.namespace, "--timeout=60s")


@pytest.fixture
def images(lab: Lab) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Puts rows over those of lab/images.yml."""
    before = lab.exec("kube-1", ["sh", "-c", f"cat {OVERRIDE} 2>/dev/null || true"])

    def put(rows: dict[str, Any]) -> None:
        old = (yaml.safe_load(before) or {}).get("images", {})
        lab.exec("kube-1", ["tee", OVERRIDE], data=yaml.safe_dump({"images": {**old, **rows}}))

    yield put
    lab.exec("kube-1", ["tee", OVERRIDE], data=before) if before else lab.exec("kube-1", ["rm", "-f", OVERRIDE])
