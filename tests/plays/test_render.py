# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ansible-playbook wandb.onprem.render``, really run: the way of every value from the inventory to the custom resource, without a cluster."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from play import inventory, play

PEM = '-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n'
# wandb_ca_file, of two CAs while one is replaced.
SITE_CAS = [PEM.replace('TUlJQg', body) for body in ('TUlJQw', 'TUlJRA')]
SECRETS = {name: f'very-secret-{name}' for name in (
    'wandb_clickhouse_password', 'wandb_oidc_secret', 'wandb_ldap_bind_password', 'wandb_slack_secret', 'wandb_operator_chart_password')}
SITE = {
    'wandb_host': 'https://wandb.example.com',
    'wandb_name': 'w',
    'wandb_namespace': 'server',
    'wandb_size_profile': 'models-development',
    'wandb_mysql_endpoint': {'host': 'db.example.com', 'ca': PEM},
    'wandb_redis_endpoint': {'host': 'redis.example.com', 'tls': True, 'ca': PEM, 'sentinel_master': 'mymaster'},
    'wandb_bucket_endpoint': {'name': 'runs', 'region': 'eu-west-1', 'kms_key': 'arn:aws:kms:eu-west-1:1:key/2', 'queue': 'sqs://q', 'proxied': True},
    'wandb_team_buckets': [
        {'name': 'team-a', 'host': 's3.example.com', 'region': 'eu-west-1', 'access_key': 'very-secret-key', 'secret_key': 'very-secret-key'},
    ],
    'wandb_clickhouse_endpoint': {'host': 'clickhouse.example.com', 'replicated': True},
    'wandb_operator_namespace_isolation': True,
    'wandb_operator_custom_ca_certs': [PEM],
    'wandb_operator_chart_username': 'bot',
    'wandb_operator_pod_proxy': {'https': 'http://proxy.example.com:3128'},
    'wandb_server_oidc': {'client_id': 'wandb', 'issuer': 'https://login.example.com'},
    'wandb_server_ldap': {'host': 'ldaps://ldap.example.com', 'base_dn': 'dc=example', 'bind_dn': 'cn=wandb'},
    'wandb_server_smtp': {'host': 'mail.example.com', 'user': 'wandb', 'password_secret': {'name': 'own-mail', 'key': 'pw'}},
    'wandb_smtp_password': 'very-secret-and-not-referred-to',
    'wandb_server_slack': {'client_id': '1.2'},
    'wandb_server_session_length_hours': 12,
    'wandb_server_artifact_garbage_collection': False,
    'wandb_server_extra_cors': ['https://other.example.com'],
    'wandb_server_banners': {'hello': {'type': 'info', 'message': 'moved'}},
    'wandb_server_security_context': {'preset': 'openshift', 'run_as_user': 1000650000, 'fs_group': 1000650000},
    'wandb_server_node_selector': {'pool': 'wandb'},
    'wandb_server_tolerations': [{'key': 'wandb', 'operator': 'Exists'}],
    'wandb_server_priority_class': 'high',
    'wandb_server_storage_class': 'fast',
    'wandb_server_object_metadata': {'pod': {'annotations': {'example.com/team': 'ml'}}, 'common': {'labels': {'cost': '7'}}},
    'wandb_server_pod_proxy': {'https': 'http://proxy.example.com:3128', 'no_proxy': ['.example.com']},
    'wandb_server_custom_cas': [PEM],
    'wandb_server_ingress_labels': {'edge': 'yes'},
    'wandb_server_ingress_default_backend': 'console',
    'wandb_server_guide_values': {'app': {'extraEnv': {'FROM_GUIDE': '1'}}},
    **SECRETS,
}
FILES = ['custom-resource.yaml', 'operator-values.yaml', 'platform.yaml']


class Run:
    """Check mode, the real thing, and the same again."""

    def __init__(self, folder: pathlib.Path) -> None:
        hosts = inventory(folder, SITE, ['bastion'])
        (folder / 'pki').mkdir()
        (folder / 'pki' / 'ca.crt').write_text(''.join(SITE_CAS), encoding='utf-8')
        self.folder = folder / 'render'
        self.check, self.predicted = play('wandb.onprem.render', hosts, '--check', home=folder)
        self.after_check = self.folder.exists()
        self.first, self.done = play('wandb.onprem.render', hosts, home=folder)
        self.files = {path.name: path.read_text(encoding='utf-8') for path in sorted(self.folder.glob('*'))}
        self.again, self.left = play('wandb.onprem.render', hosts, home=folder)

    def document(self, name: str):
        return yaml.safe_load(self.files[name])


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp('render'))


def test_it_runs_without_a_kubeconfig(run):
    assert run.first.returncode == 0, run.first.stdout + run.first.stderr
    assert list(run.files) == FILES
    assert 'bastion' not in run.first.stdout


def test_check_mode_predicts_and_writes_nothing(run):
    assert run.check.returncode == 0, run.check.stdout + run.check.stderr
    assert not run.after_check
    assert run.predicted['changed'] == run.done['changed'] == len(FILES) + 1


def test_again_changes_nothing(run):
    assert run.again.returncode == 0, run.again.stdout + run.again.stderr
    assert run.left['changed'] == 0


def test_no_secret_is_in_a_file_or_in_the_output(run):
    written = '\n'.join([*run.files.values(), run.first.stdout, run.first.stderr])
    assert 'very-secret' not in written


def test_what_has_to_be_there_is_named(run):
    told = run.first.stdout + run.first.stderr
    for name in ('w-license-in', 'w-mysql-in', 'w-redis-in', 'w-bucket-in', 'w-bucket-team-1-in', 'w-clickhouse-in', 'w-oidc-in', 'w-ldap-in', 'own-mail',
                 'w-slack-in', 'w-ingress-tls'):
        assert f'server/{name}' in told.replace('\n', ' ').replace('    ', ''), name
    assert 'w-smtp-in' not in told


def test_namespaces_and_cas_are_manifests(run):
    objects = {(one['kind'], one['metadata']['name']): one for one in yaml.safe_load_all(run.files['platform.yaml'])}
    assert set(objects) == {('Namespace', 'server'), ('Namespace', 'wandb-operator'), ('ConfigMap', 'w-custom-ca')}
    assert objects['ConfigMap', 'w-custom-ca']['data'] == {'ca-1.crt': PEM, 'ca-2.crt': SITE_CAS[0], 'ca-3.crt': SITE_CAS[1]}
    assert 'namespace' not in objects['Namespace', 'server']['metadata']


def test_values_of_the_operator(run):
    values = run.document('operator-values.yaml')
    assert values['namespaceIsolation'] == {'enabled': True, 'additionalNamespaces': ['server']}
    assert values['customCACerts'] == [PEM, *SITE_CAS]
    assert len(values['podAnnotations']['wandb.onprem/ca']) == 64
    assert {'name': 'HTTPS_PROXY', 'value': 'http://proxy.example.com:3128'} in values['extraEnv']


def test_the_custom_resource_has_every_value_of_the_inventory(run):
    resource = run.document('custom-resource.yaml')
    assert (resource['kind'], resource['metadata']['name'], resource['metadata']['namespace']) == ('WeightsAndBiases', 'w', 'server')
    values = resource['spec']['values']
    site = values['global']
    assert site['licenseSecret']['name'] == 'w-license-in'
    # Of the profile.
    assert site['size'] == 'testing'
    assert site['redis']['params']['master'] == 'mymaster'
    assert site['bucket']['kmsKey'] == 'arn:aws:kms:eu-west-1:1:key/2'
    assert site['bucket']['secret']['secretName'] == 'w-bucket-in'
    assert site['clickhouse']['passwordSecret']['name'] == 'w-clickhouse-in'
    assert (site['clickhouse']['port'], site['clickhouse']['replicated']) == (8443, True)
    assert site['auth']['oidc']['oidcSecret']['name'] == 'w-oidc-in'
    assert site['auth']['sessionLengthHours'] == 12
    assert site['banners'] == {'hello': {'type': 'info', 'message': 'moved'}}
    assert site['nodeSelector'] == {'pool': 'wandb'}
    assert site['tolerations'] == [{'key': 'wandb', 'operator': 'Exists'}]
    assert (site['priorityClassName'], site['storageClass']) == ('high', 'fast')
    assert site['pod']['annotations']['example.com/team'] == 'ml'
    assert site['common']['labels'] == {'cost': '7'}
    assert values['ingress']['labels'] == {'edge': 'yes'}
    assert values['ingress']['defaultBackend'] == 'console'
    assert 'https://other.example.com' in values['app']['extraCors']
    assert values['app']['podSecurityContext']['runAsUser'] == 1000650000
    text = run.files['custom-resource.yaml']
    for part in ('w-slack-in', 'w-ldap-in', 'own-mail', 'w-bucket-team-1-in', 'sqs://q', 'FROM_GUIDE', 'http://proxy.example.com:3128',
                 'GORILLA_ARTIFACT_GC_ENABLED', 'ldaps://ldap.example.com', 'GORILLA_FILE_STORE_IS_PROXIED', 'TUlJQg=='):
        assert part in text, part
    assert 'w-smtp-in' not in text


def test_an_isolated_operator_gets_no_cluster_role(run):
    values = run.document('custom-resource.yaml')['spec']['values']
    assert values['console']['role']['type'] == 'Role'
    assert values['otel']['install'] is values['prometheus']['install'] is False
    assert values['app']['internalJWTMap'] == []


def test_what_the_inventory_says_goes_over_the_isolation(tmp_path):
    extra = {'console': {'role': {'type': 'ClusterRole'}}, 'prometheus': {'redis-exporter': {'install': False}, 'mysql-exporter': {'install': False}}}
    site = {**SITE, 'wandb_server_install': {'prometheus': True}, 'wandb_server_bucket_locked': False,
            'wandb_bucket_endpoint': {'name': 'runs', 'pod_identity': True}, 'wandb_server_extra_values': extra}
    (tmp_path / 'render').mkdir()
    passwords = {'wandb_mysql_password': '', 'wandb_redis_password': ''}
    role = {'include_role': {'name': 'wandb.onprem.server', 'tasks_from': 'render'}}
    playbook = tmp_path / 'play.yml'
    playbook.write_text(yaml.safe_dump([{'hosts': 'localhost', 'gather_facts': False, 'vars': passwords, 'tasks': [role]}]), encoding='utf-8')
    done, _other = play(playbook, inventory(tmp_path, site, ['bastion']), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    values = yaml.safe_load((tmp_path / 'render/custom-resource.yaml').read_text(encoding='utf-8'))['spec']['values']
    assert values['console']['role']['type'] == 'ClusterRole'
    assert values['prometheus']['install'] is True
    assert values['app']['internalJWTMap'] == []
    assert values['global']['defaultBucket']['name'] == 'runs'
    assert 'secret' not in values['global']['defaultBucket']
    assert 'bucket' not in values['global']
