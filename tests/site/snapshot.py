# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that a run wrote nothing: every file of the lab's hosts and every object of its cluster, before and after.

Usage: snapshot.py save|compare [HOST]: the whole lab, or one host alone.

A file is its path, size, modification time, mode and owner, listed by ``find`` through podman (no Ansible involved); an object is its
resourceVersion. Left out is what changes by itself: logs, run-time folders, Ansible's own temporary folder, the indexes that apt
makes of its lists when it is asked, Python's byte code, and in the cluster leases, events and what the nodes' heartbeats touch.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from lab.state import HOSTS, Lab, lab_name

PRUNED = (
    '/proc', '/sys', '/dev', '/run', '/tmp', '/var/tmp', '/var/log', '/root/.ansible', '/var/lib/systemd',
    '/opt/lab', '/var/lib/etcd', '/var/lib/lab', '/var/lib/nginx', '/var/cache/apt',
)
KINDS = 'namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,configmaps,secrets,serviceaccounts,services,deployments,ingresses'


def files(lab: Lab, host: str) -> list[str]:
    """One line a file of the host."""
    prune = ' -o '.join(f'-path {path}' for path in PRUNED)
    command = f"find / \\( {prune} \\) -prune -o ! -name '*.pyc' ! -name __pycache__ ! -type d -printf '%p %s %T@ %m %U:%G\\n'"
    output = subprocess.run(['podman', 'exec', lab.container(host), 'sh', '-c', command], check=True, capture_output=True, text=True).stdout
    return sorted(output.splitlines())


def objects(lab: Lab) -> list[str]:
    """One line an object of the cluster."""
    command = ['kubectl', '--kubeconfig', str(lab.state_dir / 'kubeconfig'), 'get', KINDS, '-A', '-o', 'json']
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)['items']
    return sorted(f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']} {item['metadata']['resourceVersion']}" for item in found)


def controller(lab: Lab) -> list[str]:
    """Files that the collection makes on the controller."""
    return sorted(f'{path} {path.stat().st_mtime}' for path in (lab.state_dir / 'pki').rglob('*') if path.is_file())


def take(lab: Lab, host: str = '') -> dict[str, list[str]]:
    """The whole lab, or one host."""
    if host:
        return {host: files(lab, host)}
    return {**{host: files(lab, host) for host in HOSTS}, 'cluster': objects(lab), 'controller': controller(lab)}


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Lines that appeared (+) or went (-), with where."""
    found = []
    for place in before:
        old, new = set(before[place]), set(after[place])
        found += [f'{place}: - {line}' for line in sorted(old - new)] + [f'{place}: + {line}' for line in sorted(new - old)]
    return found


def main() -> int:
    """Exit 1 where something was written."""
    verb, *hosts = sys.argv[1:]
    host = hosts[0] if hosts else ''
    lab = Lab.load(lab_name(os.environ))
    store = lab.state_dir / f'snapshot-{host or "all"}.json'
    now = take(lab, host)
    if verb == 'save':
        store.write_text(json.dumps(now), encoding='utf-8')
        return 0
    before = json.loads(store.read_text(encoding='utf-8'))
    found = differences(before, now)
    print(f'{sum(map(len, before.values()))} files and objects compared, {len(found)} differences')
    print('\n'.join(found[:100]))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
