#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: mysql_replication_info
short_description: What a MySQL server says of its part in replication
version_added: 0.1.0
description:
  - Asks the running server whether it accepts writes, which transactions it holds, and from where it replicates.
  - A server that does not answer is told as such, and is no failure; a refused login is one.
  - The filter P(wandb.onprem.mysql_topology#filter) decides from the answers of all servers which one is the primary.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
  - wandb.onprem.mysql_login
'''

EXAMPLES = r'''
- name: Ask the server for its part in replication
  wandb.onprem.mysql_replication_info:
    login_unix_socket: /run/mysqld/mysqld.sock
    config_file: /etc/wandb/mysql/root.cnf
    timeout: 5
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
      sample: "cannot log in to MySQL by /run/mysqld/mysqld.sock"
    uuid:
      description: Its UUID.
      type: str
      sample: 11111111-2222-3333-4444-555555555555
    server_id:
      description: Its id in replication.
      type: int
      sample: 7
    version:
      description: Its version.
      type: str
      sample: 8.0.31
    read_only:
      description: Whether clients cannot write.
      type: bool
      sample: false
    super_read_only:
      description: Whether even administrators cannot write.
      type: bool
      sample: false
    executed:
      description: Set of the transactions that it holds.
      type: str
      sample: "11111111-2222-3333-4444-555555555555:1-10"
    purged:
      description: Those of them that are no longer in its binary logs.
      type: str
      sample: ""
    blank:
      description: Whether it has no database of a user.
      type: bool
      sample: false
    young:
      description: Whether no database of a user has a table.
      type: bool
      sample: false
    plugins:
      description: Active ones of C(clone), C(rpl_semi_sync_source), C(rpl_semi_sync_replica).
      type: list
      elements: str
      sample: [clone]
    semi_sync:
      description: Whether it waits for a replica before it acknowledges a write.
      type: bool
      sample: true
    replica:
      description: Its replication, C(null) where it is no replica.
      type: dict
      sample: {io_running: "Yes", sql_running: "Yes", lag: 0, source_host: 10.0.0.1, source_uuid: "", io_error: "", sql_error: "", retrieved: ""}
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_login import LOGIN_OPTIONS, Silent, by_socket, driver_error, need_driver, silent
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_replication import Replication


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=LOGIN_OPTIONS, supports_check_mode=True)
    need_driver(module)
    try:
        server = Replication(by_socket(module), driver_error()).state()
    except (Silent, driver_error()) as error:
        if not silent(error):
            module.fail_json(msg=f'the server refused to tell its state: {error}')
        server = {'answers': False, 'reason': str(error)}
    module.exit_json(changed=False, server=server)


if __name__ == '__main__':
    main()
