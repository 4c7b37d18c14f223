# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the containers do to the pod's status, as a kubelet writes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Container:
    """One container as the runtime sees it. `state` and `last` are the API's own (waiting | running | terminated)."""

    state: dict[str, Any] = field(default_factory=lambda: waiting("PodInitializing"))
    last: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""

    @property
    def exit_code(self) -> int | None:
        return self.state["terminated"]["exitCode"] if "terminated" in self.state else None


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def terminated(begin: str, end: str, code: int, reason: str = "", message: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = {"exitCode": code, "reason": reason or ("Error" if code else "Completed"), "startedAt": begin, "finishedAt": end}
    return {"terminated": {**entry, **({"message": message} if message else {})}}


def phase(policy: str, init: Sequence[Container], main: Sequence[Container], *, ending: bool = False) -> str:
    """`ending`: the pod is being deleted, nothing starts any more."""
    again = not ending and policy != "Never"
    if any(container.exit_code for container in init) and not again:
        return "Failed"
    if any(container.exit_code != 0 for container in init):
        return "Failed" if ending else "Pending"
    stopped = [container for container in main if container.exit_code is not None or ("waiting" in container.state and container.last)]
    if any("running" in container.state for container in main):
        return "Running"
    if len(stopped) < len(main):
        return "Failed" if ending and stopped else "Pending"
    if again and policy == "Always":
        return "Running"
    if all(container.exit_code == 0 for container in main):
        return "Succeeded"
    return "Running" if again else "Failed"


def container_status(spec: Mapping[str, Any], container: Container) -> dict[str, Any]:
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "containerID": container.container_id,
        "ready": container.ready,
        "started": container.started,
        "restartCount": container.restarts,
        "state": container.state,
        "lastState": container.last,
    }


def condition(kind: str, true: bool, reason: str, message: str, before: Sequence[Mapping[str, Any]], now: str) -> dict[str, Any]:
    # None takes an earlier reason away: a merge would keep it.
    entry: dict[str, Any] = {"type": kind, "status": "True" if true else "False", "reason": None if true else reason, "message": None if true else message}
    old = next((other for other in before if other["type"] == kind and other["status"] == entry["status"]), None)
    return {**entry, "lastTransitionTime": old["lastTransitionTime"] if old else now}


def build(pod: Mapping[str, Any], containers: Mapping[str, Container], *, address: str, host: str, now: str, ending: bool = False) -> dict[str, Any]:
    """The fields of `status` that the runtime owns; conditions of others are left alone by a strategic merge."""
    spec, before = pod["spec"], pod.get("status") or {}
    init_specs = spec.get("initContainers") or []
    init = [containers[entry["name"]] for entry in init_specs]
    main = [containers[entry["name"]] for entry in spec["containers"]]
    undone = [entry["name"] for entry in init_specs if containers[entry["name"]].exit_code != 0]
    unready = [entry["name"] for entry in spec["containers"] if not containers[entry["name"]].ready]
    old = before.get("conditions") or []
    reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    total = phase(spec.get("restartPolicy", "Always"), init, main, ending=ending)
    if total == "Succeeded":
        reason, message = "PodCompleted", ""
    status: dict[str, Any] = {
        "phase": total,
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "startTime": before.get("startTime") or now,
        "containerStatuses": [container_status(entry, containers[entry["name"]]) for entry in spec["containers"]],
        "conditions": [
            condition("PodReadyToStartContainers", bool(address), "", "", old, now),
            condition("Initialized", not undone, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(undone)}]", old, now),
            condition("Ready", not unready, reason, message, old, now),
            condition("ContainersReady", not unready, reason, message, old, now),
        ],
    }
    if init_specs:
        status["initContainerStatuses"] = [container_status(entry, containers[entry["name"]]) for entry in init_specs]
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    return status
