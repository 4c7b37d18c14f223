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
  - Reads what the host is (distribution, architecture, Python, memory, clock and time service, SELinux, AppArmor, package sources), what lies under data paths,
    who listens on ports, how names resolve, what can be reached, and which services are installed; looks for files, programs and Python packages.
  - Changes nothing. To measure how fast a disk is, it writes to a file that has no name and so is gone when the module ends; not in check mode.
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
      - Folders (they need not exist yet) to look at.
    type: list
    elements: path
    default: []
  measured_paths:
    description:
      - Those of O(paths) on whose filesystem the time of an C(fdatasync) is measured, at most one second each.
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
      version_arguments:
        description: Arguments with which the program tells its version; without them it is not run.
        type: list
        elements: str
        default: []
  ports:
    description:
      - TCP ports that a service is to listen on.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: int
        required: true
      service:
        description: The service that it is for.
        type: str
        required: true
      variable:
        description: The variable that names it.
        type: str
        required: true
  names:
    description:
      - Names to resolve, and the addresses back to names.
    type: list
    elements: str
    default: []
  links:
    description:
      - TCP connections to try, all at the same time.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      purpose:
        description: What it is for, in words.
        type: str
        required: true
      variable:
        description: The variable that names it.
        type: str
        required: true
      made:
        description: Whether the collection makes what is there. Then nothing needs to listen yet, but the host should answer.
        type: bool
        default: false
  link_timeout:
    description:
      - Seconds for one connection.
    type: float
    default: 3.0
  services:
    description:
      - Services that the host is to run; what is installed of them is looked for.
    type: list
    elements: str
    choices: [mysql, minio, redis, nginx, keepalived]
    default: []
'''

EXAMPLES = r'''
- name: Look at the host
  wandb.onprem.host_info:
    controller_time: "{{ now().timestamp() }}"
    paths: [/var/lib/mysql]
    measured_paths: [/var/lib/mysql]
    ports:
      - {port: 3306, service: mysql, variable: wandb_mysql_port}
    names: [db-2.example.com]
    links:
      - {host: backup.example.com, port: 443, purpose: target of backups, variable: wandb_mysql_backup_targets}
    services: [mysql]
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
    os:
      description: Distribution, and the family that it belongs to (V(debian), V(rhel), V(suse), or its own id).
      type: dict
      sample: {id: ubuntu, version: "24.04", name: Ubuntu 24.04.3 LTS, family: debian}
    kernel:
      description: As C(uname -r) prints it.
      type: str
      sample: 6.8.0-79-generic
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
    memory_limit_bytes:
      description: What the host's control group may have, where that is less (a container); else null.
      type: int
      sample: null
    clock:
      description: This host's clock, seconds since the epoch.
      type: float
      sample: 1790000000.5
    controller_before:
      description: O(controller_time) as given.
      type: float
      sample: 1790000000.2
    time_sync:
      description:
        - The time service that runs (empty for none), whether the kernel counts as synchronised (null where nobody says), and in a container its kind.
      type: dict
      sample: {service: chrony, synchronized: true, container: ""}
    selinux:
      description: V(enforcing), V(permissive) or V(disabled).
      type: str
      sample: disabled
    apparmor:
      description: Whether AppArmor is on, and the profiles that it enforces.
      type: dict
      sample: {enabled: true, enforced: [/usr/sbin/mysqld]}
    package_sources:
      description:
        - Package manager, the sources that are switched on, its proxy, and of each host that must be reached for them (the proxy alone where there is
          one) what became of a connection.
      type: dict
      sample: {manager: apt, uris: ["https://packages.example.com/debian"], proxy: "", endpoints: [
        {host: packages.example.com, port: 443, state: open, milliseconds: 3.1, error: ""}]}
    disks:
      description:
        - For each of O(paths) the folder that was looked at (the path, or its nearest ancestor), mount point, filesystem, device, whether that is read-only and
          whether it turns (null where the kernel does not say), bytes in all and free, the median milliseconds of an C(fdatasync) of 4 KiB (null where it
          was not measured), and why it could not be measured.
      type: dict
      sample: {"/var/lib/mysql": {folder: /var/lib, mount: /, filesystem: ext4, device: /dev/sda1, read_only: false, rotational: false,
        total_bytes: 107374182400, free_bytes: 53687091200, fdatasync_ms: 0.8, error: ""}}
    ports:
      description: For each of O(ports) who listens there. Process, program and unit are empty where nobody tells.
      type: list
      elements: dict
      sample: [{port: 3306, service: mysql, variable: wandb_mysql_port, holders: [
        {pid: 712, program: mysqld, unit: mysql.service, uid: 104, addresses: ["0.0.0.0"]}]}]
    names:
      description: For each of O(names) its addresses (none where it does not resolve), the name of each address, and the addresses of those names.
      type: dict
      sample: {db-2.example.com: {addresses: ["192.0.2.2"], back: {"192.0.2.2": db-2.example.com}, forth: {}}}
    links:
      description:
        - For each of O(links) its state - V(open), V(refused) (nothing listens), V(silent) (no answer in time), V(unreachable) or V(unresolved) (the name) -,
          the time that an open one took, and what the system said of another.
      type: list
      elements: dict
      sample: [{host: backup.example.com, port: 443, purpose: target of backups, variable: wandb_mysql_backup_targets, made: false, state: open,
        milliseconds: 2.3, error: ""}]
    installed:
      description:
        - For each of O(services) whether this collection was here, the units that there are with their state, the packages with their version, and the
          paths of its programs.
      type: dict
      sample: {mysql: {ours: false, units: {mariadb.service: active}, packages: {mariadb-server: "1:10.11"}, programs: [/usr/sbin/mariadbd]}}
    missing_packages:
      description: Names among O(packages) that cannot be imported.
      type: list
      elements: str
      sample: []
    missing_files:
      description: Paths of O(files) that are not there, keyed by their variable.
      type: dict
      sample: {}
    versions:
      description: What the programs among O(files) say of their version, keyed by their variable; empty where they say nothing.
      type: dict
      sample: {wandb_helm_binary: v3.19.0}
'''

import importlib.util
import os
import platform
import shutil
import sys
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.host import disks, installed, machine, network, ports, sources
from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe

# For any program that is asked.
SECONDS = 10


def is_there(path: str) -> bool:
    """Whether a file is there; a bare name is looked for on PATH."""
    return bool(path) and (os.path.isfile(path) if os.sep in path else shutil.which(path) is not None)


def first_line(text: str) -> str:
    """Of a program's output; empty for none."""
    return next(iter(text.strip().splitlines()), '')


def main() -> None:
    """Entry point."""
    text = {'type': 'str', 'required': True}
    number = {'type': 'int', 'required': True}
    module = AnsibleModule(
        argument_spec={
            'controller_time': {'type': 'float', 'required': True},
            'paths': {'type': 'list', 'elements': 'path', 'default': []},
            'measured_paths': {'type': 'list', 'elements': 'path', 'default': []},
            'packages': {'type': 'list', 'elements': 'str', 'default': []},
            'files': {
                'type': 'list',
                'elements': 'dict',
                'default': [],
                'options': {
                    'variable': text, 'path': {'type': 'path', 'required': True}, 'version_arguments': {'type': 'list', 'elements': 'str', 'default': []},
                },
            },
            'ports': {'type': 'list', 'elements': 'dict', 'default': [], 'options': {'port': number, 'service': text, 'variable': text}},
            'names': {'type': 'list', 'elements': 'str', 'default': []},
            'links': {
                'type': 'list',
                'elements': 'dict',
                'default': [],
                'options': {'host': text, 'port': number, 'purpose': text, 'variable': text, 'made': {'type': 'bool', 'default': False}},
            },
            'link_timeout': {'type': 'float', 'default': 3.0},
            'services': {'type': 'list', 'elements': 'str', 'choices': ['mysql', 'minio', 'redis', 'nginx', 'keepalived'], 'default': []},
        },
        supports_check_mode=True,
    )
    now = time.time()
    params = module.params
    module.run_command_environ_update = {'LC_ALL': 'C', 'LANGUAGE': 'C'}

    def run(argv: list[str]) -> tuple[int, str]:
        code, output, _errors = module.run_command(['timeout', str(SECONDS), *argv])
        return code, output

    probe = Probe(run)
    found = sources.look(probe)
    # Beside the links, so that all of them are waited for once.
    asked = [*params['links'], *found['endpoints']]
    links = network.links(probe, asked, params['link_timeout'])
    listening = ports.look(probe, [one['port'] for one in params['ports']])
    there = {one['variable']: one for one in params['files'] if is_there(one['path'])}
    module.exit_json(
        changed=False,
        seen={
            'architecture': platform.machine(),
            'kernel': platform.release(),
            'python': list(sys.version_info[:3]),
            'executable': sys.executable,
            'systemd': os.path.isdir('/run/systemd/system'),
            'root': os.geteuid() == 0,
            'cpus': len(os.sched_getaffinity(0)),
            'clock': now,
            'controller_before': params['controller_time'],
            **machine.look(probe),
            'package_sources': {**found, 'endpoints': links[len(params['links']):]},
            'disks': disks.look(probe, params['paths'], [] if module.check_mode else params['measured_paths']),
            'ports': [{**one, 'holders': listening[one['port']]} for one in params['ports']],
            'names': network.names(probe, params['names']),
            'links': links[:len(params['links'])],
            'installed': installed.look(probe, params['services']),
            'missing_packages': [name for name in params['packages'] if importlib.util.find_spec(name) is None],
            'missing_files': {one['variable']: one['path'] for one in params['files'] if one['variable'] not in there},
            'versions': {name: first_line(run([one['path'], *one['version_arguments']])[1]) for name, one in there.items() if one['version_arguments']},
        },
    )


if __name__ == '__main__':
    main()
