# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A good site for the rules, and others made of it; without Ansible, so values are what they are."""

from __future__ import annotations

import base64
import json
import pathlib

import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Controller, Site

ROOT = pathlib.Path(__file__).resolve().parents[6]
NOW = 1_800_000_000.0
GROUPS = {
    'wandb_nginx': ['lb-1', 'lb-2'], 'wandb_mysql': ['db-1', 'db-2'], 'wandb_minio': ['s3-1', 's3-2', 's3-3', 's3-4'], 'wandb_redis': ['rd-1'],
}
ADDRESSES = {'lb-1': '10.0.0.11', 'lb-2': '10.0.0.12', 'db-1': '10.0.0.21', 'db-2': '10.0.0.22', 's3-1': '10.0.0.31', 's3-2': '10.0.0.32',
             's3-3': '10.0.0.33', 's3-4': '10.0.0.34', 'rd-1': '10.0.0.41'}


def licence(**claims) -> str:
    """A licence with these claims."""
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')
    return f'e30.{middle}.c2ln'


SECRETS = {f'wandb_{name}': f'{number}fQ7xK2mZ9pL4wT8' for number, name in enumerate((
    'mysql_password', 'redis_password', 'minio_root_user', 'minio_root_password', 'minio_access_key', 'minio_secret_key', 'mysql_replication_password',
    'mysql_backup_password', 'mysql_monitoring_password'))}
VALUES = {
    **SECRETS,
    'wandb_host': 'https://wandb.example.com', 'wandb_license': licence(exp=NOW + 400 * 86400), 'wandb_minio_address': 's3.example.com',
    'wandb_mysql_virtual_address': '10.0.0.20/24', 'wandb_mysql_address': '10.0.0.20', 'wandb_redis_address': 'rd-1',
    'wandb_nginx_virtual_address': '10.0.0.10/24', 'wandb_kubeconfig': '/there',
    'wandb_nginx_ingress_upstreams': ['10.0.0.51:443'], 'wandb_minio_binary': '/there', 'wandb_minio_binary_sha256': 'a' * 64,
    'wandb_minio_cors_origins': ['https://wandb.example.com'],
}


class Here(Controller):
    """A controller on which only ``/there`` is a file, and only ``helm`` a program."""

    def is_file(self, path):
        return path.startswith('/there')

    def size(self, path):
        return 2_000_000 if 'large' in path else 1000

    def has_program(self, name):
        return name == 'helm'

    def now(self):
        return NOW


def specs():
    """Every variable of the roles, as their argument_specs have it."""
    found = {}
    for path in sorted((ROOT / 'roles').glob('*/meta/argument_specs.yml')):
        for entry in yaml.safe_load(path.read_text(encoding='utf-8'))['argument_specs'].values():
            for name, option in (entry.get('options') or {}).items():
                known = found.setdefault(name, {**option, 'roles': []})
                known['roles'] = sorted({*known['roles'], path.parent.parent.name})
    return found


SPECS = specs()
SIZES = yaml.safe_load((ROOT / 'roles/common/vars/main.yml').read_text(encoding='utf-8'))['__wandb_size_profiles']
DEFAULTS = {name: spec['default'] for name, spec in SPECS.items() if 'default' in spec and '{{' not in str(spec['default'])}


def site(given=None, groups=None, hosts=None, **more):
    """The good site with these variables, groups and variables of hosts over it. None takes a variable away."""
    changed = {**VALUES, **(given or {})}
    changed = {name: value for name, value in changed.items() if value is not None}
    members = {**GROUPS, **(groups or {})}
    own = {host: (hosts or {}).get(host, {}) for group in ('wandb_mysql', 'wandb_minio', 'wandb_redis', 'wandb_nginx') for host in members.get(group, ())}
    values = {**DEFAULTS, 'wandb_server_ingress_tls_secret': 'wandb-ingress-tls', 'wandb_server_size': 'small', **changed}
    return Site(
        groups=members,
        values=values,
        hosts={host: {**values, 'ansible_host': ADDRESSES.get(host, host), **variables} for host, variables in own.items()},
        specs=SPECS,
        given=frozenset(changed),
        own={host: frozenset(name for name in variables if name.startswith('wandb_')) for host, variables in own.items()},
        literal=frozenset(changed),
        own_literal={host: frozenset(variables) for host, variables in own.items()},
        sizes=SIZES,
        **{'controller': Here(), **more},
    )


def broken(rule, *arguments, **more):
    """What a rule finds: (variable, all that it says of it, host)."""
    return [(found.variable, f'{found.wrong} - {found.mend or rule.mend}', found.where) for found in rule.check(site(*arguments, **more))]
