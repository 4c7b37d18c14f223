# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: minio_volumes
short_description: MinIO's list of volumes out of hosts and drives
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Makes the text that every MinIO server of a deployment is started with.
  - Names that form a range become one term with an ellipsis, others are listed one by one.
  - The order of the hosts does not matter, that of the pools does.
options:
  _input:
    description:
      - Names of the hosts, as they reach each other; or pools, each a dictionary of C(hosts) and C(drives), in the order in which they were added.
    type: list
    elements: raw
    required: true
  drives:
    description: Folders that each host gives, one for each drive, where its pool names none.
    type: list
    elements: str
    required: true
  port:
    description: Port of the servers.
    type: int
    default: 9000
  scheme:
    description: V(https) or V(http).
    type: str
    default: https
'''

EXAMPLES = r'''
- name: Show the volumes
  ansible.builtin.debug:
    msg: "{{ ['s3-1', 's3-2', 's3-3', 's3-4'] | wandb.onprem.minio_volumes(['/data/1']) }}"
'''

RETURN = r'''
_value:
  description: The volumes, separated by blanks.
  type: str
  sample: "https://s3-{1...4}:9000/data/1"
'''

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_volumes import minio_volumes, pool_volumes


def volumes(hosts: t.Sequence[t.Any], drives: t.Sequence[str], port: int = 9000, scheme: str = 'https') -> str:
    """The volumes, with Ansible's kind of error."""
    try:
        if hosts and not isinstance(hosts[0], str):
            return pool_volumes(hosts, drives, int(port), scheme)
        return minio_volumes(hosts, drives, int(port), scheme)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'minio_volumes': volumes}
