# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it, without a cluster."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[4]
WORD = 'word-that-nobody-may-see'


def run(**options):
    """(result, everything that was printed) of one run that renders."""
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tests' / 'modules' / 'harness.py'), 'wandb.onprem.wandb_server'],
        input=json.dumps({**options, '_ansible_inject_invocation': True}), capture_output=True, text=True, check=False,
        env={**os.environ, 'PYTHONPATH': str(ROOT / '.cache' / 'collections')},
    )
    return json.loads(done.stdout), done.stdout + done.stderr


def test_secrets_pasted_in_clear_are_refused_and_shown_nowhere(tmp_path):
    pasted = {
        'global': {
            'host': 'https://wandb.example.com', 'license': WORD,
            'mysql': {'host': 'db.example.com', 'password': WORD},
            'redis': {'host': 'rd.example.com', 'password': WORD},
            'bucket': {'provider': 's3', 'name': 'wandb', 'accessKey': WORD, 'secretKey': WORD},
        },
    }  # fmt: skip
    result, printed = run(render=True, render_to=str(tmp_path / 'wandb.yml'), guide_values=pasted, env={'SMTP_PASSWORD': WORD},
                          extra_values={'global': {'auth': {'oidc': {'secret': WORD}}}})
    assert WORD not in printed
    told = [problem.split(':')[0].split(' ')[0] for problem in result['problems']]
    assert result['failed']
    for option in ('guide_values.global.license', 'guide_values.global.mysql.password', 'guide_values.global.bucket.secretKey'):
        assert any(problem.startswith(option) for problem in told), told
    assert result['invocation']['module_args']['guide_values']['global']['host'] == 'https://wandb.example.com'
    assert not (tmp_path / 'wandb.yml').exists()
