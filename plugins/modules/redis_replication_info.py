#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: redis_replication_info
short_description: What a Redis server, and the Sentinel beside it, say of who is the master
version_added: 0.1.0
description:
  - Asks the running server for its part in replication, and the Sentinel of the same host whom it takes for the master.
  - What does not answer is told as such, and is no failure; a refused login is one.
  - The filter P(wandb.onprem.redis_topology#filter) decides from the answers of all hosts which one is the master.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
  - wandb.onprem.redis_login
options:
  sentinel_socket:
    description:
      - Unix socket of the Sentinel; where nothing listens on it, there is no Sentinel.
    type: path
    required: true
  master_name:
    description:
      - Name under which the Sentinels watch the master.
    type: str
    required: true
  address:
    description:
      - Address under which the other hosts know this one.
    type: str
    required: true
  settle:
    description:
      - Seconds to wait for a Sentinel that is about to act, for instance because this host was the master before it was lost.
    type: int
    default: 0
'''

EXAMPLES = r'''
- name: Ask who is the master
  wandb.onprem.redis_replication_info:
    socket: /run/redis/wandb.sock
    sentinel_socket: /run/sentinel/wandb.sock
    user: wandb-admin
    password_file: /etc/wandb/redis/admin.password
    master_name: wandb
    address: 10.0.0.31
  register: wandb_example_replication
'''

RETURN = r'''
server:
  description: What the server says of itself; where RV(server.answers=false) only RV(server.reason) is there besides.
  returned: always
  type: dict
  contains:
    answers:
      description: Whether the server accepts logins.
      type: bool
      sample: true
    reason:
      description: Why it does not.
      type: str
      sample: "cannot log in to Redis by /run/redis/wandb.sock"
    role:
      description: V(master) or V(slave).
      type: str
      sample: master
    master_host:
      description: Whom it follows; empty for a master.
      type: str
      sample: ""
    link:
      description: Whether a replica is in step with its master.
      type: bool
      sample: true
    replicas:
      description: How many replicas are connected to it.
      type: int
      sample: 2
    blank:
      description: Whether it holds no key.
      type: bool
      sample: false
sentinel:
  description: What the Sentinel says; where RV(sentinel.answers=false) only RV(sentinel.reason) is there besides.
  returned: always
  type: dict
  contains:
    answers:
      description: Whether it accepts logins.
      type: bool
      sample: true
    reason:
      description: Why it does not.
      type: str
      sample: "cannot log in to Redis by /run/sentinel/wandb.sock"
    master_host:
      description: Whom it takes for the master; empty where it watches none of that name.
      type: str
      sample: 10.0.0.31
    busy:
      description: Whether a failover is under way.
      type: bool
      sample: false
'''

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.redis import RedisError
from ansible_collections.wandb.onprem.plugins.module_utils.redis_login import LOGIN_OPTIONS, Silent, log_in
from ansible_collections.wandb.onprem.plugins.module_utils.redis_replication import sentinel_state, server_state
from ansible_collections.wandb.onprem.plugins.module_utils.redis_topology import unsettled


def ask(module: AnsibleModule) -> dict[str, dict[str, t.Any]]:
    """Both answers."""
    said: dict[str, dict[str, t.Any]] = {}
    try:
        said['server'] = server_state(log_in(module))
    except (Silent, OSError) as error:
        said['server'] = {'answers': False, 'reason': str(error)}
    # The server has been waited for; a Sentinel that is there answers at once.
    module.params['timeout'] = 2
    try:
        said['sentinel'] = sentinel_state(log_in(module, module.params['sentinel_socket']), module.params['master_name'])
    except (Silent, OSError) as error:
        said['sentinel'] = {'answers': False, 'reason': str(error)}
    return said


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_OPTIONS,
            'sentinel_socket': {'type': 'path', 'required': True},
            'master_name': {'type': 'str', 'required': True},
            'address': {'type': 'str', 'required': True},
            'settle': {'type': 'int', 'default': 0},
        },
        supports_check_mode=True,
    )
    deadline = time.monotonic() + module.params['settle']
    try:
        said = ask(module)
        while unsettled(said, module.params['address']) and time.monotonic() < deadline:
            time.sleep(1)
            said = ask(module)
    except RedisError as error:
        module.fail_json(msg=f'the server refused to tell its state: {error}')
    module.exit_json(changed=False, **said)


if __name__ == '__main__':
    main()
