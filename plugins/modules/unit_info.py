#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: unit_info
short_description: Tell whether a systemd unit still runs on files that were written since it started
version_added: 0.1.0
description:
  - Compares the start and the last reload of a unit with the modification times of the files that it reads.
  - This takes the place of handlers, which are lost when a run is killed between the file and the handler.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  name:
    description:
      - Name of the unit, with its suffix.
    type: str
    required: true
  files:
    description:
      - Files that the service reads at start or reload. Files that do not exist are passed over.
    type: list
    elements: path
    default: []
'''

EXAMPLES = r'''
- name: Ask whether MySQL runs on its present configuration
  wandb.onprem.unit_info:
    name: mysql.service
    files: [/etc/mysql/conf.d/wandb.cnf]
  register: wandb_example_unit
'''

RETURN = r'''
unit:
  description: State of the unit.
  returned: always
  type: dict
  contains:
    exists:
      description: Whether systemd knows the unit.
      type: bool
      sample: true
    active:
      description: Whether it runs.
      type: bool
      sample: true
    enabled:
      description: Whether it starts at boot.
      type: bool
      sample: true
    started:
      description: Start of the main process, or of a unit that has none (a timer), seconds since the epoch; 0 if never.
      type: float
      sample: 1790000000.25
    restart_needed:
      description: The unit is active and a file was written after its start.
      type: bool
      sample: false
    reload_needed:
      description: The unit is active and a file was written after its start and after its last change of state (a reload is one).
      type: bool
      sample: false
    newer_files:
      description: Files written after the start.
      type: list
      elements: str
      sample: []
'''

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.systemd import PROPERTIES, modification_times, parse_show


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'name': {'type': 'str', 'required': True},
            'files': {'type': 'list', 'elements': 'path', 'default': []},
        },
        supports_check_mode=True,
    )
    command = ['systemctl', 'show', '--property=' + ','.join(PROPERTIES), '--', module.params['name']]
    output = module.run_command(command, check_rc=True)[1]
    # systemd's monotonic stamps are CLOCK_MONOTONIC, microseconds: finer than its printed dates and free of locales.
    state = parse_show(output, time.time() - time.clock_gettime(time.CLOCK_MONOTONIC))
    mtimes = modification_times(module.params['files'])
    since_start = state.newer(mtimes, state.started)
    module.exit_json(
        changed=False,
        unit={
            'exists': state.exists,
            'active': state.active,
            'enabled': state.enabled,
            'started': state.started,
            'restart_needed': state.active and bool(since_start),
            'reload_needed': state.active and bool(state.newer(mtimes, max(state.started, state.changed))),
            'newer_files': since_start,
        },
    )


if __name__ == '__main__':
    main()
