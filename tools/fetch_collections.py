# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put this collection and the ones that it depends on where Ansible finds them, without Galaxy.

The checkout is linked in as ``wandb.onprem``; the others come out of the PyPI package ``ansible`` (hash pinned in
requirements-collections.txt), only the folders that requirements.yml names. Idempotent: a stamp holds what was unpacked.
"""

from __future__ import annotations

import hashlib
import pathlib
import shutil
import subprocess
import sys
import zipfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / '.cache'
TARGET = CACHE / 'collections' / 'ansible_collections'


def wanted() -> list[str]:
    """Names of the collections in requirements.yml, as ``namespace/name``."""
    listed = yaml.safe_load((ROOT / 'requirements.yml').read_text(encoding='utf-8'))['collections']
    return [entry['name'].replace('.', '/') for entry in listed]


def link_checkout() -> None:
    """Make ``ansible_collections/wandb/onprem`` point at the checkout."""
    link = TARGET / 'wandb' / 'onprem'
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(pathlib.Path('../../../..'), target_is_directory=True)


def unpack() -> None:
    """Unpack the wanted collections unless the stamp says that it was done for just these."""
    pins = (ROOT / 'requirements-collections.txt').read_bytes()
    key = hashlib.sha256(pins + '\n'.join(wanted()).encode()).hexdigest()
    stamp = CACHE / 'collections' / 'stamp'
    if stamp.exists() and stamp.read_text(encoding='utf-8') == key:
        return
    download = CACHE / 'download'
    shutil.rmtree(download, ignore_errors=True)
    subprocess.run(
        [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--require-hashes',
         '-r', str(ROOT / 'requirements-collections.txt'), '-d', str(download)],
        check=True,
    )
    wheel = next(download.glob('ansible-*.whl'))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for collection in wanted():
            prefix = f'ansible_collections/{collection}/'
            members = [name for name in names if name.startswith(prefix)]
            if not members:
                raise SystemExit(f'{collection.replace("/", ".")} is not in {wheel.name}: correct requirements.yml or requirements-collections.txt')
            shutil.rmtree(TARGET / collection, ignore_errors=True)
            archive.extractall(TARGET.parent, members)
    shutil.rmtree(download)
    stamp.write_text(key, encoding='utf-8')


if __name__ == '__main__':
    link_checkout()
    unpack()
