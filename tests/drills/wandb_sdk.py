# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of a presigned URL that the real `wandb` package makes in `wandb verify`, run as a user would, in an environment of its own.

Its check of a large POST needs W&B Server, which is not in the drills of the store.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import venv

from minio import Minio

from tests.drills.pair import ROOT, must
from tests.drills.store import BUCKET, HOUR, NAME, PROXY, Store

VERSION = '0.31.0'
ENVIRONMENT = ROOT / '.cache' / f'wandb-{VERSION}'
PROGRAM = """
import sys
from wandb.sdk.verify.verify import check_cors_configuration, check_secure_requests
check_secure_requests(sys.argv[1], 'Checking that the signed URL is https', 'it is not')
check_cors_configuration(sys.argv[1], sys.argv[2])
"""


def install() -> None:
    """Once; in a folder of its own that counts only when it is complete."""
    if (ENVIRONMENT / 'complete').exists():
        return
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    subprocess.run([ENVIRONMENT / 'bin' / 'pip', 'install', '--quiet', f'wandb=={VERSION}'], check=True)
    (ENVIRONMENT / 'complete').touch()


def said(store: Store, origin: str) -> str:
    """What the package prints. The store's name is told to it alone, by a hosts file in its own view of the filesystem."""
    signer = Minio(endpoint=NAME, access_key=store.secret('wandb_minio_access_key'), secret_key=store.secret('wandb_minio_secret_key'), region='us-east-1')
    url = signer.get_presigned_url(method='GET', bucket_name=BUCKET, object_name='anything', expires=HOUR)
    with tempfile.NamedTemporaryFile('w', encoding='ascii') as hosts:
        hosts.write(f'127.0.0.1 localhost\n{store.lab.address(PROXY)} {NAME}\n')
        hosts.flush()
        python = str(ENVIRONMENT / 'bin' / 'python')
        done = subprocess.run(
            ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', hosts.name,
             python, '-c', PROGRAM, url, origin],
            capture_output=True, text=True, check=True, env={**os.environ, 'REQUESTS_CA_BUNDLE': store.ca})
    return done.stdout


def check(store: Store) -> None:
    """Strict: no cross at all for the site's origin, and one for a foreign one."""
    install()
    good, foreign = said(store, 'https://wandb.lab.test'), said(store, 'https://foreign.test')
    must(good.count('✅') == 2 and '❌' not in good, f'wandb {VERSION}: its checks of https and CORS pass')
    must(foreign.count('✅') == 1 and '❌' in foreign, f'wandb {VERSION}: its check of CORS fails for a foreign origin')
