# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: mysql_topology
short_description: Which MySQL server is the primary, and what the others need
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Decides from what the servers themselves say (M(wandb.onprem.mysql_replication_info)), never from the inventory, once there are data.
positional: addresses, reseed
options:
  _input:
    description: What each server says, by the name of its host, in the inventory's order.
    type: dict
    required: true
  addresses:
    description: Address at which the others reach each host, by its name.
    type: dict
    required: true
  reseed:
    description: Host whose data may be thrown away.
    type: str
    default: ""
'''

EXAMPLES = r'''
- name: Show who is primary
  ansible.builtin.debug:
    msg: "{{ (servers | wandb.onprem.mysql_topology({'db-1': '10.0.0.1', 'db-2': '10.0.0.2'})).primary }}"
  vars:
    servers:
      db-1: "{{ hostvars['db-1'].wandb_example_replication.server }}"
      db-2: "{{ hostvars['db-2'].wandb_example_replication.server }}"
'''

RETURN = r'''
_value:
  description: C(primary) (empty when it cannot be told), C(problems), and by host C(needs) (V(none), V(replay), V(seed), V(confirm)), C(reasons), C(errant).
  type: dict
  sample: {primary: db-1, problems: [], needs: {db-2: none}, reasons: {db-2: ""}, errant: {}}
'''

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.mysql_topology import decide


def mysql_topology(servers: dict[str, t.Any], addresses: dict[str, str], reseed: str = '') -> dict[str, t.Any]:
    """The decision as plain data."""
    return dataclasses.asdict(decide(servers, addresses, reseed))


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'mysql_topology': mysql_topology}
