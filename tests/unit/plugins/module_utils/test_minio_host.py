# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import os

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils import minio_host

SETTINGS = '''# made by Ansible
MINIO_VOLUMES="https://s3-{1...4}:9000/data/1"
# wandb_minio_drives: /data/1 /data/2
MINIO_ROOT_USER="root"
'''
MOUNTS = r'''23 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 23 254:16 / /data/1 rw,noatime shared:9 - xfs /dev/vdb rw
41 23 254:32 / /data/with\040blank rw,noatime - xfs /dev/vdc rw
42 23 0:50 / /net rw - nfs4 server:/x rw
'''
FORMAT = {'version': '1', 'format': 'xl', 'id': 'dep', 'xl': {'version': '3', 'this': 'b', 'sets': [['a', 'b']], 'distributionAlgo': 'SIPMOD+PARITY'}}


def test_recorded():
    assert minio_host.recorded(SETTINGS) == {'volumes': 'https://s3-{1...4}:9000/data/1', 'drives': ['/data/1', '/data/2']}
    assert minio_host.recorded('MINIO_VOLUMES=/data/1\n') == {'volumes': '/data/1', 'drives': []}
    assert minio_host.recorded('') == {'volumes': '', 'drives': []}


@pytest.mark.parametrize(('path', 'kind'), [
    ('/data/1', 'xfs'), ('/data/1/deeper/still', 'xfs'), ('/data/10', 'ext4'), ('/data/with blank', 'xfs'), ('/net/x', 'nfs4'), ('/', 'ext4'),
])
def test_filesystem(path, kind):
    assert minio_host.filesystem(path, minio_host.mount_types(MOUNTS)) == kind


@pytest.fixture
def drive(tmp_path):
    folder = tmp_path / 'drive'
    folder.mkdir()
    return folder


def formatted(drive, content):
    (drive / '.minio.sys').mkdir()
    (drive / '.minio.sys' / 'format.json').write_text(content, encoding='utf-8')


def test_a_missing_drive(drive):
    assert minio_host.look_at_drive(str(drive / 'no'), {}) == {'exists': False}


def test_an_empty_drive(drive):
    (drive / 'lost+found').mkdir()
    seen = minio_host.look_at_drive(str(drive), {'/': 'ext4'})
    assert (seen['exists'], seen['format'], seen['foreign'], seen['device']) == (True, None, [], os.stat(drive).st_dev)


def test_a_drive_with_files_of_others(drive):
    for number in range(9):
        (drive / f'file-{number}').touch()
    assert minio_host.look_at_drive(str(drive), {})['foreign'] == [f'file-{number}' for number in range(minio_host.SHOWN)]


def test_a_formatted_drive(drive):
    formatted(drive, json.dumps(FORMAT))
    (drive / 'bucket').mkdir()
    seen = minio_host.look_at_drive(str(drive), {})
    assert seen['format'] == {'deployment': 'dep', 'this': 'b', 'sets': [['a', 'b']]}
    assert (seen['foreign'], seen['owner']) == ([], 'root' if os.getuid() == 0 else seen['owner'])


@pytest.mark.parametrize('content', ['{', '{}', '{"id": "x", "xl": {}}', '[]', '{"id": "x", "xl": null}'])
def test_a_format_that_makes_no_sense(drive, content):
    formatted(drive, content)
    seen = minio_host.look_at_drive(str(drive), {})
    assert seen['format'] is None
    assert 'format.json cannot be read' in seen['foreign'][0]


def test_a_file_is_no_drive(drive):
    (drive / 'file').touch()
    assert minio_host.look_at_drive(str(drive / 'file'), {})['foreign'] == ['it is no folder']


def test_the_running_program_though_it_was_replaced(tmp_path):
    exe = os.readlink('/proc/self/exe')
    seen = minio_host.running_program('x.service', lambda argv: f'{os.getpid()}\n')
    with open(exe, 'rb') as stream:
        assert seen == {'path': exe, 'sha256': hashlib.sha256(stream.read()).hexdigest()}


@pytest.mark.parametrize('pid', ['0\n', '\n', '4194999\n'])
def test_nothing_runs(pid):
    assert minio_host.running_program('x.service', lambda argv: pid) == {'path': '', 'sha256': ''}


def test_everything_at_once(tmp_path, drive):
    settings = tmp_path / 'minio.env'
    settings.write_text(SETTINGS, encoding='utf-8')
    seen = minio_host.look(str(settings), '', 'x.service', '', [str(drive)], lambda argv: '0')
    assert (seen['configured'], seen['volumes'], set(seen['paths'])) == (True, 'https://s3-{1...4}:9000/data/1', {str(drive), '/data/1', '/data/2'})
    seen = minio_host.look(str(tmp_path / 'none'), '', 'x.service', str(settings), [str(drive)], lambda argv: '0')
    assert (seen['configured'], seen['volumes'], set(seen['paths'])) == (False, '', {str(drive)})
    assert seen['program_sha256'] == hashlib.sha256(SETTINGS.encode()).hexdigest()


def test_the_running_program_where_root_may_not_look(monkeypatch):
    def refuse(_path):
        raise PermissionError

    asked = []

    def run(argv):
        asked.append(argv)
        return {'systemctl': f'{os.getpid()}\n', 'readlink': '/opt/minio/abc/minio (deleted)\n', 'sha256sum': 'f00d  /proc/1/exe\n'}[
            argv[0] if argv[0] == 'systemctl' else argv[argv.index('--') + 1]]

    monkeypatch.setattr(minio_host.os, 'readlink', refuse)
    assert minio_host.running_program('x.service', run) == {'path': '/opt/minio/abc/minio', 'sha256': 'f00d'}
    assert [f'--reuid={os.getuid()}', f'--regid={os.getgid()}'] == asked[1][1:3]


@pytest.mark.parametrize(('wanted', 'same'), [
    (SETTINGS, True),
    ('# other words\n' + '\n'.join(reversed(SETTINGS.splitlines())), True),
    (SETTINGS.replace('{1...4}', '{1...5}'), False),
    (SETTINGS + 'MINIO_NEW="1"\n', False),
    ('', False),
])
def test_settings_as_wanted(tmp_path, wanted, same):
    path = tmp_path / 'minio.env'
    path.write_text(SETTINGS)
    assert minio_host.look(str(path), wanted, 'minio.service', '', [], lambda argv: '0\n')['settings_as_wanted'] is same
    assert minio_host.look(str(tmp_path / 'none'), wanted, 'minio.service', '', [], lambda argv: '0\n')['settings_as_wanted'] is False
