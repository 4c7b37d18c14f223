# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each link broken for real on the converged lab: `verify` fails and names it, and the collection mends it."""

from __future__ import annotations

import contextlib
import datetime
import json

import minio
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.site.test_outside import mysql


def told_by_verify(site) -> str:
    done = site.playbook('wandb.onprem.verify')
    assert done.returncode != 0, 'verify passed with a broken link'
    return done.stdout + done.stderr


def converge(site, playbook: str, *arguments: str) -> None:
    done = site.playbook(playbook, *arguments)
    assert done.returncode == 0, done.stdout[-3000:]


@contextlib.contextmanager
def restored(site, playbook: str):
    """Whatever happens inside, the playbook mends it; `wandb` waits until the server is truly ready, and `verify` passes after it."""
    try:
        yield
    finally:
        converge(site, playbook)
        converge(site, 'wandb.onprem.wandb')
    converge(site, 'wandb.onprem.verify')


def another_ca() -> str:
    """PEM of a CA that nobody here has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'a CA of somebody else')])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True).add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_another_mysql_password(site):
    with mysql(site) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER USER USER() IDENTIFIED BY 'another-Password-1'")
    with restored(site, 'wandb.onprem.mysql'):
        told = told_by_verify(site)
    assert 'Access denied' in told
    assert 'mysql' in told


def test_redis_stopped_and_a_server_of_the_object_store_missing(site):
    # All of them, or another takes over.
    for host in ('rd-1', 'rd-2', 'rd-3'):
        site.lab.exec(host, ['systemctl', 'stop', 'redis-server'])
    site.lab.exec('s3-4', ['systemctl', 'stop', 'minio'])
    with restored(site, 'wandb.onprem.redis'):
        told = told_by_verify(site)
        site.lab.exec('s3-4', ['systemctl', 'start', 'minio'])
    assert 'link redis' in told or '"redis: broken"' in told
    # The store serves on without it, and is no link that is broken: told all the same, beside what is.
    assert 'server s3-4:9000 is offline' in ' '.join(told.split())


def test_the_key_of_the_bucket_disabled(site):
    credentials = minio.credentials.StaticProvider(site.secrets['wandb_minio_root_user'], site.secrets['wandb_minio_root_password'])
    pool = urllib3.PoolManager(ca_certs=str(site.ca))
    admin = minio.MinioAdmin(endpoint=f'{site.address("s3-1")}:9000', credentials=credentials, http_client=pool)
    admin.user_disable(site.secrets['wandb_minio_access_key'])
    try:
        told = told_by_verify(site)
    finally:
        admin.user_enable(site.secrets['wandb_minio_access_key'])
    assert 'link bucket' in told or '"bucket: broken"' in told


def test_a_bucket_that_is_not_there(site):
    with restored(site, 'wandb.onprem.wandb'):
        done = site.playbook('wandb.onprem.wandb', '-e', 'wandb_minio_bucket=nosuch', '-e', json.dumps({'wandb_server_timeout': 120}))
        assert done.returncode != 0
        assert 'bucket nosuch' in done.stdout + done.stderr
        told = told_by_verify(site)
    assert 'bucket nosuch' in told


def test_another_ca_for_init_db(site):
    values = {'wandb_mysql_endpoint': {'host': 'db-1', 'ca': another_ca()}, 'wandb_server_timeout': 120}
    with restored(site, 'wandb.onprem.wandb'):
        done = site.playbook('wandb.onprem.wandb', '-e', json.dumps(values))
        assert done.returncode != 0
        assert 'migration_running' in done.stdout + done.stderr
        told = told_by_verify(site)
    assert 'init-db' in told
    assert 'certificate verify failed' in told


@pytest.fixture
def without_operator(site):
    """The lab's operator is stopped and does not start again: on kube-1 its program is one that ends at once."""
    rows = '/var/lib/lab/images.yml'
    broken = 'images: {wandb/controller: {entrypoint: [/bin/false], programs: {/manager: [/bin/false]}, user: 65532}}\n'
    before = site.lab.exec('kube-1', ['sh', '-c', f'cat {rows} 2>/dev/null || echo "images: {{}}"'])
    site.lab.exec('kube-1', ['tee', rows], data=broken)
    site.kubectl('-n', 'wandb-operator', 'delete', 'pod', '--all', '--wait=true')
    yield
    site.lab.exec('kube-1', ['tee', rows], data=before)
    site.kubectl('-n', 'wandb-operator', 'delete', 'pod', '--all', '--wait=true')
    site.kubectl('-n', 'wandb-operator', 'rollout', 'status', 'deployment/wandb-controller-manager', '--timeout=120s')


def test_the_operator_is_gone_when_the_custom_resource_changes(site, without_operator):
    change = json.dumps({'wandb_server_object_metadata': {'pod': {'annotations': {'example.com/changed': 'yes'}}}})
    done = site.playbook('wandb.onprem.wandb', '--tags', 'server', '-e', change)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    assert 'operator_down' in told
    assert 'CrashLoopBackOff' in told or 'crash_loop' in told
    assert 'no cause was found' not in told


def test_the_operator_is_back(site):
    converge(site, 'wandb.onprem.wandb')
    converge(site, 'wandb.onprem.verify')
