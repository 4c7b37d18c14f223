# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pod's manifest to what a container runs: environment, command line, user. Pure."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lab.runtime.images import Image

# (kind, name) -> the object in the pod's namespace, or None.
Lookup = Callable[[str, str], "dict[str, Any] | None"]

REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
UNITS = {
    **{"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1)},
    **{unit: Fraction(1000 ** (n + 1)) for n, unit in enumerate("kMGTPE")},
    **{f"{unit}i": Fraction(1024 ** (n + 1)) for n, unit in enumerate("KMGTPE")},
}


class ConfigError(Exception):
    """What a kubelet calls CreateContainerConfigError."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` as Kubernetes does it: unknown names stay as they are, `$$` is a plain dollar."""
    return REFERENCE.sub(lambda match: "$" if match[1] is None else env.get(match[1], match[0]), text)


def data_of(kind: str, found: Mapping[str, Any]) -> dict[str, bytes]:
    """The keys and bytes of a ConfigMap or Secret."""
    if kind == "Secret":
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    return {**plain, **{key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}}


def required(kind: str, reference: Mapping[str, Any], lookup: Lookup) -> dict[str, bytes] | None:
    """The referenced object's data; None when it is missing and may be."""
    found = lookup(kind, reference["name"])
    if found is None:
        if reference.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found')
    return data_of(kind, found)


def quantity(text: str) -> Fraction:
    number, exponent, unit = re.fullmatch(r"([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+))?([a-zA-Z]*)", text).groups()  # type: ignore[union-attr]
    return Fraction(number) * Fraction(10) ** int(exponent or 0) * UNITS[unit]


def resource_field(pod: Mapping[str, Any], container: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """limits.* fall back to what the node has, as on a real one; here its 32 CPUs and 256 GiB."""
    if reference.get("containerName"):
        container = next(other for other in pod["spec"]["containers"] if other["name"] == reference["containerName"])
    section, name = reference["resource"].split(".", 1)
    resources = container.get("resources") or {}
    value = (resources.get(section) or {}).get(name) or ({"cpu": "32", "memory": "256Gi"}.get(name, "0") if section == "limits" else "0")
    divisor = quantity(str(reference.get("divisor") or "1"))
    return str(math.ceil(quantity(str(value)) / (divisor or 1)))


def field(pod: Mapping[str, Any], path: str) -> str:
    subscript = SUBSCRIPT.fullmatch(path)
    if subscript:
        return str((pod["metadata"].get(subscript[1]) or {}).get(subscript[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        entries = pod["metadata"].get(path.split(".")[1]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(entries.items()))
    section, name = path.split(".", 1)
    if name in ("podIPs", "hostIPs"):
        return ",".join(entry["ip"] for entry in pod["status"].get(name, []))
    value = pod[section].get(name)
    if value is None:
        raise ConfigError(f"the lab's runtime knows no field {path}")
    return str(value)


def value_from(pod: Mapping[str, Any], container: Mapping[str, Any], source: Mapping[str, Any], lookup: Lookup) -> str | None:
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return resource_field(pod, container, source["resourceFieldRef"])
    for name, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if name in source:
            data = required(kind, source[name], lookup)
            if data is not None and source[name]["key"] in data:
                return data[source[name]["key"]].decode()
            if source[name].get("optional"):
                return None
            raise ConfigError(f"couldn't find key {source[name]['key']} in {kind} {pod['metadata']['namespace']}/{source[name]['name']}")
    raise ConfigError(f"the lab's runtime knows no valueFrom {', '.join(source)}")


def environment(pod: Mapping[str, Any], container: Mapping[str, Any], lookup: Lookup, service_env: Mapping[str, str]) -> dict[str, str]:
    """What the manifest says and `service_env`; `$(NAME)` sees envFrom, entries further up, then `service_env`."""
    env: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        for name, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if name in source:
                data = required(kind, source[name], lookup) or {}
                env.update({source.get("prefix", "") + key: value.decode() for key, value in data.items()})
    for entry in container.get("env") or []:
        if entry.get("valueFrom"):
            value = value_from(pod, container, entry["valueFrom"], lookup)
            if value is not None:
                env[entry["name"]] = value
        else:
            env[entry["name"]] = expand(entry.get("value") or "", {**service_env, **env})
    return {**service_env, **env}


def command(container: Mapping[str, Any], image: Image, env: Mapping[str, str]) -> list[str]:
    """`command` takes the place of the image's entry point, `args` follow it."""
    head = [expand(word, env) for word in container.get("command") or []] or list(image.entrypoint)
    argv = head + [expand(word, env) for word in container.get("args") or []]
    if not argv:
        raise ConfigError("no command specified")
    return argv


@dataclass(frozen=True)
class User:
    uid: int
    gid: int
    groups: list[int]


def user(pod: Mapping[str, Any], container: Mapping[str, Any], image: Image) -> User:
    context = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    uid = context.get("runAsUser", image.user)
    if context.get("runAsNonRoot") and uid == 0:
        raise ConfigError("container has runAsNonRoot and image will run as root")
    gid = context.get("runAsGroup", 0)
    extra = [*context.get("supplementalGroups", []), *([context["fsGroup"]] if "fsGroup" in context else [])]
    return User(uid, gid, sorted({gid, *extra}))
