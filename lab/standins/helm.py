# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real `helm`, run as the operator's service account."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .kube import Kube
from .spec import archive, chart_form

SEARCH = "/opt/lab/bin:/usr/local/bin:/usr/bin"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class HelmError(Exception):
    pass


def die_with_parent() -> None:
    """Whoever kills the operator stops Helm in the middle: the release stays pending, as it does for the library inside the real one."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def missing(error: OSError) -> str:
    """As Go words it."""
    return f"open {error.filename}: {os.strerror(error.errno or 0).lower()}"


class Helm:
    def __init__(self, kube: Kube, log: Callable[..., None], scratch: Path = Path("/helm")) -> None:
        self.kube, self.log = kube, log
        self.scratch = scratch if os.access(scratch, os.W_OK) else Path(tempfile.mkdtemp(prefix="helm-"))
        self.running: subprocess.Popen[str] | None = None

    def environment(self) -> dict[str, str]:
        config = self.scratch / "kubeconfig"
        config.write_text(json.dumps(kubeconfig(self.kube)))
        own = {f"HELM_{kind}_HOME": str(self.scratch / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return {**os.environ, **own, "HELM_DRIVER": "secret", "KUBECONFIG": str(config), "HOME": str(self.scratch)}

    def run(self, *argv: str) -> str:
        program = shutil.which("helm", path=SEARCH)
        if not program:
            raise HelmError(f"helm is not in {SEARCH}")
        self.running = subprocess.Popen(
            [program, *argv], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent
        )
        out, err = self.running.communicate()
        code, self.running = self.running.returncode, None
        if code:
            raise HelmError(err.strip() or out.strip() or f"helm ended with {code}")
        return out

    def kill(self) -> None:
        if self.running:
            self.running.kill()

    def apply(self, name: str, namespace: str, chart: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Installs, or upgrades when there is a history; waits for hooks only."""
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            given = folder / "values.json"
            given.touch(0o600)
            given.write_text(json.dumps(values))
            self.run(
                *("upgrade", "--install", name, *self.chart_arguments(chart, folder), "--namespace", namespace),
                *("--values", str(given), "--history-max", "10", "--wait=hookOnly"),
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def chart_arguments(self, chart: Mapping[str, Any], folder: Path) -> list[str]:
        form = chart_form(chart)
        if form == "local":
            try:
                data = Path(chart["path"]).read_bytes()
            except OSError as error:
                raise HelmError(missing(error)) from error
            try:
                (folder / "chart.tgz").write_bytes(archive(data))
            except ValueError as error:
                raise HelmError(f"{chart['path']}: {error}") from error
            return [str(folder / "chart.tgz")]
        if any(chart.get(key) for key in ("credentialSecret", "username", "password")):
            raise HelmError("this stand-in does not log in to chart repositories")
        version = ["--version", str(chart["version"])] if chart.get("version") else []
        if form == "oci":
            return [chart["url"], *version, *(["--plain-http"] if chart.get("plainHTTP") else [])]
        return [chart["name"], "--repo", chart["url"], *version]

    def uninstall(self, name: str, namespace: str) -> None:
        self.run("uninstall", name, "--namespace", namespace, "--ignore-not-found", "--wait=legacy", "--timeout", "600s")


def kubeconfig(kube: Kube) -> dict[str, Any]:
    """Names the token's file, so that the token stands nowhere else."""
    cluster = {"server": kube.server, "certificate-authority": str(kube.account / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"tokenFile": str(kube.account / "token")}}],
        "contexts": [{"name": "pod", "context": {"cluster": "cluster", "user": "operator"}}],
        "current-context": "pod",
    }
