#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: mysql_replication
short_description: Hold a MySQL server to its part in a pair
version_added: 0.1.0
description:
  - A replica is read-only, replicates by GTID over verified TLS, and both of its threads run. Whatever of it drifted (source, user, password, TLS,
    position, stopped threads) is mended.
  - A primary accepts writes and replicates from nowhere.
  - The module does what it is told to one server. Who is to be what is decided by P(wandb.onprem.mysql_topology#filter); data are copied by
    M(wandb.onprem.mysql_seed).
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.mysql_login
options:
  state:
    description:
      - Part of the server.
    type: str
    choices: [primary, replica]
    required: true
  source:
    description:
      - Where a replica replicates from. Required with O(state=replica).
    type: dict
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
        description: User with REPLICATION SLAVE.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      ca:
        description: CA file on the replica that the source is verified with.
        type: path
        required: true
  drain:
    description:
      - With O(state=replica) on a server that accepts writes, ends the connections of clients, so that nobody is left who believes that it does.
      - Without it such a server is a failure, unless it holds no data.
    type: bool
    default: false
  wait:
    description:
      - Seconds to wait until a replica's threads run; V(0) does not wait.
    type: int
    default: 30
  wait_for_executed:
    description:
      - With O(state=primary), the set of transactions that must be applied before anything is changed.
    type: str
    default: ""
  apply_fetched:
    description:
      - With O(state=primary), everything that was fetched from the old primary must be applied before anything is changed.
    type: bool
    default: false
  expected:
    description:
      - With O(state=primary), transactions that are known to exist. When not all of them are here, nothing is changed and the module fails.
    type: str
    default: ""
  wait_timeout:
    description:
      - Seconds for O(wait_for_executed) and O(apply_fetched).
    type: int
    default: 30
  mark:
    description:
      - With O(state=primary) on a server that did not accept writes, makes an empty transaction, so that the old primary lacks one from that moment on.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Replicate from the primary
  wandb.onprem.mysql_replication:
    login_unix_socket: /run/mysqld/mysqld.sock
    config_file: /etc/wandb/mysql/root.cnf
    state: replica
    source:
      host: 10.0.0.1
      user: wandb_replication
      password: "{{ wandb_mysql_replication_password }}"
      ca: /etc/mysql/wandb-ca.pem

- name: Accept writes
  wandb.onprem.mysql_replication:
    login_unix_socket: /run/mysqld/mysqld.sock
    config_file: /etc/wandb/mysql/root.cnf
    state: primary
'''

RETURN = r'''
actions:
  description: What was done, or would be.
  returned: always
  type: list
  elements: str
  sample: ["replicate from 10.0.0.1 (SOURCE_HOST)"]
executed:
  description: Set of the transactions that the server holds at the end.
  returned: always
  type: str
  sample: "11111111-2222-3333-4444-555555555555:1-10"
ended:
  description: How many connections of clients were ended.
  returned: always
  type: int
  sample: 0
replica:
  description: Replication at the end, as M(wandb.onprem.mysql_replication_info) tells it.
  returned: always
  type: dict
  sample: {io_running: "Yes", sql_running: "Yes", lag: 0}
'''

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_login import LOGIN_OPTIONS, Silent, by_socket, driver_error, need_driver
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_replication import Replication, ReplicationError, Source, hold_primary, hold_replica


def main() -> None:
    """Entry point."""
    source = {
        'host': {'type': 'str', 'required': True},
        'port': {'type': 'int', 'default': 3306},
        'user': {'type': 'str', 'required': True},
        'password': {'type': 'str', 'required': True, 'no_log': True},
        'ca': {'type': 'path', 'required': True},
    }
    module = AnsibleModule(
        argument_spec={
            **LOGIN_OPTIONS,
            'state': {'type': 'str', 'choices': ['primary', 'replica'], 'required': True},
            'source': {'type': 'dict', 'options': source},
            'drain': {'type': 'bool', 'default': False},
            'wait': {'type': 'int', 'default': 30},
            'wait_for_executed': {'type': 'str', 'default': ''},
            'apply_fetched': {'type': 'bool', 'default': False},
            'expected': {'type': 'str', 'default': ''},
            'wait_timeout': {'type': 'int', 'default': 30},
            'mark': {'type': 'bool', 'default': False},
        },
        required_if=[('state', 'replica', ['source'])],
        supports_check_mode=True,
    )
    need_driver(module)
    options: dict[str, t.Any] = module.params
    try:
        server = Replication(by_socket(module, options['wait_timeout'] + options['wait'] + 60), driver_error())
        if options['state'] == 'replica':
            outcome = hold_replica(server, Source(**options['source']), options['drain'], options['wait'], module.check_mode)
        else:
            outcome = hold_primary(
                server, options['wait_for_executed'], options['apply_fetched'], options['wait_timeout'], options['mark'], module.check_mode, options['expected']
            )
        module.exit_json(changed=bool(outcome.actions), actions=outcome.actions, ended=outcome.ended, executed=server.executed(), replica=server.replica(),
                         diff={'before': outcome.before, 'after': outcome.after})
    except (ReplicationError, Silent) as error:
        module.fail_json(msg=str(error))
    except driver_error() as error:
        module.fail_json(msg=f'the server refused: {error}')


if __name__ == '__main__':
    main()
