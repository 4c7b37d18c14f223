# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of volumes, and how they are renewed."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from lab.runtime import volumes
from lab.runtime.volumes import File

POD: dict[str, Any] = {"metadata": {"name": "p", "namespace": "n", "labels": {"a": "b"}}, "spec": {}, "status": {}}
OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("ConfigMap", "c"): {"data": {"a": "1", "b": "2"}},
    ("Secret", "s"): {"data": {"k": base64.b64encode(b"v").decode()}},
}


def files(**volume: Any) -> dict[str, File] | None:
    return volumes.files_of(POD, {"name": "v", **volume}, lambda kind, name: OBJECTS.get((kind, name)), lambda source: f"token for {source.get('audience')}")


@pytest.mark.parametrize(
    ("volume", "found"),
    [
        ({"configMap": {"name": "c"}}, {"a": File(b"1", 0o644), "b": File(b"2", 0o644)}),
        ({"configMap": {"name": "c", "items": [{"key": "a", "path": "x/y", "mode": 0o600}]}}, {"x/y": File(b"1", 0o600)}),
        ({"secret": {"secretName": "s", "defaultMode": 0o400}}, {"k": File(b"v", 0o400)}),
        ({"secret": {"secretName": "none", "optional": True}}, {}),
        ({"configMap": {"name": "c", "optional": True, "items": [{"key": "z", "path": "z"}]}}, {}),
        ({"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}, {"labels": File(b'a="b"', 0o644)}),
        ({"emptyDir": {}}, None),
    ],
)
def test_files_of_a_volume(volume: dict[str, Any], found: dict[str, File] | None) -> None:
    assert files(**volume) == found


def test_a_projected_volume_is_the_sum_of_its_sources() -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "audience": "x"}},
        {"configMap": {"name": "c", "items": [{"key": "a", "path": "ca.crt"}]}},
        {"secret": {"name": "s"}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    found = files(projected={"sources": sources, "defaultMode": 0o640})
    assert found is not None
    assert {name: file.data for name, file in found.items()} == {"token": b"token for x", "ca.crt": b"1", "k": b"v", "namespace": b"n"}
    assert {file.mode for file in found.values()} == {0o640}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "none"}}, 'volume "v": secret "none" not found'),
        ({"configMap": {"name": "c", "items": [{"key": "z", "path": "z"}]}}, "non-existent configmap key: z"),
        ({"hostPath": {"path": "/"}}, "does not mount hostPath"),
    ],
)
def test_what_cannot_be_mounted_is_told(volume: dict[str, Any], message: str) -> None:
    with pytest.raises(volumes.MountError, match=message):
        files(**volume)


def test_files_are_renewed_in_one_step_through_a_link(tmp_path: Path) -> None:
    assert volumes.write(tmp_path, {"a": File(b"1", 0o400), "gone/x": File(b"2", 0o644)}, None)
    assert not volumes.write(tmp_path, {"a": File(b"1", 0o400), "gone/x": File(b"2", 0o644)}, None)
    first = (tmp_path / "..data").readlink()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o400
    assert volumes.write(tmp_path, {"a": File(b"new", 0o644), "b": File(b"3", 0o644)}, None)
    assert (tmp_path / "..data").readlink() != first
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.startswith("..")} == {"a": b"new", "b": b"3"}
    assert not (tmp_path / first).exists()


def test_a_group_may_read(tmp_path: Path) -> None:
    volumes.write(tmp_path, {"a": File(b"1", 0o400)}, tmp_path.stat().st_gid)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o440


def test_mounts_outer_paths_first_and_sub_paths_fixed(tmp_path: Path) -> None:
    volumes.write(tmp_path, {"k": File(b"1", 0o644)}, None)
    entries = [
        {"name": "v", "mountPath": "/x/y/", "readOnly": True},
        {"name": "v", "mountPath": "/x", "subPath": "k"},
        {"name": "v", "mountPath": "/z", "subPathExpr": "$(K)"},
    ]
    found = volumes.mounts({"volumeMounts": entries}, {"v": tmp_path}, {"K": "k"})
    assert [(mount.target, mount.read_only) for mount in found] == [("/x", False), ("/x/y", True), ("/z", False)]
    assert found[0].source == found[2].source == (tmp_path / "..1" / "k").resolve()
    assert found[1].source == tmp_path
