# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get, lacking, null_paths
from server_options import PEM, site

OPENSHIFT = {'preset': 'restricted', 'run_as_user': 1000650000, 'fs_group': 1000650001}


def at(options, path, checksums=None):
    return get(build(options, checksums).spec['values'], path.split('.'))


def test_a_whole_site():
    built = build(site())
    assert built.spec['chart'] == {'path': '/charts/operator-wandb'}
    assert built.warnings == []
    values = built.spec['values']
    restricted = {
        'podSecurityContext': {
            'runAsNonRoot': True, 'runAsUser': 999, 'runAsGroup': 0, 'fsGroup': 0, 'fsGroupChangePolicy': 'OnRootMismatch',
            'seccompProfile': {'type': 'RuntimeDefault'},
        },
        'securityContext': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}},
    }  # fmt: skip
    server = {'image': {'tag': '0.83.0'}, **restricted}
    del values['global']['pod']
    assert values == {
        'global': {
            'host': 'https://wandb.example.com',
            'size': 'small',
            'licenseSecret': {'name': 'wandb-license-in', 'key': 'license'},
            'caCertsConfigMap': 'wandb-custom-ca',
            'mysql': {
                'host': 'db.example.com', 'port': 3306, 'database': 'wandb_local', 'user': 'wandb_local',
                'passwordSecret': {'name': 'wandb-mysql-in', 'passwordKey': 'MYSQL_PASSWORD'}, 'caCert': PEM,
            },
            'redis': {
                'host': 'redis.example.com', 'port': 6379, 'external': False, 'caCert': PEM, 'params': {'tls': 'true'},
                'secret': {'secretName': 'wandb-redis-in', 'secretKey': 'REDIS_PASSWORD'},
            },
            'bucket': {
                'provider': 's3', 'name': 'minio.example.com:9000', 'path': 'wandb?tls=true', 'region': 'us-east-1',
                'secret': {'secretName': 'wandb-bucket-in', 'accessKeyName': 'ACCESS_KEY', 'secretKeyName': 'SECRET_KEY'},
            },
        },
        'mysql': {'install': False},
        'redis': {'install': False},
        'otel': {'install': False},
        'prometheus': {'install': False},
        'ingress': {
            'install': True, 'create': True, 'class': 'nginx', 'annotations': {'a/b': '0'},
            'tls': [{'secretName': 'wandb-ingress-tls', 'hosts': ['wandb.example.com']}],
        },
        'app': server,
        'parquet': server,
        'weave': server,
        'console': {'image': {'tag': '2.18.12'}, **restricted},
        'appRenamePreHook': restricted,
        'appRenamePostHook': restricted,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('changes', 'path', 'wanted'),
    [
        ({'bucket__path': '/a b/'}, 'global.bucket.path', 'wandb/a%20b?tls=true'),
        ({'bucket__tls': False}, 'global.bucket.path', 'wandb'),
        ({'bucket__tls': False, 'bucket__port': None}, 'global.bucket.name', 'minio.example.com:80'),
        ({'bucket__host': None}, 'global.bucket.name', 'wandb'),
        ({'bucket__host': None, 'bucket__path': 'p'}, 'global.bucket.path', 'p'),
        ({'redis__params': {'master': 'a&b'}}, 'global.redis.params.master', 'a%26b'),
        ({'redis': None}, 'redis.install', True),
        ({'mysql': None, 'install': {'mysql': True}, 'components': {'mysql': {'image': {'tag': '8.4.6'}}}}, 'mysql.install', True),
        ({'ingress__enabled': False}, 'ingress', {'install': False, 'create': False}),
        ({'ingress__additional_hosts': ['w.example.com']}, 'ingress.additionalHosts', ['w.example.com']),
        ({'image_pull_secrets': ['regcred']}, 'global.imagePullSecrets', [{'name': 'regcred'}]),
        ({'repository_prefix': 'registry.example.com/w/'}, 'global.repositoryPrefix', 'registry.example.com/w'),
        ({'reconcile_frequency': '1h30m'}, 'reconcileFrequency', '1h30m'),
        ({'env': {'A': True, 'B': 3}}, 'global.extraEnv', {'A': 'true', 'B': '3'}),
        ({'install': {'otel': True}}, 'otel.install', True),
        ({'install': {'weave': False}}, 'weave', {'install': False}),
        ({'install': {'api': True}}, 'global.api.enabled', True),
        ({'install': {'api': True}}, 'api.image.tag', '0.83.0'),
        ({'security_context': {'preset': 'chart'}, 'install': {'prometheus': False}}, 'app', {'image': {'tag': '0.83.0'}}),
        ({'security_context': OPENSHIFT}, 'appRenamePreHook.podSecurityContext.runAsUser', 1000650000),
        ({'security_context': OPENSHIFT}, 'app.podSecurityContext.fsGroup', 1000650001),
        ({'components': {'app': {'replicas': 2}}}, 'app.replicaCount', 2),
        ({'components': {'app': {'image': {'tag': '1', 'pull_policy': 'Always'}}}}, 'app.image', {'tag': '1', 'pullPolicy': 'Always'}),
        ({'components': {'otel': {'image': {'tag': '1'}}}}, 'otel.daemonset.image.tag', '1'),
        ({'components': {'app': {'env': {'X': 1}}}}, 'app.env', {'X': '1'}),
        ({'components': {'app': {'autoscaling': {'min_replicas': 3}}}}, 'app.autoscaling.horizontal.minReplicas', 3),
        ({'extra_values': {'app': {'image': {'tag': '9'}}}}, 'app.image.tag', '9'),
        ({'extra_values': {'global': {'auth': {'sessionLengthHours': 1}}}}, 'global.auth.sessionLengthHours', 1),
        ({'extra_values': {'executor': {'install': True}}}, 'executor.securityContext.allowPrivilegeEscalation', False),
    ],
)  # fmt: skip
def test_where_an_option_goes(changes, path, wanted):
    assert at(site(**changes), path) == wanted


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'wandb_host': 'https://wandb.example.com/'}, 'wandb_host:'),
        ({'wandb_host': 'http://wandb.example.com'}, 'wandb_host:'),
        ({'wandb_host': 'https://wandb.example.com/path'}, 'wandb_host:'),
        ({'wandb_host': 'https://Wandb.example.com'}, 'wandb_host:'),
        ({'wandb_host': 'https://wandb.example.com\n'}, 'wandb_host:'),
        ({'chart': None}, 'chart: give path'),
        ({'chart': {'name': 'operator-wandb'}}, 'chart: give path, or url'),
        ({'chart': {'url': 'https://charts.example.com', 'version': '0.43.8'}}, 'chart.name'),
        ({'chart': {'url': 'oci://r/x', 'name': 'operator-wandb', 'version': '0.43.8'}}, 'chart.name has no meaning in the oci form'),
        ({'chart': {'path': '/x', 'version': '0.43.8'}}, 'chart.version has no meaning in the path form'),
        ({'chart': {'url': 'oci://r/x', 'version': '0.44.0'}}, 'contradicts'),
        ({'chart': {'url': 'oci://r/x', 'version': 'latest'}, 'chart_version': None}, 'chart.version: "latest" is no exact version'),
        ({'chart_version': None}, 'chart_version: give'),
        ({'chart_version': 'newest'}, 'chart_version: "newest" is no exact version'),
        ({'image_tag': None}, 'image_tag: give the release'),
        ({'image_tag': '0.78.1'}, 'must not be installed'),
        ({'console_tag': None}, 'console_tag: give'),
        ({'license_secret': None}, 'license_secret:'),
        ({'mysql': None}, 'mysql: an endpoint'),
        ({'mysql__user': 'w@b'}, 'mysql.user'),
        ({'mysql__ca': 'no certificate'}, 'mysql.ca'),
        ({'mysql__ca': PEM + '-----BEGIN PRIVATE KEY-----'}, 'mysql.ca'),
        ({'install': {'mysql': True}}, 'install.mysql: an endpoint is given'),
        ({'redis__tls': False}, 'need redis.tls'),
        ({'bucket': None}, 'bucket: an object store'),
        ({'bucket__provider': 'gcs'}, 'bucket.host: only S3'),
        ({'ingress__additional_hosts': ['https://w.example.com']}, 'ingress.additional_hosts'),
        ({'reconcile_frequency': 'hourly'}, 'reconcile_frequency'),
        ({'env': {'A': ['x']}}, 'env.A'),
        ({'env': {'A': {'secretKeyRef': {}}}}, 'env.A: a map holds valueFrom'),
        ({'env': {'1A': 'x'}}, 'env: "1A"'),
        ({'components': {'aap': {}}}, 'components.aap: the chart has no such component (did you mean app?)'),
        ({'components': {'app': {'replica': 2}}}, 'did you mean replicas?'),
        ({'components': {'app': {'image': {'tags': 'x'}}}}, 'did you mean tag?'),
        ({'components': {'app': 3}}, 'a map is wanted'),
        ({'components': {'redis': {'replicas': 2}}}, 'extra_values.redis'),
        ({'install': {'weav': True}}, 'install.weav'),
        ({'object_metadata': {'pod': {'annotations': {'inputs.wandb.onprem/mysql': 'x'}}}}, 'object_metadata.pod.annotations'),
        ({'extra_values': {'global': {'license': 'a.b.c'}}}, 'use license_secret'),
        ({'extra_values': {'global': {'mysql': {'password': 'x'}}}}, 'use mysql.password_secret'),
    ],
)  # fmt: skip
def test_refused(changes, said):
    with pytest.raises(OptionsError) as caught:
        build(site(**changes))
    assert said in str(caught.value)
    assert len(caught.value.problems) == 1


def test_all_problems_at_once():
    with pytest.raises(OptionsError) as caught:
        build(site(wandb_host='x', image_tag=None, mysql__user='w@b'))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'extra_values': {'consol': {}}}, 'extra_values.consol: the chart knows no such key (did you mean console?)'),
        ({'extra_values': {'app': {'x': None}}}, 'extra_values.app.x is null'),
        ({'env': {'MY_PASSWORD': 'x'}}, 'env.MY_PASSWORD looks like a secret'),
        ({'install': {'otel': True}}, 'install.otel'),
        ({'chart': {'url': 'http://c', 'name': 'operator-wandb', 'version': '0.43.8'}}, 'chart.url'),
    ],
)
def test_warned_of(changes, said):
    warnings = build(site(**changes)).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith(said)


def test_no_null_anywhere():
    built = build(site(extra_values={'app': {'x': None, 'y': [None, 1]}, 'global': {'z': {'a': None}}}))
    assert null_paths(built.spec) == []
    assert built.spec['values']['app']['y'] == [1]


def test_following_the_channel_leaves_versions_out():
    spec = build(site(follow_channel=True, chart=None, chart_version=None, image_tag=None, console_tag=None)).spec
    assert 'chart' not in spec
    assert 'image' not in spec['values']['app']


def test_before_0_33_both_keys_are_written():
    values = build(site(chart_version='0.18.0')).spec['values']
    assert values['app']['pod']['securityContext'] == values['app']['podSecurityContext']
    assert values['app']['container']['securityContext'] == values['app']['securityContext']
    assert 'appRenamePreHook' not in values


def test_since_0_33_the_dead_key_is_not_written():
    assert 'pod' not in build(site(chart_version='0.33.0')).spec['values']['app']


def test_a_chart_in_a_repository():
    chart = {
        'url': 'https://charts.example.com',
        'name': 'operator-wandb',
        'version': '0.43.8',
        'credential_secret': {'name': 's', 'username_key': 'U', 'password_key': 'P'},
    }
    assert build(site(chart=chart, chart_version=None)).spec['chart'] == {
        'url': 'https://charts.example.com', 'name': 'operator-wandb', 'version': '0.43.8',
        'credentialSecret': {'name': 's', 'usernameKey': 'U', 'passwordKey': 'P'},
    }  # fmt: skip


def test_checksums_stand_beside_the_users_annotations():
    options = site(object_metadata={'pod': {'annotations': {'mine': 1}}})
    annotations = at(options, 'global.pod.annotations', {'mysql': 'abc'})
    del annotations['inputs.wandb.onprem/settings']
    assert annotations == {'mine': '1', 'inputs.wandb.onprem/mysql': 'abc'}


@pytest.mark.parametrize('change', [
    {'wandb_host': 'https://other.example.com'},
    {'bucket': {**site()['bucket'], 'name': 'other'}},
    {'redis': {**site()['redis'], 'host': 'other.example.com'}},
    {'extra_values': {'global': {'email': {'smtp': {'host': 'mail.example.com'}}}}},
])
def test_pods_roll_when_a_setting_changes_that_reaches_them_in_a_configmap(change):
    path = 'global.pod.annotations'
    assert at(site(**change), path) != at(site(), path)


def test_pods_do_not_roll_for_what_does_not_reach_them():
    path = 'global.pod.annotations'
    assert at(site(ingress={'enabled': True, 'class': 'other'}), path) == at(site(), path)


@pytest.mark.parametrize(
    ('wanted', 'found', 'paths'),
    [
        ({'a': {'b': 1}}, {'a': {'b': 1, 'c': 2}}, []),
        ({'a': {'b': 1}}, {'a': {'b': 2}}, ['a.b']),
        ({'a': {'b': 1}}, {}, ['a']),
        ({'a': {}}, {}, []),
        ({'a': [1]}, {'a': [1, 2]}, []),
        ({'a': [1]}, {'a': [2, 1]}, []),
        ({'a': [{'n': 1}, 2]}, {'a': [0, {'n': 1, 'm': 2}, 2, 3]}, []),
        ({'a': [1, 2]}, {'a': [1, 3, 2]}, ['a']),
        ({'a': [1, 2]}, {'a': [1]}, ['a']),
        ({'a': [1]}, {'a': 1}, ['a']),
        ({'a': []}, {'a': [1]}, []),
        ({'a': 3306}, {'a': 3306.0}, []),
        ({'a': True}, {'a': 1}, ['a']),
        ({'a': '1'}, {'a': 1}, ['a']),
        ({'a': 1}, None, ['']),
    ],
)
def test_lacking(wanted, found, paths):
    assert lacking(wanted, found) == paths
