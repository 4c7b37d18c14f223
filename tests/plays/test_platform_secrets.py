# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Secrets role platform makes, and what stands in them."""

from __future__ import annotations

import json
import urllib.parse

import pytest
import yaml
from play import ROOT, inventory, play

ODD = "a/b+c d%&'\"{x}"
SITE = {
    'wandb_license': 'e30.e30.c2ln\n',
    'wandb_mysql_password': ODD,
    'wandb_redis_password': ODD,
    'wandb_minio_access_key': 'AK/1',
    'wandb_minio_secret_key': 'SK+/1',
    'wandb_mysql_endpoint': {'host': 'db.example.com'},
    'wandb_redis_endpoint': {'host': 'redis.example.com'},
    'wandb_bucket_endpoint': {'name': 'wandb'},
    'wandb_platform_ingress_tls': False,
}
ALWAYS = {'wandb-license-in', 'wandb-mysql-in', 'wandb-redis-in', 'wandb-bucket-in'}


@pytest.fixture(scope='module')
def secrets(tmp_path_factory):
    """Name -> content, for several inventories in one run: each case is a host's variables."""
    folder = tmp_path_factory.mktemp('secrets')
    cases = {
        'plain': {},
        'everything': {
            'wandb_clickhouse_password': ODD, 'wandb_oidc_secret': ODD, 'wandb_ldap_bind_password': ODD, 'wandb_smtp_password': ODD, 'wandb_slack_secret': ODD,
            'wandb_verify_api_key': 'local-0',
            'wandb_team_buckets': [
                {'name': 'a', 'access_key': 'A/', 'secret_key': 'S+'},
                {'name': 'own', 'secret': {'name': 'mine'}},
                {'name': 'acc/c', 'provider': 'az', 'access_key': 'Az+/=='},
                {'name': 'identity'},
            ],
        },
        'azure': {'wandb_bucket_endpoint': {'name': 'acc/c', 'provider': 'az'}, 'wandb_minio_access_key': 'Az+/=='},
        'identity': {'wandb_bucket_endpoint': {'name': 'b', 'pod_identity': True}, 'wandb_minio_access_key': None},
        'own': {'wandb_bucket_endpoint': {'name': 'b', 'secret': {'name': 'mine'}}},
        'bundled': {'wandb_redis_endpoint': {}, 'wandb_redis_bundled': True},
    }
    paths = {kind: [ROOT / 'roles' / role / kind / 'main.yml' for role in ('common', 'platform')] for kind in ('defaults', 'vars')}
    # In the inventory, for defaults of a role go under what the inventory says, and everything that a play loads goes over it.
    defaults = {name: value for path in paths['defaults'] for name, value in yaml.safe_load(path.read_text(encoding='utf-8')).items()}
    hosts = inventory(folder, {**defaults, **SITE, 'ansible_connection': 'local'}, hosts=cases)
    playbook = folder / 'play.yml'
    playbook.write_text(yaml.safe_dump([{
        'hosts': 'all',
        'gather_facts': False,
        'vars_files': [str(path) for path in paths['vars']],
        'tasks': [
            {'set_fact': {'out': f"{{{{ lookup('ansible.builtin.template', '{ROOT}/roles/platform/templates/wanted.yml.j2') | from_yaml }}}}"}},
            {'copy': {'dest': f'{folder}/out.json', 'content': "{{ dict(groups['all'] | zip(groups['all'] | map('extract', hostvars, 'out'))) | to_json }}"},
             'run_once': True},
        ],
    }]), encoding='utf-8')
    done, _other = play(playbook, hosts, home=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads((folder / 'out.json').read_text(encoding='utf-8'))
    return {case: {one['name']: one['data'] for one in made[case]} for case in cases}


def test_what_every_site_has(secrets):
    assert set(secrets['plain']) == ALWAYS
    assert secrets['plain']['wandb-license-in'] == {'license': 'e30.e30.c2ln'}


def test_what_ends_in_a_url_is_percent_encoded(secrets):
    made = secrets['everything']
    for name, key in (('mysql', 'MYSQL_PASSWORD'), ('redis', 'REDIS_PASSWORD'), ('smtp', 'SMTP_PASSWORD')):
        encoded = made[f'wandb-{name}-in'][key]
        assert encoded == urllib.parse.quote(ODD, safe=''), name
        # One consumer decodes with unquote_plus.
        assert urllib.parse.unquote(encoded) == urllib.parse.unquote_plus(encoded) == ODD
    assert made['wandb-bucket-in'] == {'ACCESS_KEY': 'AK%2F1', 'SECRET_KEY': 'SK%2B%2F1'}


def test_what_does_not_end_in_a_url_stays_as_it_is(secrets):
    for name, key in (('oidc', 'OIDC_SECRET'), ('ldap', 'LDAP_BIND_PW'), ('slack', 'SLACK_SECRET'), ('clickhouse', 'CLICKHOUSE_PASSWORD')):
        assert secrets['everything'][f'wandb-{name}-in'] == {key: ODD}


def test_each_secret_is_made_only_where_there_is_something_to_hold(secrets):
    assert set(secrets['everything']) == ALWAYS | {f'wandb-{name}-in' for name in (
        'verify', 'clickhouse', 'oidc', 'ldap', 'smtp', 'slack', 'bucket-team-1', 'bucket-team-3')}
    assert set(secrets['identity']) == set(secrets['own']) == ALWAYS - {'wandb-bucket-in'}
    assert set(secrets['bundled']) == ALWAYS - {'wandb-redis-in'}


def test_keys_of_team_buckets(secrets):
    assert secrets['everything']['wandb-bucket-team-1-in'] == {'ACCESS_KEY': 'A%2F', 'SECRET_KEY': 'S%2B'}
    assert secrets['everything']['wandb-bucket-team-3-in'] == {'ACCESS_KEY': 'Az+/=='}


def test_azures_key_reaches_the_pods_as_it_is(secrets):
    assert secrets['azure']['wandb-bucket-in'] == {'ACCESS_KEY': 'Az+/=='}
