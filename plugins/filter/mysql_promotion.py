# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: mysql_promotion
short_description: How a MySQL server of a pair becomes the primary
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Planned where the other server answers, so that nothing is lost; forced where it does not.
positional: addresses, target
options:
  _input:
    description: What each of the two servers says (M(wandb.onprem.mysql_replication_info)), by the name of its host.
    type: dict
    required: true
  addresses:
    description: Address at which the other one reaches each host, by its name.
    type: dict
    required: true
  target:
    description: Host that is to be primary.
    type: str
    required: true
'''

EXAMPLES = r'''
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ servers | wandb.onprem.mysql_promotion({'db-1': '10.0.0.1', 'db-2': '10.0.0.2'}, 'db-2') }}"
  vars:
    servers:
      db-1: "{{ hostvars['db-1'].wandb_example_replication.server }}"
      db-2: "{{ hostvars['db-2'].wandb_example_replication.server }}"
'''

RETURN = r'''
_value:
  description: C(way), one of V(none) (it is primary already), V(planned), V(forced), and C(problems).
  type: dict
  sample: {way: planned, problems: []}
'''

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.mysql_topology import promotion


def mysql_promotion(servers: dict[str, t.Any], addresses: dict[str, str], target: str) -> dict[str, t.Any]:
    """The decision as plain data."""
    way, problems = promotion(servers, addresses, target)
    return {'way': way, 'problems': problems}


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'mysql_promotion': mysql_promotion}
