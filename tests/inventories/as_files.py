# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook on an inventory in a folder; every connection that it opens to a host is written down by what stands in for ssh."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(sys.executable).with_name('ansible-playbook')
# Nothing that the person at the keyboard has set up may reach the test: no vault, no kubeconfig, no home.
KEPT = ('PATH', 'LANG', 'LC_ALL', 'TMPDIR')
RECORDER = '#!/bin/sh\nprintf "%s\\n" "$*" >> "{calls}"\nexit 255\n'


class Recorder:
    """A program in place of ssh that notes each call and reaches nobody."""

    def __init__(self, folder):
        self.program, self._calls = folder / 'ssh', folder / 'calls'
        self.program.write_text(RECORDER.format(calls=self._calls), encoding='utf-8')
        self.program.chmod(0o755)

    @property
    def calls(self):
        return self._calls.read_text(encoding='utf-8').splitlines() if self._calls.exists() else []

    def variables(self):
        """With these every host of the inventory, the controller's own name among them, is reached by it."""
        return {'ansible_connection': 'ssh', 'ansible_ssh_executable': str(self.program)}


def state(folder):
    """Every path below a folder with its content, to compare."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else 'folder' for path in sorted(folder.rglob('*'))}


def play(playbook, folder, home, *arguments):
    """The finished run, and host -> {'ok': n, 'changed': n, ...} of its recap."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(ANSIBLE_CONFIG=str(ROOT / 'ansible.cfg'), HOME=str(home), ANSIBLE_NOCOLOR='1', ANSIBLE_SSH_RETRIES='0')
    done = subprocess.run(
        [PROGRAM, '-i', folder / 'hosts.yml', *arguments, playbook], cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )
    recap = re.findall(r'^(\S+) +: (ok=.*)$', done.stdout, re.MULTILINE)
    return done, {host: {name: int(number) for name, number in re.findall(r'(\w+)=(\d+)', numbers)} for host, numbers in recap}
