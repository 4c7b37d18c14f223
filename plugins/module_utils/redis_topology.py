# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several Redis servers is the master, and which others must be told to follow it: decided from what servers and Sentinels say.

What one host says is the dictionary that the module ``redis_replication_info`` returns, or less where nothing answered:

- ``server``: ``answers``; where false, ``reason``. Else ``role`` (C(master) or C(slave)), ``master_host``, ``link`` (whether it is in step with
  its master), ``replicas`` (number), ``blank`` (no key in any database)
- ``sentinel``: ``answers``; where false, ``reason``. Else ``master_host`` (empty: it watches none) and ``busy`` (a failover is under way)

Uses of the module: none.
"""

from __future__ import annotations

import dataclasses
import typing as t

Said = t.Mapping[str, t.Any]


@dataclasses.dataclass
class Topology:
    """What :func:`decide` found."""

    master: str = ''
    problems: list[str] = dataclasses.field(default_factory=list)
    # Servers with data or replicas of their own that accept writes beside the master: nothing may be restarted or overwritten.
    split: list[str] = dataclasses.field(default_factory=list)
    # Servers that must be told to follow the master.
    follow: list[str] = dataclasses.field(default_factory=list)


def unsettled(said: t.Mapping[str, Said], address: str) -> str:
    """Why what one host says will soon be something else: its Sentinel is about to act. '' where it will not."""
    server, sentinel = said['server'], said['sentinel']
    if not (server['answers'] and _watched(sentinel)):
        return ''
    if sentinel.get('busy'):
        return 'a failover is under way'
    if server['role'] == 'master' and sentinel['master_host'] != address:
        return f'its server is a master, and its Sentinel knows {sentinel["master_host"]} as the master'
    if server['role'] == 'slave' and sentinel['master_host'] == address:
        return 'its server is a replica, and its Sentinel knows it as the master'
    return ''


class Site:
    """The members in the inventory's order, what each said, and the address under which the others know it."""

    def __init__(self, members: t.Mapping[str, t.Mapping[str, Said]], addresses: t.Mapping[str, str]) -> None:
        self.servers = {name: said['server'] for name, said in members.items()}
        self.sentinels = {name: said['sentinel'] for name, said in members.items()}
        self.names = {**{name: name for name in members}, **{address: name for name, address in addresses.items()}}
        self.addresses = addresses

    @property
    def quorum(self) -> int:
        """More than half."""
        return len(self.servers) // 2 + 1

    def follows(self, name: str) -> str:
        """Member that a server follows; '' for a master, a silent one, and one that follows a stranger."""
        server = self.servers[name]
        return self.names.get(server['master_host'], '') if server['answers'] and server['role'] == 'slave' else ''

    def masters(self) -> list[str]:
        """Servers that accept writes and have something to lose; packages start an empty one before it is configured."""
        return [name for name, server in self.servers.items() if server['answers'] and server['role'] == 'master'
                and not (server['blank'] and not server['replicas'])]


def decide(members: t.Mapping[str, t.Mapping[str, Said]], addresses: t.Mapping[str, str], discard: str = '') -> Topology:
    """The master and who must be told to follow it.

    ``members``: name -> {server, sentinel} in the inventory's order, ``addresses``: name -> address at which the others reach it,
    ``discard``: name of the server whose data may be thrown away.
    """
    site, found = Site(members, addresses), Topology()
    _strangers(site, found)
    found.master = _by_sentinels(site, found) if any(_watched(said) for said in site.sentinels.values()) else _by_servers(site, found, discard)
    if not found.master:
        return found
    others = [name for name in site.masters() if name not in (found.master, discard)]
    if others:
        found.split = [found.master, *others]
        found.problems.append(_told_split(site, found.split))
    if discard == found.master:
        found.problems.append(f'wandb_redis_discard names {discard}, which is the master: its data would be lost')
    found.follow = [
        name for name, server in site.servers.items()
        if name != found.master and name not in others and server['answers'] and site.follows(name) != found.master
    ]
    return found


def _watched(sentinel: Said) -> str:
    return str(sentinel['master_host']) if sentinel['answers'] else ''


def _told_split(site: Site, names: t.Sequence[str]) -> str:
    told = ', '.join(f'{name} with {site.servers[name]["replicas"]} replicas' for name in names)
    return (
        f'{" and ".join(names)} are masters at the same time ({told}). Stop the application, decide which one holds the truth, and name the other: '
        f'-e wandb_redis_discard={names[-1]} throws away what {names[-1]} holds and has it follow'
    )


def _strangers(site: Site, found: Topology) -> None:
    for name, server in site.servers.items():
        if server['answers'] and server['role'] == 'slave' and not site.follows(name):
            found.problems.append(
                f'{name} follows {server["master_host"]}, which is none of {", ".join(site.servers)}: '
                'correct wandb_redis_member_address, or take it from there yourself (REPLICAOF NO ONE)'
            )


def _by_sentinels(site: Site, found: Topology) -> str:
    busy = [name for name, said in site.sentinels.items() if said['answers'] and said.get('busy')]
    if busy:
        found.problems.append(f'a failover is under way (says the Sentinel on {busy[0]}): run this again when it is over')
        return ''
    votes: dict[str, list[str]] = {}
    for name, said in site.sentinels.items():
        if _watched(said):
            votes.setdefault(site.names.get(_watched(said), _watched(said)), []).append(name)
    host, voters = max(votes.items(), key=lambda vote: len(vote[1]))
    told = '; '.join(f'{host} says the Sentinel on {" and ".join(names)}' for host, names in votes.items())
    if len(voters) < site.quorum:
        # A minority may be what is left of before a failover.
        masters = site.masters()
        followed = [name for name in masters if all(other == name or site.follows(other) == name for other in site.servers)]
        if len(followed) == 1:
            return followed[0]
        found.problems.append(
            f'fewer than {site.quorum} of {len(site.sentinels)} Sentinels agree who is the master ({told}), and the servers do not all follow one: '
            'start the hosts that are down, then run this again'
        )
        return ''
    master = host
    if master not in site.servers:
        found.problems.append(f'the Sentinels watch {host}, which is none of {", ".join(site.servers)}: correct wandb_redis_member_address')
        return ''
    server = site.servers[master]
    if not server['answers']:
        found.problems.append(f'the Sentinels name {master} as master, and its server does not answer ({server["reason"]}): start it, or wait for the failover')
        return ''
    if server['role'] != 'master':
        found.problems.append(f'the Sentinels name {master} as master, and its server is a replica: run this again when they have mended it')
        return ''
    return master


def _by_servers(site: Site, found: Topology, discard: str) -> str:
    silent = [f'{name} ({server["reason"]})' for name, server in site.servers.items() if not server['answers']]
    if silent:
        found.problems.append(f'Redis does not answer on {", ".join(silent)}: start it, then run this again')
        return ''
    masters = [name for name in site.masters() if name != discard]
    if len(masters) > 1:
        # Without Sentinels nobody has decided yet; the first of them is named so that the others are told beside it.
        return masters[0]
    if masters:
        return masters[0]
    followed = {site.follows(name) for name in site.servers} - {''}
    if len(followed) == 1 and site.servers[min(followed)]['role'] == 'master':
        return followed.pop()
    if followed:
        found.problems.append(f'no server with data is a master, and the replicas follow {" and ".join(sorted(followed))}: decide with REPLICAOF yourself')
        return ''
    return next(name for name in site.servers if name != discard)
