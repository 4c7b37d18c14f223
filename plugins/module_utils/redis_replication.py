# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Redis server and a Sentinel say of replication, and what is told to them.

Uses of the module: none; clients are passed in.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.redis import Client, RedisError, information


def server_state(client: Client) -> dict[str, t.Any]:
    """A server's part in replication (see the module ``redis_replication_info``)."""
    said = information(client, 'replication')
    return {
        'answers': True,
        'role': said['role'],
        'master_host': said.get('master_host', ''),
        'link': said.get('master_link_status') == 'up',
        'replicas': int(said.get('connected_slaves', 0)),
        'blank': not information(client, 'keyspace'),
    }


def pairs(flat: t.Sequence[str]) -> dict[str, str]:
    """Sentinel's way to answer a dictionary."""
    return dict(zip(flat[::2], flat[1::2]))


def watched(client: Client, name: str) -> dict[str, str]:
    """What a Sentinel knows of the master of that name; empty where it watches none."""
    try:
        return pairs(client.call('SENTINEL', 'MASTER', name))
    except RedisError as error:
        if 'No such master' in str(error):
            return {}
        raise


def sentinel_state(client: Client, name: str) -> dict[str, t.Any]:
    """Whom a Sentinel takes for the master (see the module ``redis_replication_info``)."""
    known = watched(client, name)
    # During a failover this is the one that is being promoted; SENTINEL MASTER tells the former.
    address = client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
    return {
        'answers': True,
        'master_host': address[0] if address else '',
        'busy': 'failover_in_progress' in known.get('flags', '').split(','),
    }


@dataclasses.dataclass(frozen=True)
class Watch:
    """What a Sentinel shall do: watch ``host``:``port`` as ``name``."""

    name: str
    host: str
    port: int
    # Parameters of SENTINEL SET that SENTINEL MASTER shows.
    settings: t.Mapping[str, str]
    # Parameters of SENTINEL SET that only Sentinel's own file shows: auth-user, auth-pass.
    secret_settings: t.Mapping[str, str]
    # Parameters of SENTINEL CONFIG.
    own: t.Mapping[str, str]
    secret_own: t.Mapping[str, str]


def written(lines: t.Iterable[str], name: str) -> dict[str, str]:
    """Parameters of a master that a Sentinel wrote to its file (``sentinel auth-pass NAME VALUE``)."""
    words = (line.split() for line in lines)
    return {row[1]: row[3] for row in words if len(row) == 4 and row[0] == 'sentinel' and row[2] == name}


def steps(watch: Watch, known: t.Mapping[str, str], in_file: t.Mapping[str, str], own: t.Mapping[str, str]) -> list[tuple[str, ...]]:
    """Commands that make a Sentinel do what is wanted; none where it does.

    ``known``: :func:`watched`, ``in_file``: :func:`written`, ``own``: its ``SENTINEL CONFIG``.
    """
    everything = {**watch.own, **watch.secret_own}
    found: list[tuple[str, ...]] = [('SENTINEL', 'CONFIG', 'SET', key, value) for key, value in everything.items() if own.get(key) != value]
    there = (known.get('ip'), known.get('port')) == (watch.host, str(watch.port))
    if known and not there:
        found.append(('SENTINEL', 'REMOVE', watch.name))
    if not there:
        found.append(('SENTINEL', 'MONITOR', watch.name, watch.host, str(watch.port), watch.settings['quorum']))
        known, in_file = {}, {}
    wanted = [(key, value) for key, value in watch.settings.items() if known.get(key) != value]
    wanted += [(key, value) for key, value in watch.secret_settings.items() if in_file.get(key) != value]
    return found + [('SENTINEL', 'SET', watch.name, key, value) for key, value in wanted]


def shown(step: t.Sequence[str]) -> str:
    """A command without a secret in it."""
    return ' '.join(step[:-1]) + ' (not shown)' if step[-2] in ('auth-pass', 'sentinel-pass') else ' '.join(step)
