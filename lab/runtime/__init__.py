# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime: plays the kubelet for the pods of its namespaces, as systemd units without containers. A test tool.

`images`, `spec`, `volumes` and `status` are pure; `units`, `shim`, `probes` and `logs` touch the machine; `pod` ties them together.
"""

from __future__ import annotations

import re

# Whose pods the runtime plays; kwok plays all others (lab/kube/objects.py puts the same expression into kwok's Stages).
NAMESPACES = "^(wandb|rt)(-.*)?$"


def plays(namespace: str) -> bool:
    return re.match(NAMESPACES, namespace) is not None
