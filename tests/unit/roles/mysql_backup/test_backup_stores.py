# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts in a target: whole backups, with every file as it was written; and streams that are summed up on the way."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys

import pytest
from wandb_mysql_backup import catalog as catalogs
from wandb_mysql_backup import restore, store_sftp
from wandb_mysql_backup.chain import Goal
from wandb_mysql_backup.config import load, make_store
from wandb_mysql_backup.report import BackupError
from wandb_mysql_backup.server import login
from wandb_mysql_backup.stores import DirectoryStore, get, put, told
from wandb_mysql_backup.streams import Pipeline, Tee, pour, summed

A = 'aaaaaaaa-0000-0000-0000-000000000001'


@pytest.fixture
def store(tmp_path):
    return DirectoryStore('disk', str(tmp_path))


@pytest.fixture
def catalog(store):
    return catalogs.Catalog(store, 'db')


def make_backup(catalog, age_days=0, kind='scheduled', gtids=f'{A}:1-5', dump=b'the dump', manifest=True):
    taken = catalogs.now() - datetime.timedelta(days=age_days)
    backup_id = f'{taken.strftime(catalogs.STAMP)}-host'
    tee = Tee(catalog.file(backup_id, catalogs.DUMP), [catalog.store])
    tee.fill(io.BytesIO(dump))
    files = {catalogs.DUMP: tee.commit()}
    if manifest:
        catalog.put_record(catalog.file(backup_id, catalogs.MANIFEST), {
            'id': backup_id, 'kind': kind, 'snapshot': taken.isoformat(), 'gtid_executed': gtids, 'files': files})
    return backup_id


def test_an_object_appears_whole_or_not_at_all(store, tmp_path):
    writer = store.writer('a/b')
    writer.write(b'half')
    assert store.sizes('') == {}
    writer.abort()
    assert list((tmp_path / 'a').iterdir()) == []
    put(store, 'a/b', b'whole')
    assert (store.sizes('a/'), get(store, 'a/b')) == ({'a/b': 5}, b'whole')
    store.delete(['a/b'])
    assert list(tmp_path.iterdir()) == []


def test_a_mount_that_is_gone_is_no_empty_target(tmp_path):
    gone = DirectoryStore('disk', str(tmp_path / 'gone'))
    for work in (lambda: gone.sizes(''), lambda: gone.writer('a')):
        with pytest.raises(BackupError, match='does not exist'):
            work()
    assert not (tmp_path / 'gone').exists()


def test_a_backup_without_a_manifest_does_not_count(catalog):
    good = make_backup(catalog, 2)
    half = make_backup(catalog, 1, manifest=False)
    problems = {entry.id: entry.problem for entry in catalog.entries()}
    assert problems[good] == ''
    assert 'did not end' in problems[half]
    assert catalog.choose('', None).id == good
    with pytest.raises(BackupError, match='is not good'):
        catalog.choose(half, None)


@pytest.mark.parametrize(('name', 'damage', 'told'), [
    (catalogs.DUMP, lambda data: data[:-1], 'has 7 bytes instead of 8'),
    (catalogs.MANIFEST, lambda data: data.replace(b'scheduled', b'scheduleb'), 'sum over itself'),
    (catalogs.MANIFEST, lambda data: data[:-9], 'manifest is damaged'),
])
def test_a_damaged_backup_is_not_good(catalog, tmp_path, name, damage, told):
    backup_id = make_backup(catalog)
    path = tmp_path / catalog.file(backup_id, name)
    path.write_bytes(damage(path.read_bytes()))
    assert told in catalog.entries()[0].problem
    with pytest.raises(BackupError) as caught:
        catalog.choose('', None)
    assert caught.value.code == 3


def test_a_flipped_byte_is_found_by_reading(catalog, tmp_path):
    backup_id = make_backup(catalog)
    entry = catalog.entries()[0]
    assert restore.verify_files(catalog, entry) == 8
    (tmp_path / catalog.file(backup_id, catalogs.DUMP)).write_bytes(b'the dumb')
    assert catalog.entries()[0].problem == ''
    with pytest.raises(BackupError, match='is damaged') as caught:
        restore.verify_files(catalog, entry)
    assert caught.value.code == 3


def test_what_a_restore_replaced_is_not_restored_by_default(catalog):
    scheduled = make_backup(catalog, 2)
    safety = make_backup(catalog, 1, kind='safety', gtids=f'{A}:1-9')
    assert catalog.choose('', None).id == scheduled
    assert catalog.choose('', Goal()).id == scheduled
    assert catalog.choose(safety, None).id == safety
    assert catalog.choose('', Goal(catalogs.now())).id == safety
    assert catalog.choose('', Goal(gtid=f'{A}:7')).id == scheduled
    with pytest.raises(BackupError, match='no good backup'):
        catalog.choose('', Goal(catalogs.now() - datetime.timedelta(days=3)))


def test_pruning_keeps_the_last_good_one_and_the_logs_behind_it(catalog):
    make_backup(catalog, 60, gtids=f'{A}:1-3')
    last = make_backup(catalog, 40, gtids=f'{A}:1-5')
    make_backup(catalog, 30, manifest=False)
    for number, until in ((1, 5), (2, 8)):
        key = catalog.log_key('uuid', catalogs.now() - datetime.timedelta(days=41), f'binlog.00000{number}')
        put(catalog.store, f'{key}.zst', b'x')
        moment = (catalogs.now() - datetime.timedelta(days=40)).isoformat()
        catalog.put_record(f'{key}.json', {
            'server': 'uuid', 'opened': moment, 'closed': moment, 'previous_gtids': '', 'gtids': f'{A}:1-{until}', 'file': {'size': 1}})
    deleted = catalog.prune(14)
    assert len(deleted) == 3
    assert [entry.id for entry in catalog.entries()] == [last]
    assert [key[-6:] for key in catalog.logs()] == ['000002']
    assert catalog.prune(14) == []


class Failing(DirectoryStore):
    """A disk that is full after some bytes."""

    def writer(self, key):
        writer = super().writer(key)
        writer.write = self._full
        return writer

    def _full(self, data):
        raise BackupError(f'Target {self.name}: No space left on device')


def test_a_target_that_fails_does_not_stop_the_others(tmp_path, store):
    (tmp_path / 'other').mkdir()
    tee = Tee('x', [store, Failing('full', str(tmp_path / 'other'))])
    tee.fill(io.BytesIO(b'abc'))
    assert tee.commit()['size'] == 3
    assert list(tee.failures) == ['full']
    assert list((tmp_path / 'other').iterdir()) == []
    alone = Tee('y', [Failing('full', str(tmp_path / 'other'))])
    with pytest.raises(BackupError, match=r'No target is left.*No space left'):
        alone.fill(io.BytesIO(b'abc'))


def test_a_program_that_fails_is_told_with_its_words():
    with Pipeline([['sh', '-c', 'echo out; echo bad luck >&2; exit 3'], ['cat']]) as pipeline:
        assert pipeline.stdout.read() == b'out\n'
        with pytest.raises(BackupError, match='sh ended with code 3: bad luck'):
            pipeline.finish()


def test_a_program_that_stops_reading_is_told_unless_that_is_wanted():
    source = [b'x' * 65536] * 64
    with Pipeline([['head', '-c', '10']], feed=True) as pipeline, pytest.raises(BackupError, match='stopped reading'):
        pour(iter(source), pipeline)
    with Pipeline([['cat'], ['head', '-c', '10'], ['cat']], feed=True) as pipeline:
        pour(iter(source), pipeline, early_end=True)


def test_nothing_is_left_running_when_the_source_is_damaged():
    def damaged():
        yield b'x'
        raise BackupError('is damaged', 3)

    with pytest.raises(BackupError, match='is damaged'), Pipeline([['cat'], ['cat']], feed=True) as pipeline:
        pour(damaged(), pipeline)
    assert all(program.poll() is not None for program in pipeline.programs)


def test_the_sum_is_compared_behind_the_last_byte():
    good = {'size': 3, 'sha256': 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'}
    assert b''.join(summed(io.BytesIO(b'abc'), good, 'x')) == b'abc'
    with pytest.raises(BackupError, match='x is damaged'):
        list(summed(io.BytesIO(b'abd'), good, 'x'))


PRINTED = f'''
# at 126
#261125 17:00:00 server id 1  end_log_pos 157 CRC32 0x1 Previous-GTIDs
# at 157
#261125 17:00:01 server id 1  end_log_pos 236 CRC32 0x2 GTID\tlast_committed=0\toriginal_committed_timestamp=1764090001000000
SET @@SESSION.GTID_NEXT= '{A}:7'/*!*/;
# at 400
#261125 17:00:02 server id 1  end_log_pos 480 CRC32 0x3 GTID\tlast_committed=1\toriginal_committed_timestamp=1764090002500000
SET @@SESSION.GTID_NEXT= '{A}:8'/*!*/;
# at 480
SET @@SESSION.GTID_NEXT= 'AUTOMATIC' /* added by mysqlbinlog */ /*!*/;
'''.encode().splitlines(keepends=True)


@pytest.mark.parametrize(('goal', 'position'), [
    (Goal(datetime.datetime.fromtimestamp(1764090001, datetime.timezone.utc)), 157),
    (Goal(datetime.datetime.fromtimestamp(1764090001.5, datetime.timezone.utc)), 400),
    (Goal(datetime.datetime.fromtimestamp(1764090002.5, datetime.timezone.utc)), 400),
    (Goal(datetime.datetime.fromtimestamp(1764090003, datetime.timezone.utc)), None),
    (Goal(gtid=f'{A}:7'), 157),
    (Goal(gtid=f'{A}:8'), 400),
    (Goal(gtid=f'{A}:9'), None),
])
def test_the_first_unwanted_transaction_is_found(goal, position):
    assert restore.first_unwanted(PRINTED, goal) == position


@pytest.mark.parametrize('password', ['plain', 'quote"back\\slash #hash', "from space+to%slash/'"])
def test_a_login_file_gives_the_password_that_was_written(tmp_path, password):
    escaped = password.replace('\\', '\\\\').replace('"', '\\"')
    (tmp_path / 'cnf').write_text(f'# made\n[client]\nuser=u\npassword="{escaped}"\nsocket=/run/s\nssl-ca=/ca\nssl-mode=VERIFY_CA\n')
    assert login(str(tmp_path / 'cnf')) == {
        'user': 'u', 'password': password, 'unix_socket': '/run/s', 'ssl': {'ca': '/ca', 'check_hostname': False}}


@pytest.mark.parametrize(('change', 'told'), [
    ({'keep_days': 6}, 'at least 7 days'),
    ({'nonsense': 1}, 'nonsense'),
])
def test_wrong_settings_are_refused(tmp_path, change, told):
    settings = {'database': 'd', 'login_file': 'l', 'admin_login_file': 'a', 'mysqld': 'm', 'targets': []}
    (tmp_path / 'c').write_text(json.dumps({**settings, **change}))
    with pytest.raises(BackupError, match=told) as caught:
        load(str(tmp_path / 'c'))
    assert caught.value.code == 2


@pytest.mark.parametrize(('entry', 'told'), [
    ({'name': 't', 'type': 'ftp'}, 'none of s3, sftp, directory'),
    ({'name': 't', 'type': 'directory'}, 'path'),
    ({'name': 't', 'type': 's3', 'secret_key': 'SECRET', 'endpont': 'x'}, 'endpont'),
])
def test_a_wrong_target_is_told_without_its_secrets(entry, told):
    with pytest.raises(BackupError, match=told) as caught:
        make_store(entry)
    assert 'SECRET' not in str(caught.value)


def test_the_program_names_its_verbs():
    folder = str(pathlib.Path(restore.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, '-m', 'wandb_mysql_backup', '--help'], capture_output=True, text=True, check=True, env={**os.environ, 'PYTHONPATH': folder})
    for verb in ('run', 'binlogs', 'list', 'status', 'prune', 'verify', 'fetch', 'test', 'restore', 'duty', 'plan'):
        assert f'\n    {verb} ' in done.stdout


class FakeSftpFile:
    """An open file of paramiko's: answers requests for (offset, size), and keeps how much each call asked for."""

    def __init__(self, data):
        self.data, self.calls, self.open = data, [], True

    def readv(self, requests):
        self.calls.append([size for _offset, size in requests])
        return (self.data[offset : offset + size] for offset, size in requests)

    def close(self):
        self.open = False


class Reached:
    """A target whose connection stands."""

    name = 'far'

    def told(self, doing):
        return told(self.name, doing, OSError)


@pytest.mark.parametrize('size', [0, 1, 700, 2000, 2001, 5003])
def test_sftp_asks_for_a_bounded_part_of_a_file_at_once(monkeypatch, size):
    monkeypatch.setattr(store_sftp, 'WINDOW', 1000)
    monkeypatch.setattr(store_sftp, 'REQUEST', 300)
    data = bytes(number % 251 for number in range(size))
    file = FakeSftpFile(data)
    reader = store_sftp._SftpReader(Reached(), 'a', file, size)
    recorded = {'size': size, 'sha256': hashlib.sha256(data).hexdigest()}
    assert b''.join(summed(reader, recorded, 'a')) == data
    assert not file.open
    assert all(sum(call) <= 1000 and max(call, default=0) <= 300 for call in file.calls)
    assert sum(map(sum, file.calls)) == size


def test_sftp_tells_a_file_that_is_shorter_than_it_said():
    data = b'the dump'
    reader = store_sftp._SftpReader(Reached(), 'a', FakeSftpFile(data[:-1]), len(data))
    with pytest.raises(BackupError, match='is damaged: 7 bytes'):
        list(summed(reader, {'size': len(data), 'sha256': hashlib.sha256(data).hexdigest()}, 'a'))
