# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C in the middle of `site` on bare hosts, at five places one after another; then `site` converges, and once more changes nothing.

Each run goes on from what the one before left, and is cut off further on, a moment after its task began: in the middle of the work.
All of them together are a full run from bare hosts: their output at -vvv with --diff must hold none of the site's secrets.
"""

from __future__ import annotations

import base64
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from tests.site.outside import Site

PLACES = (
    'mysql : Let the server make its data directory',
    'minio : Start or restart the servers of this wave together',
    'nginx : Swap in the configuration after Nginx has tested it',
    'platform : Make the Secrets that the custom resource refers to',
    'server : Make the custom resource, until the server is truly ready, or write it to a file',
)
MOMENT_SECONDS = 1.0


def command() -> list[str]:
    """The playbook that is cut off."""
    return ['ansible-playbook', *Site().inventory, 'wandb.onprem.site', '-vvv', '--diff']


def secrets() -> dict[str, str]:
    """Every secret of the site, the licence too."""
    site = Site()
    licence = site.lab.state_dir / 'inventory' / 'group_vars' / 'all' / 'license.yml'
    return {**site.secrets, **yaml.safe_load(licence.read_text(encoding='utf-8'))}


def refuse_secrets_in(output: str) -> None:
    """None of them may be in what a person or a log collector would see, nor in the form in which a Secret holds it."""
    found = [name for name, value in secrets().items() if value in output or base64.b64encode(value.encode()).decode() in output]
    if found:
        raise SystemExit(f'interrupt: {", ".join(found)} can be read in the output of -vvv')
    print(f'interrupt: none of {len(secrets())} secrets in {len(output.splitlines())} lines of -vvv output', flush=True)


def cut_off_at(place: str) -> str:
    """Run `site`, return its output, and send what Ctrl-C sends to all its processes a moment after the task began."""
    # Who was started in the background ignores it, and its children with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True, env={**os.environ, 'PYTHONUNBUFFERED': '1'}) as process:
        reached = False
        output = []
        for line in process.stdout or ():
            output.append(line)
            if line.startswith('TASK') and place in line:
                reached = True
                time.sleep(MOMENT_SECONDS)
                os.killpg(process.pid, signal.SIGINT)
                break
        output.append(process.communicate(timeout=120)[0])
    if not reached:
        raise SystemExit(f'interrupt: the run never came to "{place}"')
    if process.returncode == 0:
        raise SystemExit(f'interrupt: the run ended well although it was cut off at "{place}"')
    print(f'interrupt: cut off at "{place}", exit {process.returncode}', flush=True)
    return ''.join(output)


def converge(*, changed: bool) -> str:
    """Run `site` to its end, return its output."""
    done = subprocess.run(command(), cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    recap = re.findall(r'^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)', done.stdout, re.MULTILINE)
    total = sum(int(row[1]) for row in recap)
    if done.returncode != 0 or not recap:
        raise SystemExit(f'{done.stdout[-4000:]}\ninterrupt: site failed after it had been cut off')
    if not changed and total:
        raise SystemExit(f'{done.stdout[-4000:]}\ninterrupt: {total} changes in a run that should change nothing')
    print(f'interrupt: site ended well, changed={total}', flush=True)
    return done.stdout + done.stderr


if __name__ == '__main__':
    printed = [cut_off_at(place) for place in PLACES]
    printed += [converge(changed=True), converge(changed=False)]
    refuse_secrets_in('\n'.join(printed))
