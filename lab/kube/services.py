# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for kube-proxy on kube-1: a Service's virtual address, and its port of the node, lead to the ready pods behind it, at random.

The other nodes are kwok's and have no addresses. Nothing is refused by `externalTrafficPolicy`, and there is no session affinity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.kube.endpoints import endpoints
from lab.runtime.units import BRIDGE

# Node ports are the host's own only: pods may go to the same port of others. A pod that gets to another one by way of the host must be
# answered that way, so the host stands in for whoever asks. Where no pod is ready the answer is a refusal, at once.
TABLE = """table ip lab_services
flush table ip lab_services
table ip lab_services {{
  chain services {{
{addresses}    fib daddr type local jump ports
  }}
  chain ports {{
{ports}  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    jump services
  }}
  chain output {{
    type nat hook output priority -100;
    jump services
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    oifname "{bridge}" ct status dnat masquerade
  }}
  chain nobody {{
{nobody}  }}
  chain refused {{
    type filter hook output priority filter;
    jump nobody
  }}
  chain refused_forward {{
    type filter hook forward priority filter;
    jump nobody
  }}
}}
"""


def address(service: Mapping[str, Any]) -> str:
    """The virtual address; empty where it has none."""
    given = str(service["spec"].get("clusterIP") or "None")
    return "" if given == "None" or ":" in given else given


def matches(service: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Chain, what it matches, the Service's port; for each port and way to it."""
    spec = service["spec"]
    for port in spec.get("ports") or []:
        protocol = port.get("protocol", "TCP").lower()
        if address(service):
            yield "addresses", f"ip daddr {address(service)} {protocol} dport {port['port']}", port["port"]
        if spec.get("type") == "NodePort":
            yield "ports", f"{protocol} dport {port['nodePort']}", port["port"]


def render(services: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> str:
    """The whole of the table, to be loaded in one go."""
    rules: dict[str, list[str]] = {"addresses": [], "ports": [], "nobody": []}
    for service in services:
        meta = service["metadata"]
        for chain, match, number in matches(service):
            backend = {"service": {"name": meta["name"], "port": {"number": number}}}
            pods = [pod.replace(":", " . ") for pod in endpoints(meta["namespace"], backend, services, slices)]
            if pods:
                shares = ", ".join(f"{share} : {pod}" for share, pod in enumerate(pods))
                rules[chain].append(f"    {match} dnat to numgen random mod {len(pods)} map {{ {shares} }}\n")
            elif chain == "addresses":
                rules["nobody"].append(f"    {match} reject\n")
    return TABLE.format(bridge=BRIDGE, **{chain: "".join(sorted(lines)) for chain, lines in rules.items()})
