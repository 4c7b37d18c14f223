# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for what OpenShift adds to Kubernetes, for as long as `python -m lab openshift on` lasts. On kube-1: `python3 -m lab.kube.openshift`.

Namespaces get the ranges of ids that OpenShift gives to projects, ConfigMaps that ask for it the bundle of trusted CAs. Pods outside
`restricted-v2` are refused by policies of ours: the admission of OpenShift is another program. It fills in ids that a pod leaves open,
and chooses between SCCs; these policies let open ones be, and know `restricted-v2` and `privileged` only.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.runtime.api import Api, ApiError, end_with_threads, log

VERSION = "4.14.0"
UID_RANGE, GROUPS, MCS = "openshift.io/sa.scc.uid-range", "openshift.io/sa.scc.supplemental-groups", "openshift.io/sa.scc.mcs"
INJECT, BUNDLE = "config.openshift.io/inject-trusted-cabundle", "ca-bundle.crt"
FIRST, SIZE = 1000650000, 10000
# Those of run levels 0 and 1, which OpenShift's admission leaves alone too.
EXEMPT = ["default", "kube-system", "kube-public", "kube-node-lease"]
POLICY = "lab-stand-in-restricted-v2"
USABLE = (
    "!authorizer.serviceAccount(request.namespace,"
    " has(object.spec.serviceAccountName) && object.spec.serviceAccountName != '' ? object.spec.serviceAccountName : 'default')"
    ".group('security.openshift.io').resource('securitycontextconstraints').namespace(request.namespace).name('privileged').check('use').allowed()"
)
VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
VARIABLES = {
    "containers": "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])",
    "contexts": "variables.containers.filter(c, has(c.securityContext)).map(c, c.securityContext)",
    "pod": "has(object.spec.securityContext) ? [object.spec.securityContext] : []",
    "users": "variables.contexts.filter(c, has(c.runAsUser)).map(c, c.runAsUser) + variables.pod.filter(c, has(c.runAsUser)).map(c, c.runAsUser)",
    "groups": (
        "variables.pod.filter(c, has(c.fsGroup)).map(c, c.fsGroup)"
        " + (size(variables.pod) == 1 && has(variables.pod[0].supplementalGroups) ? variables.pod[0].supplementalGroups : [])"
    ),
    "uidRange": f"namespaceObject.metadata.annotations['{UID_RANGE}'].split('/').map(part, int(part))",
    "groupRange": f"namespaceObject.metadata.annotations['{GROUPS}'].split('/').map(part, int(part))",
}
# What must hold -> what is said when it does not.
RULES = {
    f"has(namespaceObject.metadata.annotations) && '{UID_RANGE}' in namespaceObject.metadata.annotations": f"unable to find annotation {UID_RANGE}",
    "variables.users.all(u, u >= variables.uidRange[0] && u < variables.uidRange[0] + variables.uidRange[1])": "runAsUser: must be in the namespace's range",
    "variables.groups.all(g, g >= variables.groupRange[0] && g < variables.groupRange[0] + variables.groupRange[1])": (
        "fsGroup and supplementalGroups: must be in the namespace's range"
    ),
    " && ".join(f"(!has(object.spec.{field}) || !object.spec.{field})" for field in ("hostNetwork", "hostPID", "hostIPC")): (
        "host namespaces are not allowed to be used"
    ),
    "variables.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))": "host ports are not allowed to be used",
    f"!has(object.spec.volumes) || object.spec.volumes.all(v, {' || '.join(f'has(v.{kind})' for kind in VOLUMES)})": (
        "hostPath and other volumes of the host are not allowed to be used"
    ),
    "variables.contexts.all(c, !has(c.privileged) || !c.privileged)": "privileged containers are not allowed",
    "variables.contexts.all(c, !has(c.allowPrivilegeEscalation) || !c.allowPrivilegeEscalation)": "allowPrivilegeEscalation: must be false",
    "variables.contexts.all(c, !has(c.capabilities) || !has(c.capabilities.add) || c.capabilities.add.all(name, name == 'NET_BIND_SERVICE'))": (
        "capabilities.add: all but NET_BIND_SERVICE are dropped"
    ),
    "(variables.contexts.all(c, !has(c.seccompProfile) || c.seccompProfile.type == 'RuntimeDefault'))"
    " && variables.pod.all(c, !has(c.seccompProfile) || c.seccompProfile.type == 'RuntimeDefault')": "seccompProfile: must be RuntimeDefault",
}


def policies() -> list[dict[str, Any]]:
    """Refuse pods that `restricted-v2` would not admit."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": EXEMPT}]},
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        },
        "matchConditions": [{"name": "no-wider-scc", "expression": USABLE}],
        "variables": [{"name": name, "expression": expression} for name, expression in VARIABLES.items()],
        "validations": [
            {"expression": rule, "message": f"unable to validate against any security context constraint: provider restricted-v2: {said}"}
            for rule, said in RULES.items()
        ],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": POLICY}}
    binding = {"policyName": POLICY, "validationActions": ["Deny"]}
    return [{**head, "kind": "ValidatingAdmissionPolicy", "spec": spec}, {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding}]


def scc_roles() -> list[dict[str, Any]]:
    """The right to use an SCC, as OpenShift has one for each of its own."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": f"system:openshift:scc:{name}"},
            "rules": [{"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "resourceNames": [name], "verbs": ["use"]}],
        }
        for name in ("nonroot-v2", "privileged")
    ]


def cluster_version() -> dict[str, Any]:
    spec = {"clusterID": "00000000-0000-4000-8000-000000000000", "channel": "lab-stand-in"}
    return {"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"}, "spec": spec}


def version_status(now: str) -> dict[str, Any]:
    entry = {"state": "Completed", "version": VERSION, "image": "lab/stand-in", "startedTime": now, "completionTime": now, "verified": False}
    release = {"version": VERSION, "image": "lab/stand-in"}
    return {"desired": release, "history": [entry], "observedGeneration": 1, "versionHash": "lab", "availableUpdates": [], "conditions": []}


def ranges(taken: Iterable[str]) -> dict[str, str]:
    """Annotations of a project: the first block that no other has."""
    used = {int(entry.split("/")[0]) for entry in taken}
    start = next(number for number in range(FIRST, 2**31, SIZE) if number not in used)
    number = (start - FIRST) // SIZE + 26
    return {UID_RANGE: f"{start}/{SIZE}", GROUPS: f"{start}/{SIZE}", MCS: f"s0:c{number},c{number // 2}"}


class Controller:
    """Annotates namespaces, fills ConfigMaps."""

    def __init__(self, api: Api, bundle: str) -> None:
        self.api, self.bundle = api, bundle

    def namespaces(self) -> None:
        known: dict[str, str] = {}
        for kind, found in self.api.watch("/api/v1/namespaces"):
            for entry in found if kind == "SYNC" else [found]:
                self.annotate(entry, known)

    def annotate(self, namespace: Mapping[str, Any], known: dict[str, str]) -> None:
        name, annotations = namespace["metadata"]["name"], namespace["metadata"].get("annotations") or {}
        if UID_RANGE in annotations:
            known[name] = annotations[UID_RANGE]
        elif name not in EXEMPT and not namespace["metadata"].get("deletionTimestamp"):
            given = ranges(known.values())
            known[name] = given[UID_RANGE]
            self.patch(f"/api/v1/namespaces/{name}", {"metadata": {"annotations": given}})
            log(f"namespace {name} has ids {given[UID_RANGE]}")

    def config_maps(self) -> None:
        for kind, found in self.api.watch(f"/api/v1/configmaps?labelSelector={INJECT}%3Dtrue"):
            for entry in found if kind == "SYNC" else [found]:
                if kind != "DELETED" and (entry.get("data") or {}).get(BUNDLE) != self.bundle:
                    meta = entry["metadata"]
                    self.patch(f"/api/v1/namespaces/{meta['namespace']}/configmaps/{meta['name']}", {"data": {BUNDLE: self.bundle}})

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        try:
            self.api.request("PATCH", path, body, "application/merge-patch+json")
        except ApiError as error:
            if error.status not in (404, 409):
                raise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--pki", type=Path, required=True)
    args = parser.parse_args()
    end_with_threads()
    # Of the many CAs of a real bundle, one does: the cluster's own.
    controller = Controller(Api(f"https://{args.address}:6443", args.pki, "admin"), (args.pki / "ca.crt").read_text())
    threading.Thread(target=controller.config_maps, daemon=True).start()
    controller.namespaces()


if __name__ == "__main__":
    main()
