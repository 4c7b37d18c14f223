# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod's status out of its containers', backoff, probes' counting, addresses, logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.runtime import logs, probes, status, units
from lab.runtime.container import backoff
from lab.runtime.status import Container, terminated, waiting

RUNNING = Container(state={"running": {"startedAt": "t"}}, ready=True, started=True)
UNREADY = Container(state={"running": {"startedAt": "t"}})
GOOD = Container(state=terminated("t", "t", 0), ready=False)
BAD = Container(state=terminated("t", "t", 1))
NEW = Container()
CRASHED = Container(state=waiting("CrashLoopBackOff"), last=terminated("t", "t", 1))


@pytest.mark.parametrize(
    ("policy", "init", "main", "ending", "phase"),
    [
        ("Always", [], [NEW], False, "Pending"),
        ("Always", [], [RUNNING, NEW], False, "Running"),
        ("Always", [], [RUNNING, BAD], False, "Running"),
        ("Always", [], [CRASHED], False, "Running"),
        ("Always", [], [GOOD], False, "Running"),
        ("Always", [NEW], [NEW], False, "Pending"),
        ("Always", [RUNNING], [NEW], False, "Pending"),
        ("Always", [BAD], [NEW], False, "Pending"),
        ("Never", [BAD], [NEW], False, "Failed"),
        ("Never", [GOOD], [GOOD], False, "Succeeded"),
        ("Never", [], [GOOD, BAD], False, "Failed"),
        ("Never", [], [GOOD, RUNNING], False, "Running"),
        ("OnFailure", [], [GOOD], False, "Succeeded"),
        ("OnFailure", [], [BAD], False, "Running"),
        ("Always", [], [GOOD], True, "Succeeded"),
        ("Always", [], [BAD], True, "Failed"),
        ("Always", [], [NEW], True, "Pending"),
        ("Always", [BAD], [NEW], True, "Failed"),
    ],
)
def test_phase(policy: str, init: list[Container], main: list[Container], ending: bool, phase: str) -> None:
    assert status.phase(policy, init, main, ending=ending) == phase


def build(before: dict[str, Any], **containers: Container) -> dict[str, Any]:
    specs = [{"name": name, "image": "i"} for name in containers if name != "init"]
    init = {"initContainers": [{"name": "init", "image": "i"}]} if "init" in containers else {}
    return status.build({"spec": {"containers": specs, **init}, "status": before}, containers, address="10.0.0.2", host="10.0.0.1", now="now")


def test_conditions_keep_their_time_until_they_change() -> None:
    first = build({}, a=UNREADY)
    ready = next(entry for entry in first["conditions"] if entry["type"] == "Ready")
    assert (ready["status"], ready["message"]) == ("False", "containers with unready status: [a]")
    old = {"startTime": "then", "conditions": [{**entry, "lastTransitionTime": "then"} for entry in first["conditions"]]}
    times = {entry["type"]: entry["lastTransitionTime"] for entry in build(old, a=RUNNING)["conditions"]}
    assert times == {"PodReadyToStartContainers": "then", "Initialized": "then", "Ready": "now", "ContainersReady": "now"}
    assert build(old, a=RUNNING)["startTime"] == "then"


def test_a_condition_that_holds_takes_its_old_reason_away() -> None:
    ready = next(entry for entry in build({}, a=RUNNING)["conditions"] if entry["type"] == "Ready")
    assert ready["reason"] is None
    assert ready["message"] is None


def test_undone_init_containers_are_named() -> None:
    found = build({}, init=UNREADY, a=NEW)
    initialized = next(entry for entry in found["conditions"] if entry["type"] == "Initialized")
    assert (found["phase"], initialized["status"], initialized["message"]) == ("Pending", "False", "containers with incomplete status: [init]")
    assert found["initContainerStatuses"][0]["name"] == "init"


def test_pauses_double_up_to_five_minutes() -> None:
    assert [backoff(number) for number in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


def test_probes_count_to_their_thresholds() -> None:
    counter = probes.Counter({"periodSeconds": 5, "failureThreshold": 2, "initialDelaySeconds": 3}, 100.0, verdict=True)
    assert counter.due == 103.0
    assert not counter.count(False, 103.0)
    assert counter.due == 108.0
    assert counter.count(False, 108.0)
    assert counter.verdict is False
    assert counter.count(True, 113.0)
    assert counter.verdict is True
    assert not counter.count(False, 200.0)
    # What came late does not make up for what was missed.
    assert counter.due == 200.0


def test_ports_by_number_and_by_name() -> None:
    container = {"ports": [{"containerPort": 1}, {"name": "http", "containerPort": 8080}]}
    assert [probes.port_of(container, port) for port in (9, "http")] == [9, 8080]


def test_addresses_come_again_as_late_as_possible() -> None:
    addresses = units.Addresses({"old": "10.244.0.2"})
    assert addresses.take("a") == addresses.take("a") == "10.244.0.3"
    addresses.release("a")
    assert addresses.take("b") == "10.244.0.4"
    for number in range(5, 255):
        assert addresses.take(str(number)) == f"10.244.0.{number}"
    assert addresses.take("last") == "10.244.0.3"
    addresses.release("old")
    assert addresses.take("once more") == "10.244.0.2"


LOG = [b"2026-11-23T10:00:00.000000000Z stdout F one\n", b"2026-11-23T10:00:05.000000000Z stderr P two\n", b"2026-11-23T10:00:09.000000000Z stdout F  three\n"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, b"one\ntwo three\n"),
        ({"tailLines": "1"}, b" three\n"),
        ({"tailLines": "0"}, b""),
        ({"sinceTime": "2026-11-23T10:00:05Z"}, b"two three\n"),
        ({"sinceSeconds": "2"}, b" three\n"),
        ({"timestamps": "true", "tailLines": "1"}, b"2026-11-23T10:00:09.000000000Z  three\n"),
    ],
)
def test_lines_of_a_log(query: dict[str, str], text: bytes) -> None:
    assert b"".join(logs.chosen(LOG, query, logs.moment("2026-11-23T10:00:10Z"))) == text


def test_the_newest_start_is_shown_and_the_one_before_on_request(tmp_path: Path) -> None:
    folder = tmp_path / "n_p_uid" / "c"
    folder.mkdir(parents=True)
    for number in (2, 10):
        (folder / f"{number}.log").touch()
    assert logs.find("n", "p", "c", False, tmp_path) == folder / "10.log"
    assert logs.find("n", "p", "c", True, tmp_path) == folder / "2.log"
    assert logs.find("n", "p", "other", False, tmp_path) is None
    assert logs.find("n", "p2", "c", False, tmp_path) is None


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (
            '{"pid": 5, "startedAt": "2026-11-23T10:00:00.123456000Z"}\n{"exitCode": 3, "finishedAt": "2026-11-23T10:00:01.0Z"}\n',
            {"exitCode": 3, "reason": "Error"},
        ),
        ('{"exitCode": 0, "finishedAt": "2026-11-23T10:00:01.0Z"}\n', {"exitCode": 0, "reason": "Completed"}),
        (
            '{"exitCode": 128, "finishedAt": "2026-11-23T10:00:01Z", "reason": "StartError", "message": "m"}\n',
            {"exitCode": 128, "reason": "StartError", "message": "m"},
        ),
        ('{"pid": 5, "startedAt": "2026-11-23T10:00:00.123456000Z"}\n', {"exitCode": 137, "reason": "Error"}),
        ("Traceback: of the shim\n", {"exitCode": 137, "message": "Traceback: of the shim"}),
    ],
)
def test_the_end_of_a_program_is_read_from_its_record(tmp_path: Path, record: str, state: dict[str, Any]) -> None:
    (tmp_path / "record").write_text(record)
    found = units.Attempt(tmp_path, "unit", tmp_path / "log").state()["terminated"]
    assert {key: found[key] for key in state} == state
