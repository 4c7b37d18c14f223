# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two MySQL servers is the primary, and what the other one needs: decided from what the servers say of themselves.

A server's state is the dictionary that :func:`mysql_replication.read_state` makes:

- ``answers``: bool; where it is false, only ``reason`` is there besides
- ``uuid``, ``read_only`` (nothing but replication writes), ``executed`` and ``purged`` (sets of transactions)
- ``blank``: no database of a user; ``young``: no table in any of them
- ``replica``: None, or ``{source_host, source_uuid, retrieved, io_running, sql_running, io_error, sql_error, lag}``

Uses of the module: none. The role also copies this file to database hosts, where the agent decides with it after a start.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils import mysql_gtid as gtid

State = t.Mapping[str, t.Any]
# All writes stand still while a replica that is further behind catches up.
LAG_SECONDS = 10


@dataclasses.dataclass
class Topology:
    """What :func:`decide` found."""

    primary: str = ''
    problems: list[str] = dataclasses.field(default_factory=list)
    # Host -> what it needs: 'none', 'replay' (replication from the first transaction on), 'seed', or 'confirm' (a seed that would destroy data).
    needs: dict[str, str] = dataclasses.field(default_factory=dict)
    # Host -> why it needs it, in words.
    reasons: dict[str, str] = dataclasses.field(default_factory=dict)
    # Host -> transactions that the primary lacks.
    errant: dict[str, str] = dataclasses.field(default_factory=dict)


def follows(state: State, name: str, servers: t.Mapping[str, State], addresses: t.Mapping[str, str]) -> bool:
    """Whether a server is configured to replicate from ``name``."""
    replica = state.get('replica')
    if not replica:
        return False
    known = {server.get('uuid'): host for host, server in servers.items() if server.get('uuid')}
    if replica['source_uuid'] in known:
        return known[replica['source_uuid']] == name
    return replica['source_host'] in (name, addresses.get(name))


def find_primary(servers: t.Mapping[str, State], addresses: t.Mapping[str, str]) -> tuple[str, str]:
    """(name of the primary, '') or ('', why it cannot be told). ``servers`` in the inventory's order."""
    silent = [f'{name} ({state.get("reason", "")})' for name, state in servers.items() if not state['answers']]
    if silent:
        return '', f'MySQL does not answer on {", ".join(silent)}: start it, or, when the primary is lost, run wandb.onprem.promote_mysql'
    # A server without data is nobody's primary, whatever it lets be written: packages start one before it is configured.
    writable = [name for name, state in servers.items() if not state['read_only'] and not state['blank']]
    if len(writable) > 1:
        sets = '; '.join(f'{name} executed {servers[name]["executed"]}' for name in writable)
        return '', (
            f'{" and ".join(writable)} are both writable. Stop the application, decide which one holds the truth, make the other one read-only '
            f'(SET GLOBAL super_read_only = ON), then run this again: {sets}'
        )
    if writable:
        return writable[0], ''
    return _among_read_only(servers, addresses)


def _among_read_only(servers: t.Mapping[str, State], addresses: t.Mapping[str, str]) -> tuple[str, str]:
    followers = [name for name, state in servers.items() if state.get('replica')]
    followed = [name for name in servers if any(follows(servers[other], name, servers, addresses) for other in followers if other != name)]
    leading = [name for name in followed if name not in followers]
    decide_yourself = 'Decide with wandb.onprem.promote_mysql -e confirm=<host>'
    if len(leading) == 1:
        return leading[0], ''
    if followers:
        sources = ', '.join(f'{name} replicates from {servers[name]["replica"]["source_host"]}' for name in followers)
        return '', f'no server is writable and none is followed by the others: {sources}. {decide_yourself}'
    filled = [name for name, state in servers.items() if not state['blank']]
    if len(filled) < 2:
        return (filled or list(servers))[0], ''
    ahead = [
        name for name in filled
        if all(other == name or (gtid.subset(servers[other]['executed'], servers[name]['executed'])
                                 and not gtid.subset(servers[name]['executed'], servers[other]['executed'])) for other in filled)
    ]
    if len(ahead) == 1:
        return ahead[0], ''
    sets = '; '.join(f'{name} executed {servers[name]["executed"]}' for name in filled)
    return '', f'no server is writable, none replicates, and none is ahead of the others: {sets}. {decide_yourself}'


def need(name: str, primary: str, servers: t.Mapping[str, State], addresses: t.Mapping[str, str]) -> tuple[str, str, str]:
    """(what ``name`` needs to replicate from ``primary``, why, transactions that the primary lacks)."""
    own, source = servers[name], servers[primary]
    extra = gtid.subtract(own['executed'], source['executed'])
    if follows(own, primary, servers, addresses):
        # The two were not asked at the same instant: what the primary itself wrote meanwhile is not extra.
        extra = gtid.without(extra, source['uuid'])
    gap = gtid.subtract(source['purged'], own['executed'])
    if own['blank']:
        if source['young'] and not extra and not gap:
            return 'replay', 'both are new', ''
        return 'seed', f'{name} holds no data', ''
    if extra:
        return 'confirm', f'{name} holds {gtid.count(extra)} transactions that {primary} lacks: {extra}', extra
    if gap:
        return 'confirm', f'{primary} no longer has {gtid.count(gap)} transactions in its binary logs that {name} lacks: {gap}', ''
    return 'none', '', ''


def decide(servers: t.Mapping[str, State], addresses: t.Mapping[str, str], reseed: str = '') -> Topology:
    """The primary and what every other server needs.

    ``servers``: name -> state, in the inventory's order, ``addresses``: name -> address at which the others reach it, ``reseed``: name of
    the server whose data may be destroyed.
    """
    found = Topology()
    ids: dict[int, str] = {}
    for name, state in servers.items():
        if state['answers'] and ids.setdefault(state['server_id'], name) != name:
            other = ids[state['server_id']]
            found.problems.append(f'{other} and {name} have the same server id {state["server_id"]}. See wandb_mysql_server_id (0 derives one from the name)')
    uuids: dict[str, str] = {}
    for name, state in servers.items():
        if state['answers'] and uuids.setdefault(state['uuid'], name) != name:
            found.problems.append(f'{uuids[state["uuid"]]} and {name} have the same server UUID: remove auto.cnf from the copied data directory and restart')
    found.primary, problem = find_primary(servers, addresses)
    if problem:
        found.problems.append(problem)
    if not found.primary:
        return found
    if reseed == found.primary:
        found.problems.append(f'wandb_mysql_reseed names {reseed}, which is the primary: its data would be lost')
    for name in servers:
        if name == found.primary:
            continue
        what, reason, extra = need(name, found.primary, servers, addresses)
        if extra:
            found.errant[name] = extra
        if what == 'confirm' and reseed == name:
            what = 'seed'
        if what == 'confirm':
            found.problems.append(
                f'{reason}. To throw away what {name} holds and copy {found.primary} to it, say -e wandb_mysql_reseed={name}'
            )
        found.needs[name], found.reasons[name] = what, reason
    return found


def after_start(own: State, peer: State | None, own_name: str, peer_name: str, addresses: t.Mapping[str, str], alone: bool) -> tuple[str, str]:
    """What a read-only server does after its start: ('lift' | 'stay' | 'wait', why).

    ``peer`` None = it does not answer. ``alone``: someone said that the peer is gone. Two servers that ask this about each other never both
    get 'lift': a follower stays, and without followers only a strict superset lifts.
    """
    if not own['read_only']:
        return 'stay', 'this host is writable already'
    if own.get('replica'):
        return 'stay', 'this host is a replica'
    if peer is None or not peer['answers']:
        return ('lift', f'{peer_name} is said to be gone') if alone else ('wait', f'{peer_name} does not answer')
    if not peer['read_only']:
        return 'stay', f'{peer_name} is writable'
    held = gtid.union(peer['executed'], (peer.get('replica') or {}).get('retrieved', ''))
    if not gtid.subset(held, own['executed']):
        return 'wait', f'{peer_name} holds transactions that this host lacks: {gtid.subtract(held, own["executed"])}'
    if follows(peer, own_name, {own_name: own, peer_name: peer}, addresses):
        return 'lift', f'{peer_name} replicates from this host'
    if peer.get('replica'):
        return 'wait', f'{peer_name} replicates from {peer["replica"]["source_host"]}'
    if gtid.subset(own['executed'], held):
        return 'wait', f'{peer_name} is read-only and holds the same transactions'
    return 'lift', f'{peer_name} is read-only and behind this host'


def promotion(servers: t.Mapping[str, State], addresses: t.Mapping[str, str], target: str) -> tuple[str, list[str]]:
    """('none' | 'planned' | 'forced', problems): how ``target`` becomes primary. Planned wherever the other server answers: nothing is lost then."""
    former = next(name for name in servers if name != target)
    own, other = servers[target], servers[former]
    if not own['answers']:
        return 'none', [f'{target} cannot be promoted: its server does not answer ({own.get("reason", "")})']
    if not other['answers']:
        return ('forced' if own['read_only'] else 'none'), []
    if own['read_only'] is False and other['read_only'] is False:
        return 'none', [f'{target} and {former} are both writable. Stop the application, make the one whose writes count less read-only, then run this again']
    if not own['read_only']:
        return 'none', []
    replica = own.get('replica') or {}
    if not follows(own, former, servers, addresses):
        missing = gtid.subtract(other['executed'], own['executed'])
        if missing or not other['read_only']:
            return 'planned', [f'{target} does not replicate from {former} and lacks {gtid.count(missing)} of its transactions: run wandb.onprem.mysql first']
    elif replica['io_running'] != 'Yes' or replica['sql_running'] != 'Yes' or replica['lag'] is None or replica['lag'] > LAG_SECONDS:
        said = '; '.join(part for part in (replica['io_error'], replica['sql_error'], f'{replica["lag"]} s behind') if part)
        return 'planned', [f'{target} does not keep up with {former} ({said}): run wandb.onprem.mysql, wait until it has caught up, then run this again']
    extra = gtid.without(gtid.subtract(own['executed'], other['executed']), other['uuid'])
    if extra:
        return 'planned', [f'{target} holds {gtid.count(extra)} transactions that {former} lacks: {extra}. See -e wandb_mysql_reseed in the role\'s README']
    return 'planned', []
