# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule for hosts and cluster: a good one passes all, and one change breaks the right rule."""

from __future__ import annotations

import re

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.preflight import host_rules, rules
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.host_rules import RULES, check_hosts
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import KINDS
from seen_sites import DISK, GIB, HOST, NAME, SPACE, node, seen, site

LINK = {'host': 'a.example.com', 'port': 443, 'purpose': 'backups to b', 'variable': 'wandb_mysql_backup_targets', 'made': False, 'state': 'refused',
        'milliseconds': None, 'error': 'Connection refused'}
UPSTREAM = {**LINK, 'purpose': "the cluster's ingress", 'variable': 'wandb_nginx_ingress_upstreams'}
HOLDER = {'pid': 7, 'program': 'apache2', 'unit': 'apache2.service', 'uid': 0, 'addresses': ['0.0.0.0']}
PORT = {'port': 80, 'service': 'nginx', 'variable': 'wandb_nginx_http_port', 'holders': [HOLDER]}
MARIADB = {'ours': False, 'units': {'mariadb.service': 'active'}, 'packages': {'mariadb-server': '1:10.11'}, 'programs': ['/usr/sbin/mariadbd']}
QUOTA = {'name': 'q', 'hard': {'requests.cpu': '4', 'requests.memory': '64Gi', 'pods': '100'}, 'used': {'requests.cpu': '1'}, 'scoped': False}
NOT_THERE = {'image': 'registry.example.com/mirror/wandb/local:0.83.0', 'found': False, 'status': 404, 'error': 'the registry has no such image'}


def disks(path='/var/lib/mysql', **change):
    return {'disks': {path: {**DISK, **change}}}


def names(name, **change):
    return {'names': {name: {**NAME, **change}}}


def space(**change):
    return {'namespaces': {'wandb': {**SPACE, **change}}, 'custom_resources': []}


# Kind, host, what is seen otherwise, what the site is otherwise, rule, variable, part of what is said, whether it only warns.
ROWS = [
    ('unseen', 'db-1', {}, {}, 'host-reached', 'ansible_host', 'could not be looked at', False),
    ('host', 'db-1', {'architecture': 'aarch64'}, {}, 'host-architecture', 'ansible_host', 'aarch64', False),
    ('host', 'db-1', {'python': [3, 8, 1]}, {}, 'host-python', 'ansible_python_interpreter', 'is Python 3.8', False),
    ('api_host', 'kube-1', {'python': [2, 7, 18]}, {}, 'host-python', 'ansible_python_interpreter', 'is Python 2.7', False),
    ('host', 'db-1', {'systemd': False}, {}, 'host-systemd', 'ansible_host', 'systemd', False),
    ('host', 'db-1', {'root': False}, {}, 'host-root', 'ansible_become', 'as root', False),
    ('host', 'db-1', {'os': {'family': 'alpine', 'name': 'Alpine Linux'}}, {}, 'host-distribution', 'ansible_host', 'runs Alpine Linux', False),
    ('host', 'db-1', {'os': {'family': 'rhel', 'name': 'Rocky Linux 9'}}, {}, 'host-distribution', 'ansible_host', 'not been tried', True),
    ('host', 'db-1', {'clock': 990.0}, {}, 'clock-skew', 'ansible_host', '-10.0 s off', False),
    ('api_host', 'kube-1', {'clock': 1010.0}, {}, 'clock-skew', 'ansible_host', '+6.0 s off', False),
    ('host', 'db-1', {'time_sync': {'service': '', 'synchronized': None}}, {}, 'time-service', 'ansible_host', 'no time service runs', True),
    ('host', 'db-1', {'time_sync': {'synchronized': False}}, {}, 'time-service', 'ansible_host', 'chrony has not synchronised', True),
    ('host', 'db-1', {'selinux': 'enforcing'}, {}, 'selinux', 'ansible_host', 'enforcing', True),
    ('host', 'db-1', {'apparmor': {'enforced': ['/usr/sbin/mysqld']}, **disks('/srv/mysql')}, {'wandb_mysql_data_dir': '/srv/mysql'}, 'apparmor',
     'wandb_mysql_data_dir', 'profile /usr/sbin/mysqld', True),
    ('host', 'db-1', {'package_sources': {'uris': []}}, {}, 'package-sources', 'ansible_host', 'no source is switched on', True),
    ('host', 'db-1', {'package_sources': {'endpoints': [{'host': 'p.test', 'port': 80, 'state': 'silent', 'error': ''}]}}, {}, 'package-sources',
     'ansible_host',
     'p.test:80 (silent)', True),
    ('api_host', 'kube-1', {'missing_packages': ['kubernetes']}, {}, 'api-packages', 'ansible_python_interpreter', 'package kubernetes is missing', False),
    ('api_host', 'kube-1', {'missing_files': {'wandb_kubeconfig': '/x'}}, {}, 'api-files', 'wandb_kubeconfig', '/x: not there', False),
    ('api_host', 'kube-1', {'versions': {'wandb_helm_binary': 'v2.17.0'}}, {}, 'helm-version', 'wandb_helm_binary', 'v2.17.0', False),
    ('api_host', 'kube-1', {'versions': {'wandb_helm_binary': ''}}, {}, 'helm-version', 'wandb_helm_binary', 'nothing', False),
    ('host', 'db-1', disks('/opt', free_bytes=10), {}, 'disk-space', 'wandb_preflight_paths', '0.0 GiB free under /opt', False),
    ('host', 'db-1', disks(free_bytes=GIB), {}, 'disk-space', 'wandb_mysql_data_dir', '1.0 GiB free under /var/lib/mysql', False),
    ('host', 's3-1', disks('/data/1', free_bytes=GIB), {}, 'disk-space', 'wandb_minio_drives', 'under /data/1', False),
    ('host', 'db-1', disks(read_only=True), {}, 'disk-writable', 'wandb_mysql_data_dir', 'read-only filesystem (/dev/sda1 on /)', False),
    ('host', 'db-1', disks(error='Permission denied', fdatasync_ms=None), {}, 'disk-writable', 'wandb_mysql_data_dir', 'Permission denied', False),
    ('host', 's3-1', disks('/data/2', filesystem='tmpfs'), {}, 'disk-kind', 'wandb_minio_drives', 'in memory (tmpfs)', True),
    ('host', 'db-1', disks(filesystem='nfs4'), {}, 'disk-kind', 'wandb_mysql_data_dir', 'network filesystem (nfs4)', True),
    ('host', 'db-1', disks(fdatasync_ms=25.0), {}, 'disk-speed', 'wandb_mysql_data_dir', 'takes 25.0 ms', True),
    ('host', 'db-1', disks(fdatasync_ms=4.0, rotational=True), {}, 'disk-speed', 'wandb_mysql_data_dir',
     'on a disk that turns: an fdatasync takes 4.0 ms', True),
    ('host', 'rd-1', disks('/var/lib/redis', fdatasync_ms=None, rotational=True), {}, 'disk-speed', 'wandb_redis', 'on a disk that turns', True),
    ('host', 'db-1', {'memory_bytes': GIB}, {}, 'host-memory', 'wandb_mysql_innodb_buffer_pool_size', '80 % of the memory (1.0 GiB)', False),
    ('host', 'rd-1', {'memory_limit_bytes': 2 * GIB}, {}, 'host-memory', 'wandb_redis_maxmemory', 'what the container may have (2.0 GiB)', True),
    ('host', 'db-1', {'cpus': 4}, {'wandb_size_profile': 'models-production'}, 'size-host', 'wandb_size_profile', '4 cores, 8 are wanted', False),
    ('host', 'db-1', {'memory_bytes': 32 * GIB}, {'wandb_size_profile': 'models-production'}, 'size-host', 'wandb_size_profile',
     '34.4 GB of memory, 64', False),
    ('host', 'db-1', disks(total_bytes=100 * 10**9), {'wandb_size_profile': 'models-production'}, 'size-host', 'wandb_size_profile', '100 GB of disk', False),
    ('host', 'db-1', {'memory_limit_bytes': 8 * GIB}, {'wandb_size_profile': 'weave-development'}, 'size-host', 'wandb_size_profile',
     '8.6 GB of memory, 16', True),
    ('host', 'lb-1', {'ports': [PORT]}, {}, 'port-held', 'wandb_nginx_http_port', 'port 80 is held by apache2 (pid 7, apache2.service)', False),
    ('host', 'db-1', {'ports': [{**PORT, 'port': 3306, 'service': 'mysql', 'variable': 'wandb_mysql_port', 'holders': [
        {**HOLDER, 'program': 'mariadbd', 'unit': 'mariadb.service'}]}]}, {}, 'port-held', 'wandb_mysql_port', 'mariadbd (pid 7, mariadb.service)', False),
    ('host', 'lb-1', {'ports': [{**PORT, 'holders': [{**HOLDER, 'pid': None, 'program': '', 'unit': ''}]}]}, {}, 'port-held', 'wandb_nginx_http_port',
     'a program that cannot be told (uid 0)', False),
    ('host', 'lb-1', {'ports': [{**PORT, 'holders': [{**HOLDER, 'program': 'nginx', 'unit': 'other-nginx.service'}]}]}, {}, 'port-held',
     'wandb_nginx_http_port', 'nginx (pid 7, other-nginx.service)', False),
    ('host', 'lb-1', {'links': [UPSTREAM]}, {}, 'ingress-answers', 'wandb_nginx_ingress_upstreams', 'a.example.com:443: nothing listens there', False),
    ('host', 'lb-1', {'links': [UPSTREAM, {**UPSTREAM, 'state': 'open'}]}, {}, 'ingress-answers', 'wandb_nginx_ingress_upstreams', 'a.example.com:443', True),
    ('host', 'db-1', {'links': [LINK]}, {}, 'link', 'wandb_mysql_backup_targets', 'backups to b at a.example.com:443: nothing listens there', False),
    ('host', 'db-1', {'links': [{**LINK, 'state': 'silent', 'made': True}]}, {}, 'link', 'wandb_mysql_backup_targets', 'no answer', True),
    ('api_host', 'kube-1', {'links': [{**LINK, 'state': 'unresolved', 'variable': 'wandb_mysql_endpoint'}]}, {}, 'link', 'wandb_mysql_endpoint',
     'the name does not resolve', False),
    ('api_host', 'kube-1', {'links': [{**LINK, 'variable': 'wandb_server_smtp'}]}, {}, 'link', 'wandb_server_smtp', 'nothing listens', True),
    ('host', 'db-1', {'links': [{**LINK, 'host': '10.0.0.20', 'variable': 'wandb_mysql_virtual_address', 'made': True}]}, {}, 'address-taken',
     'wandb_mysql_virtual_address', 'a machine answers at 10.0.0.20', True),
    ('host', 's3-1', names('s3-2', addresses=[], back={}), {}, 'name-members', 'wandb_minio_volumes', 'name s3-2 does not resolve', False),
    ('host', 'db-1', names('wandb.example.com', addresses=[], back={}), {}, 'name-resolves', 'wandb_host', 'name wandb.example.com does not', True),
    ('api_host', 'kube-1', names('s3.example.com', addresses=['10.9.9.9']), {}, 'name-alike', 'wandb_minio_address',
     's3.example.com is 10.9.9.9 there, and 10.0.0.10 on', True),
    ('host', 'db-1', names('db-2', back={'10.0.0.10': 'old'}, forth={'old': ['10.0.0.99']}), {}, 'name-back', 'ansible_host',
     'called old, which is 10.0.0.99', True),
    ('bucket', 'kube-1', {'error': 'the clock is off'}, {}, 'bucket-store', 'wandb_bucket_endpoint', 'the clock is off', False),
    ('redis', 'kube-1', {'error': 'the password is wrong'}, {}, 'redis-server', 'wandb_redis_endpoint', 'the password is wrong', False),
    ('host', 'db-1', {'installed': {'mysql': MARIADB}}, {}, 'foreign-service', 'ansible_host', 'mariadb.service runs; mariadb-server 1:10.11', True),
    ('cluster', 'kube-1', {'error': 'connection refused', 'version': None}, {}, 'kube-answers', 'wandb_kubeconfig', 'connection refused', False),
    ('cluster', 'kube-1', {'version': {'major': 1, 'minor': 28}}, {}, 'kube-version', 'wandb_kubeconfig', 'Kubernetes 1.28', False),
    ('cluster', 'kube-1', {'version': {'major': 1, 'minor': 33}}, {}, 'kube-version', 'wandb_kubeconfig', 'Kubernetes 1.33', True),
    ('cluster', 'kube-1', {'unreadable': ['Node']}, {}, 'kube-unreadable', 'wandb_kubeconfig', 'may not read: Node', True),
    ('cluster', 'kube-1', {'nodes': [node(architecture='arm64'), node('n2', schedulable=False, ready=False)]}, {}, 'node-architecture', 'wandb_kubeconfig',
     'node-1 (arm64), n2 (amd64, not ready)', False),
    ('cluster', 'kube-1', {'nodes': []}, {'wandb_server_node_selector': {'a': 'b'}}, 'node-architecture', 'wandb_kubeconfig', 'there is none', True),
    ('cluster', 'kube-1', {'nodes': [node(), node('n2'), node('n3', architecture='arm64')]}, {}, 'node-mixed', 'wandb_server_node_selector',
     'n3 (arm64)', True),
    ('cluster', 'kube-1', {'nodes': [node()]}, {}, 'node-spare', 'wandb_kubeconfig', 'only node-1', True),
    ('cluster', 'kube-1', {'nodes': [node(cpu=2), node('n2', cpu=2)]}, {}, 'node-room', 'wandb_server_size',
     'size small asks for 1 x app (1 CPU, 2 GiB) + 1 x console (1 CPU, 1 GiB) + 2 x parquet (1 CPU, 8 GiB) + 2 x weave (1 CPU, 8 GiB) = 6 CPU, 35 GiB; '
     '2 amd64 node(s) have 4 CPU, 128.0 GiB to allocate', False),
    ('cluster', 'kube-1', {'nodes': [node(memory=7, cpu=8), *(node(f'n{number}', memory=7) for number in range(9))]}, {}, 'node-room', 'wandb_server_size',
     'a pod of parquet asks for 1 CPU, 8 GiB; the largest amd64 node', False),
    ('cluster', 'kube-1', {'nodes': [node(cpu=2), node('n2', cpu=2)]}, {'wandb_server_tolerations': [{'key': 'a'}]}, 'node-room',
     'wandb_server_size', '= 6 CPU', True),
    ('cluster', 'kube-1', {}, {'wandb_size_profile': 'models-and-weave-production'}, 'size-node', 'wandb_size_profile',
     '16 cores, 128 GB and 100 GB of disk are wanted', False),
    ('cluster', 'kube-1', {'nodes': [node(memory=24), node('n2', memory=24)]}, {'wandb_size_profile': 'weave-development'}, 'size-node', 'wandb_size_profile',
     '4 cores, 32 GB and 100 GB of disk are wanted of a node in profile weave-development; there are node-1 16, 26 and 0; n2 16, 26 and 0', True),
    ('cluster', 'kube-1', {'nodes': [node(disk_in_all=50 * 10**9), node('n2', disk_in_all=50 * 10**9)]}, {'wandb_size_profile': 'weave-development'},
     'size-node', 'wandb_size_profile', 'node-1 16, 69 and 50', True),
    ('cluster', 'kube-1', space(quotas=[QUOTA]), {}, 'quota', 'wandb_namespace', 'quota q leaves 3 CPU of requests.cpu', False),
    ('cluster', 'kube-1', space(quotas=[{**QUOTA, 'hard': {'memory': '8Gi'}}]), {}, 'quota', 'wandb_namespace', 'leaves 8.0 GiB of memory', False),
    ('cluster', 'kube-1', space(quotas=[{**QUOTA, 'hard': {'pods': '5'}, 'used': {'pods': '1'}}]), {}, 'quota', 'wandb_namespace',
     'allows 5 pods, 1 are', False),
    ('cluster', 'kube-1', space(limits=[{'name': 'l', 'type': 'Container', 'max': {'cpu': '900m', 'memory': '20Gi'}}]), {}, 'limit-range', 'wandb_namespace',
     'LimitRange l: app asks for 1 CPU, at most 900m', False),
    ('cluster', 'kube-1', {}, {'wandb_server_ingress_class': 'haproxy'}, 'ingress-class', 'wandb_server_ingress_class', 'no class haproxy, but nginx', False),
    ('cluster', 'kube-1', {}, {'wandb_server_ingress_class': ''}, 'ingress-class', 'wandb_server_ingress_class',
     'no class of the cluster is the default', True),
    ('cluster', 'kube-1', {'ingress_classes': [{'name': 'nginx', 'controller': 'traefik.io/x', 'family': 'traefik', 'default': False}]}, {}, 'ingress-family',
     'wandb_server_ingress_annotations', 'begins with traefik.ingress', True),
    ('cluster', 'kube-1', {'ingress_classes': [{'name': 'nginx', 'controller': 'example.com/x', 'family': 'other', 'default': False}]}, {}, 'ingress-family',
     'wandb_server_ingress_annotations', 'does not know its annotations', True),
    ('cluster', 'kube-1', {}, {'wandb_server_storage_class': 'fast'}, 'storage-class', 'wandb_server_storage_class', 'no class fast, but local', False),
    ('cluster', 'kube-1', {'storage_classes': []}, {'server': {'redis': None}}, 'storage-class', 'wandb_server_storage_class', 'redis want(s) a volume', False),
    ('cluster', 'kube-1', {'storage_classes': []}, {'server': {'install': {'prometheus': True}}}, 'storage-class', 'wandb_server_storage_class',
     'prometheus want', True),
    ('cluster', 'kube-1', {'crd': {'storage': 'v2', 'served': ['v1', 'v2']}}, {}, 'crd', 'wandb_operator_chart_version', 'stores v2 and serves v1, v2', False),
    ('cluster', 'kube-1', {'crd': {'served': []}}, {}, 'crd', 'wandb_operator_chart_version', 'serves nothing', False),
    ('cluster', 'kube-1', {'custom_resources': [{'namespace': 'default', 'name': 'wandb', 'host': 'https://x'}]}, {}, 'other-servers', 'wandb_name',
     'default/wandb (https://x)', False),
    ('cluster', 'kube-1', {'custom_resources': [{'namespace': 'wandb', 'name': 'second', 'host': ''}]}, {}, 'other-servers', 'wandb_name',
     'wandb/second', True),
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'terminating': True}}}, {}, 'namespace-ends', 'wandb_namespace', 'is being deleted', False),
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'pod_security': {'enforce': 'restricted'}}}},
     {'wandb_platform_pod_security': '', 'server': {'security_context': {'preset': 'chart'}, 'install': {'otel': False}}}, 'pod-security',
     'wandb_server_security_context', 'preset is chart, and namespace wandb enforces restricted', False),
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'pod_security': {'enforce': 'baseline'}}}},
     {'wandb_platform_pod_security': '', 'server': {'install': {'otel': True}}}, 'pod-security', 'wandb_server_install', 'otel is installed', False),
    ('cluster', 'kube-1', {'openshift': True, 'openshift_version': '4.20'}, {}, 'openshift', 'wandb_server_security_context', 'is OpenShift 4.20', False),
    ('cluster', 'kube-1', {}, {'wandb_server_security_context': {'preset': 'openshift'}}, 'openshift', 'wandb_server_security_context', 'not OpenShift', False),
    ('cluster', 'kube-1', {'lacking': ['create secrets in namespace wandb']}, {}, 'permissions', 'wandb_kubeconfig', 'may not create secrets in', False),
    ('images', 'kube-1', {'images': [NOT_THERE]}, {}, 'image-there', 'wandb_server_repository_prefix', 'wandb/local:0.83.0: the registry has no', False),
    ('images', 'kube-1', {'images': [{**NOT_THERE, 'image': 'registry.example.com/wandb/controller:1.22.0', 'status': 401}]}, {}, 'image-there',
     'wandb_operator_image_repository', 'controller:1.22.0', False),
    ('images', 'kube-1', {'images': [NOT_THERE]}, {'wandb_airgapped': False}, 'image-there', 'wandb_server_repository_prefix', 'has no such image', True),
    ('images', 'kube-1', {'images': [NOT_THERE]}, {'wandb_preflight_images': [NOT_THERE['image']]}, 'image-there', 'wandb_preflight_images',
     'has no such', False),
    ('images', 'kube-1', {'error': 'it broke', 'images': []}, {}, 'image-there', 'wandb_server_repository_prefix', 'it broke', False),
]


def found(kind, host, change, given):
    return check_hosts([{'kind': kind, 'host': host, 'seen': seen(kind, **change)}], site(**given))


@pytest.mark.parametrize(('kind', 'host'), [
    ('host', 'lb-1'), ('host', 'db-1'), ('host', 's3-1'), ('host', 'rd-1'), ('api_host', 'kube-1'), ('cluster', 'kube-1'), ('redis', 'kube-1'),
    ('bucket', 'kube-1'), ('images', 'kube-1'),
])
def test_a_good_one_has_no_problem(kind, host):
    assert found(kind, host, {}, {}) == []


@pytest.mark.parametrize(('kind', 'host', 'change', 'given', 'rule', 'variable', 'text', 'warning'), ROWS,
                         ids=[f'{row[4]}-{number}' for number, row in enumerate(ROWS)])
def test_a_wrong_one_is_named(kind, host, change, given, rule, variable, text, warning):
    told = found(kind, host, change, given)
    assert {(problem.rule, problem.variable, problem.warning) for problem in told} == {(rule, variable, warning)}
    assert any(text in problem.why for problem in told), told
    assert {problem.where for problem in told} == {'cluster' if kind == 'cluster' else host}
    assert all(problem.mend for problem in told)


@pytest.mark.parametrize(('kind', 'host', 'change', 'given'), [
    ('host', 'db-1', {'clock': 1003.5}, {}),
    ('host', 'db-1', {'time_sync': {'service': '', 'synchronized': False, 'container': 'podman'}}, {}),
    ('host', 'db-1', {'time_sync': {'service': '', 'synchronized': True}}, {}),
    ('host', 'db-1', {'apparmor': {'enforced': ['/usr/sbin/mysqld']}}, {}),
    ('host', 'db-1', {'package_sources': {'endpoints': []}}, {}),
    ('host', 'db-1', {'ports': [{**PORT, 'service': 'mysql', 'holders': [{**HOLDER, 'program': 'mysqld', 'unit': 'mysql.service'}]}]}, {}),
    ('host', 'lb-1', {'ports': [{**PORT, 'holders': [{**HOLDER, 'program': 'nginx', 'unit': ''}]}]}, {}),
    ('host', 'lb-1', {'ports': [{**PORT, 'holders': [{**HOLDER, 'pid': None, 'program': '', 'unit': ''}]}], 'installed': {'nginx': {**MARIADB,
     'ours': True}}}, {}),
    ('host', 'db-1', {'installed': {'mysql': {**MARIADB, 'ours': True}}}, {}),
    ('host', 'db-1', {'installed': {'mysql': {'ours': False, 'units': {'mysql.service': 'inactive'}, 'packages': {}, 'programs': []}}}, {}),
    ('host', 'db-1', {'links': [{**LINK, 'made': True}]}, {}),
    ('host', 'lb-1', {'links': [{**UPSTREAM, 'state': 'open'}]}, {}),
    ('host', 'db-1', {'links': [{**LINK, 'state': 'unreachable', 'variable': 'wandb_mysql_virtual_address', 'made': True}]}, {}),
    ('host', 'db-1', {'links': [{**LINK, 'state': 'open', 'variable': 'wandb_mysql_virtual_address', 'made': True}],
                      'installed': {'keepalived': {**MARIADB, 'ours': True}}}, {}),
    # Rule name-resolves speaks of it.
    ('api_host', 'kube-1', {'links': [{**LINK, 'host': 'wandb.example.com', 'state': 'unresolved', 'variable': 'wandb_host'}]}, {}),
    # The sizes of a lab: without a profile nobody asks for more.
    ('host', 'db-1', {'cpus': 1, 'memory_bytes': 24 * GIB, **disks(total_bytes=5 * GIB, free_bytes=4 * GIB)}, {}),
    ('host', 'lb-1', {'cpus': 1}, {'wandb_size_profile': 'models-production'}),
    ('api_host', 'kube-1', {'versions': {}}, {}),
    ('api_host', 'kube-1', {'versions': {'wandb_helm_binary': 'v4.3'}}, {}),
    ('cluster', 'kube-1', {'nodes': None, 'ingress_classes': None, 'storage_classes': None, 'crd': None, 'custom_resources': None}, {}),
    ('cluster', 'kube-1', {'nodes': [node(cpu=1, memory=2), node('n2', cpu=1, memory=2)]}, {'server': {'size': 'testing'}}),
    ('cluster', 'kube-1', space(quotas=[{**QUOTA, 'scoped': True}]), {}),
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'quotas': [QUOTA], 'custom_resources': ['wandb']}}}, {}),
    ('cluster', 'kube-1', {'crd': {'exists': False, 'storage': '', 'served': [], 'stored_versions': []}}, {}),
    ('cluster', 'kube-1', {'ingress_classes': []}, {'wandb_server_ingress_class': '', 'wandb_server_ingress_enabled': False}),
    ('cluster', 'kube-1', {'storage_classes': []}, {}),
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'pod_security': {'enforce': 'restricted'}}}}, {}),
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'pod_security': {'enforce': 'restricted'}}}}, {'wandb_platform_pod_security': ''}),
    # The collection sets the level itself, so what is there does not count.
    ('cluster', 'kube-1', {'namespaces': {'wandb': {**SPACE, 'pod_security': {'enforce': 'restricted'}}}},
     {'wandb_platform_pod_security': 'baseline', 'server': {'security_context': {'preset': 'chart'}, 'install': {'otel': False}}}),
])
def test_what_is_no_problem(kind, host, change, given):
    assert found(kind, host, change, given) == []


def test_every_rule_is_broken_by_a_row():
    assert {rule.id for rule in RULES} == {row[4] for row in ROWS}


def test_rules_have_all_that_the_documentation_tells():
    ids = [one.id for one in RULES]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {one.id for one in rules.RULES}
    assert sum(len(some) for some in host_rules.SUBJECTS.values()) == len(RULES)
    for one in RULES:
        assert re.fullmatch(r'[a-z]+(-[a-z]+)*', one.id), one.id
        assert one.variables, one.id
        assert set(one.kinds) <= set(KINDS), one.id
        assert one.demand.endswith(('.', '.)')), one.id
        assert one.why.endswith(('.', '.)')), one.id
        assert one.mend, one.id
        assert not one.mend.endswith('.'), one.id


def test_the_same_on_several_hosts_is_told_once():
    told = check_hosts([{'kind': 'host', 'host': host, 'seen': seen('host', architecture='aarch64')} for host in ('db-1', 'db-2')], site())
    assert [(problem.where, problem.rule) for problem in told] == [('db-1, db-2', 'host-architecture')]


def test_what_is_accepted_only_warns():
    given = {'wandb_preflight_accept': ['host-architecture']}
    told = found('host', 'db-1', {'architecture': 'aarch64', 'systemd': False}, given)
    assert {(problem.rule, problem.warning) for problem in told} == {('host-architecture', True), ('host-systemd', False)}


def test_to_accept_a_rule_that_is_none_is_an_error():
    [problem] = found('host', 'db-1', {}, {'wandb_preflight_accept': ['host-archtecture']})
    assert (problem.variable, problem.warning, 'host-archtecture' in problem.why) == ('wandb_preflight_accept', False, True)


def test_a_secret_of_the_endpoint_is_not_shown():
    [problem] = found('redis', 'kube-1', {'error': 'x'}, {'wandb_redis_endpoint': {'host': 'r', 'password': 'very-secret'}})
    assert 'very-secret' not in str(problem.as_dict())


def test_the_good_host_is_not_changed_by_the_others():
    assert HOST['architecture'] == 'x86_64'
