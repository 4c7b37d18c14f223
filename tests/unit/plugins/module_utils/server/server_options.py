# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a typical site, as the module hands them on."""

from __future__ import annotations

import copy

PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

SITE = {
    'state': 'present',
    'name': 'wandb',
    'namespace': 'wandb',
    'operator_namespace': 'wandb-operator',
    'wandb_host': 'https://wandb.example.com',
    'license_secret': {'name': 'wandb-license-in', 'key': 'license'},
    'size': 'small',
    'chart': {'path': '/charts/operator-wandb', 'url': None, 'name': None},
    'chart_version': '0.43.8',
    'follow_channel': False,
    'image_tag': '0.83.0',
    'console_tag': '2.18.12',
    'mysql': {
        'host': 'db.example.com', 'port': 3306, 'database': 'wandb_local', 'user': 'wandb_local',
        'password_secret': {'name': 'wandb-mysql-in', 'key': 'MYSQL_PASSWORD'}, 'ca': PEM,
    },
    'redis': {
        'host': 'redis.example.com', 'port': 6379, 'password_secret': {'name': 'wandb-redis-in', 'key': 'REDIS_PASSWORD'},
        'tls': True, 'ca': PEM, 'params': None,
    },
    'bucket': {
        'provider': 's3', 'host': 'minio.example.com', 'port': 9000, 'name': 'wandb', 'path': None, 'region': 'us-east-1', 'tls': True,
        'secret': {'name': 'wandb-bucket-in', 'access_key_key': 'ACCESS_KEY', 'secret_key_key': 'SECRET_KEY'},
    },
    'custom_ca_configmap': 'wandb-custom-ca',
    'ingress': {'enabled': True, 'class': 'nginx', 'annotations': {'a/b': 0}, 'tls_secret': 'wandb-ingress-tls', 'additional_hosts': None},
    'components': None,
    'install': None,
    'security_context': {'preset': 'restricted', 'run_as_user': None, 'fs_group': None},
    'env': None,
    'repository_prefix': None,
    'image_registry': None,
    'image_pull_secrets': None,
    'reconcile_frequency': None,
    'extra_values': None,
    'assumed_objects': None,
    'force_conflicts': False,
    'wait': True,
    'timeout': 600,
}  # fmt: skip


def site(**changes):
    """The options with ``changes``; ``mysql__host`` is key ``host`` of ``mysql``."""
    options = copy.deepcopy(SITE)
    for path, value in changes.items():
        *parents, last = path.split('__')
        place = options
        for parent in parents:
            place = place[parent]
        place[last] = value
    return options
