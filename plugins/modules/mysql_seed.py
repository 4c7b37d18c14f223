#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: mysql_seed
short_description: Copy a MySQL primary's data to its replica
version_added: 0.1.0
description:
  - Throws away what the server holds and copies everything from the donor over verified TLS, so that replication can go on from there.
  - With the clone plugin on both servers by a clone, else by C(mysqldump), loaded while it is made.
  - It always copies; whether that is to be done is decided by P(wandb.onprem.mysql_topology#filter).
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.mysql_login
attributes:
  check_mode:
    support: full
    description: Runs in check mode and writes nothing.
  diff_mode:
    support: none
    description: Returns no difference.
  idempotent:
    support: none
    description: It copies each time that it is called.
options:
  donor:
    description:
      - The primary.
    type: dict
    required: true
    suboptions:
      host:
        description: Name or address; its certificate must be valid for it.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 3306
      user:
        description: User who may read everything (and has BACKUP_ADMIN, for a clone).
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      ca:
        description: CA file on this host that the donor is verified with.
        type: path
        required: true
  config_file_after:
    description:
      - Option file with root's login on the donor, which is root's login here after a clone. It takes the place of O(config_file) then.
    type: path
  programs:
    description:
      - Folders to look for C(mysqldump) and C(mysql) in, before C(PATH).
    type: list
    elements: path
    default: []
'''

EXAMPLES = r'''
- name: Copy the primary
  wandb.onprem.mysql_seed:
    login_unix_socket: /run/mysqld/mysqld.sock
    config_file: /etc/wandb/mysql/root.cnf
    donor:
      host: 10.0.0.1
      user: wandb_backup
      password: "{{ wandb_mysql_backup_password }}"
      ca: /etc/mysql/wandb-ca.pem
'''

RETURN = r'''
method:
  description: How it was copied, V(clone) or V(dump).
  returned: always
  type: str
  sample: clone
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 12.5
executed:
  description: Set of the transactions that the copy holds.
  returned: always
  type: str
  sample: "11111111-2222-3333-4444-555555555555:1-10"
'''

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_login import LOGIN_OPTIONS, Silent, by_socket, by_tls, driver_error, need_driver
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_replication import Replication, ReplicationError, Source
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_seed import clone, cloned, find_programs, load

# The server went away to restart (2006, 2013), or nothing would start it again (3707).
RESTARTS = (2006, 2013, 3707)


def by_clone(module: AnsibleModule, server: Replication, donor: Source) -> Replication:
    """Clone, wait for the server's restart, and return a login to it."""
    pid_file = server.rows('SELECT @@global.pid_file AS path')[0]['path']
    before = os.stat(pid_file).st_mtime_ns
    try:
        clone(server, donor)
    except driver_error() as error:
        if not error.args or error.args[0] not in RESTARTS:
            raise
        if error.args[0] == 3707:
            module.run_command(['systemctl', 'start', 'mysql.service'], check_rc=True)
    deadline = time.monotonic() + module.params['timeout']
    while (os.stat(pid_file).st_mtime_ns if os.path.exists(pid_file) else before) == before:
        if time.monotonic() > deadline:
            raise ReplicationError('the server did not restart after the clone; its log tells why')
        time.sleep(0.5)
    after = module.params['config_file_after']
    if after:
        os.replace(after, module.params['config_file'])
    found = Replication(by_socket(module, None), driver_error())
    problem = cloned(found)
    if problem:
        raise ReplicationError(f'the clone is not whole: {problem}')
    return found


def main() -> None:
    """Entry point."""
    donor_options = {
        'host': {'type': 'str', 'required': True},
        'port': {'type': 'int', 'default': 3306},
        'user': {'type': 'str', 'required': True},
        'password': {'type': 'str', 'required': True, 'no_log': True},
        'ca': {'type': 'path', 'required': True},
    }
    module = AnsibleModule(
        argument_spec={
            **LOGIN_OPTIONS,
            'donor': {'type': 'dict', 'required': True, 'options': donor_options},
            'config_file_after': {'type': 'path'},
            'programs': {'type': 'list', 'elements': 'path', 'default': []},
        },
        supports_check_mode=True,
    )
    need_driver(module)
    donor = Source(**module.params['donor'])
    begun = time.monotonic()
    try:
        server = Replication(by_socket(module, None), driver_error())
        login: t.Any = by_tls(donor.host, donor.port, donor.user, donor.password, donor.ca)
        donors = Replication(login, driver_error())
        active = [set(one.state()['plugins']) for one in (server, donors)]
        method = 'clone' if all('clone' in plugins for plugins in active) else 'dump'
        programs = find_programs(module.params['programs']) if method == 'dump' else ('', '')
        if module.check_mode:
            module.exit_json(changed=True, method=method, seconds=0.0, executed=donors.executed())
        if method == 'clone':
            server = by_clone(module, server, donor)
        else:
            load(server, donor, donors, programs, module.params['config_file'])
        module.exit_json(changed=True, method=method, seconds=round(time.monotonic() - begun, 1), executed=server.executed())
    except (ReplicationError, Silent) as error:
        module.fail_json(msg=str(error))
    except (driver_error(), OSError) as error:
        module.fail_json(msg=f'the copy from {donor.host} failed: {error}')


if __name__ == '__main__':
    main()
