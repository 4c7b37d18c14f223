# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: redis_topology
short_description: Which Redis server is the master, and which others must be told to follow it
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Decides from what the servers and Sentinels themselves say (M(wandb.onprem.redis_replication_info)), never from the inventory, once there are data.
positional: addresses, discard
options:
  _input:
    description: What each host says (C(server) and C(sentinel)), by its name, in the inventory's order.
    type: dict
    required: true
  addresses:
    description: Address at which the others reach each host, by its name.
    type: dict
    required: true
  discard:
    description: Host whose data may be thrown away.
    type: str
    default: ""
'''

EXAMPLES = r'''
- name: Show who is the master
  ansible.builtin.debug:
    msg: "{{ (said | wandb.onprem.redis_topology({'rd-1': '10.0.0.31', 'rd-2': '10.0.0.32', 'rd-3': '10.0.0.33'})).master }}"
  vars:
    said:
      rd-1: "{{ hostvars['rd-1'].wandb_example_replication }}"
      rd-2: "{{ hostvars['rd-2'].wandb_example_replication }}"
      rd-3: "{{ hostvars['rd-3'].wandb_example_replication }}"
'''

RETURN = r'''
_value:
  description:
    - C(master) (empty when it cannot be told), C(problems), C(split) (hosts that are masters at the same time), C(follow) (hosts that must be told
      to follow the master).
  type: dict
  sample: {master: rd-1, problems: [], split: [], follow: [rd-2]}
'''

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.redis_topology import decide


def redis_topology(members: dict[str, t.Any], addresses: dict[str, str], discard: str = '') -> dict[str, t.Any]:
    """The decision as plain data."""
    return dataclasses.asdict(decide(members, addresses, discard))


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'redis_topology': redis_topology}
