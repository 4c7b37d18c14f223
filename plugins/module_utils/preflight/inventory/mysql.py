# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the MySQL that is made here: one server or a pair. Pure. Its backups are in ``backups``, its sizes in ``sizes``."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import is_loopback
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

GROUP = 'wandb_mysql'
# Accounts that the role or the server makes itself.
_ACCOUNTS = frozenset({'root', 'mysql', 'wandb_replication', 'wandb_backup', 'wandb_monitoring'})
_SYSTEM_SCHEMAS = frozenset({'mysql', 'sys', 'information_schema', 'performance_schema'})
# The hosting guide's parameter group (vars/main.yml of the role): value that W&B needs.
REQUIRED_SETTINGS = {
    'binlog_format': 'row', 'binlog_row_image': 'minimal', 'innodb_flush_log_at_trx_commit': '1', 'sync_binlog': '1',
}
MINIMUM_SETTINGS = {'innodb_online_alter_log_max_size': 268435456, 'max_prepared_stmt_count': 1048576, 'sort_buffer_size': 67108864}
# Settings that other parts of the role rely on -> the variable that sets them, or why not at all.
OWN_SETTINGS = {
    'port': 'wandb_mysql_port', 'bind_address': 'wandb_mysql_bind_address', 'datadir': 'wandb_mysql_data_dir', 'server_id': 'wandb_mysql_server_id',
    'innodb_buffer_pool_size': 'wandb_mysql_innodb_buffer_pool_size', 'open_files_limit': 'wandb_mysql_open_files_limit',
    'socket': '', 'pid_file': '', 'ssl_ca': '', 'ssl_cert': '', 'ssl_key': '', 'require_secure_transport': '', 'gtid_mode': '',
    'enforce_gtid_consistency': '', 'skip_name_resolve': '',
}
_PAIR_SETTINGS = frozenset({'read_only', 'super_read_only'})
# Said on the command line for one run; left in the inventory they would allow it in every run.
ONCE = ('wandb_mysql_reseed', 'wandb_mysql_accept_loss', 'wandb_mysql_peer_gone')
_VERSION = re.compile(r'(?<![0-9])([0-9]+)\.([0-9]+)(?:\.([0-9]+))?')
_BYTES = {'': 1, 'k': 1024, 'm': 1024**2, 'g': 1024**3, 't': 1024**4}


def size_in_bytes(text: t.Any) -> int | None:
    """``8G`` or ``4gb`` as bytes, or None for what is no size."""
    match = re.fullmatch(r'([0-9]+)([kmgt]?)b?', str(text).strip().lower())
    return int(match.group(1)) * _BYTES[match.group(2)] if match else None


def _setting(name: t.Any) -> str:
    return re.sub('^loose_', '', str(name).lower().replace('-', '_'))


@rule(
    'mysql-hosts', GROUP,
    why='A pair has a primary and a standby; the collection knows no third.',
    mend='leave one, or two for a primary and its standby',
)
def mysql_hosts(site: Site) -> t.Iterator[Found]:
    """Group wandb_mysql has one host, or two."""
    if len(site.members(GROUP)) > 2:
        yield Found(GROUP, f'has {len(site.members(GROUP))} hosts')


@rule(
    'mysql-pair-address', 'wandb_mysql_virtual_address', 'wandb_mysql_address',
    why='Clients of a pair need one address that follows the primary.',
    mend='set a free address of their network, such as 10.0.0.20/24 (or wandb_mysql_address, if something of yours follows the primary)',
)
def pair_address(site: Site) -> t.Iterator[Found]:
    """A pair has an address that follows the primary."""
    hosts = site.members(GROUP)
    if len(hosts) == 2 and not site.has('wandb_mysql_virtual_address') and site.text('wandb_mysql_address') in (*hosts, ''):
        yield Found('wandb_mysql_virtual_address', 'is missing: clients of a pair need one address that follows the primary')


@rule(
    'mysql-server-id', 'wandb_mysql_server_id',
    why='A replica passes over the transactions of a server with its own id.',
    mend='give each host another number, or 0 on both: ids are then derived from the names',
)
def server_id(site: Site) -> t.Iterator[Found]:
    """The servers of a pair have different ids."""
    seen: dict[int, str] = {}
    for host in site.members(GROUP):
        number = site.number('wandb_mysql_server_id', host)
        if number and seen.setdefault(number, host) != host:
            yield Found('wandb_mysql_server_id', f'is {number} on {seen[number]}, too', where=host)


@rule(
    'mysql-bind', 'wandb_mysql_bind_address',
    why='Pods and the standby come over the network.',
    mend='write "*", or the addresses of the host with 127.0.0.1 among them',
)
def bind(site: Site) -> t.Iterator[Found]:
    """MySQL listens on more than the loopback address."""
    for host in site.members(GROUP):
        addresses = [one.strip() for one in site.text('wandb_mysql_bind_address', host).split(',') if one.strip()]
        if addresses and all(is_loopback(one) and one not in ('0.0.0.0', '::') for one in addresses):
            yield Found('wandb_mysql_bind_address', 'is a loopback address alone', where=host)


@rule(
    'mysql-archive', 'wandb_mysql_install_method', 'wandb_mysql_archive', 'wandb_mysql_archive_sha256',
    why='What is unpacked and run as a service is checked against a sum that you trust.',
    mend='give both, or wandb_mysql_install_method: packages',
)
def archive(site: Site) -> t.Iterator[Found]:
    """An installation from an archive names the archive and its SHA-256; one from packages names neither."""
    for host in site.members(GROUP):
        given = {name: site.text(name, host) for name in ('wandb_mysql_archive', 'wandb_mysql_archive_sha256')}
        if site.text('wandb_mysql_install_method', host) == 'archive':
            for name, value in given.items():
                if not value:
                    mend = 'a path on the controller, or https://...' if name == 'wandb_mysql_archive' else '64 hexadecimal digits, from where you trust them'
                    yield Found(name, 'is missing, and wandb_mysql_install_method is archive', mend, host)
            if given['wandb_mysql_archive'].startswith('http://'):
                yield Found('wandb_mysql_archive', 'is fetched without TLS', 'write https://', host)
        elif given['wandb_mysql_archive']:
            mend = 'set wandb_mysql_install_method: archive, or remove it'
            yield Found('wandb_mysql_archive', 'does nothing with wandb_mysql_install_method: packages', mend, host)


@rule(
    'mysql-settings', 'wandb_mysql_settings',
    why='W&B loses data or fails without them, and the role reads back what it set itself.',
    mend='remove it from wandb_mysql_settings',
)
def settings(site: Site) -> t.Iterator[Found]:
    """Settings of your own leave alone what the guide demands, what has a variable of its own, and what follows the primary."""
    for host in site.members(GROUP):
        for key, value in site.mapping('wandb_mysql_settings', host).items():
            name = _setting(key)
            wanted, least, number = REQUIRED_SETTINGS.get(name), MINIMUM_SETTINGS.get(name), size_in_bytes(value)
            if wanted and str(value).lower() not in (wanted, {'1': 'true'}.get(wanted, wanted)):
                yield Found('wandb_mysql_settings', f'{name} must be {wanted.upper()}', f'remove {name}', host)
            elif least and (number is None or number < least):
                yield Found('wandb_mysql_settings', f'{name} must be {least} at least', f'remove {name}', host)
            elif name in OWN_SETTINGS:
                variable = OWN_SETTINGS[name]
                yield Found('wandb_mysql_settings', f'{name} is the role\'s own', f'set {variable}' if variable else f'remove {name}', host)
            elif name in _PAIR_SETTINGS and len(site.members(GROUP)) == 2:
                yield Found('wandb_mysql_settings', f'{name} follows the primary in a pair', f'remove {name}', host)


@rule(
    'mysql-account', 'wandb_mysql_user', 'wandb_mysql_database',
    why='The application would have the rights of that account, or write among the server\'s own tables.',
    mend='take names of their own, such as wandb_local',
)
def account(site: Site) -> t.Iterator[Found]:
    """The application's user and database are nobody else's."""
    made = bool(site.members(GROUP))
    endpoint = site.mapping('wandb_mysql_endpoint')
    user = (site.text('wandb_mysql_user') if made else str(endpoint.get('user') or '')).lower()
    database = (site.text('wandb_mysql_database') if made else str(endpoint.get('database') or '')).lower()
    if user in _ACCOUNTS:
        yield Found('wandb_mysql_user' if made else 'wandb_mysql_endpoint', f'user {user} is an account of another kind')
    if database in _SYSTEM_SCHEMAS:
        yield Found('wandb_mysql_database' if made else 'wandb_mysql_endpoint', f'database {database} is the server\'s own')


@rule(
    'mysql-data-dir', 'wandb_mysql_data_dir',
    why='The server wants a folder that holds nothing else, and makes it itself.',
    mend='take a folder beneath, such as /var/lib/mysql',
)
def data_dir(site: Site) -> t.Iterator[Found]:
    """The data directory is a folder of its own, none of the system's."""
    for host in site.members(GROUP):
        path = site.text('wandb_mysql_data_dir', host).rstrip('/')
        if path in ('/var', '/var/lib', '/etc', '/etc/mysql', '/home', '/root', '/opt', '/usr', '/tmp', '/run', '/srv', '/mnt', '/data', '/boot', '/dev'):
            yield Found('wandb_mysql_data_dir', 'is a folder of the system, or a mount point itself', f'take a folder beneath, such as {path}/mysql', host)
        elif path and path == site.text('wandb_mysql_backup_scratch_dir', host).rstrip('/'):
            yield Found('wandb_mysql_backup_scratch_dir', 'is the data directory: the restore test would empty it', 'take another folder', host)


@rule(
    'mysql-version', 'wandb_mysql_package', 'wandb_mysql_archive', 'wandb_mysql_allow_unsupported_version',
    why='W&B names MySQL 8.0 (from 8.0.28 on) and 8.4; its migrations were written for those.',
    mend='take 8.4 (or 8.0.28 and later), or set wandb_mysql_allow_unsupported_version: true for a newer one',
)
def version(site: Site) -> t.Iterator[Found]:
    """The package or archive is a MySQL that W&B names, as far as its name tells."""
    for host in site.members(GROUP):
        name = _source(site, host)
        text = site.text(name, host).rsplit('/', 1)[-1]
        if 'mariadb' in text.lower():
            yield Found(name, 'is no MySQL', 'take mysql-server, or an archive of MySQL', host)
            continue
        found = _version(text)
        if not found:
            continue
        if found < (8, 0, 0):
            yield Found(name, f'is MySQL {_told(found)}, which W&B does not run on', 'take 8.4, or 8.0.28 and later', host)
        elif not ((8, 0, 28) <= found < (8, 5, 0)) and not site.flag('wandb_mysql_allow_unsupported_version', host):
            yield Found(name, f'is MySQL {_told(found)}, which W&B does not name', where=host)


@rule(
    'mysql-end-of-life', 'wandb_mysql_package', 'wandb_mysql_archive',
    warning=True,
    why='8.0 reached its end in April 2026, and innovation releases (8.1 to 8.3) end with the next one.',
    mend='plan for MySQL 8.4',
)
def end_of_life(site: Site) -> t.Iterator[Found]:
    """The MySQL that is named is still maintained."""
    for host in site.members(GROUP):
        name = _source(site, host)
        found = _version(site.text(name, host).rsplit('/', 1)[-1])
        if found and (8, 0, 28) <= found < (8, 4, 0):
            yield Found(name, f'is MySQL {_told(found)}', where=host)


def _source(site: Site, host: str) -> str:
    return 'wandb_mysql_archive' if site.text('wandb_mysql_install_method', host) == 'archive' else 'wandb_mysql_package'


def _version(text: str) -> tuple[int, int, int] | None:
    match = _VERSION.search(text)
    # mysql-server-8.0 is the newest of its line.
    return (int(match.group(1)), int(match.group(2)), int(match.group(3) or 99)) if match else None


def _told(version_found: tuple[int, int, int]) -> str:
    return '.'.join(str(part) for part in version_found[:2 if version_found[2] == 99 else 3])


@rule(
    'mysql-once', *ONCE,
    why='It allows what loses data, for the one run that needs it.',
    mend='remove it from the inventory; give it on the command line: -e',
)
def once(site: Site) -> t.Iterator[Found]:
    """What allows the loss of data is said on the command line, for one run."""
    for name in ONCE:
        if site.value(name) and name in site.in_files:
            yield Found(name, 'stands in the inventory')


@rule(
    'mysql-semi-sync', 'wandb_mysql_semi_sync_block', 'wandb_mysql_accept_asynchronous', 'wandb_mysql_virtual_address',
    why='They are for a pair.',
    mend='remove it, or add a second host to group wandb_mysql',
)
def semi_sync(site: Site) -> t.Iterator[Found]:
    """What only a pair has is given for a pair."""
    if len(site.members(GROUP)) == 1:
        for name in ('wandb_mysql_semi_sync_block', 'wandb_mysql_accept_asynchronous', 'wandb_mysql_virtual_address'):
            if site.gives(name) and site.value(name):
                yield Found(name, 'does nothing for a single server')


RULES = (
    mysql_hosts, pair_address, server_id, bind, archive, settings, account, data_dir, version, end_of_life, once, semi_sync,
)
