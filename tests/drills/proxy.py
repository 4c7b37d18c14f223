# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred requests a second through the virtual address, while certificates, settings and passwords change, and while its holder is killed."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socket
import ssl
import sys
import time
import typing as t
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from ansible_collections.wandb.onprem.plugins.module_utils.round_trip import FILES, VIEWER

from lab.podman import podman
from tests.drills.pair import Pair, must, say, steps
from tests.drills.proxy_load import RATE, Ask, Load, figures
from tests.site.outside import HOST, Site

PROXIES = ('lb-1', 'lb-2')
# No change here takes as long; then the load ends by itself.
LIMIT = 1200
SETTLE = 5
OUTAGE = 3
RELEASE = '/.well-known/wandb-onprem-nginx'


class Proxies(Pair):
    """The standing lab; or, while one works on it, two proxies and what stands behind them, described in the lab's folder `drill`."""

    members = PROXIES

    def __init__(self) -> None:
        super().__init__()
        self.address = self.lab.public_address
        self.ca = str(self.lab.state_dir / 'pki' / 'ca.crt')
        self.whole = 'kube-1' in self.lab.hosts
        if not self.whole:
            self.inventories = [self.lab.state_dir / 'drill' / 'hosts.yml', self.lab.state_dir / 'inventory']

    def serial(self, host: str) -> str:
        """Serial number of the certificate that a proxy shows."""
        trusting = ssl.create_default_context(cafile=self.ca)
        with socket.create_connection((self.lab.address(host), 443), 10) as plain, trusting.wrap_socket(plain, server_hostname=HOST) as link:
            return str((link.getpeercert() or {})['serialNumber'])

    def release(self, host: str) -> str:
        """What a proxy says of its configuration, asked on the host."""
        return self.on(host, 'python3', '-c', ASK, HOST, RELEASE).strip()

    def asks(self) -> list[t.Callable[[int], Ask]]:
        """A page, a query, and an upload whose URL the application signs; without a cluster the page alone."""
        page = Ask('page', HOST, 'GET', '/')
        if not self.whole:
            return [lambda _number: page]
        site = Site()
        run, headers = site.make_run(), site.credentials()
        viewer = Ask('query', HOST, 'POST', '/graphql', headers, json.dumps({'query': VIEWER, 'variables': {}}).encode())

        def upload(answer: bytes) -> Ask:
            url = urllib.parse.urlsplit(json.loads(answer)['data']['createRunFiles']['files'][0]['uploadUrl'])
            return Ask('upload', url.netloc, 'PUT', f'{url.path}?{url.query}', {}, b'x' * 1000)

        def file(number: int) -> Ask:
            variables = {'entity': 'local', 'project': 'outside', 'run': run, 'files': [f'{number % 50}.txt']}
            return Ask('file', HOST, 'POST', '/graphql', headers, json.dumps({'query': FILES, 'variables': variables}).encode(), upload)

        return [lambda _number: page, lambda _number: page, lambda _number: viewer, file]

    @contextlib.contextmanager
    def load(self) -> t.Iterator[Load]:
        """The load, from a while before to a while after."""
        running = Load(self.address, self.ca, self.asks(), LIMIT).start()
        try:
            time.sleep(SETTLE)
            yield running
            time.sleep(SETTLE)
        finally:
            running.stop()

    @contextlib.contextmanager
    def nothing_fails(self, what: str) -> t.Iterator[None]:
        """Under load."""
        with self.load() as running:
            yield
        told(what, running)
        found = figures(running.done)
        must(not found['failed'], f'{what}: none of {found["requests"]} requests failed')
        must(found['per_second'] >= 0.8 * RATE, f'{what}: {found["per_second"]} requests a second, {RATE} wanted')

    def verb(self, group: str, role: str, name: str) -> None:
        """A verb of a role."""
        play = [{'hosts': group, 'gather_facts': False, 'become': True, 'any_errors_fatal': True,
                 'tasks': [{'ansible.builtin.include_role': {'name': f'wandb.onprem.{role}', 'tasks_from': name}}]}]
        self.written(f'{role}-{name}.yml', play)

    def new_secret(self, name: str) -> None:
        """Another one in the vault file; the old one is in nobody's file any more."""
        self.written('secret.yml', [{'hosts': 'localhost', 'gather_facts': False, 'tasks': [{
            'ansible.builtin.include_role': {'name': 'wandb.onprem.common', 'tasks_from': 'secrets'}, 'vars': {'__wandb_secrets_replaced': [name]}}]}])

    def written(self, name: str, play: list[dict[str, t.Any]]) -> None:
        """A playbook of the drill's own."""
        file = self.lab.state_dir / 'drill' / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(play, sort_keys=False), encoding='utf-8')
        self.play(str(file), collection=False)


ASK = """
import http.client, socket, ssl, sys
host, path = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
link = http.client.HTTPSConnection(host)
link.sock = context.wrap_socket(socket.create_connection(('127.0.0.1', 443), 10), server_hostname=host)
link.request('GET', path)
print(link.getresponse().read().decode())
"""


def told(what: str, running: Load) -> None:
    """The figures, and the first failures."""
    say(f'{what}: {json.dumps(figures(running.done))}')
    for done in [done for done in running.done if done.failed][:8]:
        say(f'  {done.begun:.1f}s {done.name} {"kept" if done.kept else "new"} took {done.took:.1f}: {done.first} | {done.failed}')


def converged(drill: Proxies) -> None:
    """As the site's playbook left it."""
    must(len(drill.holder()) == 1, f'one proxy has the address: {drill.holder()}')
    must(drill.changed(drill.play('nginx')) == 0, 'a further run changes nothing')


def certificate(drill: Proxies) -> None:
    """The certificates of both proxies are issued anew."""
    before = {host: drill.serial(host) for host in PROXIES}
    with drill.nothing_fails('certificates rotated'):
        for host in PROXIES:
            drill.on(host, 'rm', '/etc/wandb/pki/host.crt')
        drill.play('pki')
        drill.play('nginx')
    must(all(drill.serial(host) != before[host] for host in PROXIES), 'both show new certificates')


def setting(drill: Proxies) -> None:
    """A setting is changed, and changed back."""
    before = {host: drill.release(host) for host in PROXIES}
    with drill.nothing_fails('a setting changed'):
        drill.play('nginx', '-e', 'wandb_nginx_timeout=601')
        during = {host: drill.release(host) for host in PROXIES}
        drill.play('nginx')
    must(all(during[host] != before[host] and drill.release(host) == before[host] for host in PROXIES), 'it was in force, and the one before is again')


def broken(drill: Proxies) -> None:
    """A setting that Nginx refuses, and one that it only cannot run with."""
    before = {host: drill.release(host) for host in PROXIES}
    with drill.nothing_fails('broken settings refused'):
        drill.play('nginx', '-e', 'wandb_nginx_ciphers=NO-SUCH-CIPHER', fails='no cipher match')
        for host in PROXIES:
            drill.on(host, 'systemd-run', '--unit=drill-port', '--collect', 'python3', '-m', 'http.server', '81')
        drill.play('nginx', '-e', 'wandb_nginx_http_port=81', fails='the one before is back')
        for host in PROXIES:
            drill.on(host, 'systemctl', 'stop', 'drill-port')
    must({host: drill.release(host) for host in PROXIES} == before, 'both serve what they served')
    must(drill.changed(drill.play('nginx')) == 0, 'and nothing is left for the next run')


def passwords(drill: Proxies) -> None:
    """MySQL's and Redis' passwords and MinIO's key, each with the verbs of its role; the pods are rolled in between."""
    if not drill.whole:
        say('SKIPPED: passwords: this lab has no cluster, so nobody uses them')
        return
    for group, role in (('wandb_mysql', 'mysql'), ('wandb_redis', 'redis')):
        name = f'wandb_{role}_password'
        old = drill.secret(name)
        with drill.nothing_fails(f'{name} rotated'):
            drill.new_secret(name)
            drill.verb(group, role, 'rotate')
            drill.play('platform')
            drill.play('wandb')
            drill.verb(group, role, 'rotate_finish')
        must(drill.secret(name) != old and drill.changed(drill.play(role)) == 0, f'{name} is another one, and a further run changes nothing')
    old = drill.secret('wandb_minio_access_key')
    with drill.nothing_fails("MinIO's key rotated"):
        drill.play('rotate_minio_key')
    must(drill.secret('wandb_minio_access_key') != old, "MinIO's key is another one")


def killed(drill: Proxies) -> None:
    """The holder's host is killed, and comes back."""
    former = drill.holder()[0]
    other = next(host for host in PROXIES if host != former)
    with drill.load() as running:
        at = running.now()
        podman('kill', drill.lab.container(former))
        time.sleep(15)
        start, end = running.gap(at - 1, running.now() - 1)
        must(drill.holder() == [other], f'{other} has the address')
        back = running.now()
        podman('start', drill.lab.container(former))
        drill.wait(f'{former} is back and its Nginx answers', lambda: len(drill.release(former)) == 16)
        time.sleep(15)
        must(drill.holder() == [other], f'{other} has kept the address')
        again = running.gap(back, running.now() - 1)
    told(f'{former} killed, and back', running)
    must(end - start <= OUTAGE, f'clients had no answer for {end - start:.2f} s')
    failed = [done for done in running.between(end) if done.failed]
    must(not failed, f'none of {len(running.between(end))} requests after that failed, {sum(bool(done.failed) for done in running.done)} did within')
    must(again[1] - again[0] < 1, f'while it came back the longest time without an answer was {again[1] - again[0]:.2f} s')
    must(drill.changed(drill.play('nginx')) == 0, 'a further run changes nothing')


def silent(drill: Proxies) -> None:
    """Nginx alone dies for good on the holder."""
    former = drill.holder()[0]
    other = next(host for host in PROXIES if host != former)
    with drill.load() as running:
        at = running.now()
        drill.on(former, 'systemctl', 'stop', 'nginx')
        drill.wait(f'{other} has the address', lambda: drill.holder() == [other], 15)
        time.sleep(3)
        start, end = running.gap(at - 1, running.now() - 1)
        drill.on(former, 'systemctl', 'start', 'nginx')
    told(f'Nginx stopped on {former}', running)
    must(end - start <= OUTAGE + 1, f'clients had no answer for {end - start:.2f} s')
    must(not [done for done in running.between(end) if done.failed], 'no request after that failed')


def main() -> None:
    """Entry point; with names of steps, those alone."""
    drill = Proxies()
    for step in steps(converged, certificate, setting, broken, passwords, killed, silent):
        step(drill)
    say('all of it holds')


if __name__ == '__main__':
    main()
