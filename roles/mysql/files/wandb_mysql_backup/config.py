# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's settings: `/etc/wandb/mysql/backup.json` (root, 0600), written by the role mysql."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import typing as t

from .report import WRONG_SETTINGS, BackupError
from .retention import LEAST_DAYS
from .store_s3 import S3Settings, S3Store
from .store_sftp import SftpSettings, SftpStore
from .stores import DirectoryStore, Store


@dataclasses.dataclass(frozen=True)
class Config:
    """`login_file`: option file of the backup user, `admin_login_file`: of root, for restores; both name socket and password.

    `program_dirs` are looked through before PATH. `targets`: see `stores`.
    """

    database: str
    login_file: str
    admin_login_file: str
    mysqld: str
    targets: list[dict[str, t.Any]]
    program_dirs: list[str] = dataclasses.field(default_factory=list)
    keep_days: int = 14
    max_age_hours: int = 30
    max_replica_lag: int = 3600
    compression_level: int = 3
    state_dir: str = '/var/lib/wandb/mysql-backup'
    scratch_dir: str = '/var/lib/wandb/mysql-scratch'
    scratch_memory_mb: int = 512

    def program(self, name: str) -> str:
        """Path of a program of MySQL's client."""
        found = shutil.which(name, path=':'.join(self.program_dirs)) or shutil.which(name)
        if not found:
            raise BackupError(
                f'{name} is in none of {", ".join([*self.program_dirs, "PATH"])}: install the client programs (wandb_mysql_backup_packages)', WRONG_SETTINGS)
        return found

    def stores(self, only: str = '') -> list[Store]:
        """The targets, or the one of that name."""
        chosen = [entry for entry in self.targets if only in ('', entry.get('name'))]
        if not chosen:
            names = ', '.join(str(entry.get('name')) for entry in self.targets)
            raise BackupError(f'No target is called {only!r}; there is {names}' if only else 'No target is set (wandb_mysql_backup_targets)', WRONG_SETTINGS)
        return [make_store(entry) for entry in chosen]


def make_store(entry: t.Mapping[str, t.Any]) -> Store:
    """The store that an entry of `targets` describes; BackupError for one that it does not."""
    settings = dict(entry)
    kind = settings.pop('type', '')
    try:
        if kind == 's3':
            return S3Store(S3Settings(**settings))
        if kind == 'sftp':
            return SftpStore(SftpSettings(**settings))
        if kind == 'directory':
            return DirectoryStore(**settings)
    except TypeError as error:
        # Names the key that is missing or unknown, never a value.
        raise BackupError(f'Target {entry.get("name")!r} of type {kind}: {str(error).rsplit("() ", maxsplit=1)[-1]}', WRONG_SETTINGS) from None
    raise BackupError(f'Target {entry.get("name")!r}: type {kind!r} is none of s3, sftp, directory', WRONG_SETTINGS)


def load(path: str) -> Config:
    """Read and check the settings."""
    try:
        config = Config(**json.loads(pathlib.Path(path).read_text(encoding='utf-8')))
    except OSError as error:
        raise BackupError(
            f'{path} cannot be read: {error.strerror}. The role mysql writes it where wandb_mysql_backup_targets is set.', WRONG_SETTINGS) from error
    except json.JSONDecodeError as error:
        raise BackupError(f'{path} is no JSON (line {error.lineno})', WRONG_SETTINGS) from None
    except TypeError as error:
        raise BackupError(f'{path}: {str(error).rsplit("() ", maxsplit=1)[-1]}', WRONG_SETTINGS) from None
    if config.keep_days < LEAST_DAYS:
        raise BackupError(f'keep_days is {config.keep_days}: backups are kept for at least {LEAST_DAYS} days (wandb_mysql_backup_keep_days)', WRONG_SETTINGS)
    return config
