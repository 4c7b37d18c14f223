# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread a pod: starts what its manifest says, watches it, tells the API. All that must outlive the runtime is in files and units."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.runtime import status, units, volumes
from lab.runtime.api import Api, ApiError, log, timestamp
from lab.runtime.container import RETRY, Runner
from lab.runtime.images import Table

TICK = 0.5


@dataclasses.dataclass
class Host:
    """What the pods share."""

    api: Api
    table: Table
    addresses: units.Addresses
    lock: threading.Lock
    address: str
    port: int

    def service_env(self) -> dict[str, str]:
        """Where the API is: its real address, since nothing plays kube-proxy in the lab."""
        port = str(self.port)
        return {
            "KUBERNETES_SERVICE_HOST": self.address,
            "KUBERNETES_SERVICE_PORT": port,
            "KUBERNETES_SERVICE_PORT_HTTPS": port,
            "KUBERNETES_PORT": f"tcp://{self.address}:{port}",
        }


class Worker:
    def __init__(self, host: Host, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        self.uid, self.name, self.namespace = meta["uid"], meta["name"], meta["namespace"]
        self.title = f"{self.namespace}/{self.name}"
        self.host, self.pod = host, pod
        self.folder = units.PODS / self.uid
        self.path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self.grace: int = pod["spec"].get("terminationGracePeriodSeconds", 30)
        self.has_init = bool(pod["spec"].get("initContainers"))
        self.address = ""
        self.wake, self.gone = threading.Event(), False
        self.references: set[tuple[str, str]] = set()
        self.volumes_due = 0.0
        self.tokens: dict[str, tuple[str, float]] = {}
        self.sent: dict[str, Any] = {}
        self.told: dict[str, float] = {}
        before = {entry["name"]: entry for key in ("initContainerStatuses", "containerStatuses") for entry in (pod.get("status") or {}).get(key) or []}
        self.init = [Runner(self, entry, before.get(entry["name"], {}), init=True) for entry in pod["spec"].get("initContainers") or []]
        self.main = [Runner(self, entry, before.get(entry["name"], {}), init=False) for entry in pod["spec"]["containers"]]

    def start(self) -> None:
        threading.Thread(target=self.run, name=self.title, daemon=True).start()

    # Called by the watches

    def update(self, pod: dict[str, Any]) -> None:
        if int(pod["metadata"]["resourceVersion"]) > int(self.pod["metadata"]["resourceVersion"]):
            self.pod = pod
            self.wake.set()

    def forget(self) -> None:
        """The API has the pod no more."""
        self.gone = True
        self.wake.set()

    def changed(self, kind: str, name: str) -> None:
        if (kind, name) in self.references:
            self.volumes_due = 0.0
            self.wake.set()

    # The thread

    def run(self) -> None:
        while True:
            try:
                pause = self.step()
            except (ApiError, OSError, volumes.MountError) as error:
                log(f"{self.title}: {error}")
                pause = RETRY
            except Exception as error:  # A fault in one pod must not end the others' keeper: it is told, and tried again.
                log(f"{self.title}: {type(error).__name__}: {error}")
                pause = 10.0
            if pause is None:
                return
            self.wake.wait(pause)
            self.wake.clear()

    def step(self) -> float | None:
        """Brings the pod one step further; seconds until the next, None = it is gone."""
        if self.gone or self.pod["metadata"].get("deletionTimestamp"):
            self.end()
            return None
        if (self.pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            self.leave_network()
            return 3600.0
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.host.lock:
            self.address = self.host.addresses.take(self.uid)
        (self.folder / "address").write_text(self.address)
        self.pod.setdefault("status", {}).update(podIP=self.address, podIPs=[{"ip": self.address}], hostIP=self.host.address)
        units.make_network(self.uid, self.address)
        try:
            self.refresh_volumes()
        except volumes.MountError as error:
            self.event("Warning", "FailedMount", str(error))
            if all(runner.current is None for runner in self.init + self.main):
                self.publish()
                return RETRY
        for runner in self.init:
            runner.step()
            if not runner.done:
                break
        else:
            for runner in self.main:
                runner.step()
        self.publish()
        return TICK

    def end(self) -> None:
        running = [runner for runner in self.init + self.main if runner.current]
        grace = 0 if self.gone else self.pod["metadata"].get("deletionGracePeriodSeconds", self.grace)
        if not self.gone and running:
            self.event("Normal", "Killing", f"Stopping container {', '.join(runner.name for runner in self.main)}")
        with ThreadPoolExecutor(max(len(running), 1)) as together:
            list(together.map(lambda runner: runner.stop(grace), running))
        if not self.gone:
            for runner in self.init + self.main:
                runner.view.ready = False
                if runner.current:
                    runner.view.state = runner.current.state()
            self.publish(ending=True)
        self.leave_network()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(units.LOGS / f"{self.namespace}_{self.name}_{self.uid}", ignore_errors=True)
        if not self.gone:
            try:
                self.host.api.request("DELETE", self.path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}})
            except ApiError as error:
                if error.status not in (404, 409):
                    raise

    def leave_network(self) -> None:
        units.remove_network(self.uid)
        (self.folder / "address").unlink(missing_ok=True)
        with self.host.lock:
            self.host.addresses.release(self.uid)

    # What runners need

    @property
    def volume_folders(self) -> dict[str, Path]:
        return {volume["name"]: self.folder / "volumes" / volume["name"] for volume in self.pod["spec"].get("volumes") or []}

    def lookup(self, kind: str, name: str) -> dict[str, Any] | None:
        self.references.add((kind, name))
        return self.host.api.get(f"/api/v1/namespaces/{self.namespace}/{kind.lower()}s/{name}")

    def refresh_volumes(self) -> None:
        if time.monotonic() < self.volumes_due:
            return
        group = (self.pod["spec"].get("securityContext") or {}).get("fsGroup")
        for volume in self.pod["spec"].get("volumes") or []:
            folder = self.volume_folders[volume["name"]]
            files = volumes.files_of(self.pod, volume, self.lookup, self.token)
            folder.mkdir(parents=True, exist_ok=True)
            if files is not None:
                volumes.write(folder, files, group)
            elif folder.stat().st_mode & 0o777 != 0o777:
                folder.chmod(0o2777 if group is not None else 0o777)
                shutil.chown(folder, group=group if group is not None else 0)
        # Tokens are renewed well before their end; everything else is told by the watches.
        self.volumes_due = time.monotonic() + 300

    def token(self, source: Mapping[str, Any]) -> str:
        key = f"{source.get('audience', '')} {source['path']}"
        if key not in self.tokens or self.tokens[key][1] < time.monotonic():
            lifetime = source.get("expirationSeconds", 3600)
            request = {
                "expirationSeconds": lifetime,
                "audiences": [source["audience"]] if source.get("audience") else [],
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": self.name, "uid": self.uid},
            }
            account = self.pod["spec"].get("serviceAccountName") or "default"
            path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
            answer = self.host.api.request("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": request})
            self.tokens[key] = (answer["status"]["token"], time.monotonic() + 0.7 * lifetime)
        return self.tokens[key][0]

    def hosts_file(self) -> str:
        lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost", f"{self.address}\t{self.pod['spec'].get('hostname') or self.name}"]
        lines += [f"{alias['ip']}\t{' '.join(alias.get('hostnames') or [])}" for alias in self.pod["spec"].get("hostAliases") or []]
        # Public names of the site: an organisation's DNS would answer pods too; the lab has them in each host's /etc/hosts only.
        lines += [line for line in Path("/etc/hosts").read_text().splitlines() if line.rstrip().endswith(".test")]
        return "\n".join(lines) + "\n"

    def publish(self, *, ending: bool = False) -> None:
        """Writes the status where it differs from what was written last."""
        views = {runner.name: runner.view for runner in self.init + self.main}
        wanted = status.build(self.pod, views, address=self.address, host=self.host.address, now=timestamp(), ending=ending)
        if wanted == self.sent:
            return
        try:
            patch = {"metadata": {"uid": self.uid}, "status": wanted}
            answer = self.host.api.request("PATCH", self.path + "/status", patch, "application/strategic-merge-patch+json")
        except ApiError as error:
            if error.status in (404, 409):
                return
            raise
        self.sent = wanted
        self.update(answer)

    def event(self, kind: str, reason: str, message: str) -> None:
        """An Event as a kubelet makes it; the same one at most once a minute."""
        if time.monotonic() - self.told.get(message, -60.0) < 60:
            return
        self.told[message] = time.monotonic()
        now = timestamp()
        reference = {"apiVersion": "v1", "kind": "Pod", "name": self.name, "namespace": self.namespace, "uid": self.uid}
        body = {
            "metadata": {"generateName": f"{self.name[:200]}.", "namespace": self.namespace},
            "involvedObject": reference,
            "type": kind,
            "reason": reason,
            "message": message[:1000],
            "source": {"component": "lab-runtime"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self.host.api.request("POST", f"/api/v1/namespaces/{self.namespace}/events", body)
        except ApiError as error:
            if error.status not in (403, 404):
                log(f"{self.title}: event {reason}: {error}")
