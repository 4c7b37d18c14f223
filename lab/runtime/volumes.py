# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: which files a pod's volumes hold (pure), the mounts of a container (pure), and the writing of both."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.runtime.spec import ConfigError, Lookup, expand, field, required, resource_field

# (service account token's source) -> token
Tokens = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class File:
    data: bytes
    mode: int


class MountError(Exception):
    """What a kubelet tells by a FailedMount event while the container waits."""


def picked(data: Mapping[str, bytes], source: Mapping[str, Any], what: str, mode: int) -> dict[str, File]:
    """All keys, or those of `items` under the paths and modes given there."""
    if not source.get("items"):
        return {key: File(value, mode) for key, value in data.items()}
    files = {}
    for item in source["items"]:
        if item["key"] in data:
            files[item["path"]] = File(data[item["key"]], item.get("mode", mode))
        elif not source.get("optional"):
            raise MountError(f"references non-existent {what} key: {item['key']}")
    return files


def downward(pod: Mapping[str, Any], items: list[Mapping[str, Any]], mode: int) -> dict[str, File]:
    files = {}
    for item in items:
        text = field(pod, item["fieldRef"]["fieldPath"]) if "fieldRef" in item else resource_field(pod, {}, item["resourceFieldRef"])
        files[item["path"]] = File(text.encode(), item.get("mode", mode))
    return files


def files_of(pod: Mapping[str, Any], volume: Mapping[str, Any], lookup: Lookup, tokens: Tokens) -> dict[str, File] | None:
    """Relative path -> file; None for an emptyDir, into which nothing is written."""
    try:
        if "emptyDir" in volume:
            return None
        if "configMap" in volume or "secret" in volume:
            kind, source = ("ConfigMap", volume["configMap"]) if "configMap" in volume else ("Secret", volume["secret"])
            reference = {"name": source.get("name") or source.get("secretName"), "optional": source.get("optional")}
            return picked(required(kind, reference, lookup) or {}, {**source, **reference}, kind.lower(), source.get("defaultMode", 0o644))
        if "downwardAPI" in volume:
            return downward(pod, volume["downwardAPI"].get("items", []), volume["downwardAPI"].get("defaultMode", 0o644))
        if "projected" in volume:
            return projected(pod, volume["projected"], lookup, tokens)
    except ConfigError as error:
        raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}": {error}') from error
    kind = next(key for key in volume if key != "name")
    raise MountError(f'volume "{volume["name"]}": the lab\'s runtime does not mount {kind} (it knows configMap, secret, projected, downwardAPI, emptyDir)')


def projected(pod: Mapping[str, Any], volume: Mapping[str, Any], lookup: Lookup, tokens: Tokens) -> dict[str, File]:
    mode = volume.get("defaultMode", 0o644)
    files: dict[str, File] = {}
    for source in volume.get("sources") or []:
        if "serviceAccountToken" in source:
            files[source["serviceAccountToken"]["path"]] = File(tokens(source["serviceAccountToken"]).encode(), mode)
        elif "downwardAPI" in source:
            files |= downward(pod, source["downwardAPI"].get("items", []), mode)
        else:
            key, kind = ("configMap", "ConfigMap") if "configMap" in source else ("secret", "Secret")
            files |= picked(required(kind, source[key], lookup) or {}, source[key], kind.lower(), mode)
    return files


def write(folder: Path, files: Mapping[str, File], group: int | None) -> bool:
    """Puts `files` into `folder` in one step, by a link `..data` as a kubelet does; False = nothing changed."""
    current = folder / "..data"
    before = current.resolve() if current.exists() else None
    have = {str(path.relative_to(before)): path.read_bytes() for path in before.rglob("*") if path.is_file()} if before else None
    if have == {name: file.data for name, file in files.items()}:
        return False
    target = next(path for path in (folder / f"..{n}" for n in itertools.count(1)) if not path.exists())
    target.mkdir(parents=True)
    for name, file in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(file.mode | (0o440 if group is not None else 0))
        if group is not None:
            os.chown(path, -1, group)
    link = folder / "..data_tmp"
    link.symlink_to(target.name)
    link.replace(current)
    tops = {name.split("/", 1)[0] for name in files}
    for top in tops:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(f"..data/{top}")
    for path in folder.iterdir():
        if not path.name.startswith("..") and path.name not in tops:
            path.unlink()
    if before:
        shutil.rmtree(before)
    return True


@dataclass(frozen=True)
class Mount:
    source: Path
    target: str
    read_only: bool


def mounts(container: Mapping[str, Any], folders: Mapping[str, Path], env: Mapping[str, str]) -> list[Mount]:
    """The container's mounts, outer paths first. A subPath is one file or folder, which is not refreshed, as on a real node."""
    found = []
    for entry in container.get("volumeMounts") or []:
        sub = expand(entry["subPathExpr"], env) if entry.get("subPathExpr") else entry.get("subPath", "")
        source = folders[entry["name"]] / sub
        found.append(Mount(source.resolve() if sub else source, entry["mountPath"].rstrip("/"), bool(entry.get("readOnly"))))
    return sorted(found, key=lambda mount: mount.target)
