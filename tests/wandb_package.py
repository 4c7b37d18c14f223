# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of `wandb verify` that the real `wandb` package makes of a proxy and a bucket, run as a user would, in an environment of its own."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
import typing as t
import venv

VERSION = '0.31.0'
ENVIRONMENT = pathlib.Path(__file__).resolve().parent.parent / '.cache' / f'wandb-{VERSION}'
PASSED, FAILED = '✅', '❌'
SIGNED_URL = """
import sys
from wandb.sdk.verify.verify import check_cors_configuration, check_secure_requests
check_secure_requests(sys.argv[1], 'Checking that the signed URL is https', 'it is not')
check_cors_configuration(sys.argv[1], sys.argv[2])
"""
LARGE_POST = """
from wandb.sdk.verify.verify import check_large_post
check_large_post()
"""


def install() -> None:
    """Once; in a folder of its own that counts only when it is complete."""
    if (ENVIRONMENT / 'complete').exists():
        return
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    subprocess.run([ENVIRONMENT / 'bin' / 'pip', 'install', '--quiet', f'wandb=={VERSION}'], check=True)
    (ENVIRONMENT / 'complete').touch()


def said(program: str, *arguments: str, names: t.Mapping[str, str], ca: str, **environment: str) -> str:
    """What the package prints. Names (and their addresses) are told to it alone, by a hosts file in its own view of the filesystem."""
    install()
    with tempfile.NamedTemporaryFile('w', encoding='ascii') as hosts, tempfile.TemporaryDirectory() as home:
        hosts.write(''.join(f'{address} {name}\n' for name, address in {'localhost': '127.0.0.1', **names}.items()))
        hosts.flush()
        done = subprocess.run(
            ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', hosts.name,
             str(ENVIRONMENT / 'bin' / 'python'), '-c', program, *arguments],
            capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, 'HOME': home, 'REQUESTS_CA_BUNDLE': ca, 'SSL_CERT_FILE': ca, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout
