# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second, small MySQL server beside the running one, for the restore test; nothing of it stays."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import typing as t

from .config import Config
from .report import BackupError, size

UNIT = 'wandb-mysql-scratch.service'
USER = 'mysql'


def remove(config: Config) -> None:
    """Stop what runs and delete its data, also what a killed test left."""
    subprocess.run(['systemctl', 'stop', UNIT], check=False, capture_output=True)
    shutil.rmtree(data_dir(config), ignore_errors=True)


def data_dir(config: Config) -> pathlib.Path:
    """The folder that holds the scratch instance and nothing else."""
    return pathlib.Path(config.scratch_dir) / 'instance'


def refuse_small(config: Config, needed: int) -> None:
    """BackupError if the disk cannot hold the database twice over what it has: data, and what loading takes besides."""
    folder = pathlib.Path(config.scratch_dir)
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < 1.5 * needed + (1 << 30):
        raise BackupError(
            f'{config.scratch_dir} has {size(free.f_bavail * free.f_frsize)} free, the restore test takes about {size(1.5 * needed + (1 << 30))} '
            '(wandb_mysql_backup_scratch_dir)')


def _unit(config: Config, *options: str) -> list[str]:
    return [
        'systemd-run', '--quiet', '--collect', f'--unit={UNIT}', f'--uid={USER}', f'--gid={USER}',
        f'--property=MemoryMax={config.scratch_memory_mb}M', '--property=LimitNOFILE=10000', '--property=CapabilityBoundingSet=',
        '--property=NoNewPrivileges=yes', '--property=ProtectSystem=strict', f'--property=ReadWritePaths={config.scratch_dir}',
        '--property=PrivateTmp=yes', '--property=PrivateNetwork=yes', '--property=Nice=10', '--property=IOSchedulingClass=idle',
        # The distributions' profile of mysqld knows the running server's folders only.
        '--property=AppArmorProfile=-unconfined', *options]


def _mysqld(config: Config, names: int) -> list[str]:
    folder = data_dir(config)
    pool = max(32, config.scratch_memory_mb // 4)
    return [
        config.mysqld, '--no-defaults', f'--datadir={folder}/data', f'--socket={folder}/mysqld.sock', f'--pid-file={folder}/mysqld.pid', '--skip-networking',
        '--mysqlx=OFF', '--skip-log-bin', '--performance-schema=OFF', f'--innodb-buffer-pool-size={pool}M', '--innodb-flush-log-at-trx-commit=0',
        '--innodb-doublewrite=OFF', '--loose-innodb-redo-log-capacity=256M', '--max-allowed-packet=1G', f'--lower-case-table-names={names}',
    ]


@contextlib.contextmanager
def instance(config: Config, lower_case_table_names: int) -> t.Iterator[str]:
    """The socket of a scratch server with an empty data directory; root has no password, and nobody else reaches the socket's folder."""
    remove(config)
    folder = data_dir(config)
    folder.mkdir(mode=0o700, parents=True)
    shutil.chown(folder, USER, USER)
    server = _mysqld(config, lower_case_table_names)
    try:
        for command in ([*_unit(config, '--wait', '--pipe'), *server, '--initialize-insecure'], [*_unit(config, '--property=Type=notify'), *server]):
            done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                words = (done.stdout + done.stderr).strip() or subprocess.run(
                    ['journalctl', f'--unit={UNIT}', '--lines=20', '--output=cat', '--no-pager'], check=False, capture_output=True, text=True).stdout
                raise BackupError(f'The scratch server did not start: {words[-1500:]}')
        yield f'{folder}/mysqld.sock'
    finally:
        remove(config)
