# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The converged site from outside: real clients, on another host, with the site's CA and nothing of Ansible."""

from __future__ import annotations

import datetime

import minio
import pymysql
import pytest
import redis
import urllib3
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Request, send

from tests.site.outside import HOST, STORE

PARAMETERS = {
    'binlog_format': 'ROW',
    'binlog_row_image': 'MINIMAL',
    'innodb_flush_log_at_trx_commit': '1',
    'innodb_online_alter_log_max_size': '268435456',
    'max_prepared_stmt_count': '1048576',
    'require_secure_transport': 'ON',
    'sort_buffer_size': '67108864',
    'sync_binlog': '1',
}


def mysql(site, **change):
    options = {'host': site.mysql_address, 'user': 'wandb_local', 'database': 'wandb_local', 'ssl_ca': str(site.ca)}
    return pymysql.connect(**{**options, 'password': site.secrets['wandb_mysql_password'], **change})


def store(site, access='wandb_minio_access_key', secret='wandb_minio_secret_key'):
    pool = urllib3.PoolManager(ca_certs=str(site.ca))
    return minio.Minio(f'{site.address("s3-2")}:9000', site.secrets[access], site.secrets[secret], region='us-east-1', http_client=pool)


def cache(site, **change):
    options = {'host': site.redis_address, 'password': site.secrets['wandb_redis_password'], 'ssl': True, 'ssl_ca_certs': str(site.ca)}
    return redis.Redis(**{**options, **change})


@pytest.fixture(scope='module')
def run(site):
    return site.make_run()


@pytest.mark.parametrize('proxy', ['', 'lb-1', 'lb-2'])
def test_the_server_is_ready_through_each_proxy(site, proxy):
    assert site.request('GET', f'https://{HOST}/ready', via=proxy).status == 200


def test_the_console_is_reached_by_its_path(site):
    assert site.request('GET', f'https://{HOST}/console/api/ready').status == 200


def test_plain_http_leads_to_https(site):
    answer = send(Request(url=f'http://{HOST}/runs?x=1', resolve=site.proxy_address))
    assert answer.status in (301, 308)
    assert answer.headers['location'] == f'https://{HOST}/runs?x=1'


def test_another_ca_is_refused(site):
    with pytest.raises(ProbeError, match='certificate'):
        send(Request(url=f'https://{HOST}/ready', resolve=site.proxy_address))


def test_another_origin_is_refused_by_the_server(site):
    answer = site.request('POST', f'https://{HOST}/graphql', headers={**site.credentials(), 'Origin': 'https://evil.test'}, body=b'{"query": "{viewer {id}}"}')
    assert answer.status == 403


def test_the_run_is_a_row_in_mysql(site, run):
    with mysql(site) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT entity, project, history_lines FROM runs WHERE name = %s', (run,))
        assert cursor.fetchall() == (('local', 'outside', 1),)


def test_the_file_is_an_object_in_the_bucket(site, run):
    answer = store(site).get_object('wandb', f'local/outside/{run}/a.txt')
    assert answer.read() == run.encode()


def test_the_heartbeat_is_a_key_in_redis(site, run):
    assert cache(site).hget(f'run:local/outside/{run}', 'lines') == b'1'


@pytest.mark.parametrize(('name', 'value'), PARAMETERS.items())
def test_mysql_runs_with_the_parameters_of_the_guide(site, name, value):
    with mysql(site) as connection, connection.cursor() as cursor:
        cursor.execute('SHOW GLOBAL VARIABLES LIKE %s', (name,))
        assert cursor.fetchone() == (name, value)


def test_mysql_is_the_version_that_the_guide_asks_for(site):
    with mysql(site) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT VERSION(), @@character_set_database, @@collation_database')
        version, *charset = cursor.fetchone()
        assert version.startswith('8.0.31')
        assert charset == ['utf8mb4', 'utf8mb4_general_ci']


def test_the_address_leads_to_the_server_that_the_other_one_follows(site):
    monitoring = {'user': 'wandb_monitoring', 'password': site.secrets['wandb_mysql_monitoring_password'], 'database': 'performance_schema'}
    with mysql(site, **monitoring) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT @@global.read_only, @@server_uuid')
        read_only, primary = cursor.fetchone()
    found = []
    for host in ('db-1', 'db-2'):
        with mysql(site, host=site.address(host), **monitoring) as connection, connection.cursor() as cursor:
            cursor.execute('SELECT @@global.super_read_only, source_uuid, c.service_state, a.service_state'
                           ' FROM replication_connection_status c JOIN replication_applier_status a USING (channel_name)')
            found += cursor.fetchall()
    assert (read_only, found) == (0, [(1, primary, 'ON', 'ON')])


def test_mysql_refuses_a_connection_without_tls(site):
    # 3159: require_secure_transport; 1045: the account itself wants TLS. The same password works over TLS in the tests above.
    with pytest.raises(pymysql.err.OperationalError, match=r'3159|1045'):
        mysql(site, ssl_ca=None, ssl_disabled=True)


def test_redis_has_no_plain_port(site):
    with pytest.raises(redis.exceptions.ConnectionError):
        cache(site, ssl=False, ssl_ca_certs=None, socket_timeout=5).ping()


@pytest.mark.parametrize('command', [('FLUSHALL',), ('CONFIG', 'GET', '*'), ('SHUTDOWN', 'NOSAVE'), ('DEBUG', 'SLEEP', '0')])
def test_redis_refuses_dangerous_commands(site, command):
    with pytest.raises(redis.exceptions.ResponseError, match=r'(?i)no permissions|unknown command|not allowed'):
        cache(site).execute_command(*command)


def test_the_key_of_the_application_opens_nothing_but_its_bucket(site):
    with pytest.raises(minio.error.S3Error, match='AccessDenied'):
        store(site).make_bucket('another')
    with pytest.raises(minio.error.S3Error, match='AccessDenied'):
        store(site).delete_bucket_policy('wandb')


@pytest.mark.parametrize(('origin', 'allowed'), [(f'https://{HOST}', True), ('https://evil.test', False)])
def test_the_bucket_answers_the_site_and_no_other_origin(site, origin, allowed):
    url = store(site).presigned_get_object('wandb', 'any', expires=datetime.timedelta(minutes=5))
    query = url.partition('?')[2]
    headers = {'Origin': origin, 'Access-Control-Request-Method': 'GET'}
    answer = site.request('OPTIONS', f'https://{STORE}/wandb/any?{query}', headers=headers)
    assert answer.headers.get('access-control-allow-origin') == (origin if allowed else None)


def test_ten_megabytes_pass_every_proxy(site):
    body = b'{"query": "query Viewer { viewer { id } }", "padding": "' + b'x' * 10**7 + b'"}'
    assert site.request('POST', f'https://{HOST}/graphql', headers=site.credentials(), body=body).status == 200


def test_the_console_made_its_password(site):
    assert site.kubectl('-n', 'wandb', 'get', 'secret', 'wandb-password', '-o', 'jsonpath={.data.password}')


def test_every_pod_of_the_server_keeps_pod_security_restricted(site):
    assert site.kubectl('get', 'namespace', 'wandb', '-o', r'jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}') == 'restricted'
    assert 'Running' in site.kubectl('-n', 'wandb', 'get', 'pods')
