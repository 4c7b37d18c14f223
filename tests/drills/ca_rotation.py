# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's CA is replaced under load, cut off in the middle: no request fails, every port shows the new one, the old one is refused everywhere.

On the converged site. Clients trust what the site's bundle holds, and what it held: they were told of the new CA in time.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import threading
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

import minio
import urllib3
from ansible_collections.wandb.onprem.plugins.module_utils.pem import split
from ansible_collections.wandb.onprem.plugins.module_utils.tls import Port, Refused, look

from lab.state import Lab
from tests.drills.pair import Pair, must, say
from tests.drills.s3_load import Done, Load, Target
from tests.site.outside import HOST, STORE, Site

# In the middle of the second step: some services show the new CA's certificates, others those of the old one.
STEP = 'Step 2, sign with the new CA'
PLACE = 'redis : Give the server its own copy of the certificate'
LONGEST_RUN = 3600
RATE = 20


class Trust:
    """A client's trust: every CA that the site's bundle holds or held. Looked at each second."""

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file
        self._known: set[str] = set()
        self._end = threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.learn()
        threading.Thread(target=self._follow, daemon=True).start()

    def learn(self) -> None:
        """Trust what is new in the bundle."""
        for one in set(split([self._file.read_text(encoding='utf-8')])[0]) - self._known:
            self.context.load_verify_locations(cadata=one)
            self._known.add(one)

    def __len__(self) -> int:
        return len(self._known)

    def _follow(self) -> None:
        while not self._end.wait(1):
            self.learn()

    def stop(self) -> None:
        """Learn no more."""
        self._end.set()


class Requests:
    """Readers and askers of the application through one proxy, each with the one retry that SDKs have at least; bounded in time."""

    CLIENTS, PACE, SECONDS = 5, 0.2, 7200.0

    def __init__(self, site: Site, context: ssl.SSLContext) -> None:
        self._pool = urllib3.HTTPSConnectionPool(
            site.address('lb-1'), 443, ssl_context=context, server_hostname=HOST, assert_hostname=HOST, maxsize=self.CLIENTS, retries=False,
            timeout=urllib3.Timeout(connect=5, read=60))
        self._headers = {'Host': HOST, **site.credentials()}
        self._end = threading.Event()
        self.done: list[Done] = []
        self.begun = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(self.CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        kinds = (('GET', '/ready', None), ('POST', '/graphql', b'{"query": "query Viewer { viewer { id } }"}'))
        while not self._end.is_set() and time.monotonic() - self.begun < self.SECONDS:
            begun = time.monotonic()
            number += 1
            method, path, body = kinds[number % 2]
            first = self._try(method, path, body)
            failed = self._try(method, path, body) if first else ''
            self.done.append(Done('read' if method == 'GET' else 'write', begun - self.begun, time.monotonic() - begun, first, failed))
            self._end.wait(max(0, self.PACE - (time.monotonic() - begun)))

    def _try(self, method: str, path: str, body: bytes | None) -> str:
        try:
            answer = self._pool.request(method, path, body=body, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            return f'{type(error).__name__}: {str(error)[:120]}'
        return '' if answer.status == 200 else f'{answer.status} {answer.data[:150].decode("utf-8", "replace")}'

    def stop(self) -> None:
        """No further requests; those on their way are waited for."""
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=150)


def figures(done: t.Sequence[Done]) -> dict[str, t.Any]:
    """What is told, and judged, of a load."""
    seconds = max((one.begun + one.took for one in done), default=0.0)
    return {
        'requests': len(done), 'per_second': round(len(done) / seconds, 1) if seconds else 0.0, 'seconds': round(seconds),
        'failed': sum(bool(one.failed) for one in done), 'retried': sum(bool(one.first) for one in done),
        'longest': round(max((one.took for one in done), default=0.0), 2),
    }


def judge(what: str, done: t.Sequence[Done], rate: float = RATE) -> None:
    """No request failed, and there were enough of them."""
    found = figures(done)
    say(f'{what}: {found}')
    for one in [one for one in done if one.first][:8]:
        say(f'  {one.begun:.1f}s {one.kind} took {one.took:.1f}: {one.first} | {one.failed}')
    must(found['requests'] and found['per_second'] >= rate / 2, f'{what}: {found["per_second"]} requests a second, at least {rate / 2:g}')
    must(not found['failed'], f'{what}: none of {found["requests"]} requests failed')


def ports(lab: Lab) -> list[tuple[str, Port]]:
    """Every TLS port of the site, with a name that clients use."""
    found = []
    for host in lab.hosts:
        address, kind = lab.address(host), host.split('-')[0]
        if kind == 'lb':
            found += [(f'Nginx for {name} on {host}', Port(address, 443, name)) for name in (HOST, STORE)]
        elif kind == 'kube':
            found.append(('the ingress', Port(address, 443, HOST)))
        elif kind == 's3':
            found.append((f'MinIO on {host}', Port(address, 9000, host)))
        elif kind == 'db':
            found.append((f'MySQL on {host}', Port(address, 3306, f'{lab.network}.20', 'mysql')))
        elif kind == 'rd':
            found += [(f'{what} on {host}', Port(address, port, f'{lab.network}.30')) for what, port in (('Redis', 6379), ('Sentinel', 26379))]
    return found


def refuses(port: Port, ca: str) -> bool:
    """Whether a client that trusts only this CA refuses the port, and for that reason."""
    try:
        look(port, ca)
    except Refused as error:
        return error.other_ca
    return False


def fingerprint(pem: str) -> str:
    """SHA-256 of the certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def playbook(site: Site, name: str, *options: str, cut: tuple[str, str] = ('', '')) -> int:
    """Run a playbook to its end, and return how much it changed; with ``cut`` (a play, a task in or behind it) press Ctrl-C there."""
    # Who was started in the background ignores it, and its children with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = ['ansible-playbook', *site.inventory, name, *options]
    begun, output, play_seen, reached = time.monotonic(), [], False, False
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True, env={**os.environ, 'PYTHONUNBUFFERED': '1'}) as process:
        stop = threading.Timer(LONGEST_RUN, os.killpg, (process.pid, signal.SIGKILL))
        stop.start()
        for line in process.stdout or ():
            output.append(line)
            play_seen = play_seen or line.startswith(f'PLAY [{cut[0]}')
            if cut[1] and play_seen and line.startswith('TASK') and cut[1] in line:
                reached = True
                os.killpg(process.pid, signal.SIGINT)
                break
        output.append(process.communicate(timeout=120)[0] or '')
        stop.cancel()
    text = ''.join(output)
    changed = Pair.changed(text)
    if bool(process.returncode) != bool(cut[1]) or reached != bool(cut[1]):
        raise SystemExit(f'{text[-6000:]}\ndrill: NOT TRUE: {name} {" ".join(options)} {"is cut off at " + cut[1] if reached or cut[1] else "ends well"}')
    say(f'{name} {" ".join(options)} {"was cut off at " + cut[1] if reached else f"ended well, changed={changed}"} ({time.monotonic() - begun:.0f} s)')
    return changed


def rotate(site: Site, old: str) -> None:
    """Cut off in the middle; then the whole site, which undoes nothing; then to the end."""
    confirm = ('-e', f'confirm={fingerprint(old)[:16]}')
    playbook(site, 'wandb.onprem.rotate_ca', *confirm, cut=(STEP, PLACE))
    both = split([site.ca.read_text(encoding='utf-8')])[0]
    must(len(both) == 2 and both[0] == old, 'both CAs are trusted')
    playbook(site, 'wandb.onprem.site')
    must(split([site.ca.read_text(encoding='utf-8')])[0] == both, 'a run of site in the middle changes nothing about that')
    playbook(site, 'wandb.onprem.rotate_ca', *confirm)
    must(split([site.ca.read_text(encoding='utf-8')])[0] == both[1:], 'only the new CA is trusted')


def look_everywhere(site: Site, old: str) -> None:
    """Every port, with clients that trust one CA only."""
    new = site.ca.read_text(encoding='utf-8')
    for what, port in ports(site.lab):
        facts = look(port, new)
        must(refuses(port, old), f'{what}: {facts["issuer"]}, {facts["version"]}; who trusts only the old CA refuses it')


def tidy(site: Site, names: t.Iterable[str]) -> None:
    """Remove what the load wrote, with a client that trusts the new CA only."""
    pool = urllib3.PoolManager(ca_certs=str(site.ca))
    client = minio.Minio(f'{site.address("s3-2")}:9000', site.secrets['wandb_minio_access_key'], site.secrets['wandb_minio_secret_key'],
                         region='us-east-1', http_client=pool)
    left = list(client.remove_objects('wandb', (minio.deleteobjects.DeleteObject(name) for name in names)))
    must(not left, 'what the load wrote is removed')


def main() -> None:
    """All of it."""
    site = Site()
    (old,) = split([site.ca.read_text(encoding='utf-8')])[0]
    trust = Trust(site.ca)
    application = Requests(site, trust.context)
    target = Target(site.address('lb-1'), STORE, '', site.secrets['wandb_minio_access_key'], site.secrets['wandb_minio_secret_key'], context=trust.context)
    bucket = Load(target, f'ca-{fingerprint(old)[:8]}-{os.getpid()}', writers=1, readers=4, pace=0.2).start()
    try:
        time.sleep(5)
        rotate(site, old)
        time.sleep(5)
    finally:
        application.stop()
        bucket.stop()
        trust.stop()
    must(len(trust) == 2, 'clients learnt of two CAs')
    judge('application', application.done)
    judge('bucket', bucket.done)
    tidy(site, bucket.written)
    look_everywhere(site, old)
    must(playbook(site, 'wandb.onprem.site') == 0, 'a further run of site changes nothing')
    must('Running' in site.kubectl('-n', 'wandb', 'get', 'pods'), 'pods run')
    say('all of it holds')


if __name__ == '__main__':
    main()
