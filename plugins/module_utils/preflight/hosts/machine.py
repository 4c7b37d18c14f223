# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the machine: what it is, its clock, what confines it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.looks import data_paths
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import API_HOST, HOST, MACHINE, MACHINES, UNSEEN, Facts, seen_rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

MIN_PYTHON = (3, 9)
MAX_CLOCK_SKEW_SECONDS = 1.0
# Families of distributions -> whether the roles have been tried there.
FAMILIES = {'debian': True, 'rhel': False}
MYSQL_DATA = '/var/lib/mysql'


@seen_rule(
    'host-reached', UNSEEN, MACHINE,
    why='Nothing is known of it, and every later step would leave it out.',
    mend='mend the connection (ansible -m ping tells more), or take the host out of the inventory',
)
def reached(_site: Site, _host: str, _seen: Facts) -> t.Iterator[Found]:
    """Every host of the inventory was looked at."""
    yield Found(MACHINE, 'the host could not be looked at')


@seen_rule(
    'host-architecture', HOST, MACHINE,
    why='W&B Server and the services that it needs are built for x86-64.',
    mend='use another machine: x86-64 is wanted',
)
def architecture(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The processor is x86-64."""
    if seen['architecture'] not in ('x86_64', 'amd64'):
        yield Found(MACHINE, f'has CPU architecture {seen["architecture"]}')


@seen_rule(
    'host-python', MACHINES, 'ansible_python_interpreter',
    why='The modules need Python 3.9.',
    mend='install Python 3.9 or newer there, or name it in ansible_python_interpreter',
)
def python(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Python is 3.9 or newer."""
    if tuple(seen['python'])[:2] < MIN_PYTHON:
        yield Found('ansible_python_interpreter', f'is Python {".".join(str(part) for part in seen["python"][:2])}')


@seen_rule(
    'host-systemd', HOST, MACHINE,
    why='The roles make systemd units.',
    mend='use a machine that runs systemd',
)
def systemd(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The host was booted with systemd."""
    if not seen['systemd']:
        yield Found(MACHINE, 'was not booted with systemd')


@seen_rule(
    'host-root', HOST, 'ansible_become',
    why='Packages, units and data folders belong to root.',
    mend='connect as root, or set ansible_become: true',
)
def root(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Tasks run as root."""
    if not seen['root']:
        yield Found('ansible_become', 'tasks do not run as root')


@seen_rule(
    'host-distribution', HOST, MACHINE,
    why='The roles know the packages and paths of Debian, Ubuntu and the RHEL family; they have been tried on the first two.',
    mend='use Debian 12 or newer, or Ubuntu 22.04 or newer',
)
def distribution(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The distribution is one that the roles know. (One on which they have not been tried is warned of.)"""
    system = seen['os']
    if system['family'] not in FAMILIES:
        yield Found(MACHINE, f'runs {system["name"] or system["id"] or "an unknown system"}')
    elif not FAMILIES[system['family']]:
        told = f'runs {system["name"] or system["id"]}, on which the roles have not been tried'
        yield Found(MACHINE, told, 'try it on a machine to throw away first', warning=True)


@seen_rule(
    'clock-skew', MACHINES, MACHINE,
    why='Presigned URLs, certificates and backups carry times.',
    mend='run a time service (chrony, systemd-timesyncd) on host and controller',
)
def clock(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The clock is less than a second off the controller's. (The host read it between two readings of the controller's: the true skew lies
    between two bounds, and only one that is too large at both is told.)"""
    most = seen['clock'] - seen['controller_before']
    least = seen['clock'] - seen['controller_after']
    if least > MAX_CLOCK_SKEW_SECONDS or most < -MAX_CLOCK_SKEW_SECONDS:
        yield Found(MACHINE, f"its clock is {least if least > 0 else most:+.1f} s off the controller's")


@seen_rule(
    'time-service', HOST, MACHINE,
    warning=True,
    why='A clock that nobody sets drifts, and presigned URLs are refused once it is off.',
    mend='install chrony, or switch systemd-timesyncd on',
)
def time_service(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """A time service runs and has synchronised the clock. (A container has the clock of its host.)"""
    sync = seen['time_sync']
    if sync['container']:
        return
    if not sync['service'] and not sync['synchronized']:
        yield Found(MACHINE, 'no time service runs')
    elif sync['synchronized'] is False:
        yield Found(MACHINE, f'{sync["service"]} has not synchronised the clock', 'let it reach its time servers')


@seen_rule(
    'selinux', HOST, MACHINE,
    warning=True,
    why='The roles set no SELinux types: a port or a data folder that the policy does not know is refused at run time.',
    mend='label ports and folders by hand (semanage port, semanage fcontext; setsebool -P httpd_can_network_connect on for Nginx), or set it to permissive',
)
def selinux(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """SELinux does not enforce a policy that nobody adapted."""
    if seen['selinux'] == 'enforcing':
        yield Found(MACHINE, 'SELinux is enforcing')


@seen_rule(
    'apparmor', HOST, 'wandb_mysql_data_dir',
    warning=True,
    why='The profile that the package brings lets the server write to /var/lib/mysql alone.',
    mend='allow the folder in /etc/apparmor.d/local/usr.sbin.mysqld, or use /var/lib/mysql',
)
def apparmor(site: Site, host: str, seen: Facts) -> t.Iterator[Found]:
    """No AppArmor profile keeps MySQL from its data."""
    folder = next((path for path, variable in data_paths(site, host).items() if variable == 'wandb_mysql_data_dir'), MYSQL_DATA)
    confined = [profile for profile in seen['apparmor']['enforced'] if 'mysqld' in profile]
    if confined and folder != MYSQL_DATA and not folder.startswith(f'{MYSQL_DATA}/'):
        yield Found('wandb_mysql_data_dir', f'AppArmor enforces profile {confined[0]}')


@seen_rule(
    'package-sources', HOST, MACHINE,
    warning=True,
    why='The roles install packages of the distribution.',
    mend='switch a source on that the host reaches (a mirror of yours, a proxy), or install the packages beforehand',
)
def package_sources(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """There is a source of packages, and at least one is reached. (By the configuration: nothing is fetched.)"""
    sources = seen['package_sources']
    if not sources['uris']:
        yield Found(MACHINE, f'{sources["manager"] or "no package manager that the roles know"}: no source is switched on')
    elif sources['endpoints'] and not any(one['state'] == 'open' for one in sources['endpoints']):
        told = ', '.join(f'{one["host"]}:{one["port"]} ({one["state"]})' for one in sources['endpoints'])
        yield Found(MACHINE, f'{sources["manager"]}: none of its sources is reached: {told}')


@seen_rule(
    'api-packages', API_HOST, 'ansible_python_interpreter',
    why='The Kubernetes API and the object store are spoken to from there.',
    mend='install the requirements.txt of this collection there',
)
def packages(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The API host has the Python packages of requirements.txt."""
    for package in seen.get('missing_packages', ()):
        yield Found('ansible_python_interpreter', f'Python package {package} is missing for {seen["executable"]}')


@seen_rule(
    'api-files', API_HOST, 'wandb_kubeconfig', 'wandb_helm_binary',
    why='Without a kubeconfig nothing of the cluster is reached, and the operator is made as a Helm release.',
    mend='correct the path, or put it there',
)
def files(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The API host has the kubeconfig and the helm program."""
    for variable, path in sorted(seen.get('missing_files', {}).items()):
        yield Found(variable, f'{path or "empty"}: not there')


@seen_rule(
    'helm-version', API_HOST, 'wandb_helm_binary',
    why='Older ones keep releases that the operator cannot read, newer ones are not known.',
    mend='install Helm 3 or 4',
)
def helm(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Helm is version 3 or 4."""
    told = seen.get('versions', {}).get('wandb_helm_binary')
    if told is not None and not told.lstrip('v').startswith(('3.', '4.')):
        yield Found('wandb_helm_binary', f'says of its version: {told or "nothing"}')


RULES = (
    reached, architecture, python, systemd, root, distribution, clock, time_service, selinux, apparmor, package_sources, packages, files, helm,
)
