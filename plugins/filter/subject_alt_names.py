# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: subject_alt_names
short_description: Names, addresses and URLs as subject alternative names
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Makes V(DNS:) and V(IP:) entries of names, addresses and URLs, sorted and without repetition. Addresses are spelt the canonical way.
options:
  _input:
    description: Names, addresses and URLs; empty ones are passed over.
    type: list
    elements: str
    required: true
'''

EXAMPLES = r'''
- name: Show the entries
  ansible.builtin.debug:
    msg: "{{ ['https://wandb.example.com', '10.0.0.4'] | wandb.onprem.subject_alt_names }}"
'''

RETURN = r'''
_value:
  description: The entries.
  type: list
  elements: str
  sample: ["DNS:wandb.example.com", "IP:10.0.0.4"]
'''

import typing as t

from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import san_entries


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'subject_alt_names': san_entries}
