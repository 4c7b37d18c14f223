# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login to the Redis server, or Sentinel, of the module's own host, over its socket.

Uses of the module: ``params`` (``socket``, ``user``, ``password_file``, ``timeout``) and ``fail_json``.
"""

from __future__ import annotations

import socket
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.redis import Client, RedisError

LOGIN_OPTIONS: dict[str, dict[str, t.Any]] = {
    'socket': {'type': 'path', 'required': True},
    'user': {'type': 'str', 'required': True},
    'password_file': {'type': 'path', 'required': True, 'no_log': False},
    'timeout': {'type': 'int', 'default': 60},
}
# The server is loading its data; any other refusal does not get better by waiting.
NOT_YET = ('LOADING', 'BUSY')


class Silent(Exception):
    """Nothing answered in time."""


def log_in(module: AnsibleModule, path: str | None = None) -> Client:
    """Log in over the socket, waiting for a server that is still starting or loading its data; raises Silent when the time is over."""
    path = path or module.params['socket']
    try:
        with open(module.params['password_file'], encoding='utf-8') as stream:
            password = stream.read().strip()
    except FileNotFoundError as error:
        raise Silent(f'the role has not been there yet: {error}') from error
    deadline = time.monotonic() + module.params['timeout']
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(30)
        try:
            connection.connect(path)
            client = Client(connection)
            client.call('AUTH', module.params['user'], password)
            client.call('PING')
        except (OSError, RedisError) as error:
            told = f"cannot log in to Redis by {path} as {module.params['user']}: {error}"
            if isinstance(error, RedisError) and not str(error).startswith(NOT_YET):
                module.fail_json(msg=told)
            if time.monotonic() > deadline:
                raise Silent(told) from error
            time.sleep(0.5)
        else:
            return client
