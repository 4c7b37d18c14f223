# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of containers: asking, and counting answers up to their thresholds."""

from __future__ import annotations

import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any


def port_of(container: Mapping[str, Any], port: int | str) -> int:
    if isinstance(port, int):
        return port
    return int(next(entry["containerPort"] for entry in container["ports"] if entry.get("name") == port))


def inside(pid: int, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` within the container of process `pid`."""
    return ["nsenter", f"--target={pid}", "--mount", "--net", "--root", "--wd", "--", *command]


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a success, as for a kubelet that stays on the host."""

    def redirect_request(self, *_: Any) -> None:
        return None


UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=UNVERIFIED), KeepRedirect)


def ask(probe: Mapping[str, Any], container: Mapping[str, Any], address: str, pid: int) -> str:
    """Runs the probe once; '' = success, otherwise the reason."""
    limit = probe.get("timeoutSeconds") or 1
    try:
        if "httpGet" in probe:
            get = probe["httpGet"]
            url = f"{get.get('scheme', 'HTTP').lower()}://{get.get('host') or address}:{port_of(container, get['port'])}/{get.get('path', '/').lstrip('/')}"
            headers = {"User-Agent": "kube-probe/lab", **{header["name"]: header["value"] for header in get.get("httpHeaders") or []}}
            with OPENER.open(urllib.request.Request(url, headers=headers), timeout=limit):
                return ""
        if "tcpSocket" in probe:
            with socket.create_connection((address, port_of(container, probe["tcpSocket"]["port"])), timeout=limit):
                return ""
        if "exec" in probe:
            done = subprocess.run(inside(pid, probe["exec"]["command"]), capture_output=True, timeout=limit, check=False)
            return "" if done.returncode == 0 else (done.stdout + done.stderr).decode(errors="replace")[-500:]
        return f"the lab's runtime knows no probe {', '.join(probe)}"
    except urllib.error.HTTPError as error:
        return "" if error.code < 400 else f"HTTP probe failed with statuscode: {error.code}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)


class Counter:
    """When a probe is due, and what its answers come to."""

    def __init__(self, probe: Mapping[str, Any], begin: float, verdict: bool = False) -> None:
        self.period = probe.get("periodSeconds") or 10
        self.thresholds = {True: probe.get("successThreshold") or 1, False: probe.get("failureThreshold") or 3}
        self.due = begin + (probe.get("initialDelaySeconds") or 0)
        self.verdict = verdict
        self.row = 0
        self.last: bool | None = None

    def count(self, success: bool, now: float) -> bool:
        """Takes one answer; True when a threshold is reached by it, `verdict` is then the answer."""
        self.due = max(self.due + self.period, now)
        self.row = self.row + 1 if success == self.last else 1
        self.last = success
        if self.row < self.thresholds[success]:
            return False
        self.verdict = success
        return True
