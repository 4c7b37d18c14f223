# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for kube-proxy, as far as Services of type NodePort go: kube-1's own addresses at these ports lead to the ready pods.

The other nodes are kwok's and have no addresses. Nothing is refused by `externalTrafficPolicy`, and there is no session affinity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.kube.endpoints import endpoints
from lab.runtime.units import BRIDGE

# Only what is for the host itself: pods may go to the same port of others. A pod that gets to another one by way of the host must be answered
# that way, so the host stands in for whoever asks.
TABLE = """table ip lab_node_ports
flush table ip lab_node_ports
table ip lab_node_ports {{
  chain ports {{
{rules}  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    fib daddr type local jump ports
  }}
  chain output {{
    type nat hook output priority -100;
    fib daddr type local jump ports
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    oifname "{bridge}" ct status dnat masquerade
  }}
}}
"""


def rules(services: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One for each port that has a ready pod; at any other nothing listens."""
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        for port in spec.get("ports") or [] if spec.get("type") == "NodePort" else []:
            backend = {"service": {"name": meta["name"], "port": {"number": port["port"]}}}
            pods = [address.replace(":", " . ") for address in endpoints(meta["namespace"], backend, services, slices)]
            if pods:
                shares = ", ".join(f"{number} : {pod}" for number, pod in enumerate(pods))
                protocol = port.get("protocol", "TCP").lower()
                yield f"    {protocol} dport {port['nodePort']} dnat to numgen random mod {len(pods)} map {{ {shares} }}\n"


def render(services: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> str:
    """The whole of the table, to be loaded in one go."""
    return TABLE.format(rules="".join(sorted(rules(services, slices))), bridge=BRIDGE)
