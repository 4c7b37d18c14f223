# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""s3_bucket and playbook bucket against an S3 store that keeps CORS rules for each bucket (VersityGW), and against the lab's MinIO, which keeps none."""

from __future__ import annotations

import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils import minio, s3_bucket
from harness import ROOT, Step, run_module, walk
from minio_lab import root_options

from lab import programs

MODULE = 'wandb.onprem.s3_bucket'
PROBE = 'wandb.onprem.s3_probe'
NAME = 'own-bucket'
SITE = 'https://wandb.lab.test'
SECRET = 'a-secret-of-the-administrator'
OURS = {'name': 'wandb-onprem', 'origins': [SITE], 'methods': ['GET', 'HEAD', 'PUT'], 'headers': ['*'], 'expose': ['ETag'], 'max_age': 3000}


@pytest.fixture(scope='module')
def store(tmp_path_factory):
    """Options of the module for a store of its own, which this run starts and ends."""
    root_options()  # skips where no lab stands, and with it nothing is built
    shelf = next(program for program in programs.all_programs() if program.name == 'versitygw').shelf()
    folder = tmp_path_factory.mktemp('versitygw')
    for name in ('data', 'attributes'):
        (folder / name).mkdir()
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    # Attributes of files are not kept by every filesystem: they go into files of their own.
    command = [shelf.folder / 'versitygw', '--port', f'127.0.0.1:{port}', 'posix', '--sidecar', folder / 'attributes', folder / 'data']
    with (folder / 'log').open('w') as log, subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, 'ROOT_ACCESS_KEY': 'administrator', 'ROOT_SECRET_KEY': SECRET}) as process:
        try:
            listens(port, process, folder / 'log')
            yield {'endpoint': f'http://127.0.0.1:{port}', 'access_key': 'administrator', 'secret_key': SECRET}
        finally:
            process.terminate()


def listens(port: int, process: subprocess.Popen, log: pathlib.Path) -> None:
    for _try in range(100):
        with socket.socket() as client:
            if client.connect_ex(('127.0.0.1', port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def rules_of(store) -> s3_bucket.CorsRules:
    connection = minio.Connection(**store)
    return s3_bucket.CorsRules(connection, minio.http_pool(connection))


def test_bucket_and_rule(store):
    walk(MODULE, {**store, 'name': NAME}, [
        Step('missing', {}, error='set create to true'),
        Step('made', {'create': True}, changed=True, holds={'bucket': {'name': NAME}}),
        Step('there', {}, changed=False, holds={'bucket': {'name': NAME}}),
        Step('with a rule', {'cors_origins': [SITE]}, changed=True, holds={'bucket.cors': [OURS]}),
        Step('another origin', {'cors_origins': [SITE, 'https://second.lab.test']}, changed=True),
        Step('and back', {'cors_origins': [SITE]}, changed=True, holds={'bucket.cors': [OURS]}),
    ], secrets=[SECRET])


def test_rules_of_others_stay_behind_ours(store):
    name = 'shared-bucket'
    run_module(MODULE, {**store, 'name': name, 'create': True})
    theirs = s3_bucket.Rule.of('theirs', 60, origins=['*'], methods=['GET'], headers=[], expose=[])
    rules_of(store).write(name, [theirs])
    walk(MODULE, {**store, 'name': name}, [Step('beside theirs', {'cors_origins': [SITE]}, changed=True)])
    assert [rule.name for rule in rules_of(store).read(name)] == ['wandb-onprem', 'theirs']
    # Somebody puts theirs first, and it is theirs that decides.
    rules_of(store).write(name, list(reversed(rules_of(store).read(name))))
    walk(MODULE, {**store, 'name': name}, [Step('ours first again', {'cors_origins': [SITE]}, changed=True)])
    assert [rule.name for rule in rules_of(store).read(name)] == ['wandb-onprem', 'theirs']


def test_pages_of_the_site_may_use_presigned_urls_and_others_may_not(store):
    name = 'tried-bucket'
    run_module(MODULE, {**store, 'name': name, 'create': True})
    probe = {**store, 'bucket': name, 'origin': SITE}
    before = run_module(PROBE, probe, secrets=[SECRET])
    assert before['failed']
    assert before['failure'] == 'cors', before['msg']
    run_module(MODULE, {**store, 'name': name, 'cors_origins': [SITE]})
    after = run_module(PROBE, probe, secrets=[SECRET])
    assert not after['failed'], after['msg']
    assert {'put', 'multipart', 'cors_put', 'cors_foreign'} <= {check['name'] for check in after['checks'] if check['ok']}


def test_a_wrong_key_is_told(store):
    result = run_module(MODULE, {**store, 'name': NAME, 'secret_key': 'another-secret'}, secrets=['another-secret'])
    assert result['failed']
    assert 'refuses the key (SignatureDoesNotMatch). Check access_key and secret_key' in result['msg']


def test_a_store_that_keeps_no_rules_says_so():
    known = root_options()
    options = {'endpoint': known['endpoint'], 'access_key': known['root_user'], 'secret_key': known['root_password'], 'ca_content': known['ca_content']}
    result = run_module(MODULE, {**options, 'name': 'wandb', 'cors_origins': [SITE]}, secrets=[known['root_password']])
    assert result['failed']
    assert 'keeps no CORS rules for bucket wandb' in result['msg']
    assert 'MINIO_API_CORS_ALLOW_ORIGIN' in result['msg']


def playbook(folder, variables, *options):
    """The finished playbook bucket, and how much it changed."""
    (folder / 'hosts.yml').write_text(yaml.safe_dump({'all': {'hosts': {'localhost': {'ansible_connection': 'local'}}, 'vars': variables}}))
    done = subprocess.run(['ansible-playbook', '-i', folder / 'hosts.yml', 'wandb.onprem.bucket', *options], cwd=ROOT, capture_output=True, text=True,
                          check=False, env={**os.environ, 'ANSIBLE_NOCOLOR': '1'})
    return done, sum(int(number) for number in re.findall(r'changed=(\d+)', done.stdout))


def test_the_playbook_makes_and_tries_the_bucket_and_those_of_teams(store, tmp_path):
    host, port = store['endpoint'].removeprefix('http://').split(':')
    where = {'host': host, 'port': int(port), 'tls': False, 'region': 'us-east-1'}
    variables = {
        'wandb_host': SITE, 'wandb_site_dir': str(tmp_path), 'wandb_bucket_endpoint': {'provider': 's3', 'name': 'files-of-wandb', 'ca': '', **where},
        'wandb_minio_access_key': store['access_key'], 'wandb_minio_secret_key': SECRET, 'wandb_bucket_create': True, 'wandb_bucket_cors': True,
        'wandb_team_buckets': [{'name': NAME, 'access_key': store['access_key'], 'secret_key': SECRET, **where}],
        'ansible_python_interpreter': '{{ ansible_playbook_python }}',
    }
    foretold, _changes = playbook(tmp_path, variables, '--check')
    assert foretold.returncode == 0, foretold.stdout + foretold.stderr
    assert run_module(MODULE, {**store, 'name': 'files-of-wandb'})['failed'], 'check mode made the bucket'
    made, changes = playbook(tmp_path, variables, '-vvv')
    assert made.returncode == 0, made.stdout + made.stderr
    assert changes > 0
    assert SECRET not in made.stdout
    assert 'put-bucket-cors' in made.stdout
    assert '"AllowedOrigins"' in (tmp_path / 'render' / 'bucket' / 'cors.json').read_text()
    assert rules_of(store).read('files-of-wandb')[0].origins == (SITE,)
    again, changes = playbook(tmp_path, variables)
    assert (again.returncode, changes) == (0, 0), again.stdout + again.stderr

    # A team's bucket whose key is no good.
    variables['wandb_team_buckets'][0]['name'] = 'nobodys-bucket'
    refused, _changes = playbook(tmp_path, variables)
    assert refused.returncode != 0
    assert 'NoSuchBucket' in refused.stdout + refused.stderr
