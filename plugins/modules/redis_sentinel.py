#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: redis_sentinel
short_description: Have a running Redis Sentinel watch a master
version_added: 0.1.0
description:
  - Sentinel writes its own file, so everything is told to the running one and read back from it; passwords are compared with that file.
  - Waits until enough of the other Sentinels are known for a failover.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.redis_login
options:
  name:
    description:
      - Name under which the master is watched.
    type: str
    required: true
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
  quorum:
    description:
      - How many Sentinels must find the master down.
    type: int
    required: true
  settings:
    description:
      - Parameters of the watched master, as V(SENTINEL SET) takes them.
    type: dict
    default: {}
  announce:
    description:
      - Name or address under which the other Sentinels, and clients, know this one.
    type: str
    required: true
  auth_user:
    description:
      - User at the watched servers and at the other Sentinels.
    type: str
    required: true
  auth_password:
    description:
      - Its password.
    type: str
    required: true
  state_file:
    description:
      - The file that Sentinel writes.
    type: path
    required: true
  acl_file:
    description:
      - Access list file of the Sentinel. When the running list is another one, the file is loaded.
    type: path
    required: true
  others:
    description:
      - How many other Sentinels there are. Waits up to O(timeout) until as many are known.
    type: int
    required: true
'''

EXAMPLES = r'''
- name: Watch the master
  wandb.onprem.redis_sentinel:
    socket: /run/sentinel/wandb.sock
    user: wandb-admin
    password_file: /etc/wandb/redis/admin.password
    name: wandb
    master_host: 10.0.0.31
    master_port: 6379
    quorum: 2
    settings: {down-after-milliseconds: 3000}
    announce: 10.0.0.32
    auth_user: wandb-sentinel
    auth_password: "{{ wandb_redis_sentinel_password }}"
    state_file: /etc/redis/wandb-sentinel-state.conf
    acl_file: /etc/redis/wandb-sentinel.acl
    others: 2
'''

RETURN = r'''
commands:
  description: What Sentinel was told, or would be, without secrets.
  returned: always
  type: list
  elements: str
  sample: ["SENTINEL SET wandb down-after-milliseconds 3000"]
acl_loaded:
  description: Whether the access list file was loaded.
  returned: always
  type: bool
  sample: false
others:
  description: How many other Sentinels it knows.
  returned: always
  type: int
  sample: 2
'''

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.redis import Client, RedisError, users_with_other_rules
from ansible_collections.wandb.onprem.plugins.module_utils.redis_login import LOGIN_OPTIONS, Silent, log_in
from ansible_collections.wandb.onprem.plugins.module_utils.redis_replication import Watch, pairs, shown, steps, watched, written


def missing(client: Client, watch: Watch, state_file: str) -> list[tuple[str, ...]]:
    """Commands that are still needed."""
    with open(state_file, encoding='utf-8') as stream:
        in_file = written(stream, watch.name)
    return steps(watch, watched(client, watch.name), in_file, pairs(client.call('SENTINEL', 'CONFIG', 'GET', '*')))


def known_others(client: Client, name: str, wanted: int, seconds: float) -> int:
    """How many other Sentinels this one knows, as soon as they are enough or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        known = int(watched(client, name).get('num-other-sentinels', 0))
        if known >= wanted or time.monotonic() > deadline:
            return known
        time.sleep(0.5)


def main() -> None:
    """Entry point."""
    options: dict[str, dict[str, t.Any]] = {
        **LOGIN_OPTIONS,
        'name': {'type': 'str', 'required': True},
        'master_host': {'type': 'str', 'required': True},
        'master_port': {'type': 'int', 'required': True},
        'quorum': {'type': 'int', 'required': True},
        'settings': {'type': 'dict', 'default': {}},
        'announce': {'type': 'str', 'required': True},
        'auth_user': {'type': 'str', 'required': True},
        'auth_password': {'type': 'str', 'required': True, 'no_log': True},
        'state_file': {'type': 'path', 'required': True},
        'acl_file': {'type': 'path', 'required': True},
        'others': {'type': 'int', 'required': True},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    given = module.params
    watch = Watch(
        given['name'], given['master_host'], given['master_port'],
        settings={'quorum': str(given['quorum']), **{key: str(value) for key, value in given['settings'].items()}},
        secret_settings={'auth-user': given['auth_user'], 'auth-pass': given['auth_password']},
        # Names must come before the first one is used.
        own={'resolve-hostnames': 'yes', 'announce-hostnames': 'yes', 'announce-ip': given['announce'], 'sentinel-user': given['auth_user']},
        secret_own={'sentinel-pass': given['auth_password']},
    )
    try:
        client = log_in(module)
        todo = missing(client, watch, given['state_file'])
        users = users_with_other_rules(client, given['acl_file'])
        if not module.check_mode:
            if users:
                client.call('ACL', 'LOAD')
            for step in todo:
                client.call(*step)
            left = [shown(step) for step in missing(client, watch, given['state_file'])]
            left += [f'rules of user {name}' for name in users_with_other_rules(client, given['acl_file'])]
            if left:
                module.fail_json(msg=f'Sentinel was told, and still does not do what is wanted: {"; ".join(left)}. See its log.')
        others = known_others(client, watch.name, given['others'], 0 if module.check_mode else given['timeout'])
    except (Silent, RedisError, OSError) as error:
        module.fail_json(msg=f'cannot have Sentinel watch {watch.host}:{watch.port}: {error}')
    if others < given['others'] and not module.check_mode:
        module.fail_json(
            msg=f'this Sentinel knows {others} of {given["others"]} others, too few for a failover in every case: '
            f'can they reach {watch.host}:{watch.port}, and each other under the names that they announce (wandb_redis_member_address)?'
        )
    if others > given['others']:
        module.warn(f'this Sentinel knows {others} others, and there are {given["others"]}: tell each to forget a removed one with SENTINEL RESET {watch.name}')
    commands = [shown(step) for step in todo]
    module.exit_json(
        changed=bool(commands or users),
        commands=commands,
        acl_loaded=bool(users),
        others=others,
        diff={'before': {}, 'after': {'commands': commands, 'users with other rules': users}},
    )


if __name__ == '__main__':
    main()
