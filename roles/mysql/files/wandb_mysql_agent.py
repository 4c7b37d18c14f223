# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on each host of a MySQL pair: wandb_mysql_agent.py CONFIG.

Three things, four times a second, and what the other server is asked for once a second (``interval`` and ``peer_interval`` in the file):

- After each start of the server (which is read-only then) it decides, once, whether the server may accept writes: when the other server
  replicates from it, or is read-only and behind it. As long as that cannot be told it asks again. A server that it left read-only stays so.
- It keeps /run/wandb-mysql/writable fresh while the server accepts writes; keepalived holds the address by that file.
- On a replica it writes down what the primary held when it was last seen, so that a forced promotion knows what it would lose.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import sys
import time

import pymysql
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_replication import Replication
from ansible_collections.wandb.onprem.plugins.module_utils.mysql_topology import after_start

FLAG = '/run/wandb-mysql/writable'
PEER_GONE = '/var/lib/wandb-mysql/peer-gone'
DECIDED = '/var/lib/wandb-mysql/decided'
SEEN = '/var/lib/wandb-mysql/seen.json'
ERRORS = (pymysql.err.MySQLError, OSError)


def write(path, text):
    """Write in one step: a reader never sees half of it."""
    with open(path + '.new', 'w', encoding='utf-8') as stream:
        stream.write(text)
    os.replace(path + '.new', path)


def read(path):
    """Text of a file; empty where there is none."""
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except FileNotFoundError:
        return ''


def remove(path):
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


class Agent:
    """What it knows between two rounds."""

    def __init__(self, config):
        self.config = config
        self.own = None
        self.peer = None
        self.told = ''
        self.asked_peer = 0.0

    def say(self, text):
        """Once for each change."""
        if text != self.told:
            print(text, flush=True)
            self.told = text

    def own_server(self):
        """Root's login over the socket, kept open."""
        if self.own is None:
            own = self.config['own']
            self.own = pymysql.connect(unix_socket=own['socket'], read_default_file=own['file'], connect_timeout=5, read_timeout=10, autocommit=True)
        return Replication(self.own, pymysql.err.MySQLError)

    def peer_state(self):
        """State of the other server, None where it does not answer."""
        try:
            if self.peer is None:
                login = dict(self.config['peer'])
                context = ssl.create_default_context(cafile=login.pop('ca'))
                self.peer = pymysql.connect(**login, ssl=context, connect_timeout=3, read_timeout=5, autocommit=True)
            return Replication(self.peer, pymysql.err.MySQLError).state()
        except ERRORS as error:
            self.peer = None
            self.say(f'{self.config["peer_name"]} does not answer: {error}')
            return None

    def decide(self, server):
        """Whether to accept writes after this start; True once that is settled."""
        state = server.state()
        # A host that is read-only and no replica is the only one that must know the other's state.
        peer = self.peer_state() if state['read_only'] and not state['replica'] else None
        alone = self.config['alone'] or os.path.exists(PEER_GONE)
        verdict, why = after_start(state, peer, self.config['name'], self.config['peer_name'], self.config['addresses'], alone)
        self.say(f'{verdict}: {why}')
        if verdict == 'lift':
            server.let_write()
        return verdict != 'wait'

    def watch(self, server):
        """Write down what the primary holds."""
        if server.replica() is None:
            return
        peer = self.peer_state()
        if peer is not None and not peer['read_only']:
            write(SEEN, json.dumps({'at': time.time(), 'primary': self.config['peer_name'], 'executed': peer['executed'], 'semi_sync': peer['semi_sync']}))

    def peer_is_due(self):
        """Whether it is time to ask the other server; it is taken for asked then."""
        now = time.monotonic()
        if now - self.asked_peer < self.config['peer_interval']:
            return False
        self.asked_peer = now
        return True

    def round(self):
        """One look at the server here, and at the other one where that is due."""
        try:
            server, due = self.own_server(), self.peer_is_due()
            start = str(os.stat(self.config['own']['pid_file']).st_mtime_ns)
            if due and read(DECIDED) != start and self.decide(server):
                write(DECIDED, start)
            # A planned promotion waits for this: each moment of it is one in which nobody can write.
            if server.rows('SELECT @@global.read_only AS read_only')[0]['read_only']:
                remove(FLAG)
                if due:
                    self.watch(server)
            else:
                write(FLAG, '')
        except ERRORS as error:
            remove(FLAG)
            self.own = None
            self.say(f'the server does not answer: {error}')


def main():
    """Entry point."""
    with open(sys.argv[1], encoding='utf-8') as stream:
        agent = Agent(json.load(stream))
    while True:
        begun = time.monotonic()
        agent.round()
        time.sleep(max(0.05, agent.config['interval'] - (time.monotonic() - begun)))


if __name__ == '__main__':
    main()
