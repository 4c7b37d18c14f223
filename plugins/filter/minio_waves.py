# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: minio_waves
short_description: In which order the servers of a MinIO deployment are started or restarted
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Gives lists of hosts, one a wave. The hosts of a wave are started, or restarted, together.
options:
  _input:
    description: All hosts of the deployment.
    type: list
    elements: str
    required: true
  active:
    description: Hosts whose server runs.
    type: list
    elements: str
    required: true
  outdated:
    description: Hosts whose running server must be restarted.
    type: list
    elements: str
    required: true
  rolling:
    description: Whether as few servers as possible go at a time, instead of all.
    type: bool
    default: false
  unlike:
    description: Whether a restarted server has another program, or other settings, than those that run.
    type: bool
    default: true
'''

EXAMPLES = r'''
- name: Show the waves
  ansible.builtin.debug:
    msg: "{{ groups['wandb_minio'] | wandb.onprem.minio_waves(active=groups['wandb_minio'], outdated=groups['wandb_minio'], rolling=true) }}"
'''

RETURN = r'''
_value:
  description: The waves; empty if there is nothing to do.
  type: list
  elements: list
  sample: [["s3-1", "s3-2"], ["s3-3"], ["s3-4"]]
'''

import typing as t

from ansible_collections.wandb.onprem.plugins.plugin_utils.minio_waves import waves


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'minio_waves': waves}
