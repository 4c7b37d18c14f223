# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for what was observed on the hosts and on the API host, each a pure function over the result of one module call."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.problem import Problem

MIN_PYTHON = (3, 9)
MIN_KUBERNETES = (1, 29)
MAX_CLOCK_SKEW_SECONDS = 1.0
MIN_FREE_BYTES = 2 * 1024**3

Observed = t.Mapping[str, t.Any]


def platform(host: str, seen: Observed) -> t.Iterator[Problem]:
    """W&B and its data services run on 64-bit x86 Linux; modules need Python >= 3.9."""
    if seen['architecture'] not in ('x86_64', 'amd64'):
        yield Problem(host, f'has CPU architecture {seen["architecture"]}', 'W&B Server runs on x86-64 only: use another host', where='hosts')
    if tuple(seen['python'])[:2] < MIN_PYTHON:
        version = '.'.join(str(part) for part in seen['python'][:2])
        yield Problem('ansible_python_interpreter', f'Python {version} on {host}', 'install Python 3.9 or newer there', where=host)
    if not seen['systemd']:
        yield Problem(host, 'was not booted with systemd', 'the roles make systemd units: use a host that runs systemd', where='hosts')
    if not seen['root']:
        yield Problem('ansible_become', f'tasks on {host} do not run as root', 'connect as root or set ansible_become: true', where=host)


def clock(host: str, seen: Observed) -> t.Iterator[Problem]:
    """Presigned URLs and certificates carry times.

    The host read its clock between two readings of the controller's, so the true skew lies between two bounds; only a skew that is too
    large at both is a problem.
    """
    most = seen['clock'] - seen['controller_before']
    least = seen['clock'] - seen['controller_after']
    if least > MAX_CLOCK_SKEW_SECONDS or most < -MAX_CLOCK_SKEW_SECONDS:
        skew = least if least > 0 else most
        yield Problem(host, f'its clock is {skew:+.1f} s off the controller\'s', 'run a time service (chrony, systemd-timesyncd) on both', where='hosts')


def disk(host: str, seen: Observed) -> t.Iterator[Problem]:
    """Room for packages and data."""
    for path, free in sorted((path, one['free_bytes']) for path, one in seen['disks'].items()):
        if free < MIN_FREE_BYTES:
            yield Problem(host, f'{free / 1024**3:.1f} GiB free under {path}', f'make at least {MIN_FREE_BYTES // 1024**3} GiB free', where='hosts')


def api_host(host: str, seen: Observed) -> t.Iterator[Problem]:
    """Programs and Python packages from which the Kubernetes API is spoken to."""
    for package in seen.get('missing_packages', ()):
        why = f'Python package {package} is missing for {seen["executable"]}'
        yield Problem('requirements.txt', why, 'install the requirements.txt of this collection there', where=host)
    for variable, path in sorted(seen.get('missing_files', {}).items()):
        yield Problem(variable, f'{path or "empty"}: not there', 'correct the path, or put the file there', where=host)


def cluster(host: str, seen: Observed) -> t.Iterator[Problem]:
    """What the cluster must be."""
    if seen.get('error'):
        mend = 'correct the kubeconfig, or the network between this host and the API'
        yield Problem('wandb_kubeconfig', f'the Kubernetes API does not answer: {seen["error"]}', mend, where=host)
        return
    version = (int(seen['version']['major']), int(seen['version']['minor']))
    if version < MIN_KUBERNETES:
        yield Problem('wandb_kubeconfig', f'the cluster runs Kubernetes {version[0]}.{version[1]}', 'W&B needs 1.29 or newer: upgrade the cluster', where=host)


def redis(host: str, seen: Observed) -> t.Iterator[Problem]:
    """A Redis of the user's own; the probe's message has the mend in it."""
    if seen.get('error'):
        yield Problem('wandb_redis_endpoint', seen['error'], 'correct the endpoint, or the server', where=host)


RULES: dict[str, tuple[t.Callable[[str, Observed], t.Iterator[Problem]], ...]] = {
    'host': (platform, clock, disk),
    'api_host': (api_host,),
    'cluster': (cluster,),
    'redis': (redis,),
}


def check_hosts(observed: t.Iterable[Observed]) -> list[Problem]:
    """Every problem of what was observed.

    ``observed`` = a list of ``{kind: host|api_host|cluster|redis, host: name, seen: {...}}``.
    """
    return [problem for entry in observed for rule in RULES[entry['kind']] for problem in rule(entry['host'], entry['seen'])]
