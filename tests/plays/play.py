# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook on the controller alone, with an inventory in a folder of the test's own."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(sys.executable).with_name('ansible-playbook')
# Nothing that the person at the keyboard has set up may reach the test: no vault, no kubeconfig, no home.
KEPT = ('PATH', 'LANG', 'LC_ALL', 'TMPDIR')


def inventory(folder, variables, hosts=()):
    """An inventory file with site-wide variables; ``hosts`` = name -> variables, or names alone. Nobody connects to them."""
    path = folder / 'hosts.yml'
    site = {'vars': variables, 'hosts': dict(hosts) if isinstance(hosts, dict) else dict.fromkeys(hosts)}
    path.write_text(yaml.safe_dump({'all': site}), encoding='utf-8')
    return path


def play(playbook, hosts, *arguments, home):
    """The finished run and ``{'ok': n, 'changed': n, ...}`` of localhost."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(ANSIBLE_CONFIG=str(ROOT / 'ansible.cfg'), HOME=str(home), ANSIBLE_NOCOLOR='1')
    done = subprocess.run(
        [PROGRAM, '-i', hosts, playbook, *arguments], cwd=home, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )
    recap = re.search(r'^localhost +: (.*)$', done.stdout, re.MULTILINE)
    return done, {name: int(number) for name, number in re.findall(r'(\w+)=(\d+)', recap.group(1))} if recap else {}
