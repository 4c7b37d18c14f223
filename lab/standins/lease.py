# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One leader at a time, by a Lease: during a rollout two operators run, and only one may call Helm."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from .kube import ApiError

NAME = "3009dfa6.apps.wandb.com"
DURATION = 15
RENEW = 2


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Lease:
    def __init__(self, kube: Any, namespace: str, identity: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.kube, self.identity, self.clock = kube, identity, clock
        self.list_path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self.path = f"{self.list_path}/{NAME}"
        self.seen: tuple[Any, float] = (None, 0.0)

    def take(self) -> bool:
        """True: it is ours for DURATION seconds more. Another's lease counts as expired when it did not change for so long, by our own clock."""
        spec = {"holderIdentity": self.identity, "leaseDurationSeconds": DURATION, "renewTime": now()}
        try:
            lease = self.kube.get(self.path)
            if lease is None:
                body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}, "spec": {**spec, "acquireTime": now()}}
                self.kube.request("POST", self.list_path, body)
                return True
            old = lease.get("spec") or {}
            if old.get("holderIdentity") not in ("", None, self.identity):
                state = (old.get("holderIdentity"), old.get("renewTime"))
                if state != self.seen[0]:
                    self.seen = (state, self.clock())
                if self.clock() - self.seen[1] < DURATION:
                    return False
            if old.get("holderIdentity") != self.identity:
                spec.update(acquireTime=now(), leaseTransitions=int(old.get("leaseTransitions") or 0) + 1)
            lease["spec"] = {**old, **spec}
            self.kube.request("PUT", self.path, lease)
            return True
        except ApiError as error:
            if error.status == 409:  # Another one was first.
                return False
            raise

    def release(self) -> None:
        self.kube.patch(self.path, {"spec": {"holderIdentity": ""}})
