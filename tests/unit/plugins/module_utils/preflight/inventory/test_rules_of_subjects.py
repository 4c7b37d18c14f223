# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule alone: quiet on a good site, and naming the right variable where it is broken (``rows``)."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory import (
    backups,
    cluster,
    minio,
    mysql,
    nginx,
    node_ports,
    pki,
    redis,
    roles,
    secrets,
    sizes,
    variables,
)
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rules import RULES
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Options
from rows import NO, NODE_PORTS, PROVIDED, ROWS, S3, TARGETS
from sites import ROOT, SPECS, broken, site
from test_modules import SERVER

# They look at what is collected apart from the variables; tests of their own below.
APART = {'secret-in-clear', 'mysql-once', 'minio-once', 'redis-once', 'role-refusal', 'pki-certificate', 'server-options', 'operator-options',
         'node-port-component'}


@pytest.mark.parametrize('rule', RULES, ids=[rule.id for rule in RULES])
def test_a_good_site_breaks_no_rule(rule):
    assert broken(rule) == []


@pytest.mark.parametrize(('rule', 'given', 'variable', 'text'), ROWS, ids=[f'{row[0].id}-{number}' for number, row in enumerate(ROWS)])
def test_what_is_wrong_is_named_with_its_mend(rule, given, variable, text):
    found = broken(rule, *(given if isinstance(given, tuple) else (given,)))
    assert [one for one in found if one[0] == variable and text in one[1]], found


def test_every_rule_has_a_row():
    assert {rule.id for rule in RULES} - {row[0].id for row in ROWS} == APART


def test_a_secret_in_a_file_is_told_with_the_file():
    found = broken(secrets.secret_in_clear, in_clear={'wandb_redis_password': 'group_vars/all.yml'}, has_vault=True)
    assert [(variable, 'group_vars/all.yml, beside a vault' in text) for variable, text, _where in found] == [('wandb_redis_password', True)]


def test_what_allows_loss_may_stand_on_the_command_line_alone():
    given = {'wandb_mysql_reseed': 'db-2'}
    assert broken(mysql.once, given) == []
    assert [variable for variable, _text, _where in broken(mysql.once, given, in_files=frozenset(given))] == ['wandb_mysql_reseed']


def test_servers_are_restarted_beside_missing_ones_on_the_command_line_alone():
    given = {'wandb_minio_restart_unhealthy': True}
    assert broken(minio.once, given) == []
    assert [variable for variable, _text, _where in broken(minio.once, given, in_files=frozenset(given))] == ['wandb_minio_restart_unhealthy']


def test_data_of_redis_are_thrown_away_on_the_command_line_alone():
    given = {'wandb_redis_discard': 'rd-2'}
    assert broken(redis.once, given) == []
    assert [variable for variable, _text, _where in broken(redis.once, given, in_files=frozenset(given))] == ['wandb_redis_discard']


def test_what_a_role_would_refuse_is_said_of_the_variable_that_it_names():
    sentences = ['2 drives (/a) are too few. Add hosts (wandb_minio) or drives.', 'Parity 9 (wandb_minio_parity) is too much.', 'Something else.']
    found = broken(roles.role_refusal, refused={'minio': {'s3-1': sentences}})
    assert [(variable, where) for variable, _text, where in found] == [('wandb_minio', 's3-1'), ('wandb_minio_parity', 's3-1'), ('wandb_minio', 's3-1')]
    texts = ['2 drives (/a) are too few - Add hosts or drives', f'Parity 9 is too much - {roles.role_refusal.mend}']
    assert [text for _variable, text, _where in found[:2]] == texts


def test_what_is_wrong_with_a_certificate_is_told_of_its_host():
    found = broken(pki.certificate, certificates={'lb-1': ['it ends on 2026-01-01'], 'ingress': ['no key']})
    assert [(variable, where) for variable, _text, where in found] == [('wandb_pki_ingress_certificate', 'site'), ('wandb_pki_certificate', 'lb-1')]


def test_a_component_with_a_node_port_is_installed():
    def told(ports, **install):
        options = {'wandb_server': Options({**SERVER, 'install': install})}
        return [text.partition(' - ')[0] for _variable, text, _where in broken(node_ports.installed, {'wandb_node_ports': ports}, modules=options)]

    assert told({'app': 30080, 'console': 30082}) == []
    assert told({'app': 30080, 'api': 30081, 'weave-trace': 30083, 'nonsense': 1}) == ['api is not installed', 'weave-trace is not installed']
    assert told({'app': 30080, 'api': 30081}, api=True) == []
    assert told({'app': 30080, 'console': 30082}, console=False) == ['console is not installed']


ROUTES = {'wandb_route_termination': 'edge'}


@pytest.mark.parametrize(('given', 'wanted'), [
    ({}, True), ({'wandb_server_ingress_enabled': False}, False), (ROUTES, False), ({**ROUTES, 'wandb_server_ingress_enabled': True}, True),
    ({'wandb_node_ports': {'app': 30080}}, False),
])
def test_there_is_an_ingress_unless_something_takes_its_place(given, wanted):
    assert cluster.has_ingress(site(given)) is wanted
    assert bool(broken(nginx.ingress_tls, {**given, 'wandb_server_ingress_tls_secret': ''})) is wanted


def test_what_hosts_read_is_not_said_for_the_api_host_alone():
    one = site({'wandb_minio_address': 's3.example.com'}, {'wandb_kube': ['bastion']})
    other = dataclasses.replace(one, hosts={host: {**values, 'wandb_minio_address': ''} for host, values in one.hosts.items()})
    assert list(variables.site_wide.check(one)) == []
    found = list(variables.site_wide.check(other))
    assert {entry.variable for entry in found} == {'wandb_minio_address'}
    assert {entry.where for entry in found} == set(one.hosts)


GOOD = [
    # What could be taken for wrong and is not.
    (secrets.secret_missing, ({'wandb_bucket_endpoint': {'name': 'b', 'pod_identity': True}, 'wandb_minio_access_key': None, 'wandb_minio_secret_key': None,
                               'wandb_minio_root_user': None, 'wandb_minio_root_password': None, 'wandb_mysql_endpoint': {'host': 'm'},
                               'wandb_redis_bundled': True, 'wandb_redis_password': None}, NO)),
    (secrets.secret_missing, ({'wandb_bucket_endpoint': {'name': 'a/b', 'provider': 'az'}, 'wandb_minio_secret_key': None, 'wandb_minio_root_user': None,
                               'wandb_minio_root_password': None, 'wandb_mysql_endpoint': {'host': 'm'}}, NO)),
    (secrets.bucket_keys, ({'wandb_team_buckets': [{'name': 'a/b', 'provider': 'az', 'access_key': 'k'}]},)),
    (secrets.secret_weak, ({'wandb_minio_access_key': 'wandb-app'},)),
    (variables.required, ({**NODE_PORTS, 'wandb_nginx_ingress_upstreams': []},)),
    (nginx.behind, ({**NODE_PORTS, 'wandb_nginx_ingress_upstreams': []},)),
    (node_ports.in_range, ({'wandb_node_ports': {'app': 30000, 'console': 32767}},)),
    (mysql.pair_address, ({'wandb_mysql_virtual_address': '', 'wandb_mysql_address': 'mysql.example.com'},)),
    (mysql.version, ({'wandb_mysql_package': 'mysql-server-8.0'},)),
    (mysql.version, ({'wandb_mysql_package': 'mysql-server-9.7', 'wandb_mysql_allow_unsupported_version': True},)),
    (mysql.settings, ({'wandb_mysql_settings': {'max_connections': 300, 'sync_binlog': True, 'sort_buffer_size': '128M'}},)),
    (mysql.bind, ({'wandb_mysql_bind_address': '127.0.0.1,10.0.0.21'},)),
    (backups.target_near, ({TARGETS: [{'name': 'a', 'type': 'directory', 'path': '/b'}, S3]},)),
    (pki.files, ({**PROVIDED, 'wandb_pki_certificate': '-----BEGIN CERTIFICATE-----'},)),
    (sizes.size_memory, ({'wandb_redis_maxmemory': '64mb'},)),
]


@pytest.mark.parametrize(('rule', 'arguments'), GOOD, ids=[f'{rule.id}-{number}' for number, (rule, _given) in enumerate(GOOD)])
def test_what_is_unusual_and_right_breaks_no_rule(rule, arguments):
    assert broken(rule, *arguments) == []


def test_what_backups_need_is_what_the_role_asks_for():
    text = (ROOT / 'roles/mysql/templates/backup_problems.j2').read_text(encoding='utf-8')
    needed = text.partition('needed = {')[2].partition('%}')[0]
    assert ''.join(f"'{kind}': {list(keys)}, ".replace('"', "'") for kind, keys in backups.NEEDED.items()).rstrip(', ') == needed.strip().rstrip('}').strip()


def test_what_mysql_needs_is_what_the_role_sets():
    text = (ROOT / 'roles/mysql/vars/main.yml').read_text(encoding='utf-8').partition('__wandb_mysql_required:\n')[2].partition('\n__')[0]
    wanted = {line.split(':')[0].strip(): line.split(':')[1].strip().lower() for line in text.splitlines() if line.startswith('  ')}
    assert {**mysql.REQUIRED_SETTINGS, **{name: str(value) for name, value in mysql.MINIMUM_SETTINGS.items()}} == wanted


def test_components_with_a_node_port_are_those_of_the_path_table():
    table = yaml.safe_load((ROOT / 'roles/common/vars/main.yml').read_text(encoding='utf-8'))['__wandb_paths']
    assert list(SPECS['wandb_node_ports']['options']) == [one['component'] for one in table]


def test_no_rule_stumbles_over_values_of_other_kinds():
    """A wrong type is told by one rule; the others must not fall over it."""
    values = (None, '', 'x', 0, -1, True, [], ['x'], [None], {}, {'x': 1}, [{'x': 1}], {'x': {'y': []}}, 1.5)
    names = sorted(site().specs)
    for value in values:
        for third in range(3):
            given = dict.fromkeys(names[third::3], value)
            for rule in RULES:
                list(rule.check(site(given)))
                list(rule.check(site({}, {}, dict.fromkeys(('db-1', 's3-1', 'rd-1', 'lb-1'), given))))
