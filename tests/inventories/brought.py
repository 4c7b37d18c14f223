# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user brings to a shipped inventory: secrets, files on the controller, checksums. Made up here, laid over it in the tests."""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'unit' / 'plugins' / 'plugin_utils'))

import yaml
from issuer import Issuer

# Every name and address in the inventory "production" that a certificate must be valid for.
NAMES = (
    'wandb.example.com', 's3.wandb.example.com', '10.0.0.20', '10.0.0.40', '10.0.0.41', '10.0.0.42', '10.0.0.43',
    's3-1.example.com', 's3-2.example.com', 's3-3.example.com', 's3-4.example.com',
)
# Behind the end of this century, so that no test grows old.
EXPIRES = 4102444800
# What playbook wandb.onprem.secrets makes, but for the API key, which has a form of its own.
MADE = sorted(set(yaml.safe_load((ROOT / 'roles/common/vars/main.yml').read_text(encoding='utf-8'))['__wandb_secrets_made']) - {'wandb_verify_api_key'})
PLACEHOLDER = 'CHANGE-ME'
FILES = ('files/minio', 'files/operator-1.4.8.tgz', 'files/operator-wandb-0.43.8.tgz', 'files/mysql-8.4.6-linux-glibc2.28-x86_64.tar.xz', 'kubeconfig')


def licence(**claims) -> str:
    """A licence with these claims, by default one that is good for long."""
    middle = base64.urlsafe_b64encode(json.dumps(claims or {'exp': EXPIRES}).encode()).decode().rstrip('=')
    return f'e30.{middle}.c2ln'


def secret(name: str) -> str:
    """A made-up secret of 32 letters and digits, each another one, always the same."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def variables(shipped: dict[str, object], folder: pathlib.Path) -> dict[str, dict[str, object]]:
    """Group -> variables. ``shipped``: what the inventory says for all, where placeholders tell which secrets are the user's."""
    return {
        'all': {
            **{name: secret(name) for name in [*MADE, *(name for name, value in shipped.items() if value == PLACEHOLDER)]},
            'wandb_license': licence(),
            'licence_that_ends_in_ten_days': licence(exp=time.time() + 10 * 86400),
            'wandb_verify_api_key': 'local-' + 'a1b2c3d4' * 5,
            'wandb_site_dir': str(folder),
            'wandb_kubeconfig': str(folder / 'kubeconfig'),
            # Any program that is there.
            'wandb_helm_binary': 'sh',
        },
        'wandb_minio': {'wandb_minio_binary_sha256': 'c' * 64},
        'wandb_mysql': {'wandb_mysql_archive_sha256': 'd' * 64, 'backup_host_key': 'ssh-ed25519 AAAAC3Nz backup'},
    }


def files(folder: pathlib.Path) -> None:
    """The files that they name."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'brought')
    # As base64 it is larger than a ConfigMap.
    (folder / 'files' / 'large-0.43.8.tgz').write_bytes(b'x' * 900_000)
    certificates(folder / 'given')


def certificates(folder: pathlib.Path) -> None:
    """A good certificate with its key and CA, and others that will not do."""
    folder.mkdir(exist_ok=True)
    root = Issuer()
    issued = {
        'good': Issuer('good', root, ca=False, names=NAMES),
        'other-names': Issuer('other', root, ca=False, names=['other.example.com']),
        'ends-soon': Issuer('soon', root, ca=False, names=NAMES, days=3),
        'unknown-ca': Issuer('unknown', Issuer('another root'), ca=False, names=NAMES),
    }
    (folder / 'ca.crt').write_text(root.pem, encoding='utf-8')
    for name, one in issued.items():
        (folder / f'{name}.crt').write_text(one.pem, encoding='utf-8')
        (folder / f'{name}.key').write_text(one.key_pem(), encoding='utf-8')
