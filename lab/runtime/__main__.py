# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m lab.runtime`: three watches, one thread for each pod."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from lab.runtime import logs, plays, units
from lab.runtime.api import Api, end_with_threads, log
from lab.runtime.images import Table
from lab.runtime.pod import Host, Worker


class Keeper:
    """The workers by pod."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.workers: dict[str, Worker] = {}
        self.lock = threading.Lock()

    def pods(self) -> None:
        for kind, found in self.host.api.watch("/api/v1/pods?fieldSelector=spec.nodeName!="):
            with self.lock:
                if kind == "SYNC":
                    mine = [pod for pod in found if plays(pod["metadata"]["namespace"])]
                    for uid in self.workers.keys() - {pod["metadata"]["uid"] for pod in mine}:
                        self.workers.pop(uid).forget()
                    self.sweep({pod["metadata"]["uid"] for pod in mine})
                    for pod in mine:
                        self.take(pod)
                elif plays(found["metadata"]["namespace"]):
                    if kind == "DELETED":
                        worker = self.workers.pop(found["metadata"]["uid"], None)
                        if worker:
                            worker.forget()
                    else:
                        self.take(found)

    def take(self, pod: dict[str, Any]) -> None:
        worker = self.workers.get(pod["metadata"]["uid"])
        if worker:
            worker.update(pod)
        else:
            worker = self.workers[pod["metadata"]["uid"]] = Worker(self.host, pod)
            worker.start()

    def sweep(self, known: set[str]) -> None:
        """What is left of pods that went while the runtime was away."""
        for folder in units.PODS.glob("*"):
            if folder.name not in known and folder.name not in self.workers:
                log(f"sweeping pod {folder.name}")
                subprocess.run(["systemctl", "kill", "--signal=KILL", f"lab-pod-{folder.name}-*.service"], capture_output=True, check=False)
                units.remove_network(folder.name)
                self.host.addresses.release(folder.name)
                shutil.rmtree(folder, ignore_errors=True)

    def changes(self, kind: str) -> None:
        for event, found in self.host.api.watch(f"/api/v1/{kind.lower()}s", metadata_only=True):
            for entry in found if event == "SYNC" else [found]:
                meta = entry["metadata"]
                with self.lock:
                    workers = [worker for worker in self.workers.values() if worker.namespace == meta["namespace"]]
                for worker in workers:
                    worker.changed(kind, meta["name"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="kube-1's own")
    parser.add_argument("--port", type=int, default=6443)
    parser.add_argument("--log-port", type=int, default=10250)
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--images", type=Path, action="append", required=True, help="later ones win")
    args = parser.parse_args()
    end_with_threads()
    units.PODS.mkdir(parents=True, exist_ok=True)
    units.PODS.chmod(0o700)
    units.make_bridge()
    used = {path.parent.name: path.read_text() for path in units.PODS.glob("*/address")}
    api = Api(f"https://{args.address}:{args.port}", args.pki, "runtime")
    host = Host(api, Table(*args.images), units.Addresses(used), threading.Lock(), args.address, args.port)
    keeper = Keeper(host)
    threading.Thread(target=logs.serve, args=(args.pki, args.log_port), daemon=True).start()
    for kind in ("ConfigMap", "Secret"):
        threading.Thread(target=keeper.changes, args=(kind,), daemon=True).start()
    keeper.pods()


if __name__ == "__main__":
    main()
