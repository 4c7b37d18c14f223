#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: redis_replication
short_description: Have a Redis server follow a master
version_added: 0.1.0
description:
  - Tells the running server whom to follow, has it write that to its own file, and waits until it is in step.
  - What the server held before is thrown away by the server itself.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.redis_login
options:
  master_host:
    description:
      - Name or address of the master.
    type: str
    required: true
  master_port:
    description:
      - Its port.
    type: int
    required: true
  sync_timeout:
    description:
      - Seconds to wait until the server has copied the master's data.
    type: int
    default: 600
'''

EXAMPLES = r'''
- name: Follow the master
  wandb.onprem.redis_replication:
    socket: /run/redis/wandb.sock
    user: wandb-admin
    password_file: /etc/wandb/redis/admin.password
    master_host: 10.0.0.31
    master_port: 6379
'''

RETURN = r'''
server:
  description: What the server says of itself afterwards, as M(wandb.onprem.redis_replication_info) tells it.
  returned: always
  type: dict
  sample: {answers: true, role: slave, master_host: 10.0.0.31, link: true, replicas: 0, blank: false}
'''

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.redis import RedisError
from ansible_collections.wandb.onprem.plugins.module_utils.redis_login import LOGIN_OPTIONS, Silent, log_in
from ansible_collections.wandb.onprem.plugins.module_utils.redis_replication import server_state


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_OPTIONS,
            'master_host': {'type': 'str', 'required': True},
            'master_port': {'type': 'int', 'required': True},
            'sync_timeout': {'type': 'int', 'default': 600},
        },
        supports_check_mode=True,
    )
    host, port = module.params['master_host'], module.params['master_port']
    deadline = time.monotonic() + module.params['sync_timeout']
    try:
        client = log_in(module)
        before = server = server_state(client)
        changed = (before['role'], before['master_host']) != ('slave', host)
        if changed and not module.check_mode:
            client.call('REPLICAOF', host, str(port))
            client.call('CONFIG', 'REWRITE')
        while not module.check_mode and not server['link']:
            if time.monotonic() > deadline:
                module.fail_json(
                    msg=f'the server follows {host}:{port} and is not in step with it: look at its log for the reason '
                    '(certificate, password of wandb-replication, network)'
                )
            time.sleep(0.5)
            server = server_state(client)
    except (Silent, RedisError, OSError) as error:
        module.fail_json(msg=f'cannot have the server follow {host}:{port}: {error}')
    module.exit_json(
        changed=changed,
        server=server,
        diff={'before': {'follows': before['master_host']}, 'after': {'follows': host}},
    )


if __name__ == '__main__':
    main()
