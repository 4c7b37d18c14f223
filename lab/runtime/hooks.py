# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's `lifecycle.preStop`: what it does before it is told to end, within the pod's grace."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from lab.runtime import probes

# Seconds that a container has at least once its hook is through, as a kubelet gives.
LEAST_GRACE = 2
LOOK = 0.1


def pre_stop(container: Mapping[str, Any], address: str, pid: int, grace: float, gone: Callable[[], bool]) -> str:
    """Runs the hook, for `grace` seconds at most and no longer than until `gone()`; '' = it did its work, otherwise the reason."""
    handler = (container.get("lifecycle") or {}).get("preStop") or {}
    if not handler or grace <= 0:
        return ""
    end = time.monotonic() + grace
    if "sleep" in handler:
        end = min(end, time.monotonic() + handler["sleep"]["seconds"])
        while time.monotonic() < end and not gone():
            time.sleep(LOOK)
        return ""
    if "exec" not in handler:
        return probes.ask({**handler, "timeoutSeconds": grace}, container, address, pid)
    with subprocess.Popen(probes.inside(pid, handler["exec"]["command"]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as hook:
        while hook.poll() is None and time.monotonic() < end and not gone():
            time.sleep(LOOK)
        ended = hook.poll() is not None
        hook.kill()
        said = hook.communicate()[0]
    if not ended:
        return "" if gone() else f"did not end within {grace:.0f} s"
    return "" if hook.returncode == 0 else f"exit code {hook.returncode}: {said[-500:]}"
