#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: host_info
short_description: Observe in one call what preflight must know of a host
version_added: 0.1.0
description:
  - Reads architecture, Python, systemd, clock and free space, and looks for files, programs and Python packages.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  controller_time:
    description:
      - Time on the controller just before the call, seconds since the epoch. It is handed back, so that the clocks can be compared.
    type: float
    required: true
  paths:
    description:
      - Folders (they need not exist yet) whose file system must have room.
    type: list
    elements: path
    default: []
  packages:
    description:
      - Python packages that must be importable by the interpreter in use.
    type: list
    elements: str
    default: []
  files:
    description:
      - Files or programs that must be there.
    type: list
    elements: dict
    default: []
    suboptions:
      variable:
        description: The variable that names it.
        type: str
        required: true
      path:
        description: Where it is. A name without a slash is looked for on E(PATH).
        type: path
        required: true
'''

EXAMPLES = r'''
- name: Look at the host
  wandb.onprem.host_info:
    controller_time: "{{ now().timestamp() }}"
    paths: [/var/lib/mysql]
  register: wandb_example_host
'''

RETURN = r'''
seen:
  description: What was observed.
  returned: always
  type: dict
  contains:
    architecture:
      description: As C(uname -m) prints it.
      type: str
      sample: x86_64
    python:
      description: Version of the interpreter in use, three numbers.
      type: list
      elements: int
      sample: [3, 13, 5]
    executable:
      description: Path of the interpreter in use.
      type: str
      sample: /usr/bin/python3
    systemd:
      description: Whether systemd is the running init.
      type: bool
      sample: true
    root:
      description: Whether the module ran as root.
      type: bool
      sample: true
    cpus:
      description: Usable processors.
      type: int
      sample: 8
    memory_bytes:
      description: Physical memory.
      type: int
      sample: 67553994752
    clock:
      description: This host's clock, seconds since the epoch.
      type: float
      sample: 1790000000.5
    controller_before:
      description: O(controller_time) as given.
      type: float
      sample: 1790000000.2
    free_bytes:
      description: Bytes free for root under each of O(paths), or under its nearest folder that exists.
      type: dict
      sample: {"/var/lib/mysql": 53687091200}
    missing_packages:
      description: Names among O(packages) that cannot be imported.
      type: list
      elements: str
      sample: []
    missing_files:
      description: Paths of O(files) that are not there, keyed by their variable.
      type: dict
      sample: {}
'''

import importlib.util
import os
import platform
import shutil
import sys
import time

from ansible.module_utils.basic import AnsibleModule


def nearest_folder(path: str) -> str:
    """The path itself, or its nearest ancestor that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path) or '/'
    return path


def is_there(path: str) -> bool:
    """Whether a file is there; a bare name is looked for on PATH."""
    return bool(path) and (os.path.isfile(path) if os.sep in path else shutil.which(path) is not None)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'controller_time': {'type': 'float', 'required': True},
            'paths': {'type': 'list', 'elements': 'path', 'default': []},
            'packages': {'type': 'list', 'elements': 'str', 'default': []},
            'files': {
                'type': 'list',
                'elements': 'dict',
                'default': [],
                'options': {'variable': {'type': 'str', 'required': True}, 'path': {'type': 'path', 'required': True}},
            },
        },
        supports_check_mode=True,
    )
    now = time.time()
    params = module.params
    free = {}
    for path in params['paths']:
        usage = os.statvfs(nearest_folder(path))
        free[path] = usage.f_bavail * usage.f_frsize
    module.exit_json(
        changed=False,
        seen={
            'architecture': platform.machine(),
            'python': list(sys.version_info[:3]),
            'executable': sys.executable,
            'systemd': os.path.isdir('/run/systemd/system'),
            'root': os.geteuid() == 0,
            'cpus': len(os.sched_getaffinity(0)),
            'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'),
            'clock': now,
            'controller_before': params['controller_time'],
            'free_bytes': free,
            'missing_packages': [name for name in params['packages'] if importlib.util.find_spec(name) is None],
            'missing_files': {file['variable']: file['path'] for file in params['files'] if not is_there(file['path'])},
        },
    )


if __name__ == '__main__':
    main()
