# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for `wandb/controller` (v1.22): reconciles WeightsAndBiases by Helm. What it does badly, the real one was seen to do."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from . import spec
from .helm import Helm, HelmError
from .kube import ApiError, Kube
from .lease import DURATION, RENEW, Lease
from .web import Reply, log, serve

API = "/apis/apps.wandb.com/v1"
FINALIZER = "finalizer.app.wandb.com"
UNINSTALL_AGAIN = 60.0
MOST_BACKOFF = 1000.0
WATCH_FOR = 20
# Whatever of these Helm made for the resource gets the resource as its owner.
OWNED = {
    "apps/v1": ("deployments", "statefulsets", "daemonsets"),
    "networking.k8s.io/v1": ("ingresses",),
    "v1": ("services", "configmaps", "secrets"),
    "rbac.authorization.k8s.io/v1": ("roles", "rolebindings"),
}


def collection(version: str, namespace: str, plural: str) -> str:
    return f"/{'api' if version == 'v1' else 'apis'}/{version}/namespaces/{namespace}/{plural}"


class Reconciler:
    """One resource at a time. `reconcile` gives the seconds until the next look without a change."""

    def __init__(self, kube: Any, helm: Any, *, airgapped: bool, operator_namespace: str) -> None:
        self.kube, self.helm = kube, helm
        self.airgapped, self.operator_namespace = airgapped, operator_namespace

    def reconcile(self, resource: dict[str, Any]) -> float:
        name, namespace = resource["metadata"]["name"], resource["metadata"]["namespace"]
        if resource["metadata"].get("deletionTimestamp"):
            return self.finalize(resource)
        self.event(resource, "Reconciling", "Reconciling")
        self.event(resource, "LoadingConfig", "Loading desired configuration")
        # A MergeError goes up: no phase, no event, only the log.
        wanted = spec.desired(self.levels(resource))
        if not spec.chart_form(wanted["chart"]):
            wanted["chart"] = None
        again = spec.frequency(wanted["values"])
        if spec.same(wanted, spec.from_secret(self.secret(resource, "spec-active"))):
            self.log("info", "No changes found", resource)
            self.phase(resource, "Completed")
            return again
        if wanted["chart"] is None:
            self.log("error", "No chart in the merged spec", resource)
            self.phase(resource, "Invalid Config")
            return again
        self.phase(resource, "Loading")
        self.add_finalizer(resource)
        try:
            self.helm.apply(name, namespace, wanted["chart"], wanted["values"])
        except HelmError as error:
            self.log("error", "Failed to apply config changes.", resource, error=str(error))
            self.event(resource, "ApplyFailed", "Invalid config for apply")
            self.phase(resource, "Invalid Config")
            return again
        try:
            self.keep(resource, "spec-active", wanted)
        except ApiError as error:
            self.log("error", "Failed to save active state.", resource, error=str(error))
            self.event(resource, "SetActiveFailed", "Failed to save active state")
            self.phase(resource, "Invalid Config")
            return again
        self.own(resource)
        self.event(resource, "Completed", "Completed reconcile successfully")
        self.phase(resource, "Completed")
        self.log("info", "Successfully applied spec", resource)
        return again

    def levels(self, resource: dict[str, Any]) -> list[dict[str, Any]]:
        """From the weakest: the operator's defaults, the channel (not in an air gap), the console's user, the resource."""
        defaults = {"values": {"global": {"operator": {"namespace": self.operator_namespace, "apiVersion": "apps.wandb.com/v1"}}}}
        channel: dict[str, Any] = {}
        if not self.airgapped:
            self.log("error", "Failed to reach the deployer: the lab has none; using the cached release", resource)
            channel = spec.from_secret(self.secret(resource, "latest-cached-release"))
        return [defaults, channel, spec.from_secret(self.secret(resource, "spec-user")), resource.get("spec") or {}]

    def finalize(self, resource: dict[str, Any]) -> float:
        meta = resource["metadata"]
        if FINALIZER not in (meta.get("finalizers") or []):
            return spec.DEFAULT_FREQUENCY
        try:
            self.helm.uninstall(meta["name"], meta["namespace"])
        except HelmError as error:
            self.log("error", "Failed to uninstall the release", resource, error=str(error))
            return UNINSTALL_AGAIN
        self.kube.patch(self.path(resource), {"metadata": {"finalizers": [one for one in meta["finalizers"] if one != FINALIZER]}})
        self.log("info", "Uninstalled", resource)
        return spec.DEFAULT_FREQUENCY

    # What it reads and writes

    def path(self, resource: dict[str, Any]) -> str:
        return f"{API}/namespaces/{resource['metadata']['namespace']}/weightsandbiases/{resource['metadata']['name']}"

    def secret(self, resource: dict[str, Any], suffix: str) -> dict[str, Any] | None:
        meta = resource["metadata"]
        return self.kube.get(f"{collection('v1', meta['namespace'], 'secrets')}/{meta['name']}-{suffix}")

    def owner(self, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
        meta = resource["metadata"]
        return {"apiVersion": "apps.wandb.com/v1", "kind": "WeightsAndBiases", "name": meta["name"], "uid": meta["uid"], **more}

    def keep(self, resource: dict[str, Any], suffix: str, wanted: dict[str, Any]) -> None:
        meta = resource["metadata"]
        secrets_path, name = collection("v1", meta["namespace"], "secrets"), f"{meta['name']}-{suffix}"
        owners = [self.owner(resource, controller=True, blockOwnerDeletion=True)]
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "ownerReferences": owners}, "type": "Opaque", "data": spec.to_secret(wanted)}
        if self.secret(resource, suffix) is None:
            self.kube.request("POST", secrets_path, body)
        else:
            self.kube.patch(f"{secrets_path}/{name}", body)

    def own(self, resource: dict[str, Any]) -> None:
        meta = resource["metadata"]
        selector = quote(f"app.kubernetes.io/managed-by=Helm,app.kubernetes.io/instance={meta['name']}")
        for version, plurals in OWNED.items():
            for plural in plurals:
                path = collection(version, meta["namespace"], plural)
                for item in self.kube.request("GET", f"{path}?labelSelector={selector}")["items"]:
                    owners = item["metadata"].get("ownerReferences") or []
                    if not any(one["uid"] == meta["uid"] for one in owners):
                        self.kube.patch(f"{path}/{item['metadata']['name']}", {"metadata": {"ownerReferences": [*owners, self.owner(resource)]}})

    def add_finalizer(self, resource: dict[str, Any]) -> None:
        finalizers = resource["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            self.kube.patch(self.path(resource), {"metadata": {"finalizers": [*finalizers, FINALIZER]}})

    def phase(self, resource: dict[str, Any], phase: str) -> None:
        self.kube.patch(f"{self.path(resource)}/status", {"status": {"phase": phase}})

    def event(self, resource: dict[str, Any], reason: str, message: str) -> None:
        """Always of type Normal: ApplyFailed, too."""
        meta = resource["metadata"]
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{secrets.token_hex(8)}", "namespace": meta["namespace"]},
            "involvedObject": {**self.owner(resource), "namespace": meta["namespace"], "resourceVersion": meta.get("resourceVersion", "")},
            "reason": reason,
            "message": message,
            "type": "Normal",
            "source": {"component": "weightsandbiases-controller"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self.kube.request("POST", collection("v1", meta["namespace"], "events"), body)
        except ApiError as error:
            # client-go's recorder drops it, too.
            self.log("error", "Failed to write an event", resource, error=str(error))

    def log(self, level: str, message: str, resource: dict[str, Any], **fields: Any) -> None:
        about = {key: resource["metadata"].get(key) for key in ("name", "namespace")}
        log(level, message, controller="weightsandbiases", WeightsAndBiases=about, **fields)


class Loop:
    """Decides when a resource is looked at: its generation changed, its time has come, or the operator has just started. An annotation is no reason."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.generations: dict[str, int] = {}
        self.due: dict[str, float] = {}
        self.failures: dict[str, int] = {}

    def pass_over(self, resources: Iterable[dict[str, Any]], now: float) -> None:
        seen = set()
        for resource in resources:
            uid, generation = resource["metadata"]["uid"], int(resource["metadata"].get("generation") or 0)
            seen.add(uid)
            if self.generations.get(uid) == generation and now < self.due.get(uid, 0.0):
                continue
            if self.generations.get(uid) != generation:
                self.failures[uid] = 0
            self.generations[uid] = generation
            try:
                wait = self.reconciler.reconcile(resource)
                self.failures[uid] = 0
            except (spec.MergeError, ApiError) as error:
                self.failures[uid] = self.failures.get(uid, 0) + 1
                wait = min(2.0 ** (self.failures[uid] - 1), MOST_BACKOFF)
                message = "Failed to merge specs" if isinstance(error, spec.MergeError) else "Reconciler error"
                self.reconciler.log("error", message, resource, error=str(error))
            self.due[uid] = time.monotonic() + wait
        for state in (self.generations, self.due, self.failures):
            for uid in set(state) - seen:
                del state[uid]

    def pause(self, now: float) -> int:
        """Whole seconds for which nothing is due."""
        return max(1, min(WATCH_FOR, int(min(self.due.values(), default=now + WATCH_FOR) - now)))


def work(kube: Kube, loop: Loop, namespaces: list[str], leading: threading.Event) -> None:
    paths = [f"{API}/namespaces/{namespace}/weightsandbiases" for namespace in namespaces] or [f"{API}/weightsandbiases"]
    while leading.wait():
        try:
            lists = [kube.request("GET", path) for path in paths]
            loop.pass_over([item for found in lists for item in found["items"]], time.monotonic())
            seconds = loop.pause(time.monotonic())
            if len(paths) > 1:
                time.sleep(1)
                continue
            # Only wakes us up: it tells all since the list was made, and what counts is the next list.
            version = lists[0]["metadata"]["resourceVersion"]
            for event in kube.events(paths[0], version, seconds):
                if event["type"] in ("ERROR", "DELETED") or changed(loop, event["object"]):
                    break
        except (ApiError, OSError) as error:
            log("error", "cannot list WeightsAndBiases", error=str(error))
            time.sleep(2)


def changed(loop: Loop, resource: dict[str, Any]) -> bool:
    return loop.generations.get(resource["metadata"]["uid"]) != int(resource["metadata"].get("generation") or 0)


def lead(lease: Lease, leading: threading.Event) -> None:
    renewed = time.monotonic()
    while True:
        try:
            ours = lease.take()
        except (ApiError, OSError) as error:
            log("error", "error retrieving resource lock", error=str(error))
            ours = False
        if ours:
            renewed = time.monotonic()
            if not leading.is_set():
                log("info", "successfully acquired lease", lease=lease.path)
                leading.set()
        elif leading.is_set() and time.monotonic() - renewed > DURATION - 2 * RENEW:
            log("error", "leader election lost")
            # Not sys.exit: this is a thread, and nothing may be written any more.
            os._exit(1)
        time.sleep(RENEW)


def main(argv: list[str]) -> int:
    log("info", "a stand-in of the lab for wandb/controller", arguments=argv)
    isolated = next((word.split("=", 1)[1] for word in argv if word.startswith("--isolation-namespaces=")), "")
    kube = Kube()
    namespace = os.environ.get("OPERATOR_NAMESPACE") or kube.namespace
    helm = Helm(kube, log)
    airgapped = os.environ.get("AIRGAPPED", "").lower() == "true" or "--airgapped" in argv
    loop = Loop(Reconciler(kube, helm, airgapped=airgapped, operator_namespace=namespace))
    serve(8081, lambda method, path, headers, body: Reply(200 if path in ("/healthz", "/readyz") else 404, "ok", "text/plain"))
    leading = threading.Event()
    lease = Lease(kube, namespace, f"{os.environ.get('HOSTNAME', 'operator')}_{secrets.token_hex(4)}")
    if "--leader-elect" in argv:
        threading.Thread(target=lead, args=(lease, leading), daemon=True).start()
    else:
        leading.set()

    def stop(*_: Any) -> None:
        helm.kill()
        if leading.is_set() and "--leader-elect" in argv:
            try:
                lease.release()
            except (ApiError, OSError) as error:
                log("error", "lease not released", error=str(error))
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    work(kube, loop, [one for one in isolated.split(",") if one], leading)
    return 0
