#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: redis_probe
short_description: Look whether a Redis can serve W&B
version_added: 0.1.0
description:
  - Connects as W&B's clients do, with the certificate's chain and name checked, logs in as the user C(default), and asks for version, role and latency.
  - Fails when the server is older than version 6 or a replica; warns when it is older than 7, evicts keys, or is slow.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  host:
    description:
      - Name or address of the server, or of a Sentinel with O(sentinel_master).
    type: str
    required: true
  port:
    description:
      - Its port.
    type: int
    default: 6379
  tls:
    description:
      - Whether the port speaks TLS.
    type: bool
    default: true
  ca:
    description:
      - Trusted certificates as PEM text. Without them the host's own are used.
    type: str
    default: ""
  password:
    description:
      - Password of the user C(default); empty for none.
    type: str
    default: ""
  sentinel_master:
    description:
      - Name of the master; the Sentinel is asked for it without a password, as W&B does.
    type: str
    default: ""
  timeout:
    description:
      - Seconds for a connection, its TLS handshake included.
    type: float
    default: 10.0
'''

EXAMPLES = r'''
- name: Look at the Redis of our own
  wandb.onprem.redis_probe:
    host: redis.example.com
    ca: "{{ lookup('ansible.builtin.file', 'ca.crt') }}"
    password: "{{ wandb_redis_password }}"
'''

RETURN = r'''
seen:
  description: What the server says of itself.
  returned: success
  type: dict
  contains:
    host:
      description: The server that was asked; with O(sentinel_master), the master.
      type: str
      sample: redis.example.com
    port:
      description: Its port.
      type: int
      sample: 6379
    version:
      description: Its version.
      type: str
      sample: 8.0.2
    role:
      description: V(master) or V(slave).
      type: str
      sample: master
    policy:
      description: What it does when its memory is full.
      type: str
      sample: noeviction
    latency:
      description: Milliseconds from a question to its answer, the median of 20.
      type: float
      sample: 0.21
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError
from ansible_collections.wandb.onprem.plugins.module_utils.redis_probe import judge, look


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'host': {'type': 'str', 'required': True},
            'port': {'type': 'int', 'default': 6379},
            'tls': {'type': 'bool', 'default': True},
            'ca': {'type': 'str', 'default': ''},
            'password': {'type': 'str', 'default': '', 'no_log': True},
            'sentinel_master': {'type': 'str', 'default': ''},
            'timeout': {'type': 'float', 'default': 10.0},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        seen = look(
            given['host'], given['port'], tls=given['tls'], ca=given['ca'], password=given['password'],
            master_name=given['sentinel_master'], timeout=given['timeout'],
        )
    except ProbeError as error:
        module.fail_json(msg=str(error))
    problems, warnings = judge(seen)
    for text in warnings:
        module.warn(text)
    if problems:
        module.fail_json(msg='; '.join(problems), seen=seen)
    module.exit_json(changed=False, seen=seen)


if __name__ == '__main__':
    main()
