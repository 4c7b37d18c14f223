# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two database hosts and a client, for the drills of the MySQL pair: playbooks, statements on a host, a writer, and what broke."""

from __future__ import annotations

import atexit
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import yaml

from lab.podman import environment, podman
from lab.report import LabError
from lab.state import Lab, lab_name
from tests.site.outside import PLAIN

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
CLIENT = 'cl-1'
# Runs on a host: reads statements from standard input (JSON), answers with the rows of the last one.
STATEMENTS = """
import json, sys, pymysql
connection = pymysql.connect(unix_socket='/run/mysqld/mysqld.sock', read_default_file='/etc/wandb/mysql/root.cnf', autocommit=True, connect_timeout=10,
                             cursorclass=pymysql.cursors.DictCursor)
with connection.cursor() as cursor:
    for statement in json.load(sys.stdin):
        cursor.execute(statement)
    print(json.dumps(cursor.fetchall(), default=str))
"""


def say(text: str) -> None:
    """One line of the drill's report."""
    print(f'drill: {text}', flush=True)


def steps(*all_of_them):
    """The drill's steps one after another, or only those that the arguments name."""
    for step in all_of_them:
        if not sys.argv[1:] or step.__name__ in sys.argv[1:]:
            say(f'--- {step.__name__}')
            yield step


class Failed(SystemExit):
    """The drill found something that must not be."""


def must(condition: object, text: str) -> None:
    """Report what holds, or stop."""
    if not condition:
        raise Failed(f'drill: NOT TRUE: {text}')
    say(text)


class Pair:
    """The hosts of one drill."""

    # Those of which one has the address.
    members: tuple[str, ...] = ('db-1', 'db-2')

    def __init__(self) -> None:
        self.lab = Lab.load(lab_name())
        self.address = f'{self.lab.network}.20'
        self.inventories = [ROOT / 'inventories' / 'lab', self.lab.state_dir / 'inventory']

    def describe(self, *hosts: str) -> None:
        """Database hosts alone instead of the lab's site, with its variables; again with others when one is added."""
        folder = self.lab.state_dir / 'drill'
        shutil.copytree(ROOT / 'inventories' / 'lab' / 'group_vars', folder / 'group_vars', dirs_exist_ok=True)
        # Nothing here needs the programs that are built for the cluster.
        inventory = {'all': {'vars': {'lab_helm': 'helm'}, 'children': {'wandb_mysql': {'hosts': dict.fromkeys(hosts)}}}}
        (folder / 'hosts.yml').write_text(yaml.safe_dump(inventory), encoding='utf-8')
        self.inventories = [folder, self.lab.state_dir / 'inventory']

    def command(self, playbook: str, *options: str) -> list[str]:
        """A run of a playbook on what was described."""
        return ['ansible-playbook', *(part for folder in self.inventories for part in ('-i', str(folder))), playbook, *options]

    def play(self, name: str, *options: str, fails: str = '', collection: bool = True) -> str:
        """Run a playbook of the collection, or a file; ``fails`` = what it must say when it fails, which it must then."""
        command = self.command(f'wandb.onprem.{name}' if collection else name, *options)
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={**os.environ, **PLAIN})
        output = done.stdout + done.stderr
        if fails:
            told = done.returncode and fails in ' '.join(output.split())
            must(told, f'{name} {" ".join(options)} stops and says "{fails}"' + ('' if told else f'; it said:\n{output[-3000:]}'))
        elif done.returncode:
            raise Failed(f'{output[-6000:]}\ndrill: NOT TRUE: {name} {" ".join(options)} ends well')
        return output

    @staticmethod
    def changed(output: str) -> int:
        """How many tasks changed something; the first of them are told."""
        task = ''
        changing: dict[str, None] = {}
        for line in output.splitlines():
            task = line.strip('* ') if line.startswith('TASK [') else task
            if line.startswith('changed: ['):
                changing[task] = None
        if changing:
            say(f'  changed: {list(changing)[:8]}')
        return sum(int(number) for number in re.findall(r'changed=(\d+)', output))

    def on(self, host: str, *argv: str, data: str | None = None, check: bool = True) -> str:
        """Run a command on a host."""
        return self.lab.exec(host, argv, data=data, check=check)

    def sql(self, host: str, *statements: str) -> list[dict[str, str]]:
        """Rows of the last statement, as root on the host."""
        rows: list[dict[str, str]] = json.loads(self.on(host, 'python3', '-c', STATEMENTS, data=json.dumps(statements)))
        return rows

    def background(self, host: str, statements: str) -> subprocess.Popen[bytes]:
        """Statements, split at semicolons, in a session of its own that goes on meanwhile. It ends by itself."""
        command = ['podman', 'exec', '--interactive', self.lab.container(host), 'python3', '-c', STATEMENTS]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment())
        assert process.stdin
        process.stdin.write(json.dumps(statements.split('; ')).encode())
        process.stdin.close()
        return process

    def value(self, host: str, expression: str) -> str:
        """One value."""
        return str(next(iter(self.sql(host, f'SELECT {expression}')[0].values())))

    def writable(self) -> list[str]:
        """Hosts whose server accepts writes; one that does not answer does not."""
        found = []
        for host in ('db-1', 'db-2'):
            try:
                if self.value(host, '@@global.read_only') == '0':
                    found.append(host)
            except LabError:
                continue
        return found

    def wait(self, what: str, condition, seconds: float = 90) -> float:
        """Wait until a condition holds, and say how long it took."""
        begun = time.monotonic()
        while not self.holds(condition):
            if time.monotonic() - begun > seconds:
                raise Failed(f'drill: NOT TRUE within {seconds} s: {what}')
            time.sleep(0.5)
        took = time.monotonic() - begun
        say(f'{what} ({took:.1f} s)')
        return took

    @staticmethod
    def holds(condition) -> bool:
        """Whether a condition holds; a host or server that does not answer yet makes it false."""
        try:
            return bool(condition())
        except LabError:
            return False

    def holder(self) -> list[str]:
        """Hosts that have the address."""
        return [host for host in self.members if self.running(host) and f' {self.address}/' in self.on(host, 'ip', '-4', 'address')]

    def running(self, host: str) -> bool:
        """Whether the host's container is there, and runs."""
        return podman('inspect', '--format', '{{.State.Running}}', self.lab.container(host), check=False).stdout.strip() == 'true'

    def secret(self, name: str) -> str:
        """One of the site's secrets."""
        file = self.lab.state_dir / 'inventory' / 'group_vars' / 'all' / 'secrets.yml'
        text = subprocess.run(['ansible-vault', 'view', str(file)], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return str(yaml.safe_load(text)[name])

    def prepare_client(self) -> None:
        """Driver, CA and writer on the client."""
        self.on(CLIENT, 'sh', '-c', 'test -e /usr/lib/python3/dist-packages/pymysql || (apt-get -q update && apt-get -q install -y python3-pymysql) >/dev/null')
        self.on(CLIENT, 'sh', '-c', 'cat > /root/ca.crt', data=(self.lab.state_dir / 'pki' / 'ca.crt').read_text(encoding='ascii'))
        self.on(CLIENT, 'sh', '-c', 'cat > /root/writer.py', data=(HERE / 'mysql_writer.py').read_text(encoding='utf-8'))

    def writer(self, seconds: int, threads: int = 8) -> Writer:
        """Start the writer on the client, with an empty table."""
        self.sql(self.writable()[0], 'DROP TABLE IF EXISTS wandb_local.acknowledged',
                 'CREATE TABLE wandb_local.acknowledged (thread INT, number INT, PRIMARY KEY (thread, number))')
        return Writer(self, seconds, threads)


class Writer:
    """A writer that runs on the client."""

    def __init__(self, pair: Pair, seconds: int, threads: int) -> None:
        self.pair = pair
        command = ['podman', 'exec', '--env', 'MYSQL_PASSWORD', pair.lab.container(CLIENT), 'timeout', str(seconds + 60), 'python3', '/root/writer.py']
        self.process = subprocess.Popen(
            [*command, pair.address, str(seconds), str(threads), *map(pair.lab.address, pair.members)], stdout=subprocess.PIPE, text=True,
            env={**environment(), 'MYSQL_PASSWORD': pair.secret('wandb_mysql_password')},
        )
        # A drill that stops at what must not be leaves no load behind.
        atexit.register(self.end)

    def end(self) -> None:
        """Have it stop, where it still writes."""
        if self.process.poll() is None:
            # Its own process id is in a file: this ends nothing else.
            self.pair.on(CLIENT, 'sh', '-c', 'kill -TERM $(cat /root/writer.pid)', check=False)

    def stop(self) -> dict[str, object]:
        """End it, and return what it says."""
        self.end()
        output = self.process.communicate(timeout=90)[0]
        found: dict[str, object] = json.loads(output)
        say(f'the writer: {json.dumps(found)}')
        must(found['looks'], f'both hosts were asked {found["looks"]} times meanwhile')
        must(found['both_writable'] == 0, 'never were both writable')
        return found

    def lost(self, host: str) -> list[str]:
        """Acknowledged rows that are not on a host."""
        acknowledged = set(self.pair.on(CLIENT, 'cat', '/root/acknowledged').splitlines())
        there = {f'{row["thread"]} {row["number"]}' for row in self.pair.sql(host, 'SELECT thread, number FROM wandb_local.acknowledged')}
        return sorted(acknowledged - there)
