# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's MinIO as its administrator sees it, and clients of its own to look behind the modules."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils import minio
from harness import lab_dir, lab_vars


def root_options(host: str = 's3-1') -> dict[str, t.Any]:
    """The options of doc fragment s3_auth for one server of the lab."""
    known = lab_vars(host)
    return {
        'endpoint': f"https://{known['ansible_host']}:9000",
        'root_user': known['wandb_minio_root_user'],
        'root_password': known['wandb_minio_root_password'],
        'ca_content': (lab_dir() / 'pki' / 'ca.crt').read_text(encoding='utf-8'),
    }


def client(options: dict[str, t.Any], access_key: str, secret_key: str) -> minio.Minio:
    """An S3 client with any key."""
    connection = minio.Connection(options['endpoint'], access_key, secret_key, ca_content=options['ca_content'])
    return minio.s3_client(connection, minio.http_pool(connection))


def root_client(options: dict[str, t.Any]) -> minio.Minio:
    """An S3 client with the administrator's key."""
    return client(options, options['root_user'], options['root_password'])


def root_admin(options: dict[str, t.Any]) -> minio.MinioAdmin:
    """The admin client."""
    connection = minio.Connection(options['endpoint'], options['root_user'], options['root_password'], ca_content=options['ca_content'])
    return minio.admin_client(connection, minio.http_pool(connection))
