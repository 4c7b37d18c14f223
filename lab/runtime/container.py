# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One container of a pod through all its starts: when it starts, what its probes say, when it starts again."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lab.runtime import hooks, probes, spec, status, units, volumes
from lab.runtime.api import timestamp
from lab.runtime.images import Image
from lab.runtime.status import terminated, waiting

if TYPE_CHECKING:
    from lab.runtime.pod import Worker

RETRY = 2.0
SERVER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def backoff(restarts: int) -> float:
    """Seconds from the end of start number `restarts` to the next one: at once, then 10 s doubling up to 5 min."""
    return 0.0 if restarts == 0 else min(10.0 * 2 ** (restarts - 1), 300.0)


class Runner:
    """One container of a pod through all its starts."""

    def __init__(self, worker: Worker, manifest: Mapping[str, Any], before: Mapping[str, Any], *, init: bool) -> None:
        self.worker, self.manifest, self.init = worker, manifest, init
        self.name: str = manifest["name"]
        self.view = status.Container(state=waiting("PodInitializing" if worker.has_init and not init else "ContainerCreating"))
        self.folder = worker.folder / self.name
        numbers = sorted(int(path.name) for path in self.folder.glob("[0-9]*"))
        self.current: units.Attempt | None = self.attempt(numbers[-1]) if numbers else None
        self.number = numbers[-1] if numbers else -1
        self.due = 0.0
        # kube-1 was started anew, and the container is gone with all that it held.
        self.lost = bool(before.get("containerID")) and self.current is None
        if before.get("containerID"):
            self.view.last = before.get("lastState") or {}
            self.view.restarts = self.number = max(self.number, before["restartCount"])
            self.view.ready, self.view.started = bool(self.current) and before["ready"], bool(self.current) and bool(before.get("started"))
            self.view.container_id = before["containerID"]
        self.reset_probes()

    def attempt(self, number: int) -> units.Attempt:
        meta = self.worker.pod["metadata"]
        logs = units.LOGS / f"{meta['namespace']}_{meta['name']}_{meta['uid']}" / self.name / f"{number}.log"
        return units.Attempt(self.folder / str(number), f"lab-pod-{meta['uid']}-{self.name}-{number}", logs)

    def reset_probes(self) -> None:
        begin = time.monotonic()
        given = {kind: self.manifest.get(f"{kind}Probe") for kind in ("startup", "liveness", "readiness")}
        verdicts = {"startup": self.view.started, "liveness": True, "readiness": self.view.ready}
        self.probes = {kind: probes.Counter(probe, begin, verdicts[kind]) for kind, probe in given.items() if probe}

    @property
    def done(self) -> bool:
        return self.view.exit_code == 0 if self.init else self.view.exit_code is not None

    def step(self) -> None:
        if self.current is None:
            if self.lost and not self.init and not self.wants_restart(137):
                self.view.state = terminated(timestamp(), timestamp(), 137, "ContainerStatusUnknown", "kube-1 was started anew, the container is gone")
            else:
                self.launch()
            return
        state = self.current.state()
        if "terminated" not in state:
            self.view.state = state
            self.view.started = ("running" in state and "startup" not in self.probes) or self.view.started
            if "running" in state and not self.init:
                self.probe()
            return
        self.view.ready = self.view.started = False
        if self.init and state["terminated"]["exitCode"] == 0:
            self.view.ready = True
        if not self.wants_restart(state["terminated"]["exitCode"]):
            self.view.state = state
            return
        end = datetime.datetime.fromisoformat(state["terminated"]["finishedAt"]).timestamp()
        pause = backoff(self.view.restarts) - (time.time() - end)
        self.view.last = state
        if pause > 0:
            text = f"back-off {int(backoff(self.view.restarts))}s restarting failed container={self.name} pod={self.worker.title}"
            self.view.state = waiting("CrashLoopBackOff", text)
            self.worker.event("Warning", "BackOff", f"Back-off restarting failed container {self.name}")
        else:
            self.launch()

    def wants_restart(self, code: int) -> bool:
        policy = self.worker.pod["spec"].get("restartPolicy", "Always")
        return code != 0 and policy != "Never" if self.init else policy == "Always" or (policy == "OnFailure" and code != 0)

    def launch(self) -> None:
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + RETRY
        image_name = self.manifest["image"]
        try:
            image = self.worker.host.table.find(image_name)
        except (ValueError, TypeError, AttributeError) as error:
            self.view.state = waiting("ErrImagePull", f"lab/images.yml, row of {image_name}: {error}")
            return
        if image is None:
            first = self.view.state.get("waiting", {}).get("reason") not in ("ErrImagePull", "ImagePullBackOff")
            text = f'Failed to pull image "{image_name}": no row for it in lab/images.yml' if first else f'Back-off pulling image "{image_name}"'
            self.worker.event("Warning", "Failed" if first else "BackOff", text)
            self.view.state = waiting("ErrImagePull" if first else "ImagePullBackOff", text)
            return
        pod, service_env = self.worker.pod, self.worker.host.service_env()
        try:
            if self.manifest.get("restartPolicy"):
                raise spec.ConfigError("the lab's runtime knows no sidecar containers (an init container with restartPolicy)")
            env = spec.environment(pod, self.manifest, self.worker.lookup, service_env)
            argv, user = spec.command(self.manifest, image, env), spec.user(pod, self.manifest, image)
        except spec.ConfigError as error:
            self.worker.event("Warning", "Failed", f"Error: {error}")
            self.view.state = waiting("CreateContainerConfigError", str(error))
            return
        self.start(image, argv, env, user)

    def start(self, image: Image, argv: list[str], env: Mapping[str, str], user: spec.User) -> None:
        worker = self.worker
        inherited = {"PATH": SERVER_PATH, "HOSTNAME": worker.name, "HOME": "/root" if user.uid == 0 else "/"}
        order = {"argv": argv, "env": {**inherited, **env}, "cwd": self.manifest.get("workingDir") or "/", **dataclasses.asdict(user)}
        attempt = self.attempt(self.number + 1)
        try:
            attempt.start(
                order=order,
                image=image,
                mounts=volumes.mounts(self.manifest, worker.volume_folders, env),
                space=f"pod-{worker.uid}",
                hosts=worker.hosts_file(),
                grace=worker.grace,
                title=f"{worker.title} {self.name} ({self.manifest['image']})",
            )
        except OSError as error:
            self.view.state = waiting("RunContainerError", str(error))
            worker.event("Warning", "Failed", f"Error: {error}")
            return
        if self.current:
            shutil.rmtree(self.current.folder, ignore_errors=True)
        self.number += 1
        self.current = attempt
        self.view.restarts = self.number
        self.view.container_id = f"lab://{attempt.unit}"
        self.view.ready = self.view.started = False
        self.view.state = attempt.state()
        self.reset_probes()
        worker.event("Normal", "Started", f"Started container {self.name}")

    def probe(self) -> None:
        assert self.current
        if "startup" in self.probes and not self.view.started:
            if self.asked("startup"):
                self.view.started = self.probes["startup"].verdict
                if not self.view.started:
                    self.restart("startup")
                self.reset_probes()
            return
        if "liveness" in self.probes and self.asked("liveness") and not self.probes["liveness"].verdict:
            self.restart("liveness")
            return
        if "readiness" not in self.probes:
            self.view.ready = True
        elif self.asked("readiness"):
            self.view.ready = self.probes["readiness"].verdict

    def asked(self, kind: str) -> bool:
        """Asks the probe if it is due; True when its answers reached a threshold."""
        counter, probe = self.probes[kind], self.manifest[f"{kind}Probe"]
        if time.monotonic() < counter.due:
            return False
        assert self.current
        reason = probes.ask(probe, self.manifest, self.worker.address, self.current.pid())
        if reason:
            self.worker.event("Warning", "Unhealthy", f"{kind.capitalize()} probe failed: {reason}")
        return counter.count(not reason, time.monotonic())

    def restart(self, kind: str) -> None:
        assert self.current
        self.worker.event("Normal", "Killing", f"Container {self.name} failed {kind} probe, will be restarted")
        self.view.ready = False
        self.worker.publish()
        self.stop(self.worker.grace)

    def stop(self, grace: float) -> None:
        """Its hook, then SIGTERM, then SIGKILL; returns when it has ended. `grace`: seconds for the first two."""
        if self.current is None:
            return
        begin = time.monotonic()
        if not self.init and "running" in self.current.state():
            failure = hooks.pre_stop(self.manifest, self.worker.address, self.current.pid(), grace, lambda: self.worker.gone)
            if failure:
                self.worker.event("Warning", "FailedPreStopHook", f"PreStopHook of container {self.name} failed: {failure}")
        units.stop([self.current], max(grace - (time.monotonic() - begin), hooks.LEAST_GRACE) if grace else 0)
