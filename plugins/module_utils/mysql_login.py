# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins to MySQL: root's over the socket, and others over TLS with the server's chain and name checked.

Uses of the module: ``params`` (``login_unix_socket``, ``config_file``, ``timeout``) and ``fail_json``.
"""

from __future__ import annotations

import ssl
import time
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import pymysql
except ImportError:
    PYMYSQL_ERROR: str | None = traceback.format_exc()
else:
    PYMYSQL_ERROR = None

# The server is not listening yet; anything else (a refused login) does not get better by waiting.
NOT_YET = (2002, 2003, 2013)
# Seconds; an answer of a loaded server takes a few.
PATIENCE = 10
LOGIN_OPTIONS: dict[str, dict[str, t.Any]] = {
    'login_unix_socket': {'type': 'path', 'required': True},
    'config_file': {'type': 'path', 'required': True},
    'timeout': {'type': 'int', 'default': 60},
}


class Silent(Exception):
    """The server did not answer in time."""


def need_driver(module: AnsibleModule) -> None:
    """Fail where PyMySQL is missing."""
    if PYMYSQL_ERROR:
        module.fail_json(msg=missing_required_lib('PyMySQL'), exception=PYMYSQL_ERROR)


def driver_error() -> type[Exception]:
    """What the driver raises when the server refuses a statement; args = (number, text)."""
    error: type[Exception] = pymysql.err.MySQLError
    return error


def silent(error: Exception) -> bool:
    """Whether an error, the driver's or Silent, says that the server does not answer."""
    return isinstance(error, Silent) or (bool(error.args) and error.args[0] in NOT_YET)


def by_socket(module: AnsibleModule, longest: float | None = PATIENCE, **options: t.Any) -> t.Any:
    """Log in over the socket, waiting for a server that is still starting; raises Silent when the time is over.

    ``longest``: seconds that a statement may take; None = any time, and only the login has its own.
    """
    deadline = time.monotonic() + module.params['timeout']
    path, file = module.params['login_unix_socket'], module.params['config_file']
    while True:
        try:
            # The kernel takes the connection of a server that hangs, too: it is the first answer that does not come.
            login = {'unix_socket': path, 'read_default_file': file, 'connect_timeout': PATIENCE, 'autocommit': True, **options}
            if longest is None:
                pymysql.connect(read_timeout=PATIENCE, **login).close()
            return pymysql.connect(read_timeout=longest, **login)
        except (pymysql.err.MySQLError, OSError) as error:
            code = error.args[0] if error.args else 0
            if code not in NOT_YET:
                module.fail_json(msg=f'cannot log in to MySQL by {path} with {file}: {error}')
            if time.monotonic() > deadline:
                raise Silent(f'cannot log in to MySQL by {path} with {file}: {error}') from error
            time.sleep(0.5)


def by_tls(host: str, port: int, user: str, password: str, ca: str, timeout: int = 10) -> t.Any:
    """Log in to another host's server; the driver's errors are raised."""
    context = ssl.create_default_context(cafile=ca)
    return pymysql.connect(host=host, port=port, user=user, password=password, ssl=context, connect_timeout=timeout, read_timeout=timeout, autocommit=True)
