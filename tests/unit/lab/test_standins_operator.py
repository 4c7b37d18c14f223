# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in of the operator behaves as the real one was seen to (facts: 1.3, 9), the bad ways too."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.standins import spec
from lab.standins.helm import Helm, HelmError
from lab.standins.kube import ApiError
from lab.standins.lease import Lease
from lab.standins.operator import FINALIZER, Loop, Reconciler


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [1, 2]}),
        ({"a": [1]}, {"a": []}, {"a": [1]}),
        ({"a": 1}, {"a": 2.5}, {"a": 2.5}),
    ],
)
def test_levels_are_merged_and_lists_put_together(base: Any, over: Any, merged: Any) -> None:
    assert spec.merge(base, over) == merged


@pytest.mark.parametrize("over", [{"g": {"port": "3306"}}, {"g": "text"}, {"g": {"port": {"valueFrom": {}}}}, {"g": {"port": True}}])
def test_values_of_different_kinds_do_not_match(over: Any) -> None:
    with pytest.raises(spec.MergeError, match="type not match"):
        spec.merge({"g": {"port": 3306}}, over)


def test_the_strongest_chart_counts_and_nulls_are_dropped() -> None:
    weak = {"chart": {"path": "/old", "x": 1}, "values": {"a": 1}}
    wanted = spec.desired([weak, {"chart": {"path": "/new"}, "values": {"bucket": {"kmsKey": None}, "a": None}}])
    assert wanted == {"chart": {"path": "/new"}, "values": {"a": 1, "bucket": {}}}


@pytest.mark.parametrize(
    ("chart", "form"),
    [
        ({"path": "/charts/x"}, "local"),
        ({"url": "oci://example/x"}, "oci"),
        ({"url": "https://example", "name": "x"}, "repo"),
        ({"url": "https://example"}, ""),
        ({"name": "x"}, ""),
        (None, ""),
    ],
)
def test_forms_of_a_chart(chart: Any, form: str) -> None:
    assert spec.chart_form(chart) == form


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("", 3600), ("soon", 3600), ("5", 3600)])
def test_frequency(text: str, seconds: float) -> None:
    assert spec.frequency({"reconcileFrequency": text}) == seconds


def test_a_chart_file_is_a_tgz_or_base64_of_one() -> None:
    tgz = gzip.compress(b"chart")
    assert spec.archive(tgz) == tgz
    assert spec.archive(base64.b64encode(tgz)) == tgz
    with pytest.raises(ValueError):
        spec.archive(base64.b64encode(b"something else"))


def test_a_state_secret_holds_what_was_put_in() -> None:
    wanted = {"values": {"a": [1, "x"]}, "chart": {"path": "/c"}}
    data = spec.to_secret(wanted)
    assert set(data) == {"values", "chart", "metadata"}
    assert json.loads(base64.b64decode(data["values"])) == {"a": [1, "x"]}
    assert spec.same(wanted, spec.from_secret({"data": data}))
    assert not spec.same({**wanted, "values": {"a": [1]}}, spec.from_secret({"data": data}))
    assert not spec.same(wanted, {})


class FakeKube:
    """Keeps Secrets and the resource, and writes everything else down."""

    def __init__(self, **secrets: Any) -> None:
        self.secrets: dict[str, Any] = {name.replace("_", "-"): {"data": spec.to_secret(content)} for name, content in secrets.items()}
        self.phases: list[str] = []
        self.events: list[tuple[str, str, str]] = []
        self.patched: list[tuple[str, Any]] = []
        self.owned = {"deployments": [{"metadata": {"name": "wandb-app-bc"}}], "secrets": [{"metadata": {"name": "x", "ownerReferences": [{"uid": "u1"}]}}]}
        self.refuse_secrets = False

    def get(self, path: str) -> Any:
        return self.secrets.get(path.rsplit("/", 1)[1])

    def request(self, method: str, path: str, body: Any = None, content_type: str = "") -> Any:
        if method == "GET":
            assert "labelSelector=app.kubernetes.io/managed-by%3DHelm%2Capp.kubernetes.io/instance%3Dwandb" in path
            return {"items": self.owned.get(path.split("?")[0].rsplit("/", 1)[1], [])}
        if path.endswith("/events"):
            self.events.append((body["reason"], body["type"], body["message"]))
        else:
            self.put(body)
        return body

    def patch(self, path: str, body: Any) -> Any:
        if path.endswith("/status"):
            self.phases.append(body["status"]["phase"])
        elif path.endswith("wandb-spec-active"):
            self.put(body)
        else:
            self.patched.append((path, body))
        return body

    def put(self, body: Any) -> None:
        if self.refuse_secrets:
            raise ApiError(403, "forbidden")
        self.secrets[body["metadata"]["name"]] = body


class FakeHelm:
    def __init__(self, error: str = "") -> None:
        self.error = error
        self.calls: list[Any] = []

    def apply(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error:
            raise HelmError(self.error)

    def uninstall(self, *call: Any) -> None:
        self.apply(*call)


def resource(**more: Any) -> dict[str, Any]:
    meta = {"name": "wandb", "namespace": "ns", "uid": "u1", "generation": 1, **more.pop("metadata", {})}
    return {"metadata": meta, "spec": {"chart": {"path": "/charts/operator-wandb"}, "values": {"a": 1}, **more}}


def reconciler(kube: FakeKube, helm: FakeHelm) -> Reconciler:
    return Reconciler(kube, helm, airgapped=True, operator_namespace="ops")


def test_a_good_spec_is_applied_and_kept() -> None:
    kube, helm = FakeKube(), FakeHelm()
    assert reconciler(kube, helm).reconcile(resource()) == 3600
    assert kube.phases == ["Loading", "Completed"]
    assert [reason for reason, _, _ in kube.events] == ["Reconciling", "LoadingConfig", "Completed"]
    values = {"a": 1, "global": {"operator": {"namespace": "ops", "apiVersion": "apps.wandb.com/v1"}}}
    assert helm.calls == [("wandb", "ns", {"path": "/charts/operator-wandb"}, values)]
    kept = kube.secrets["wandb-spec-active"]
    assert spec.from_secret(kept)["values"] == values
    assert kept["metadata"]["ownerReferences"][0]["controller"] is True
    owners = [(path.rsplit("/", 1)[1], body["metadata"].get("ownerReferences", [{}])[0].get("uid")) for path, body in kube.patched[1:]]
    assert owners == [("wandb-app-bc", "u1")], "what has the owner already is left alone"
    assert kube.patched[0][1] == {"metadata": {"finalizers": [FINALIZER]}}


def test_an_applied_spec_is_completed_without_helm() -> None:
    kube, helm = FakeKube(), FakeHelm()
    one = reconciler(kube, helm)
    one.reconcile(resource())
    one.reconcile(resource())
    assert len(helm.calls) == 1
    assert kube.phases == ["Loading", "Completed", "Completed"]


def test_a_failing_apply_tells_its_cause_only_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    kube = FakeKube()
    reconciler(kube, FakeHelm("template: nil pointer")).reconcile(resource())
    assert kube.phases == ["Loading", "Invalid Config"]
    assert kube.events[-1] == ("ApplyFailed", "Normal", "Invalid config for apply")
    assert "wandb-spec-active" not in kube.secrets
    assert "template: nil pointer" in capsys.readouterr().err


def test_no_chart_is_an_invalid_config_without_an_event_of_its_own() -> None:
    kube, helm = FakeKube(), FakeHelm()
    reconciler(kube, helm).reconcile(resource(chart={"url": "https://example"}))
    assert kube.phases == ["Invalid Config"]
    assert [reason for reason, _, _ in kube.events] == ["Reconciling", "LoadingConfig"]
    assert helm.calls == []


def test_an_unwritable_state_secret_is_told() -> None:
    kube = FakeKube()
    kube.refuse_secrets = True
    reconciler(kube, FakeHelm()).reconcile(resource())
    assert kube.phases == ["Loading", "Invalid Config"]
    assert kube.events[-1][0] == "SetActiveFailed"


def test_the_consoles_user_stands_below_the_resource_and_its_lists_first() -> None:
    kube, helm = FakeKube(wandb_spec_user={"values": {"a": 9, "list": ["user"]}, "chart": None}), FakeHelm()
    reconciler(kube, helm).reconcile(resource(values={"a": 1, "list": ["cr"]}))
    assert helm.calls[0][3]["a"] == 1
    assert helm.calls[0][3]["list"] == ["user", "cr"]


def test_a_kind_clash_changes_no_phase_and_is_tried_again_ever_later(capsys: pytest.CaptureFixture[str]) -> None:
    kube, helm = FakeKube(wandb_spec_user={"values": {"a": "text"}, "chart": None}), FakeHelm()
    loop = Loop(reconciler(kube, helm))
    waits = []
    for now in (0.0, 1e9, 2e9):
        loop.pass_over([resource()], now)
        waits.append(loop.failures["u1"])
    assert kube.phases == []
    assert helm.calls == []
    assert waits == [1, 2, 3]
    assert "type not match" in capsys.readouterr().err


def test_only_generation_time_and_a_start_make_it_look() -> None:
    kube, helm = FakeKube(), FakeHelm()
    loop = Loop(reconciler(kube, helm))
    loop.pass_over([resource()], 0.0)
    loop.pass_over([resource(metadata={"annotations": {"look": "here"}, "resourceVersion": "9"})], 1.0)
    assert len(kube.phases) == 2, "an annotation starts nothing"
    loop.pass_over([resource(metadata={"generation": 2}, values={"a": 2})], 2.0)
    assert len(helm.calls) == 2
    loop.due["u1"] = 5.0
    loop.pass_over([resource(metadata={"generation": 2}, values={"a": 2})], 6.0)
    assert kube.phases[-1] == "Completed"
    assert len(helm.calls) == 2
    loop.pass_over([], 7.0)
    assert loop.generations == {}


def test_deletion_uninstalls_and_takes_the_finalizer_away() -> None:
    gone = resource(metadata={"deletionTimestamp": "now", "finalizers": ["other", FINALIZER]})
    kube, helm = FakeKube(), FakeHelm()
    reconciler(kube, helm).reconcile(gone)
    assert helm.calls == [("wandb", "ns")]
    assert kube.patched[0][1] == {"metadata": {"finalizers": ["other"]}}
    kube = FakeKube()
    assert reconciler(kube, FakeHelm("still there")).reconcile(gone) == 60
    assert kube.patched == []


def test_a_wrong_chart_path_is_told_as_go_tells_it(tmp_path: Any) -> None:
    helm = Helm(None, print, scratch=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(HelmError, match="open /nowhere/chart: no such file or directory"):
        helm.chart_arguments({"path": "/nowhere/chart"}, tmp_path)


def test_programs_start_from_their_own_folder(tmp_path: Any) -> None:
    """There `operator` hides a module of Python's; outside a pod both end at once, for want of their env."""
    for program, missing in (("operator", "KUBERNETES_SERVICE_HOST"), ("app", "MYSQL")):
        argv = [sys.executable, str(Path(spec.__file__).with_name("run")), program]
        done = subprocess.run(argv, env={"PATH": "/usr/bin"}, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1
        assert f"KeyError: '{missing}'" in done.stderr


class LeaseKube:
    def __init__(self) -> None:
        self.lease: Any = None

    def get(self, path: str) -> Any:
        return json.loads(json.dumps(self.lease)) if self.lease else None

    def request(self, method: str, path: str, body: Any) -> Any:
        self.lease = body
        return body

    def patch(self, path: str, body: Any) -> Any:
        self.lease["spec"].update(body["spec"])
        return self.lease


def test_one_leader_at_a_time() -> None:
    clock = [0.0]
    kube = LeaseKube()
    first = Lease(kube, "ops", "first", lambda: clock[0])
    second = Lease(kube, "ops", "second", lambda: clock[0])
    assert first.take()
    assert not second.take()
    clock[0] = 14
    kube.lease["spec"]["renewTime"] = "renewed"
    assert not second.take()
    clock[0] = 28
    assert not second.take()
    clock[0] = 30
    assert second.take(), "the first one was silent for its 15 s"
    assert not first.take()
    second.release()
    assert first.take()
