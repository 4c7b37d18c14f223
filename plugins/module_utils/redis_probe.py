# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Redis can serve W&B, looked at as its clients do: TLS with chain and name checked, login, version, role, latency.

Uses of the module: none; :func:`look` opens connections by ``opener``, so that tests need no network.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import statistics
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.probes import Deadline, ProbeError, Request, connect, secure, tls_error
from ansible_collections.wandb.onprem.plugins.module_utils.redis import Client, RedisError, information

OLDEST, NAMED = 6, 7
PINGS = 20
# Every request of the application asks Redis several times.
SLOW_MILLISECONDS = 10.0


def open_link(request: Request) -> socket.socket:
    """A connection, verified where it is TLS; raises ProbeError."""
    deadline = Deadline(request.timeout)
    try:
        return secure(request, connect(request, deadline), deadline)
    except socket.timeout as error:
        mend = 'look for a firewall that drops packets; does the port speak TLS (tls of the endpoint)?'
        raise ProbeError('timeout', f'{request.place} did not answer within {request.timeout:g} s', mend) from error
    except ssl.SSLError as error:
        raise tls_error(request, error) from error
    except OSError as error:
        raise ProbeError('tls', f'{request.place} closed the connection ({error})', 'does this port speak TLS (tls of the endpoint)?') from error


def look(
    host: str, port: int, *, tls: bool, ca: str, password: str, master_name: str = '', timeout: float = 10.0,
    opener: t.Callable[[Request], socket.socket] = open_link,
) -> dict[str, t.Any]:
    """What the server says; with ``master_name``, of the master that the Sentinel there names. Raises ProbeError."""

    def request() -> Request:
        return Request(url=f'{"https" if tls else "http"}://{f"[{host}]" if ":" in host else host}:{port}', timeout=timeout, ca_content=ca or None)

    if master_name:
        host, port = _master(opener, request(), master_name)
    with contextlib.closing(opener(request())) as link, _told(f'{host}:{port}'):
        client = Client(link)
        if password:
            client.call('AUTH', password)
        server, memory = information(client, 'server'), information(client, 'memory')
        role = information(client, 'replication').get('role', '')
        return {
            'host': host, 'port': port, 'version': server.get('redis_version', ''), 'role': role,
            'policy': memory.get('maxmemory_policy', ''), 'latency': round(_latency(client), 2),
        }


@contextlib.contextmanager
def _told(place: str) -> t.Iterator[None]:
    try:
        yield
    except RedisError as error:
        text = str(error)
        mend = 'look at the rules of the user default: W&B is that user, and asks INFO'
        if text.startswith(('WRONGPASS', 'NOAUTH', 'ERR invalid password')):
            mend = 'correct wandb_redis_password: W&B logs in as the user default'
        elif 'without any password' in text:
            mend = 'give the server a password, or leave wandb_redis_password empty'
        raise ProbeError('login', f'Redis at {place} refuses ({text})', mend) from error
    except OSError as error:
        mend = 'is this the port of a Redis, and does it speak TLS (tls of the endpoint)?'
        raise ProbeError('protocol', f'{place} gave no answer of Redis ({error})', mend) from error
    except (ValueError, UnicodeDecodeError) as error:
        raise ProbeError('protocol', f'{place} does not speak as Redis does ({error})', 'is this the port of a Redis?') from error


def _master(opener: t.Callable[[Request], socket.socket], request: Request, name: str) -> tuple[str, int]:
    with contextlib.closing(opener(request)) as link, _told(f'{request.host}:{request.port}'):
        address = Client(link).call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
    if not address:
        what = f'the Sentinel at {request.host}:{request.port} watches no master called {name}'
        raise ProbeError('sentinel', what, 'correct sentinel_master of the endpoint')
    return address[0], int(address[1])


def _latency(client: Client) -> float:
    """Milliseconds of a question and its answer, the median."""
    times: list[float] = []
    while len(times) < PINGS:
        begun = time.monotonic()
        client.call('PING')
        times.append(time.monotonic() - begun)
    return statistics.median(times) * 1000


def judge(found: t.Mapping[str, t.Any]) -> tuple[list[str], list[str]]:
    """(problems, warnings) of what :func:`look` found."""
    problems, warnings = [], []
    major = int(found['version'].partition('.')[0] or 0)
    place = f'Redis at {found["host"]}:{found["port"]}'
    if major < OLDEST:
        problems.append(f'{place} is version {found["version"] or "unknown"}: W&B needs 6 and names 7')
    elif major < NAMED:
        warnings.append(f'{place} is version {found["version"]}: W&B names 7')
    if found['role'] != 'master':
        problems.append(f'{place} is a replica (role {found["role"] or "unknown"}) and takes no writes: give the address of the master')
    if found['policy'] not in ('noeviction', ''):
        warnings.append(f'{place} evicts keys when its memory is full ({found["policy"]}): locks and queues of W&B may be among them')
    if found['latency'] > SLOW_MILLISECONDS:
        warnings.append(f'{place} answers in {found["latency"]} ms (median of {PINGS}): more than {SLOW_MILLISECONDS:g} ms slows every page down')
    return problems, warnings
