# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at, out of the inventory; what the server's pods ask for; which images there will be."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.preflight import demand, looks
from seen_sites import site


def links(found):
    return [(one['host'], one['port'], one['variable'], one['made']) for one in found['links']]


def test_a_proxy():
    found = looks.looks(site())['lb-1']
    assert found['ports'] == [{'port': 80, 'service': 'nginx', 'variable': 'wandb_nginx_http_port'},
                              {'port': 443, 'service': 'nginx', 'variable': 'wandb_nginx_https_port'}]
    assert links(found) == [
        ('10.0.0.51', 443, 'wandb_nginx_ingress_upstreams', False), ('ingress.example.com', 443, 'wandb_nginx_ingress_upstreams', False),
        ('10.0.0.31', 9000, 'wandb_minio_port', True), ('10.0.0.32', 9000, 'wandb_minio_port', True)]
    assert (found['names'], found['services'], found['measured_paths']) == (['wandb.example.com', 's3.example.com'], ['nginx'], [])


def test_a_proxy_before_node_ports():
    nodes = ['10.0.0.51', '10.0.0.52']
    one = site(wandb_node_ports={'app': 30080, 'console': '30082'}, wandb_nginx_node_addresses=nodes, wandb_nginx_ingress_upstreams=[])
    found = links(looks.looks(one)['lb-1'])
    assert found[:-2] == [(node, port, 'wandb_nginx_node_addresses', True) for port in (30080, 30082) for node in nodes]


def test_a_database_host_with_targets_of_backups():
    targets = [{'name': 'a', 'type': 's3', 'endpoint': 'https://s3.backup.test:9000', 'bucket': 'b'}, {'name': 'b', 'type': 'sftp', 'host': 'sftp.test'},
               {'name': 'c', 'type': 'directory', 'path': '/mnt'}, {'name': 'd', 'type': 's3', 'bucket': 'on-aws'}]
    found = looks.looks(site(wandb_mysql_backup_targets=targets))['db-1']
    assert found['measured_paths'] == ['/var/lib/mysql']
    assert found['paths'] == ['/var/lib', '/opt', '/var/lib/mysql']
    assert links(found) == [('10.0.0.22', 3306, 'wandb_mysql_port', True), ('s3.backup.test', 9000, 'wandb_mysql_backup_targets', False),
                            ('sftp.test', 22, 'wandb_mysql_backup_targets', False)]


def test_an_address_that_follows_a_service():
    found = looks.looks(site(wandb_mysql_virtual_address='10.0.0.20/24'))
    assert links(found['db-2'])[0] == ('10.0.0.20', 3306, 'wandb_mysql_virtual_address', True)
    assert found['db-2']['services'] == ['mysql', 'keepalived']
    assert ('wandb_mysql_virtual_address' in str(found['lb-1']), found['lb-1']['services']) == (False, ['nginx'])


def test_a_target_of_backups_that_the_collection_makes_need_not_be_there_yet():
    for endpoint in ('https://s3.example.com', 'https://10.0.0.31:9000', 'https://s3-2:9000', 'https://10.0.0.99'):
        target = {'name': 'a', 'type': 's3', 'endpoint': endpoint, 'bucket': 'b'}
        found = looks.looks(site(wandb_mysql_backup_targets=[target], hosts={'lb-1': {'wandb_nginx_virtual_address': '10.0.0.99/24'}}))['db-1']
        assert [one['made'] for one in found['links'] if one['variable'] == looks.TARGETS] == [True], endpoint


def test_a_store_host_knows_the_names_of_the_others():
    found = looks.looks(site())['s3-1']
    assert found['names'] == ['wandb.example.com', 's3.example.com', 's3-1', 's3-2']
    assert [one['port'] for one in found['ports']] == [9000]
    assert [one['port'] for one in looks.looks(site(wandb_minio_console=True))['s3-1']['ports']] == [9000, 9001]
    assert looks.looks(site(groups={'wandb_minio': ['s3-1']}))['s3-1']['names'] == ['wandb.example.com', 's3.example.com']


def test_the_drives_of_a_pool():
    pools = [{'hosts': ['s3-1'], 'drives': ['/a', '/b']}, {'hosts': ['s3-2']}]
    assert looks.drives(site(wandb_minio_pools=pools), 's3-1') == ['/a', '/b']
    assert looks.drives(site(wandb_minio_pools=pools), 's3-2') == ['/data/1', '/data/2']
    assert looks.member_names(site(wandb_minio_pools=[{'hosts': ['x', '10.0.0.1']}]), 's3-1') == ['x']


def test_a_sentinel_only_where_there_are_several():
    assert [one['variable'] for one in looks.looks(site())['rd-1']['ports']] == ['wandb_redis_port', 'wandb_redis_sentinel_port']
    single = looks.looks(site(groups={'wandb_redis': ['rd-1']}))['rd-1']
    assert ([one['variable'] for one in single['ports']], single['links']) == (['wandb_redis_port'], [])


def test_two_names_of_one_machine_are_no_peers():
    found = looks.looks(site(hosts={'db-2': {'ansible_host': '10.0.0.21'}}))['db-1']
    assert found['links'] == []


def test_a_host_of_two_services_is_looked_at_once_for_both():
    found = looks.looks(site(groups={'wandb_mysql': ['db-1'], 'wandb_redis': ['db-1']}))['db-1']
    assert (found['services'], [one['port'] for one in found['ports']]) == (['mysql', 'redis'], [3306, 6379])
    assert found['measured_paths'] == ['/var/lib/mysql', '/var/lib/redis']


def test_the_api_host_of_an_air_gap_asks_nobody_outside():
    found = looks.looks(site())[looks.API]
    assert links(found) == [('10.0.0.11', 443, 'wandb_nginx_https_port', True), ('10.0.0.12', 443, 'wandb_nginx_https_port', True)]
    assert found['names'] == ['wandb.example.com', 's3.example.com']


def test_the_api_host_reaches_the_administration_of_the_store():
    found = looks.looks(site(groups={'wandb_nginx': []}, wandb_minio_admin_url='https://10.0.0.31:9000'))[looks.API]
    assert ('10.0.0.31', 9000, 'wandb_minio_admin_url', True) in links(found)


def test_the_api_host_without_an_air_gap():
    given = site(
        wandb_airgapped=False, wandb_operator_chart_archive='', wandb_operator_chart='operator', wandb_operator_chart_repo_url='https://charts.test',
        wandb_server_chart_archive='', wandb_server_chart={'url': 'oci://r.test:5000/x'}, wandb_operator_deployer_channel_url='https://deployer.test/x')
    found = looks.looks(given)[looks.API]
    assert [one for one in links(found) if not one[3]] == [
        ('charts.test', 443, 'wandb_operator_chart_repo_url', False), ('r.test', 5000, 'wandb_server_chart', False),
        ('deployer.test', 443, 'wandb_airgapped', False), ('registry-1.docker.io', 443, 'wandb_server_repository_prefix', False),
        ('quay.io', 443, 'wandb_server_repository_prefix', False)]
    assert 'quay.io' not in str(looks.looks(site(wandb_airgapped=False, wandb_server_repository_prefix='r.test/mirror')))


def test_external_services_are_asked_from_the_api_host():
    found = looks.looks(site(
        groups={'wandb_nginx': [], 'wandb_mysql': [], 'wandb_minio': [], 'wandb_redis': []}, wandb_mysql_endpoint={'host': 'db.test'},
        wandb_redis_endpoint={'host': 'r.test', 'port': 7000}, wandb_bucket_endpoint={'host': 's3.test', 'name': 'b'},
        wandb_clickhouse_endpoint={'host': 'c.test'},
        wandb_server_smtp={'host': 'mail.test', 'port': 25}, wandb_server_oidc={'issuer': 'https://sso.test/x'}))
    assert set(found) == {looks.API}
    assert links(found[looks.API]) == [
        ('db.test', 3306, 'wandb_mysql_endpoint', False), ('r.test', 7000, 'wandb_redis_endpoint', False), ('s3.test', 443, 'wandb_bucket_endpoint', False),
        ('c.test', 8443, 'wandb_clickhouse_endpoint', False), ('mail.test', 25, 'wandb_server_smtp', False), ('sso.test', 443, 'wandb_server_oidc', False),
        ('wandb.example.com', 443, 'wandb_host', False)]
    assert found[looks.API]['names'] == ['wandb.example.com', 's3.test']


def test_no_secret_is_among_it():
    targets = [{'name': 'a', 'type': 's3', 'endpoint': 'https://user:very-secret@s3.test', 'access_key': 'very-secret', 'secret_key': 'very-secret'}]
    assert 'very-secret' not in str(looks.looks(site(wandb_mysql_backup_targets=targets, wandb_redis_password='very-secret')))


@pytest.mark.parametrize(('text', 'port', 'found'), [
    ('10.0.0.1:8443', 443, ('10.0.0.1', 8443)), ('a.test', 443, ('a.test', 443)), ('[2001:db8::1]:443', 1, ('2001:db8::1', 443)),
    ('https://a.test/x', None, ('a.test', 443)),
    ('http://a.test', 1, ('a.test', 80)), ('oci://a.test/x', None, ('a.test', 443)), ('a.test:x', 443, None), ('', 443, None), ('a.test', None, None),
])
def test_places(text, port, found):
    assert looks.place(text, port) == found


def told(**server):
    return [str(one) for one in demand.demand(site(server=server))]


def test_what_size_small_asks_for():
    assert told() == ['1 x app (1 CPU, 2 GiB)', '1 x console (1 CPU, 1 GiB)', '2 x parquet (1 CPU, 8 GiB)', '2 x weave (1 CPU, 8 GiB)']
    assert demand.total(demand.demand(site())) == (6, 35 * 2**30)


def test_medium_and_what_is_larger_ask_for_no_less():
    medium = demand.total(demand.demand(site(server={'size': 'medium'})))
    assert medium == (4 + 1 + 2 * 15 + 2, (8 + 1 + 2 * 64 + 24) * 2**30)
    assert demand.total(demand.demand(site(server={'size': 'xlarge'}))) == medium


def test_testing_asks_for_nothing():
    assert told(size='testing') == []


def test_what_is_installed_besides():
    assert '2 x api (1 CPU, 2 GiB)' in told(install={'api': True})


def test_components_have_their_own():
    own = {'app': {'resources': {'requests': {'cpu': '500m', 'memory': '3Gi'}}}, 'parquet': {'size': 'medium'}, 'weave': {'autoscaling': {'min_replicas': 4}},
           'console': {'replicas': 2}}
    assert told(components=own) == ['1 x app (0.5 CPU, 3 GiB)', '2 x console (1 CPU, 1 GiB)', '2 x parquet (15 CPU, 64 GiB)', '4 x weave (1 CPU, 8 GiB)']


def test_options_that_the_module_refuses_give_no_sum():
    assert told(size='huge') == []


def test_images():
    assert sorted(demand.images(site())) == [
        'registry.example.com/mirror/alpine/k8s:1.31.12', 'registry.example.com/mirror/wandb/console:2.18.12', 'registry.example.com/mirror/wandb/local:0.83.0',
        'registry.example.com/mirror/wandb/megabinary:0.83.0', 'registry.example.com/mirror/wandb/weave-python:0.83.0',
        'registry.example.com/wandb/controller:1.22.0']


def test_images_of_a_component_with_its_own():
    digest = f'sha256:{"a" * 64}'
    found = demand.images(site(server={'components': {'app': {'image': {'repository': 'r.test/app', 'digest': digest}}}}))
    assert f'r.test/app@{digest}' in found


def test_the_bundled_redis_and_prometheus():
    places = {'prometheus': {'install': True, 'redis-exporter': {'install': False}, 'mysql-exporter': {'install': False}, 'instance': {
        'server': {'image': {'repository': 'r.test/prometheus', 'tag': 'v2.47.0'}}}}}
    found = demand.images(site(server={'redis': None, 'install': {'prometheus': True}, 'extra_values': places}))
    assert 'registry.example.com/bitnamilegacy/redis:7.2.4-debian-12-r9' in found
    assert 'r.test/prometheus:v2.47.0' in found


def test_images_of_public_registries_are_not_asked_for():
    assert demand.images(site(wandb_operator_image_repository='wandb/controller', server={'repository_prefix': '', 'image_registry': ''})) == []


def test_further_images_are_asked_for():
    assert looks.looks(site(wandb_preflight_images=['r.test/x:1']))[looks.API]['images'][-1] == 'r.test/x:1'
