# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a manifest to environment, command line and user."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.runtime import plays, spec
from lab.runtime.images import Image, find, names, parse_row, wrapper

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a/b": "c"}},
    "spec": {"nodeName": "node-1", "containers": [{"name": "c"}]},
    "status": {"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}], "hostIP": "10.0.0.1"},
}
OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("ConfigMap", "c"): {"data": {"A": "from map", "B": "x"}, "binaryData": {"C": base64.b64encode(b"bin").decode()}},
    ("Secret", "s"): {"data": {"PASSWORD": base64.b64encode(b"p%20$(A)").decode()}},
}


def lookup(kind: str, name: str) -> dict[str, Any] | None:
    return OBJECTS.get((kind, name))


def environment(**container: Any) -> dict[str, str]:
    return spec.environment(POD, {"name": "c", **container}, lookup, {})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)", "x1y$(A)"),
        ("$(NONE)", "$(NONE)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
    ],
)
def test_expansion_is_kubernetes_own(text: str, expanded: str) -> None:
    assert spec.expand(text, {"A": "1", "B": "$(A)"}) == expanded


def test_references_are_resolved_and_not_expanded() -> None:
    reference = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "PASSWORD"}}}
    assert environment(env=[{"name": "A", "value": "1"}, reference, {"name": "URL", "value": "//$(PASSWORD)@$(LATER)"}, {"name": "LATER", "value": "x"}]) == {
        "A": "1",
        "PASSWORD": "p%20$(A)",
        "URL": "//p%20$(A)@$(LATER)",
        "LATER": "x",
    }


def test_env_goes_over_env_from_and_sees_it() -> None:
    found = environment(envFrom=[{"configMapRef": {"name": "c"}, "prefix": "M_"}, {"configMapRef": {"name": "c"}}], env=[{"name": "B", "value": "$(M_A)"}])
    assert found == {"M_A": "from map", "M_B": "x", "M_C": "bin", "A": "from map", "B": "from map", "C": "bin"}


def test_service_variables_are_seen_and_can_be_overridden() -> None:
    container = {"env": [{"name": "URL", "value": "https://$(HOST)"}, {"name": "HOST", "value": "mine"}]}
    assert spec.environment(POD, container, lookup, {"HOST": "api"}) == {"URL": "https://api", "HOST": "mine"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secretKeyRef": {"name": "none", "key": "x"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "s", "key": "x"}}, "couldn't find key x in Secret n/s"),
        ({"configMapKeyRef": {"name": "none", "key": "x"}}, 'configmap "none" not found'),
        ({"fieldRef": {"fieldPath": "spec.unknown"}}, "no field spec.unknown"),
        ({"newRef": {}}, "newRef"),
    ],
)
def test_what_cannot_be_resolved_is_a_config_error(source: dict[str, Any], message: str) -> None:
    with pytest.raises(spec.ConfigError, match=message.replace("(", r"\(")):
        environment(env=[{"name": "X", "valueFrom": source}])


def test_missing_env_from_is_an_error_unless_optional() -> None:
    with pytest.raises(spec.ConfigError):
        environment(envFrom=[{"secretRef": {"name": "none"}}])
    assert environment(envFrom=[{"secretRef": {"name": "none", "optional": True}}]) == {}


def test_optional_keys_are_left_out() -> None:
    assert environment(env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "x", "optional": True}}}]) == {}


@pytest.mark.parametrize(
    ("path", "value"),
    [("metadata.name", "p"), ("metadata.labels['a/b']", "c"), ("metadata.labels", 'a/b="c"'), ("status.podIPs", "10.0.0.2"), ("spec.nodeName", "node-1")],
)
def test_fields(path: str, value: str) -> None:
    assert spec.field(POD, path) == value


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.memory", "1Mi", "512"),
        ("requests.cpu", None, "0"),
        ("limits.ephemeral-storage", None, "0"),
    ],
)
def test_resource_fields(resource: str, divisor: str | None, value: str) -> None:
    container = {"resources": {"limits": {"cpu": "1500m", "memory": "0.5Gi"}}}
    assert spec.resource_field(POD, container, {"resource": resource, "divisor": divisor}) == value


def test_unlimited_means_the_nodes_size() -> None:
    assert spec.resource_field(POD, {}, {"resource": "limits.memory", "divisor": "1Gi"}) == "256"


def test_command_replaces_the_entry_point_and_args_follow() -> None:
    image = Image(entrypoint=["/bin/program"])
    assert spec.command({"args": ["$(A)"]}, image, {"A": "1"}) == ["/bin/program", "1"]
    assert spec.command({"command": ["/$(A)"], "args": ["x"]}, image, {"A": "1"}) == ["/1", "x"]
    with pytest.raises(spec.ConfigError, match="no command"):
        spec.command({}, Image(), {})


def test_the_container_goes_before_the_pod_before_the_image() -> None:
    pod = {"spec": {"securityContext": {"runAsUser": 999, "runAsGroup": 0, "fsGroup": 7}}}
    assert spec.user(pod, {}, Image(user=5)) == spec.User(999, 0, [0, 7])
    assert spec.user(pod, {"securityContext": {"runAsUser": 1}}, Image()).uid == 1
    assert spec.user({"spec": {}}, {}, Image(user=5)) == spec.User(5, 0, [0])


def test_run_as_non_root_refuses_an_image_of_root() -> None:
    with pytest.raises(spec.ConfigError, match="run as root"):
        spec.user({"spec": {"securityContext": {"runAsNonRoot": True}}}, {}, Image())
    assert spec.user({"spec": {"securityContext": {"runAsNonRoot": True}}}, {}, Image(user=5)).uid == 5


@pytest.mark.parametrize(
    ("image", "keys"),
    [
        ("wandb/local:0.70", ["wandb/local:0.70", "wandb/local"]),
        ("wandb/local", ["wandb/local"]),
        ("docker.io/library/redis:7@sha256:00", ["redis:7@sha256:00", "redis"]),
        ("mirror.example.com:5000/wandb/local", ["mirror.example.com:5000/wandb/local"]),
        ("mirror.example.com:5000/wandb/local:1", ["mirror.example.com:5000/wandb/local:1", "mirror.example.com:5000/wandb/local"]),
    ],
)
def test_names_of_images(image: str, keys: list[str]) -> None:
    assert names(image) == keys


def test_a_row_with_the_tag_goes_first_and_unknown_keys_are_refused() -> None:
    table = {"a/b": ["any"], "a/b:2": {"entrypoint": ["two"], "user": 7}}
    assert find(table, "a/b:1") == Image(["any"])
    assert find(table, "a/b:2") == Image(["two"], {}, 7)
    assert find(table, "a/c") is None
    with pytest.raises(ValueError, match="entry_point"):
        parse_row({"entry_point": []})


def test_a_wrapper_keeps_words_together() -> None:
    assert wrapper(["/bin/echo", "it's"]).splitlines() == ["#!/bin/sh", "exec /bin/echo 'it'\"'\"'s' \"$@\""]


@pytest.mark.parametrize(
    ("namespace", "ours"), [("wandb", True), ("wandb-operator", True), ("rt-x", True), ("rt", True), ("wandbx", False), ("default", False)]
)
def test_namespaces_of_the_runtime(namespace: str, ours: bool) -> None:
    assert plays(namespace) is ours
