# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four hosts of MinIO behind one Nginx, for the drills of the object store."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import typing as t

import urllib3
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils import minio, minio_admin, minio_state

from lab.podman import podman
from tests.drills.pair import ROOT, Pair, must, say

SERVERS = ('s3-1', 's3-2', 's3-3', 's3-4')
PROXY = 'lb-1'
NAME = 's3.lab.test'
BUCKET = 'wandb'
HOUR = datetime.timedelta(hours=1)
# A further bucket, as a team brings it; the key is the drill's own.
TEAM = {'name': 'team', 'host': NAME, 'region': 'us-east-1', 'access_key': 'team-of-the-drill', 'secret_key': 'only-for-the-drill-1'}


class Store(Pair):
    """The hosts, and clients that speak with them."""

    # Hosts of the store as it was described last.
    servers: tuple[str, ...] = SERVERS

    def describe(self, *hosts: str, **variables: t.Any) -> None:
        """The object store and its proxy alone instead of the lab's site, with its variables."""
        self.servers = hosts or SERVERS
        folder = self.lab.state_dir / 'drill'
        shutil.copytree(ROOT / 'inventories' / 'lab' / 'group_vars', folder / 'group_vars', dirs_exist_ok=True)
        inventory = {'all': {
            # Nothing here needs the programs that are built for the cluster, and no ingress stands behind the proxy.
            'vars': {'lab_helm': 'helm', 'wandb_team_buckets': [TEAM], **variables},
            'children': {
                'wandb_minio': {'hosts': dict.fromkeys(self.servers)},
                'wandb_nginx': {'hosts': {PROXY: {'wandb_nginx_ingress_upstreams': ['192.0.2.1:443']}}},
            },
        }}
        (folder / 'hosts.yml').write_text(yaml.safe_dump(inventory), encoding='utf-8')
        self.inventories = [folder, self.lab.state_dir / 'inventory']

    def build(self) -> None:
        """Bare hosts to a store that serves through the proxy; checked first, and a second time with nothing to do."""
        self.describe()
        for host in (*self.servers, PROXY):
            self.open_kernel(host)
        self.play('secrets')
        self.play('pki')
        # A drill may be run again on the hosts that it left.
        if not self.exists('s3-1', '/opt/minio'):
            checked = self.play('minio', '--check')
            made = [path for path in ('/opt/minio', '/etc/minio', '/data/1/.minio.sys') if self.exists('s3-1', path)]
            must(self.changed(checked) > 0 and not made, 'check mode on bare hosts tells of changes and makes none')
        self.play('minio')
        again = self.play('minio')
        must(self.changed(again) == 0, 'the second run of playbook minio changes nothing')
        must(self.changed(self.play('minio', '--check')) == 0, 'nor would a third')
        must((self.opens(TEAM['name']), self.opens(BUCKET)) == ('', 'AccessDenied'), "a team's key opens its own bucket and no other")
        self.play('nginx')

    def opens(self, bucket: str) -> str:
        """Code of the refusal when the team's key writes to a bucket; empty if it may."""
        connection = minio.Connection(self.connection('s3-1').endpoint, TEAM['access_key'], TEAM['secret_key'], ca_path=self.ca, timeout=10)
        client = minio.s3_client(connection, minio.http_pool(connection))
        try:
            client.put_object(bucket_name=bucket, object_name='drill', data=io.BytesIO(b'x'), length=1)
        except minio.S3Error as error:
            return str(error.code)
        return ''

    def exists(self, host: str, path: str) -> bool:
        """Whether a file is there."""
        return self.on(host, 'sh', '-c', f'test -e {path} && echo yes || echo no').strip() == 'yes'

    @property
    def ca(self) -> str:
        """File of the site's CA."""
        return str(self.lab.state_dir / 'pki' / 'ca.crt')

    def connection(self, host: str) -> minio.Connection:
        """As the administrator, to one server's own address."""
        return minio.Connection(
            f'https://{self.lab.address(host)}:9000', self.secret('wandb_minio_root_user'), self.secret('wandb_minio_root_password'),
            ca_path=self.ca, timeout=10)

    def state(self, host: str = 's3-1') -> minio_state.State:
        """What a server says of the deployment."""
        connection = self.connection(host)
        return minio_admin.read_state(minio.admin_client(connection, urllib3.PoolManager(
            ca_certs=self.ca, retries=False, timeout=urllib3.Timeout(connect=3, read=20))))

    def lacks(self, host: str = 's3-1', conditions: t.Sequence[str] = ('online', 'healed', 'one_version')) -> list[str]:
        """What is missing until the deployment is whole again; a server that does not answer is missing."""
        try:
            return self.state(host).lacks(conditions, len(self.servers))
        except minio.failures() as error:
            return [str(error)[:200]]

    def pid(self, host: str) -> str:
        """Process id of the server."""
        return self.on(host, 'systemctl', 'show', '--property', 'MainPID', '--value', 'minio.service').strip()

    def runs(self, host: str) -> bool:
        """Whether a server runs there."""
        return self.pid(host) not in ('', '0')

    def cut_off(self, what: str, moment: t.Callable[[], bool], name: str, *options: str, seconds: float = 420) -> None:
        """Start a playbook and kill it at a moment of which `what` tells: with its children, as a controller that loses its power."""
        # A session of its own: what is killed is that run with its children and nothing else.
        run = subprocess.Popen(self.command(f'wandb.onprem.{name}', *options), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
        self.wait(f'{what}, or the run has ended', lambda: run.poll() is not None or moment(), seconds)
        # One that has ended is nobody's process any more: its number may be another's.
        must(run.poll() is None, 'the run goes on, and is killed')
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()

    def proxied_to(self, host: str) -> int:
        """How many requests the proxy has passed to a server, by its log."""
        return int(self.on(PROXY, 'sh', '-c', f'grep -c \'"upstream":"{self.lab.address(host)}:9000"\' /var/log/nginx/access.log || true'))

    def settings(self) -> list[str]:
        """Checksums of the files that the servers of the first pool start with, whenever that is."""
        return [self.on(host, 'sha256sum', '/etc/minio/minio.env', '/etc/systemd/system/minio.service') for host in SERVERS]

    def programs(self) -> list[str]:
        """The program file that each server was started from (of `exe` the lab's root may not know: it is another user's)."""
        return [self.on(host, 'cat', f'/proc/{self.pid(host)}/cmdline', check=False).partition('\0')[0] for host in self.servers]

    def running_version(self, host: str) -> str:
        """What one server says of itself."""
        state = self.state(host)
        return next(server.version for server in state.servers if server.endpoint.startswith(f'{host}:'))

    def kill(self, host: str) -> None:
        """Every process of the host is killed; its kernel closes the connections, so the others are told."""
        podman('kill', '--signal', 'KILL', self.lab.container(host))

    def cut_power(self, host: str) -> None:
        """The host is silent from one moment to the next: no connection is closed, nothing answers."""
        self.on(host, 'ip', 'link', 'set', 'eth0', 'down')
        self.kill(host)

    def boot(self, host: str) -> None:
        """The host is switched on again; its kernel settings are those of its files, as on any host."""
        podman('start', self.lab.container(host))
        self.open_kernel(host)
        self.on(host, 'sysctl', '--system', check=False)

    def open_kernel(self, host: str) -> None:
        """A container's kernel settings are read-only; a real host's are not."""
        self.on(host, 'mount', '-o', 'remount,rw', '/proc/sys')

    def checksums(self, via: str, expected: t.Mapping[str, str]) -> list[str]:
        """Objects that cannot be read through this server, or come back with another SHA-256."""
        client = minio.s3_client(self.connection(via), urllib3.PoolManager(ca_certs=self.ca, timeout=60, retries=3, maxsize=4))
        wrong = []
        for name, sha256 in expected.items():
            try:
                content = client.get_object(bucket_name=BUCKET, object_name=name)
                if hashlib.sha256(content.read()).hexdigest() != sha256:
                    wrong.append(f'{name}: another checksum')
                content.release_conn()
            except minio.failures() as error:
                wrong.append(f'{name}: {str(error)[:200]}')
        return wrong

    def tell(self, what: str, found: t.Mapping[str, t.Any]) -> None:
        """A line of figures."""
        say(f'{what}: {json.dumps(found)}')
