# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis with Sentinels under load: the master killed, lost for good, cut off; two masters; passwords changed; every host rebooted."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from lab.podman import podman
from tests.drills.pair import CLIENT, must, say, steps
from tests.drills.trio import HOSTS, RedisWriter, Trio
from tests.site.outside import HOST, Site

WAYS = ('address', 'sentinel')
# wandb_redis_min_replicas_max_lag, a replica's report each second, and the server's own look at it each second.
MAX_LAG = 5 + 2


def converge(trio: Trio) -> None:
    """Three hosts stand, and are what they shall be."""
    if 'kube-1' not in trio.lab.hosts:
        for name in ('secrets', 'pki', 'redis'):
            trio.play(name)
    must(trio.changed(trio.play('redis')) == 0, 'a further run changes nothing')
    trio.wait('one is master and has the address, two follow, three Sentinels agree', trio.settled)
    trio.prepare_client()


def application(trio: Trio) -> None:
    """The application, where the whole site stands."""
    if 'kube-1' not in trio.lab.hosts:
        say('SKIPPED: is the application ready? This lab has no kube-1, so there is none to ask')
        return
    site = Site()
    trio.wait('the application is ready again through Nginx', lambda: site.request('GET', f'https://{HOST}/ready').status == 200)


def killed(trio: Trio) -> None:
    """The master's host is killed under load."""
    former = trio.masters()[0]
    trio.forget()
    writers = [RedisWriter(trio, way, trio.secret('wandb_redis_password')) for way in WAYS]
    for writer in writers:
        trio.wait(f'the writer by {writer.way} has written 500', lambda writer=writer: writer.written(former) > 500)
    podman('kill', trio.lab.container(former))
    rest = tuple(host for host in HOSTS if host != former)
    trio.wait(f'{former} is dead; another is master and has the address', lambda: trio.settled(rest), 60)
    application(trio)
    time.sleep(5)
    master = trio.masters()[0]
    for writer in writers:
        found = writer.stop()
        must(float(str(found['longest'])) <= 10, f'by {writer.way} no write took longer than {found["longest"]} s, tries included')
        lost = writer.lost(master)
        must(len(lost) <= float(str(found['rate'])), f'{len(lost)} of {found["acknowledged"]} acknowledged writes are lost, at most those of a second')
    podman('start', trio.lab.container(former))
    trio.wait(f'{former} is back and follows {master}', lambda: trio.masters() == [master] and trio.settled(), 120)
    changes = trio.changed_on(trio.play('redis'))
    must(trio.masters() == [master] and not any(changes[host] for host in rest), f'the next run keeps {master} and changes nothing but {former}: {changes}')
    must(trio.changed(trio.play('redis')) == 0, 'a further run changes nothing')


def replaced(trio: Trio) -> None:
    """The master's host is lost for good, and a bare one takes its place."""
    former = trio.masters()[0]
    podman('rm', '--force', '--volumes', trio.lab.container(former))
    rest = tuple(host for host in HOSTS if host != former)
    trio.wait(f'{former} is gone; another is master and has the address', lambda: trio.settled(rest), 60)
    master = trio.masters()[0]
    subprocess.run([sys.executable, '-m', 'lab', 'up', *HOSTS], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    trio.lab = type(trio.lab).load(trio.lab.name)
    trio.play('pki')
    changes = trio.changed_on(trio.play('redis'))
    must(changes[former] and not any(changes[host] for host in rest), f'the next run changes nothing but {former}: {changes}')
    must(trio.masters() == [master], f'{master} is still the master')
    trio.wait('all follow, and the Sentinels agree', trio.settled)
    must(trio.changed(trio.play('redis')) == 0, 'a further run changes nothing')


def route(trio: Trio, host: str, verb: str) -> None:
    """Cut a host off from the other two, or no longer; the client still reaches all."""
    for other in HOSTS:
        if other != host:
            trio.on(host, 'ip', 'route', verb, 'blackhole', f'{trio.lab.address(other)}/32')


def cut_off(trio: Trio) -> None:
    """The master is cut off from its replicas, and a client goes on to write to it: what it acknowledges is lost, and bounded."""
    former = trio.masters()[0]
    trio.forget()
    writer = RedisWriter(trio, 'address', trio.secret('wandb_redis_password'))
    trio.wait('the writer has written 200', lambda: writer.written(former) > 200)
    before, begun = writer.written(former), time.monotonic()
    time.sleep(5)
    rate = (writer.written(former) - before) / (time.monotonic() - begun)
    route(trio, former, 'add')
    begun = time.monotonic()
    trio.wait(f'{former} refuses writes, for it has no replica in step',
              lambda: 'NOREPLICAS' in trio.redis(former, 'SET', 'alone', '1'), 30)
    took = time.monotonic() - begun
    # The question itself takes its time.
    must(took <= MAX_LAG + 2, f'that took {took:.1f} s')
    trio.wait('another is master too, and has the address alone',
              lambda: len(trio.masters()) == 2 and trio.holder() == [host for host in trio.masters() if host != former], 60)
    time.sleep(3)
    route(trio, former, 'del')
    trio.wait('the cut is over: one master is left, and has the address', trio.settled, 120)
    time.sleep(3)
    found = writer.stop()
    lost = writer.lost(trio.masters()[0])
    must(len(lost) <= rate * (took + 1),
         f'{len(lost)} of {found["acknowledged"]} acknowledged writes are lost, at most those of the {took:.1f} s until the refusal at {rate:.0f} a second')
    must(trio.changed(trio.play('redis')) == 0, 'a further run changes nothing')


def two_masters(trio: Trio) -> None:
    """Nobody watches, and somebody makes a second master."""
    master = trio.masters()[0]
    other = next(host for host in HOSTS if host != master)
    for host in HOSTS:
        trio.on(host, 'systemctl', 'stop', 'redis-sentinel')
    trio.redis(other, 'REPLICAOF', 'NO', 'ONE')
    trio.redis(other, 'CONFIG', 'SET', 'min-replicas-to-write', '0')
    trio.redis(other, 'SET', 'only-here', '1')
    trio.play('redis', fails='are masters at the same time')
    must(sorted(trio.masters()) == sorted([master, other]), 'nothing was changed')
    trio.play('redis', '-e', f'wandb_redis_discard={other}')
    must(trio.masters() == [master] and trio.redis(other, 'EXISTS', 'only-here') == '0', f'{other} follows {master} again')
    must(trio.changed(trio.play('redis')) == 0, 'a further run changes nothing')


def verb(trio: Trio, name: str, values: pathlib.Path) -> None:
    """Run a verb of the role with other secrets."""
    play = [{'hosts': 'wandb_redis', 'gather_facts': False, 'become': True, 'any_errors_fatal': True,
             'tasks': [{'ansible.builtin.include_role': {'name': 'wandb.onprem.redis', 'tasks_from': name}}]}]
    file = trio.lab.state_dir / 'drill' / f'{name}.yml'
    file.write_text(yaml.safe_dump(play), encoding='utf-8')
    trio.play(str(file), '-e', f'@{values}', collection=False)


def rotated(trio: Trio) -> None:
    """All passwords are changed under load, without a refused command."""
    trio.forget()
    old = trio.secret('wandb_redis_password')
    new = {f'wandb_redis_{name}': f'another-{name}-of-this-drill' for name in ('password', 'replication_password', 'sentinel_password', 'monitoring_password')}
    values = trio.lab.state_dir / 'drill' / 'rotation.yml'
    values.write_text(yaml.safe_dump(new), encoding='utf-8')
    master = trio.masters()[0]
    before = RedisWriter(trio, 'address', old)
    trio.wait('the writer with the old password has written 200', lambda: before.written(master) > 200)
    verb(trio, 'rotate', values)
    after = RedisWriter(trio, 'sentinel', new['wandb_redis_password'])
    trio.wait('a writer with the new password has written 200', lambda: after.written(master) > 200)
    found = before.stop()
    must(not found['errors'], 'no command with the old password was refused')
    verb(trio, 'rotate_finish', values)
    time.sleep(3)
    found = after.stop()
    must(not found['errors'], 'no command with the new password was refused')
    must('AuthenticationError' in trio.on(CLIENT, 'python3', '-c', LOGIN, trio.address, old), 'the old password is refused')
    must(trio.settled(), 'replicas and Sentinels log in with their new passwords')
    must(trio.changed(trio.play('redis', '-e', f'@{values}')) == 0, 'a further run with the new passwords changes nothing')
    trio.play('redis')
    must(trio.changed(trio.play('redis')) == 0 and trio.settled(), 'back at the passwords of before')


LOGIN = """
import sys, redis
try:
    redis.Redis(host=sys.argv[1], password=sys.argv[2], ssl=True, ssl_ca_certs='/root/ca.crt').ping()
    print('let in')
except redis.RedisError as error:
    print(type(error).__name__, error)
"""


def rebooted(trio: Trio) -> None:
    """All hosts at once."""
    trio.redis(trio.masters()[0], 'SET', 'kept', 'yes')
    time.sleep(1.5)
    podman('restart', '--time', '30', *(trio.lab.container(host) for host in HOSTS))
    trio.wait('after a reboot of all one is master and has the address, two follow', trio.settled, 120)
    must(trio.redis(trio.masters()[0], 'GET', 'kept') == 'yes', 'what was written before is there')
    must(trio.changed(trio.play('redis')) == 0, 'a further run changes nothing')


def main() -> None:
    """Entry point; with names of steps, those alone."""
    trio = Trio()
    if 'kube-1' not in trio.lab.hosts:
        trio.describe(*HOSTS)
    for step in steps(converge, killed, replaced, cut_off, two_masters, rotated, rebooted):
        step(trio)
    say('all of it holds')


if __name__ == '__main__':
    main()
