# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three Redis hosts and a client, for the drills of Redis with Sentinels."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import yaml

from lab.podman import environment
from tests.drills.pair import CLIENT, HERE, ROOT, Pair, must, say

HOSTS = ('rd-1', 'rd-2', 'rd-3')
ASK = 'REDISCLI_AUTH=$(cat /etc/wandb/redis/admin.password) exec redis-cli --no-auth-warning --user wandb-admin -s {socket} "$@"'


class Trio(Pair):
    """The hosts of one drill; what is not of Redis is the MySQL pair's."""

    members = HOSTS

    def __init__(self) -> None:
        super().__init__()
        self.address = f'{self.lab.network}.30'

    def describe(self, *hosts: str) -> None:
        """Redis hosts alone instead of the lab's site, with its variables, and Sentinels that clients may ask."""
        folder = self.lab.state_dir / 'drill'
        shutil.copytree(ROOT / 'inventories' / 'lab' / 'group_vars', folder / 'group_vars', dirs_exist_ok=True)
        values = {'lab_helm': 'helm', 'wandb_redis_sentinel_endpoint': True}
        inventory = {'all': {'vars': values, 'children': {'wandb_redis': {'hosts': dict.fromkeys(hosts)}}}}
        (folder / 'hosts.yml').write_text(yaml.safe_dump(inventory), encoding='utf-8')
        self.inventories = [folder, self.lab.state_dir / 'inventory']

    def redis(self, host: str, *words: str) -> str:
        """Ask the server on a host, as the role's administrator."""
        return self.on(host, 'sh', '-c', ASK.format(socket='/run/redis/wandb.sock'), 'ask', *words).strip()

    def sentinel(self, host: str, *words: str) -> str:
        """Ask the Sentinel on a host."""
        return self.on(host, 'sh', '-c', ASK.format(socket='/run/sentinel/wandb.sock'), 'ask', *words).strip()

    def masters(self) -> list[str]:
        """Hosts whose server says that it is a master."""
        return [host for host in HOSTS if self.holds(lambda host=host: self.redis(host, 'ROLE').startswith('master'))]

    def settled(self, hosts: tuple[str, ...] = HOSTS) -> bool:
        """Whether one is master and has the address, the others of ``hosts`` are in step, and every Sentinel knows."""
        masters = self.masters()
        if len(masters) != 1 or self.holder() != masters:
            return False
        address = self.lab.address(masters[0])
        followers = [host for host in hosts if host != masters[0]]
        return (all('master_link_status:up' in self.redis(host, 'INFO', 'replication') for host in followers)
                and all(self.sentinel(host, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'wandb').split()[0] == address for host in hosts))

    @staticmethod
    def changed_on(output: str) -> dict[str, int]:
        """How many tasks changed something, by host."""
        return {host: int(number) for host, number in re.findall(r'^(\S+)\s+: ok=\d+\s+changed=(\d+)', output, re.MULTILINE)}

    def prepare_client(self) -> None:
        """Library, CA and writer on the client."""
        self.on(CLIENT, 'sh', '-c', 'test -e /usr/lib/python3/dist-packages/redis || (apt-get -q update && apt-get -q install -y python3-redis) >/dev/null')
        self.on(CLIENT, 'sh', '-c', 'cat > /root/ca.crt', data=(self.lab.state_dir / 'pki' / 'ca.crt').read_text(encoding='ascii'))
        self.on(CLIENT, 'sh', '-c', 'cat > /root/redis_writer.py', data=(HERE / 'redis_writer.py').read_text(encoding='utf-8'))

    def forget(self) -> None:
        """Remove what writers wrote."""
        for way in ('address', 'sentinel'):
            self.redis(self.masters()[0], 'DEL', *(f'writer:{way}:{thread}' for thread in range(RedisWriter.THREADS)))


class RedisWriter:
    """A writer that runs on the client."""

    THREADS = 4

    def __init__(self, trio: Trio, way: str, password: str, seconds: int = 600) -> None:
        self.trio, self.way = trio, way
        hosts = trio.address if way == 'address' else ','.join(trio.lab.address(host) for host in HOSTS)
        command = ['podman', 'exec', '--env', 'REDIS_PASSWORD', trio.lab.container(CLIENT), 'timeout', str(seconds + 60)]
        self.process = subprocess.Popen(
            [*command, 'python3', '/root/redis_writer.py', way, str(seconds), str(self.THREADS), hosts], stdout=subprocess.PIPE, text=True,
            env={**environment(), 'REDIS_PASSWORD': password},
        )

    def written(self, host: str) -> int:
        """How many fields are on a host."""
        return sum(int(self.trio.redis(host, 'HLEN', f'writer:{self.way}:{thread}') or 0) for thread in range(self.THREADS))

    def stop(self) -> dict[str, object]:
        """End it, and return what it says."""
        # Its own process id is in a file: this ends nothing else.
        self.trio.on(CLIENT, 'sh', '-c', f'kill -TERM $(cat /root/writer.{self.way}.pid)', check=False)
        output = self.process.communicate(timeout=90)[0]
        found: dict[str, object] = json.loads(output)
        say(f'the writer by {self.way}: {json.dumps(found)}')
        must(int(str(found['acknowledged'])) > 0, 'it was acknowledged something')
        return found

    def lost(self, host: str) -> list[str]:
        """Acknowledged writes that are not on a host."""
        acknowledged = set(self.trio.on(CLIENT, 'cat', f'/root/acknowledged.{self.way}').splitlines())
        there = {f'{thread} {field}' for thread in range(self.THREADS) for field in self.trio.redis(host, 'HKEYS', f'writer:{self.way}:{thread}').split()}
        return sorted(acknowledged - there)
