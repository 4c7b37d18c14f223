# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A good site, and what is seen on its hosts and in its cluster; others are made of these by one change."""

from __future__ import annotations

import copy
import pathlib

import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Controller, Options, Site

ROOT = pathlib.Path(__file__).resolve().parents[5]
GIB = 1024**3
GROUPS = {
    'wandb_nginx': ['lb-1', 'lb-2'], 'wandb_mysql': ['db-1', 'db-2'], 'wandb_minio': ['s3-1', 's3-2'], 'wandb_redis': ['rd-1', 'rd-2', 'rd-3'],
    'wandb_kube': ['kube-1'],
}
MACHINES = {
    'lb-1': '10.0.0.11', 'lb-2': '10.0.0.12', 'db-1': '10.0.0.21', 'db-2': '10.0.0.22', 's3-1': '10.0.0.31', 's3-2': '10.0.0.32', 'rd-1': '10.0.0.41',
    'rd-2': '10.0.0.42', 'rd-3': '10.0.0.43',
}
VALUES = {
    'wandb_host': 'https://wandb.example.com', 'wandb_minio_address': 's3.example.com', 'wandb_name': 'wandb', 'wandb_namespace': 'wandb',
    'wandb_operator_namespace': 'wandb-operator', 'wandb_preflight_paths': ['/var/lib', '/opt'], 'wandb_airgapped': True, 'wandb_helm_binary': 'helm',
    'wandb_nginx_http_port': 80, 'wandb_nginx_https_port': 443, 'wandb_nginx_ingress_upstreams': ['10.0.0.51:443', 'ingress.example.com'],
    'wandb_mysql_port': 3306, 'wandb_mysql_data_dir': '/var/lib/mysql', 'wandb_mysql_innodb_buffer_pool_size': '1G',
    'wandb_minio_port': 9000, 'wandb_minio_console_port': 9001, 'wandb_minio_console': False, 'wandb_minio_drives': ['/data/1', '/data/2'],
    'wandb_redis_port': 6379, 'wandb_redis_sentinel_port': 26379, 'wandb_redis_maxmemory': '2gb', 'wandb_size_profile': '',
    'wandb_operator_chart_archive': '/there/operator.tgz', 'wandb_server_chart_archive': '/there/server.tgz', 'wandb_server_size': 'small',
    'wandb_operator_image_repository': 'registry.example.com/wandb/controller', 'wandb_operator_image_tag': '1.22.0', 'wandb_server_ingress_enabled': True,
    'wandb_server_ingress_class': 'nginx', 'wandb_server_ingress_annotations': {'nginx.ingress.kubernetes.io/proxy-body-size': '0'},
    'wandb_platform_pod_security': 'restricted',
}
SERVER = {
    'kubeconfig': '/there', 'name': 'wandb', 'namespace': 'wandb', 'operator_namespace': 'wandb-operator', 'wandb_host': 'https://wandb.example.com',
    'license_secret': {'name': 'wandb-license-in'}, 'size': 'small', 'chart': {'path': '/charts/operator-wandb'}, 'chart_version': '0.43.8',
    'image_tag': '0.83.0', 'console_tag': '2.18.12', 'repository_prefix': 'registry.example.com/mirror', 'image_registry': 'registry.example.com',
    'mysql': {'host': '10.0.0.20', 'password_secret': {'name': 'wandb-mysql-in'}},
    'redis': {'host': '10.0.0.40', 'password_secret': {'name': 'wandb-redis-in'}},
    'bucket': {'host': 's3.example.com', 'name': 'wandb', 'secret': {'name': 'wandb-bucket-in'}},
}
SIZES = yaml.safe_load((ROOT / 'roles/common/vars/main.yml').read_text(encoding='utf-8'))['__wandb_size_profiles']


class Here(Controller):
    """A controller that knows two names."""

    NAMES = {'wandb.example.com': ['10.0.0.10'], 's3.example.com': ['10.0.0.10']}

    def addresses(self, name):
        return self.NAMES.get(name, [])


def site(groups=None, server=None, hosts=None, **values):
    """The good site with other groups, options of the server's module, values of single hosts, values of all."""
    given = {**VALUES, **values}
    members = {**GROUPS, **(groups or {})}
    own = {host: {**given, 'ansible_host': MACHINES.get(host, host), **(hosts or {}).get(host, {})} for group in members.values() for host in group}
    return Site(groups=members, values=given, hosts=own, modules={'wandb_server': Options({**SERVER, **(server or {})})}, sizes=SIZES, controller=Here())


DISK = {
    'folder': '/var/lib', 'mount': '/', 'filesystem': 'ext4', 'device': '/dev/sda1', 'read_only': False, 'rotational': False, 'total_bytes': 600 * 10**9,
    'free_bytes': 300 * 10**9, 'fdatasync_ms': 0.5, 'error': '',
}
NAME = {'addresses': ['10.0.0.10'], 'back': {'10.0.0.10': ''}, 'forth': {}}
HOST = {
    'architecture': 'x86_64', 'kernel': '6.8', 'python': [3, 13, 5], 'executable': '/usr/bin/python3', 'systemd': True, 'root': True, 'cpus': 8,
    'clock': 1000.5, 'controller_before': 1000.0, 'controller_after': 1004.0, 'memory_bytes': 64 * GIB, 'memory_limit_bytes': None,
    'os': {'id': 'debian', 'version': '13', 'name': 'Debian 13', 'family': 'debian'},
    'time_sync': {'service': 'chrony', 'synchronized': True, 'container': ''}, 'selinux': 'disabled', 'apparmor': {'enabled': True, 'enforced': []},
    'package_sources': {'manager': 'apt', 'uris': ['https://packages.example.com'], 'proxy': '', 'endpoints': [
        {'host': 'packages.example.com', 'port': 443, 'state': 'open', 'error': ''}]},
    'disks': dict.fromkeys(('/var/lib', '/opt', '/var/lib/mysql', '/data/1', '/data/2', '/var/lib/redis'), DISK),
    'ports': [], 'links': [], 'names': {'wandb.example.com': NAME, 's3.example.com': NAME}, 'installed': {}, 'versions': {}, 'missing_packages': [],
    'missing_files': {},
}
API_HOST = {**HOST, 'versions': {'wandb_helm_binary': 'v3.19.0+g1'}}


def node(name='node-1', architecture='amd64', cpu=16, memory=64, **more):
    return {'name': name, 'architecture': architecture, 'ready': True, 'schedulable': True, 'cpu': cpu, 'memory': memory * GIB, 'cpu_in_all': cpu,
            'memory_in_all': memory * GIB, 'disk_in_all': 0, **more}


SPACE = {'exists': True, 'terminating': False, 'labels': {}, 'pod_security': {'enforce': '', 'audit': '', 'warn': ''}, 'quotas': [], 'limits': [],
         'custom_resources': []}
CLUSTER = {
    'version': {'git_version': 'v1.35.4', 'major': 1, 'minor': 35}, 'openshift': False, 'openshift_version': '',
    'ingress_classes': [{'name': 'nginx', 'controller': 'k8s.io/ingress-nginx', 'family': 'ingress-nginx', 'default': False}],
    'storage_classes': [{'name': 'local', 'provisioner': 'example.com/local', 'default': True}],
    'nodes': [node('node-1'), node('node-2')],
    'crd': {'exists': True, 'storage': 'v1', 'served': ['v1'], 'stored_versions': ['v1'], 'managers': [], 'chart_version': '1.4.8'},
    'custom_resources': [{'namespace': 'wandb', 'name': 'wandb', 'phase': 'Completed', 'host': '', 'chart_version': ''}],
    'namespaces': {'wandb': SPACE, 'wandb-operator': SPACE}, 'unreadable': [], 'permissions': [], 'lacking': [],
}
IMAGES = {'images': [{'image': 'registry.example.com/mirror/wandb/local:0.83.0', 'found': True, 'status': 200, 'error': ''}]}
GOOD = {'host': HOST, 'api_host': API_HOST, 'cluster': CLUSTER, 'redis': {'version': '7.2'}, 'bucket': {}, 'images': IMAGES}


def seen(kind, **change):
    """What is seen of a good one, with these parts changed; a dictionary is merged into what is there."""
    found = copy.deepcopy(GOOD.get(kind, {}))
    for key, value in change.items():
        found[key] = {**found[key], **value} if isinstance(value, dict) and isinstance(found.get(key), dict) else value
    return found
