# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: minio_layout
short_description: Pools, erasure sets and problems of a MinIO deployment
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Reads what MinIO servers are started with, and tells what may be lost, which drives each host gives, and what would lose data or cannot run.
  - Asks nobody. What was seen of the hosts is passed in.
options:
  _input:
    description: The volumes, as of C(MINIO_VOLUMES).
    type: str
    required: true
  group:
    description: Hosts of the deployment.
    type: list
    elements: str
    required: true
  seen:
    description: What M(wandb.onprem.minio_host_info) saw of the hosts, keyed by host. Without it only what the volumes themselves tell is checked.
    type: dict
    default: {}
  parity:
    description: Drives of a set that may be lost; 0 or nothing = MinIO's own choice.
    type: int
  user:
    description: User that the servers run as.
    type: str
    default: minio
  allow_single:
    description: Whether one drive is enough.
    type: bool
    default: false
  allow_root_drive:
    description: Whether drives may be on the root filesystem, or share one.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Say what may be lost
  ansible.builtin.debug:
    msg: "{{ (wandb_minio_volumes | wandb.onprem.minio_layout(groups['wandb_minio'])).told }}"
'''

RETURN = r'''
_value:
  description:
    - C(problems) (list of text), C(told) (one line a pool), C(drives) (host to its folders), C(holds_data) (whether MinIO formatted a drive before)
      and C(fresh) (drives, as C(host:folder), that are not formatted although others are).
  type: dict
  sample: {"problems": [], "told": ["pool 1, ..."], "drives": {"s3-1": ["/data/1"]}, "holds_data": true, "fresh": []}
'''

import typing as t

from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_layout import LayoutError, drives_of, parse_volumes, told
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_rules import Deployment, check


def layout(
    volumes: str, group: t.Sequence[str], seen: t.Mapping[str, t.Any] | None = None, parity: int | None = None, user: str = 'minio',
    allow_single: bool = False, allow_root_drive: bool = False,
) -> dict[str, t.Any]:
    """All that the role needs to know of a deployment."""
    deployment = Deployment(volumes, list(group), seen or {}, int(parity) if parity else None, user, bool(allow_single), bool(allow_root_drive))
    problems = check(deployment)
    try:
        pools = parse_volumes(volumes, deployment.parity)
    except LayoutError:
        return {'problems': problems, 'told': [], 'drives': {}, 'holds_data': deployment.holds_data, 'fresh': []}
    fresh = [f'{host}:{path}' for host, path, drive in deployment.drives() if not drive.get('format')] if deployment.holds_data else []
    return {
        'problems': problems, 'told': told(pools), 'drives': {host: drives_of(pools, host) for host in group}, 'holds_data': deployment.holds_data,
        'fresh': fresh,
    }


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'minio_layout': layout}
