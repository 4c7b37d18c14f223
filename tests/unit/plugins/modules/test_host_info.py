# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_info on this very machine: every documented fact is returned, of the documented type, and nothing is left behind."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[4]
SOURCE = (ROOT / 'plugins' / 'modules' / 'host_info.py').read_text(encoding='utf-8')
TYPES = {'str': str, 'bool': bool, 'int': int, 'float': float, 'list': list, 'dict': dict}


def documented():
    text = next(node.value.value for node in ast.parse(SOURCE).body if isinstance(node, ast.Assign) and node.targets[0].id == 'RETURN')
    return yaml.safe_load(text)['seen']['contains']


def run(check=False, **options):
    arguments = {'ANSIBLE_MODULE_ARGS': {'controller_time': time.time(), '_ansible_check_mode': check, '_ansible_remote_tmp': '/tmp', **options}}
    environment = {**os.environ, 'PYTHONPATH': str(ROOT / '.cache' / 'collections')}
    command = [sys.executable, '-m', 'ansible_collections.wandb.onprem.plugins.modules.host_info']
    done = subprocess.run(command, input=json.dumps(arguments), capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope='module')
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        port = server.getsockname()[1]
        place = {'port': port, 'variable': 'wandb_x'}
        result = run(
            paths=[str(folder / 'not' / 'yet')], measured_paths=[str(folder / 'not' / 'yet')], ports=[{**place, 'service': 'mysql'}], names=['localhost'],
            links=[{**place, 'host': '127.0.0.1', 'purpose': 'a test'}], services=['mysql', 'minio', 'redis', 'nginx', 'keepalived'],
            packages=['json', 'no_such_package'],
            files=[{'variable': 'wandb_a', 'path': sys.executable, 'version_arguments': ['--version']}, {'variable': 'wandb_b', 'path': '/nosuch'}])
    return folder, result


def test_what_is_documented_is_returned(asked):
    seen = asked[1]['seen']
    assert set(seen) == set(documented())
    for name, entry in documented().items():
        assert isinstance(seen[name], TYPES[entry['type']]) or seen[name] is None, name
        if isinstance(entry['sample'], dict) and name in ('os', 'time_sync', 'apparmor', 'package_sources'):
            assert set(seen[name]) == set(entry['sample']), name


def test_what_is_asked_is_seen(asked):
    folder, result = asked
    seen = result['seen']
    assert result['changed'] is False
    [port] = seen['ports']
    assert port['holders'][0]['pid'] == os.getpid()
    assert [link['state'] for link in seen['links']] == ['open']
    assert seen['names']['localhost']['addresses']
    assert seen['missing_packages'] == ['no_such_package']
    assert seen['missing_files'] == {'wandb_b': '/nosuch'}
    assert seen['versions']['wandb_a'].startswith('Python 3.')
    assert set(seen['installed']) == {'mysql', 'minio', 'redis', 'nginx', 'keepalived'}
    [disk] = seen['disks'].values()
    assert disk['fdatasync_ms'] > 0
    assert disk['folder'] == str(folder)
    assert os.listdir(folder) == [], 'nothing is left behind'
    assert set(disk) == set(next(iter(documented()['disks']['sample'].values())))


def test_nothing_is_written_in_check_mode(tmp_path):
    before = os.stat(tmp_path).st_mtime_ns
    [disk] = run(check=True, paths=[str(tmp_path)], measured_paths=[str(tmp_path)])['seen']['disks'].values()
    assert (disk['fdatasync_ms'], disk['error']) == (None, '')
    assert os.stat(tmp_path).st_mtime_ns == before
