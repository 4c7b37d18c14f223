# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the services is on a host already, and whether the collection brought it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.host.machine import blocks
from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe


@dataclasses.dataclass(frozen=True)
class Service:
    """By what a service is known. ``marks``: a path that the role makes, or a file and what the role writes in it."""

    units: tuple[str, ...]
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]


SERVICES = {
    'mysql': Service(
        ('mysql.service', 'mysqld.service', 'mariadb.service'),
        ('mysql-server', 'mysql-community-server', 'mariadb-server', 'percona-server-server'), ('mysqld', 'mariadbd'), (('/etc/wandb/mysql', ''),),
    ),
    'minio': Service(('minio.service',), ('minio',), ('minio',), (('/etc/minio/minio.env', '# wandb_minio_drives:'),)),
    'redis': Service(
        ('redis-server.service', 'redis.service', 'redis-sentinel.service', 'valkey.service'),
        ('redis-server', 'redis', 'valkey', 'valkey-server'), ('redis-server', 'valkey-server'), (('/etc/wandb/redis', ''),),
    ),
    # For addresses that follow a service.
    'keepalived': Service(('keepalived.service',), ('keepalived',), ('keepalived',), (('/etc/keepalived/keepalived.conf', 'wandb.onprem'),)),
    'nginx': Service(('nginx.service',), ('nginx', 'nginx-core', 'nginx-plus'), ('nginx',), (('/etc/nginx/nginx.conf', 'wandb.onprem'),)),
}


def packages_of_dpkg(text: str) -> dict[str, str]:
    """Package -> version of those that are installed, of ``dpkg-query`` with a line ``package<tab>version<tab>status`` each."""
    rows = (line.split('\t') for line in text.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 3 and row[2].startswith('ii')}


def packages_of_rpm(text: str) -> dict[str, str]:
    """The same of ``rpm``; of what is not installed it says so in words."""
    rows = (line.split('\t') for line in text.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def is_ours(probe: Probe, service: Service) -> bool:
    """Whether the role was here."""
    return any(written in probe.text(path) if written else probe.exists(path) for path, written in service.marks)


def look(probe: Probe, wanted: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
    """Service -> units, packages and programs that are there, and whether they are ours."""
    services = {name: SERVICES[name] for name in wanted}
    if not services:
        return {}
    units = [unit for service in services.values() for unit in service.units]
    packages = [package for service in services.values() for package in service.packages]
    shown = blocks(probe.run(['systemctl', 'show', '--property=Names,LoadState,ActiveState,FragmentPath', '--', *units])[1])
    states = {name: block for block in shown for name in block.get('Names', '').split() if block.get('LoadState') not in ('not-found', None)}
    if probe.program('dpkg-query'):
        command = ['dpkg-query', '--show', '--showformat=${Package}\\t${Version}\\t${db:Status-Abbrev}\\n', *packages]
        versions = packages_of_dpkg(probe.run(command)[1])
    else:
        versions = packages_of_rpm(probe.run(['rpm', '--query', '--queryformat', '%{NAME}\\t%{VERSION}\\n', *packages])[1])
    return {
        name: {
            'ours': is_ours(probe, service),
            'units': {unit: states[unit].get('ActiveState', '') for unit in service.units if unit in states},
            'packages': {package: versions[package] for package in service.packages if package in versions},
            'programs': [path for path in (probe.program(program) for program in service.programs) if path],
        }
        for name, service in services.items()
    }
