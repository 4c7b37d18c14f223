# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster is given at its start, and what kwok is told. Namespaces of W&B are not among it: the collection makes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lab.runtime import NAMESPACES

LOG_PORT = 10250
NODES = ["node-1", "node-2", "node-3"]
CAPACITY = "{cpu: '32', memory: 256Gi, pods: '110', ephemeral-storage: 500Gi}"
# The runtime writes the status of its own pods: kwok leaves them alone, by this line in every Pod Stage.
NOT_THE_RUNTIMES = {"key": f'.metadata.namespace | test("{NAMESPACES}")', "operator": "NotIn", "values": ["true"]}
READY = '.status.conditions.[] | select(.type == "Ready") | .status'
NODE_CONDITIONS = """
conditions:
{{ range NodeConditions }}
- {type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, message: {{ .message | Quote }},
   lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}
{{ end }}
"""
NODE = f"""{NODE_CONDITIONS}
addresses:
- {{address: {{{{ NodeIP | Quote }}}}, type: InternalIP}}
- {{address: {{{{ .metadata.name | Quote }}}}, type: Hostname}}
daemonEndpoints: {{kubeletEndpoint: {{Port: {LOG_PORT}}}}}
allocatable: {CAPACITY}
capacity: {CAPACITY}
nodeInfo: {{architecture: amd64, operatingSystem: linux, kubeletVersion: v1.35.4, containerRuntimeVersion: "lab://1", osImage: "wandb.onprem lab",
  kernelVersion: "", kubeProxyVersion: "", bootID: "", machineID: "", systemUUID: ""}}
phase: Running
"""
RUNNING = """
{{ $now := Now }}
conditions:
{{ range $type := (list "Initialized" "Ready" "ContainersReady") }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: true, started: true, restartCount: 0,
   state: {running: {startedAt: {{ $now | Quote }}}}}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: true, restartCount: 0,
   state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
phase: Running
startTime: {{ $now | Quote }}
"""
ENDED = """
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: false, started: false, restartCount: 0,
   state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}}
{{ end }}
phase: Succeeded
"""


def documents(items: Iterable[Mapping[str, Any]], indent: int | None = None) -> str:
    """For `kubectl apply`, and for kwok."""
    return "".join(f"---\n{json.dumps(item, indent=indent)}\n" for item in items)


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def stage(name: str, kind: str, when: list[dict[str, Any]], then: dict[str, Any], **more: Any) -> dict[str, Any]:
    when = [*when, NOT_THE_RUNTIMES] if kind == "Pod" else when
    spec = {"resourceRef": {"apiGroup": "v1", "kind": kind}, "selector": {"matchExpressions": when}, "next": then, **more}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def kwok_config() -> str:
    there, deleted = expression(".metadata.deletionTimestamp", "DoesNotExist"), expression(".metadata.deletionTimestamp", "Exists")
    ready, phase = expression(READY, "In", "True"), ".status.phase"
    running = expression(phase, "In", "Running")
    unready = expression(READY, "NotIn", "True")
    of_job = expression(".metadata.ownerReferences.[].kind", "In", "Job")
    stages = [
        stage("node-initialize", "Node", [unready], {"statusTemplate": NODE}),
        stage("node-heartbeat", "Node", [running, ready], {"statusTemplate": NODE_CONDITIONS}, delay={"durationMilliseconds": 60000}),
        stage("pod-ready", "Pod", [there, expression(phase, "In", "Pending"), unready], {"statusTemplate": RUNNING}),
        stage("pod-complete", "Pod", [there, running, of_job], {"statusTemplate": ENDED}),
        stage("pod-delete", "Pod", [deleted], {"delete": True}),
    ]
    return documents(stages, indent=1)


def node(name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}, "spec": {}}


def role(name: str, *rules: tuple[str, str, str]) -> list[dict[str, Any]]:
    """ClusterRole and binding of the user `name`; a rule is (API group, resources, verbs)."""
    listed = [{"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()} for group, resources, verbs in rules]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"lab:{name}"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": f"lab:{name}"}}
    return [{**head, "kind": "ClusterRole", "rules": listed}, {**head, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]}]


def cluster() -> str:
    default_class = {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    default_storage = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    watch, write = "get list watch", "create update patch delete"
    items = [
        *(node(name) for name in NODES),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "nginx", **default_class},
            "spec": {"controller": "k8s.io/ingress-nginx"},
        },
        # Claims stay unbound: nothing in the lab makes volumes.
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "standard", **default_storage},
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
        *role(
            "kwok",
            ("", "nodes pods", f"{watch} {write}"),
            ("", "nodes/status pods/status", f"{watch} {write}"),
            ("", "events", "create patch"),
            ("events.k8s.io", "events", "create patch"),
            ("coordination.k8s.io", "leases", f"{watch} {write}"),
        ),
        *role(
            "lab-runtime",
            ("", "pods configmaps secrets", watch),
            ("", "pods", "delete"),
            ("", "pods/status", "patch"),
            ("", "events", "create"),
            ("", "serviceaccounts/token", "create"),
        ),
        *role(
            "lab-ingress",
            ("", "services secrets", watch),
            ("discovery.k8s.io", "endpointslices", watch),
            ("networking.k8s.io", "ingresses", watch),
            ("networking.k8s.io", "ingresses/status", "patch"),
            ("route.openshift.io", "routes", watch),
            ("route.openshift.io", "routes/status", "patch"),
        ),
        *role("kube-apiserver-kubelet-client", ("", "nodes/proxy nodes/log nodes/stats nodes/metrics", "get create")),
    ]
    return documents(items)
