# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with hosts and cluster is provoked on the converged lab; `preflight` names it, all at once, changes nothing, and passes when it is undone."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml

from tests.registry_server import Registry, served

PLAYBOOK = 'wandb.onprem.preflight'
PORT, FULL, NOWHERE = 9001, '/mnt/preflight-full', 'nosuch.lab.test'
SERVER, CONSOLE = '0.83.0', '2.18.12'
# Of the images of size testing all but the console's.
IMAGES = [f'mirror/wandb/{name}:{SERVER}' for name in ('local', 'megabinary', 'weave-python')] + ['mirror/alpine/k8s:1.31.12']
NAMESPACE, FEW = 'test-preflight', 'few'


class Told:
    """One run of the playbook and its report."""

    def __init__(self, site, *arguments):
        path = site.lab.state_dir / 'preflight.json'
        path.unlink(missing_ok=True)
        self.done = site.playbook(PLAYBOOK, *arguments)
        self.output = self.done.stdout + self.done.stderr
        assert path.exists(), self.output[-3000:]
        self.report = json.loads(path.read_text(encoding='utf-8'))

    def about(self, rule, variable):
        """The problems that a rule has with a variable."""
        found = [one for one in self.report['problems'] if (one['rule'], one['variable']) == (rule, variable)]
        assert found, f'{rule} says nothing of {variable}: {json.dumps(self.report["problems"], indent=1)}'
        return found


def given(**values):
    return '-e', json.dumps(values)


@contextlib.contextmanager
def foreign_program(site, host):
    """A program that is none of ours on a port that a service is to have."""
    site.lab.exec(host, ['systemd-run', '--unit=preflight-foreign', 'python3', '-m', 'http.server', str(PORT)])
    try:
        yield
    finally:
        site.lab.exec(host, ['systemctl', 'stop', 'preflight-foreign'])


@contextlib.contextmanager
def full_disk(site, host):
    """A filesystem in memory that is full."""
    site.lab.exec(host, ['sh', '-c', f'mkdir -p {FULL} && mount -t tmpfs -o size=1m tmpfs {FULL} && ! dd if=/dev/zero of={FULL}/filler bs=64k 2>/dev/null'])
    try:
        yield
    finally:
        site.lab.exec(host, ['sh', '-c', f'umount {FULL} && rmdir {FULL}'])


@contextlib.contextmanager
def only_one_node(site):
    """All nodes but one are cordoned."""
    names = site.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}').split()
    assert len(names) > 1
    try:
        for name in names[1:]:
            site.kubectl('cordon', name)
        yield names[0]
    finally:
        for name in names[1:]:
            site.kubectl('uncordon', name)


def test_a_converged_site_passes_and_nothing_is_changed(site):
    told = Told(site)
    assert told.done.returncode == 0, told.output[-3000:]
    assert (told.report['passed'], told.report['errors'], told.report['checked']) == (True, 0, ['inventory', 'hosts', 'cluster'])
    assert 'Nothing was changed' in told.output
    recap = [line for line in told.done.stdout.splitlines() if ' changed=' in line]
    assert recap
    assert all('changed=0' in line and 'unreachable=0' in line for line in recap)
    # Nobody but the collection runs its services, on whatever port they listen.
    assert not {'port-held', 'foreign-service', 'ingress-answers'} & {one['rule'] for one in told.report['problems']}


def test_what_is_wrong_comes_all_at_once(site):
    values = {
        'wandb_minio_console': True, 'wandb_minio_console_port': PORT, 'wandb_preflight_paths': [FULL, '/var/lib'],
        'wandb_nginx_ingress_upstreams': [f'{NOWHERE}:443'], 'wandb_server_size': 'small', 'wandb_preflight_registry_plain_http': True,
        'wandb_server_components': {'app': {'resources': {'requests': {'cpu': '64', 'memory': '8Gi'}}}}, 'wandb_server_storage_class': 'no-such-class',
    }
    with foreign_program(site, 's3-2'), full_disk(site, 'rd-3'), only_one_node(site) as node, served(Registry(IMAGES)) as registry:
        told = Told(site, *given(**values, wandb_server_repository_prefix=f'{registry.address}/mirror'))
    assert told.done.returncode != 0
    assert told.report['passed'] is False

    [held] = told.about('port-held', 'wandb_minio_console_port')
    assert (held['where'], held['severity']) == ('s3-2', 'error')
    assert f'port {PORT} is held by python3' in held['why']
    assert 'preflight-foreign.service' in held['why']
    [space] = told.about('disk-space', 'wandb_preflight_paths')
    assert (space['where'], space['severity']) == ('rd-3', 'error')
    assert f'0.0 GiB free under {FULL} (filesystem tmpfs on {FULL})' in space['why']
    [name] = told.about('ingress-answers', 'wandb_nginx_ingress_upstreams')
    assert (set(name['where'].split(', ')), name['severity']) == ({'lb-1', 'lb-2'}, 'error')
    assert f'{NOWHERE}:443: the name does not resolve' in name['why']
    [room] = [one for one in told.about('node-room', 'wandb_server_size') if 'a pod of app' in one['why']]
    assert (room['where'], room['severity']) == ('cluster', 'error')
    assert 'asks for 64 CPU, 8 GiB; the largest amd64 node' in room['why']
    assert [one['why'] for one in told.about('node-spare', 'wandb_kubeconfig')] == [f'only {node} takes pods']
    [image] = told.about('image-there', 'wandb_server_repository_prefix')
    assert image['severity'] == 'error'
    assert image['why'] == f'{registry.address}/mirror/wandb/console:{CONSOLE}: the registry has no such image'
    assert {method for method, _path in registry.asked} == {'HEAD'}
    assert 'no class no-such-class' in told.about('storage-class', 'wandb_server_storage_class')[0]['why']

    # The table, before the message for programs.
    assert 'SEVERITY' in told.output
    assert told.output.index('SEVERITY') < told.output.index('fatal:')


@pytest.fixture
def few_rights(site, tmp_path):
    """A kubeconfig of a user who may look at nodes, and nothing else."""
    reader = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRole', 'metadata': {'name': NAMESPACE},
              'rules': [{'apiGroups': [''], 'resources': ['nodes'], 'verbs': ['list']}]}
    binding = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRoleBinding', 'metadata': {'name': NAMESPACE},
               'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': NAMESPACE},
               'subjects': [{'kind': 'ServiceAccount', 'name': FEW, 'namespace': NAMESPACE}]}
    try:
        site.kubectl('create', 'namespace', NAMESPACE)
        site.kubectl('-n', NAMESPACE, 'create', 'serviceaccount', FEW)
        site.kubectl('apply', '-f', '-', data=yaml.safe_dump_all([reader, binding]))
        token = site.kubectl('-n', NAMESPACE, 'create', 'token', FEW).strip()
        document = yaml.safe_load((site.lab.state_dir / 'kubeconfig').read_text(encoding='utf-8'))
        for user in document['users']:
            user['user'] = {'token': token}
        path = tmp_path / 'kubeconfig'
        path.write_text(yaml.safe_dump(document), encoding='utf-8')
        yield path, token
    finally:
        site.kubectl('delete', '--ignore-not-found', 'clusterrolebinding,clusterrole', NAMESPACE)
        site.kubectl('delete', '--ignore-not-found', 'namespace', NAMESPACE)


def test_missing_rights(site, few_rights):
    kubeconfig, token = few_rights
    told = Told(site, *given(wandb_kubeconfig=str(kubeconfig)))
    assert told.done.returncode != 0
    [rights] = told.about('permissions', 'wandb_kubeconfig')
    assert (rights['where'], rights['severity']) == ('cluster', 'error')
    for right in ('create namespaces', 'create secrets in namespace wandb', 'patch customresourcedefinitions', 'create weightsandbiases in namespace wandb'):
        assert right in rights['why']
    [unread] = told.about('kube-unreadable', 'wandb_kubeconfig')
    assert 'IngressClass' in unread['why']
    assert 'Node' not in unread['why']
    assert token not in told.output


def test_a_host_that_does_not_answer_is_an_error(site):
    """Else every later play would go on without it."""
    # Without the connections that the runs before left open.
    told = Told(site, *given(ansible_port=1, ansible_ssh_args='-o ControlMaster=no -o ControlPath=none'))
    assert told.done.returncode != 0
    [unseen] = told.about('host-reached', 'ansible_host')
    assert {'db-1', 'lb-2', 's3-4', 'rd-3'} <= set(unseen['where'].split(', '))
    assert all(one['severity'] == 'warning' or one['rule'] == 'host-reached' for one in told.report['problems'])
