#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: minio_host_info
short_description: Look at a host's drives and at the MinIO server on it
version_added: 0.1.0
description:
  - Reads what each drive is mounted on and what MinIO formatted it for, which volumes the server was last given, and which program runs.
  - Must run as root. Asks no server.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  drives:
    description:
      - Folders that the host is to give. Those that the settings name are looked at too.
    type: list
    elements: path
    required: true
  settings:
    description:
      - Environment file of the server.
    type: path
    default: /etc/minio/minio.env
  wanted:
    description:
      - The text that O(settings) is to have.
    type: str
    default: ''
  unit:
    description:
      - The server's unit.
    type: str
    default: minio.service
  program:
    description:
      - The program that is to run.
    type: path
'''

EXAMPLES = r'''
- name: Look at the drives
  wandb.onprem.minio_host_info:
    drives: [/data/1, /data/2]
'''

RETURN = r'''
seen:
  description: What was seen.
  returned: always
  type: dict
  contains:
    configured:
      description: Whether O(settings) exists.
      type: bool
      sample: true
    settings_as_wanted:
      description: Whether O(settings) exists and gives the server the variables that O(wanted) does; comments and order do not count.
      type: bool
      sample: true
    volumes:
      description: What the server was last given as its volumes; empty if there are no settings.
      type: str
      sample: "https://s3-{1...4}:9000/data/1"
    drives:
      description: Folders that the settings name.
      type: list
      elements: str
      sample: [/data/1]
    running:
      description: The program that the unit runs, its path and SHA-256, both empty if it does not run.
      type: dict
      sample: {"path": "/opt/minio/166d850aaa1b/minio", "sha256": "166d850aaa1b30d5252eb332c4ed73020bcb54c23c848fea3880142c51147fd8"}
    program_sha256:
      description: SHA-256 of O(program); empty if there is no such file.
      type: str
      sample: 166d850aaa1b30d5252eb332c4ed73020bcb54c23c848fea3880142c51147fd8
    paths:
      description:
        - Each folder, keyed by its path. C(exists) alone if it does not; else C(device) (number), C(root) (whether it is on the root filesystem),
          C(filesystem) (type), C(owner) (user), C(foreign) (names of what lies there without being MinIO's), and C(format), null or a dictionary
          of C(deployment), C(this) and C(sets) (the ids of all drives, one list an erasure set).
      type: dict
      sample: {"/data/1": {"exists": true, "device": 2050, "root": false, "filesystem": "xfs", "owner": "minio", "foreign": [], "format": null}}
'''

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils import minio_host


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'drives': {'type': 'list', 'elements': 'path', 'required': True},
            'settings': {'type': 'path', 'default': '/etc/minio/minio.env'},
            'wanted': {'type': 'str', 'default': '', 'no_log': True},
            'unit': {'type': 'str', 'default': 'minio.service'},
            'program': {'type': 'path'},
        },
        supports_check_mode=True,
    )
    params = module.params

    def run(argv: list[str]) -> str:
        return t.cast(str, module.run_command(argv, check_rc=True)[1])

    try:
        seen = minio_host.look(params['settings'], params['wanted'], params['unit'], params['program'] or '', params['drives'], run)
    except OSError as error:
        module.fail_json(msg=f'The drives cannot be looked at: {error}. Run this as root (become).')
    module.exit_json(changed=False, seen=seen)


if __name__ == '__main__':
    main()
