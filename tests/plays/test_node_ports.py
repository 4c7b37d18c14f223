# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components at ports of the nodes: Nginx' configuration, the Services and the custom resource, as the roles make them of one inventory."""

from __future__ import annotations

import http.server
import json
import pathlib
import re
import threading
import urllib.parse

import pytest
import yaml
from play import ROOT, inventory, play

SITE = {'wandb_host': 'https://wandb.example.com', 'wandb_minio_address': 's3.example.com', 'wandb_name': 'w', 'wandb_namespace': 'server'}
PORTS = {'app': 30080, 'console': 30082, 'api': 30081, 'weave-trace': 30083}
NODES = ['10.0.0.51', 'node-2.example.com']
# Each is a host, so that one run renders all of them.
CASES = {
    'ingress': {'wandb_nginx_ingress_upstreams': ['10.0.0.51:443', '10.0.0.52:443']},
    'app': {'wandb_node_ports': {'app': 30080}, 'wandb_nginx_node_addresses': ['fd00::51']},
    'several': {'wandb_node_ports': PORTS, 'wandb_nginx_node_addresses': NODES},
}
LOOK = {'rc': 0, 'stdout': 'nginx version: nginx/1.26.3', 'stdout_lines': ['nginx version: nginx/1.26.3']}


def files(kind, *roles):
    return [ROOT / 'roles' / role / kind / 'main.yml' for role in roles]


def defaults(*roles):
    """For the inventory: of a role they go under it, and what a play loads goes over it."""
    return {name: value for path in files('defaults', *roles) for name, value in yaml.safe_load(path.read_text(encoding='utf-8')).items()}


@pytest.fixture(scope='module')
def configurations(tmp_path_factory) -> dict[str, str]:
    """Case -> nginx.conf."""
    folder = tmp_path_factory.mktemp('nginx')
    hosts = inventory(folder, {**defaults('common', 'nginx'), **SITE, 'ansible_connection': 'local'}, hosts=CASES)
    book = folder / 'play.yml'
    template = ROOT / 'roles' / 'nginx' / 'templates' / 'nginx.conf.j2'
    book.write_text(yaml.safe_dump([{
        'hosts': 'all', 'gather_facts': False, 'vars_files': [str(path) for path in files('vars', 'common', 'nginx')],
        'tasks': [{'ansible.builtin.template': {'src': str(template), 'dest': f'{folder}/{{{{ inventory_hostname }}}}.conf'},
                   'vars': {'__wandb_nginx_look': LOOK, '__wandb_nginx_user': 'www-data'}}],
    }]), encoding='utf-8')
    done, _recap = play(book, hosts, home=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return {case: (folder / f'{case}.conf').read_text(encoding='utf-8') for case in CASES}


def locations(text: str) -> dict[str, str]:
    """Location -> where it leads, of the whole configuration."""
    return dict(re.findall(r'location (.+) \{\n +proxy_pass (.+);', text))


def groups(text: str) -> dict[str, list[str]]:
    """Upstream group -> its servers."""
    return {name: re.findall(r'server (\S+) ', body) for name, body in re.findall(r'upstream (\w+) \{(.+?)\n    \}', text, re.DOTALL)}


def test_the_ingress_takes_all(configurations):
    text = configurations['ingress']
    assert locations(text) == {'/': 'https://wandb_ingress'}
    assert groups(text) == {'wandb_ingress': ['10.0.0.51:443', '10.0.0.52:443']}


def test_each_component_has_its_paths_and_its_port_on_every_node(configurations):
    text = configurations['several']
    assert locations(text) == {
        '/': 'http://wandb_app',
        '= /console': 'http://wandb_console', '/console/': 'http://wandb_console',
        '= /api': 'http://wandb_api', '/api/': 'http://wandb_api',
        '= /graphql': 'http://wandb_api', '/graphql/': 'http://wandb_api',
        '= /graphql2': 'http://wandb_api', '/graphql2/': 'http://wandb_api',
        '= /traces': 'http://wandb_weave_trace', '/traces/': 'http://wandb_weave_trace',
    }
    assert groups(text) == {
        f'wandb_{component.replace("-", "_")}': [f'{node}:{port}' for node in NODES] for component, port in PORTS.items()}


def test_an_address_of_ipv6_is_written_as_nginx_wants_it(configurations):
    assert groups(configurations['app']) == {'wandb_app': ['[fd00::51]:30080']}
    assert locations(configurations['app']) == {'/': 'http://wandb_app'}


def test_headers_limits_and_time_outs_are_those_of_the_ingress(configurations):
    """All of that stands around the locations, so nothing else differs."""
    def rest(text):
        without = re.sub(r'    upstream \w+ \{.+?\n    \}\n\n', '', text, flags=re.DOTALL)
        return re.sub(r' +location [^\n]+ \{\n +proxy_pass [^\n]+\n +\}\n', '', without)

    assert rest(configurations['several']) == rest(configurations['ingress'])
    for line in ('client_max_body_size 0;', 'proxy_set_header Upgrade $http_upgrade;', 'proxy_set_header X-Forwarded-Proto $scheme;'):
        assert line in rest(configurations['several'])


# What the role itself refuses, before it touches a host.
REFUSED = {
    'nothing': ({}, 'wandb_nginx_ingress_upstreams must list'),
    'no-nodes': ({'wandb_node_ports': {'app': 30080}}, 'Wrong: it is empty'),
    'node-with-port': ({'wandb_node_ports': {'app': 30080}, 'wandb_nginx_node_addresses': ['10.0.0.51:30080']}, 'Wrong: 10.0.0.51:30080'),
    'no-app': ({'wandb_node_ports': {'console': 30082}, 'wandb_nginx_node_addresses': NODES}, 'wandb_node_ports has no app'),
}


def test_the_role_refuses_what_leads_nowhere(tmp_path):
    hosts = inventory(tmp_path, {**defaults('common', 'nginx'), **SITE, 'ansible_connection': 'local'},
                      hosts={**CASES, **{case: given for case, (given, _said) in REFUSED.items()}})
    book = tmp_path / 'play.yml'
    inputs = str(ROOT / 'roles' / 'nginx' / 'tasks' / 'inputs.yml')
    book.write_text(yaml.safe_dump([{'hosts': 'all', 'gather_facts': False, 'tasks': [{'ansible.builtin.import_tasks': inputs}]}]), encoding='utf-8')
    done, _recap = play(book, hosts, home=tmp_path)
    failed = {host: ' '.join(said.split()) for host, said in re.findall(r'fatal: \[(.+?)\]: FAILED!(.+?)(?=\n\S)', done.stdout, re.DOTALL)}
    assert set(failed) == set(REFUSED)
    assert {case: said for case, (_given, said) in REFUSED.items() if said not in failed[case]} == {}


def rendered(folder: pathlib.Path, **variables) -> dict[str, object]:
    """The files that playbook render makes."""
    (folder / 'pki').mkdir(parents=True)
    (folder / 'pki' / 'ca.crt').write_text('', encoding='utf-8')
    endpoints = {name: {'host': 'x', 'name': 'x'} if name == 'wandb_bucket_endpoint' else {'host': 'x'}
                 for name in ('wandb_mysql_endpoint', 'wandb_redis_endpoint', 'wandb_bucket_endpoint')}
    done, _recap = play('wandb.onprem.render', inventory(folder, {**SITE, **endpoints, **variables}, ['bastion']), home=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'without effect' not in done.stdout + done.stderr
    objects = list(yaml.safe_load_all((folder / 'render' / 'platform.yaml').read_text(encoding='utf-8')))
    return {'services': {one['metadata']['name']: one for one in objects if one['kind'] == 'Service'},
            'ingress': yaml.safe_load((folder / 'render' / 'custom-resource.yaml').read_text(encoding='utf-8'))['spec']['values']['ingress']}


def test_services_lead_to_the_charts_pods_and_there_is_no_ingress(tmp_path):
    found = rendered(tmp_path, wandb_node_ports=PORTS)
    assert found['ingress'] == {'create': False, 'install': False}
    shown = {name: (one['spec']['type'], one['spec']['selector'], one['spec']['ports']) for name, one in found['services'].items()}
    assert shown == {
        f'w-{component}-node-port': (
            'NodePort', {'app.kubernetes.io/name': component, 'app.kubernetes.io/instance': 'w'},
            [{'name': 'http', 'protocol': 'TCP', 'port': port, 'targetPort': port, 'nodePort': PORTS[component]}])
        for component, port in (('app', 8080), ('console', 8082), ('api', 8081), ('weave-trace', 8080))}
    labels = {'app.kubernetes.io/part-of': 'wandb.onprem'}
    assert found['services']['w-app-node-port']['metadata'] == {'name': 'w-app-node-port', 'namespace': 'server', 'labels': labels}


def test_without_node_ports_there_is_an_ingress_and_no_service(tmp_path):
    found = rendered(tmp_path)
    assert found['services'] == {}
    assert (found['ingress']['create'], found['ingress']['tls']) == (True, [{'secretName': 'w-ingress-tls', 'hosts': ['wandb.example.com']}])


def test_the_secret_of_the_ingress_is_made_where_there_is_one(tmp_path):
    cases = {'neither': {}, 'ports': {'wandb_node_ports': PORTS}, 'both': {'wandb_node_ports': PORTS, 'wandb_server_ingress_enabled': True},
             'routes': {'wandb_route_termination': 'edge'}}
    hosts = inventory(tmp_path, {**defaults('common', 'platform'), 'ansible_connection': 'local'}, hosts=cases)
    book = tmp_path / 'play.yml'
    wanted = "__wandb_platform_ingress_used == (inventory_hostname not in ['ports', 'routes'])"
    book.write_text(yaml.safe_dump([{
        'hosts': 'all', 'gather_facts': False, 'vars_files': [str(path) for path in files('vars', 'common', 'platform')],
        'tasks': [{'ansible.builtin.assert': {'that': wanted}}]}]), encoding='utf-8')
    done, _recap = play(book, hosts, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


class Api(http.server.BaseHTTPRequestHandler):
    """As much of a Kubernetes API as removing Services takes: it knows no other kind, and notes what it is asked for."""

    protocol_version = 'HTTP/1.1'

    def log_message(self, *arguments):
        """Nothing is printed."""

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _mark, query = self.path.partition('?')
        name = path.removeprefix('/api/v1/namespaces/server/services').strip('/')
        if path == '/version':
            self.answer({'major': '1', 'minor': '35', 'gitVersion': 'v1.35.0'})
        elif path == '/api':
            self.answer({'kind': 'APIVersions', 'versions': ['v1']})
        elif path == '/apis':
            self.answer({'kind': 'APIGroupList', 'groups': []})
        elif path == '/api/v1':
            verbs = ['create', 'delete', 'get', 'list', 'patch']
            self.answer({'kind': 'APIResourceList', 'groupVersion': 'v1', 'resources': [
                {'name': 'services', 'singularName': 'service', 'namespaced': True, 'kind': 'Service', 'verbs': verbs}]})
        elif name:
            self.answer(self.server.services[name])
        else:
            assert urllib.parse.parse_qs(query)['labelSelector'] == ['app.kubernetes.io/part-of=wandb.onprem']
            self.server.asked.append('list')
            self.answer({'kind': 'ServiceList', 'apiVersion': 'v1', 'metadata': {}, 'items': list(self.server.services.values())})

    def do_DELETE(self):
        path, _mark, query = self.path.partition('?')
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        name = path.rpartition('/')[2]
        dry = 'dryRun=All' in query
        self.server.asked.append(f'{"dry run" if dry else "delete"} {name}')
        self.answer(self.server.services[name] if dry else self.server.services.pop(name))


@pytest.fixture
def api():
    """A server with two Services of the collection's."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Api)
    server.asked = []
    server.services = {f'w-{component}-node-port': {
        'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': f'w-{component}-node-port', 'namespace': 'server'}} for component in ('app', 'console')}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.mark.parametrize(('ports', 'gone'), [(PORTS, []), ({'app': 30080}, ['w-console-node-port']), ({}, ['w-app-node-port', 'w-console-node-port'])])
def test_what_is_no_longer_wanted_goes_and_a_dry_run_tells_of_it(tmp_path, api, ports, gone):
    kubeconfig = tmp_path / 'kubeconfig'
    kubeconfig.write_text(yaml.safe_dump({
        'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'c', 'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'u'}}],
        'clusters': [{'name': 'c', 'cluster': {'server': f'http://127.0.0.1:{api.server_port}'}}], 'users': [{'name': 'u', 'user': {}}]}), encoding='utf-8')
    role = ROOT / 'roles' / 'platform'
    (tmp_path / 'templates').symlink_to(role / 'templates')
    book = tmp_path / 'play.yml'
    book.write_text(yaml.safe_dump([{
        'hosts': 'localhost', 'connection': 'local', 'gather_facts': False, 'vars_files': [str(path) for path in files('vars', 'common', 'platform')],
        'module_defaults': {'group/kubernetes.core.k8s': {'kubeconfig': str(kubeconfig)}},
        'tasks': [{'ansible.builtin.import_tasks': str(role / 'tasks' / 'unwanted.yml')}]}]), encoding='utf-8')
    hosts = inventory(tmp_path, {**defaults('common', 'platform'), **SITE, 'wandb_node_ports': ports})
    for arguments, verb, wanted in ((['--check'], 'dry run', gone), ([], 'delete', gone), ([], 'delete', [])):
        api.asked.clear()
        done, recap = play(book, hosts, *arguments, home=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert recap['changed'] == bool(wanted)
        assert sorted(api.asked) == sorted(['list', *(f'{verb} {name}' for name in wanted)])
