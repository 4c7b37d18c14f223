# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the backups of MySQL. Pure."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.mysql import GROUP
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, Values

TARGETS = 'wandb_mysql_backup_targets'
# Type of a target -> the keys that it cannot do without, as in templates/backup_problems.j2 of the role.
NEEDED = {
    's3': ('bucket', 'access_key', 'secret_key'), 'sftp': ('host', 'user', 'path', 'private_key', 'host_key'), 'directory': ('path',),
}
_OF_TYPE = {
    's3': {'endpoint', 'bucket', 'prefix', 'region', 'access_key', 'secret_key', 'ca'}, 'sftp': {'host', 'port', 'user', 'private_key', 'host_key', 'path'},
    'directory': {'path'},
}


def _targets(site: Site) -> t.Iterator[tuple[str, int, Values]]:
    for host in site.members(GROUP):
        for number, target in site.dictionaries(TARGETS, host):
            yield host, number, target


def _place(target: Values) -> str:
    """The host of a target; empty for AWS and for a folder."""
    return str(target.get('host') or '') if target.get('type') == 'sftp' else urlsplit(str(target.get('endpoint') or '')).hostname or ''


def _told(number: int, target: Values) -> str:
    return f'{target.get("name") or "entry " + str(number)}'


@rule(
    'backup-target', TARGETS,
    why='A backup that cannot be written is none.',
    mend='add it; the README of role mysql lists what each type takes',
)
def target_keys(site: Site) -> t.Iterator[Found]:
    """A target has what its type needs, and nothing of another type."""
    for host, number, target in _targets(site):
        kind = str(target.get('type') or '')
        for key in NEEDED.get(kind, ()):
            if not target.get(key):
                yield Found(TARGETS, f'{_told(number, target)}: {key} is missing (type {kind})', f'add {key}', host)
        for key in sorted(set(target) - _OF_TYPE.get(kind, set(target)) - {'name', 'type'}):
            if target[key] and key in set().union(*_OF_TYPE.values()):
                yield Found(TARGETS, f'{_told(number, target)}: {key} has no meaning for type {kind}', f'remove {key}', host)


@rule(
    'backup-path', TARGETS,
    why='The program runs from systemd, in no folder of yours.',
    mend='write it from / on',
)
def target_path(site: Site) -> t.Iterator[Found]:
    """The folder of a target is an absolute path, away from the data."""
    for host, number, target in _targets(site):
        path, data = str(target.get('path') or ''), site.text('wandb_mysql_data_dir', host).rstrip('/')
        if path and not path.startswith('/'):
            yield Found(TARGETS, f'{_told(number, target)}: path is not absolute', where=host)
        elif target.get('type') == 'directory' and data and (path.rstrip('/') + '/').startswith(data + '/'):
            yield Found(TARGETS, f'{_told(number, target)}: path is inside of the data directory', 'take a folder of another disk, at best elsewhere', host)


@rule(
    'backup-name', TARGETS,
    why='Files and messages tell targets apart by their names.',
    mend='give each a name of its own',
)
def target_name(site: Site) -> t.Iterator[Found]:
    """No two targets have one name."""
    for host in site.members(GROUP):
        seen = set()
        for _number, target in site.dictionaries(TARGETS, host):
            name = str(target.get('name') or '')
            if name and name in seen:
                yield Found(TARGETS, f'two targets have the name {name}', where=host)
            seen.add(name)


@rule(
    'backup-endpoint', TARGETS,
    why='It is the URL of the store.',
    mend='write https:// and the name, or leave it out for AWS',
)
def target_endpoint(site: Site) -> t.Iterator[Found]:
    """The endpoint of an S3 target is an http(s):// address without a path."""
    for host, number, target in _targets(site):
        endpoint = str(target.get('endpoint') or '')
        if target.get('type') == 's3' and endpoint and (not endpoint.startswith(('https://', 'http://')) or urlsplit(endpoint).path.strip('/')):
            yield Found(TARGETS, f'{_told(number, target)}: endpoint is not https:// and a name', where=host)
        elif str(target.get('prefix') or '').strip('/') != str(target.get('prefix') or ''):
            yield Found(TARGETS, f'{_told(number, target)}: prefix begins or ends with a slash', 'write it without', host)


@rule(
    'backup-same-host', TARGETS,
    why='What takes the host takes its backups, too.',
    mend='send them to another host, at best in another house',
)
def target_same_host(site: Site) -> t.Iterator[Found]:
    """No target is a database host itself."""
    own = site.known_as(site.members(GROUP))
    for host, number, target in _targets(site):
        if target.get('type') == 'sftp' and str(target.get('host') or '') in own:
            yield Found(TARGETS, f'{_told(number, target)}: {target["host"]} is a database host itself', where=host)


@rule(
    'backup-near', TARGETS,
    warning=True,
    why='W&B asks for backups in another facility: what takes the site takes its backups, too.',
    mend='add a target elsewhere',
)
def target_near(site: Site) -> t.Iterator[Found]:
    """At least one target lies outside of the site."""
    own = site.known_as(site.hosts) | {site.text('wandb_minio_address')}
    for host in site.members(GROUP):
        targets = [target for _number, target in site.dictionaries(TARGETS, host)]
        far = [target for target in targets if target.get('type') != 'directory' and _place(target) not in own]
        if targets and not far:
            yield Found(TARGETS, 'are all within the site', where=host)


@rule(
    'backup-age', 'wandb_mysql_backup_max_age_hours', 'wandb_mysql_backup_keep_days',
    why='A backup is deleted before it counts as too old.',
    mend='keep backups longer, or call them too old earlier',
)
def backup_age(site: Site) -> t.Iterator[Found]:
    """Backups are kept longer than they may be old."""
    for host in site.members(GROUP):
        days, hours = site.number('wandb_mysql_backup_keep_days', host), site.number('wandb_mysql_backup_max_age_hours', host)
        if days and hours and hours > days * 24:
            yield Found('wandb_mysql_backup_max_age_hours', f'is {hours}, and backups are kept for {days} days', where=host)


@rule(
    'backup-programs', 'wandb_mysql_client_package', 'wandb_mysql_backup_packages', TARGETS,
    warning=True,
    why="The vendor's minimal archives have no client programs; a backup is made with mysqldump, mysql and mysqlbinlog.",
    mend='name packages that have them, unless your archive does',
)
def backup_programs(site: Site) -> t.Iterator[Found]:
    """A server from an archive has the programs that a backup is made with."""
    for host in site.members(GROUP):
        has = site.text('wandb_mysql_client_package', host) or site.entries('wandb_mysql_backup_packages', host)
        if site.entries(TARGETS, host) and site.text('wandb_mysql_install_method', host) == 'archive' and not has:
            yield Found('wandb_mysql_backup_packages', 'is empty, and so is wandb_mysql_client_package', where=host)


RULES = (
    target_keys, target_path, target_name, target_endpoint, target_same_host, target_near, backup_age, backup_programs,
)
