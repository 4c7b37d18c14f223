# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the options for people, mail, pods and the Ingress go, and what of them is refused."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get
from server_options import PEM, site

SECRET = {'name': 's', 'key': 'k'}
FROM_SECRET = {'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'k'}}}
OIDC = {'client_id': 'c', 'issuer': 'https://idp.example.com', 'auth_method': None, 'secret': SECRET}
SMTP = {'host': 'mail.example.com', 'port': 587, 'user': 'a+b@example.com', 'password_secret': SECRET, 'mail_from': 'w@example.com'}
SLACK = {'client_id': '1.2', 'secret': SECRET}
LDAP = {
    'host': 'ldaps://ldap.example.com', 'base_dn': 'dc=example', 'bind_dn': 'cn=admin', 'bind_password_secret': SECRET, 'attributes': 'email=mail',
    'login': True, 'tls': False, 'group_allow_list': ['a', 'b'], 'user_base_dn': 'ou=u', 'group_base_dn': 'ou=g', 'user_object_class': 'person',
    'group_object_class': 'group',
}  # fmt: skip
OTHER = PEM.replace('MIIB', 'MIIC')
PROXY = {'http': 'http://proxy:3128', 'https': 'http://proxy:3129', 'no_proxy': ['10.0.0.0/8', 'db.example.com']}


def at(options, path):
    return get(build(options).spec['values'], path.split('.'))


@pytest.mark.parametrize(
    ('changes', 'path', 'wanted'),
    [
        ({'oidc': OIDC}, 'global.auth.oidc', {'clientId': 'c', 'issuer': 'https://idp.example.com', 'oidcSecret': {'name': 's', 'secretKey': 'k'}}),
        ({'oidc': {**OIDC, 'auth_method': 'pkce'}}, 'global.auth.oidc.authMethod', 'pkce'),
        ({'session_length_hours': 24}, 'global.auth', {'sessionLengthHours': 24}),
        ({'smtp': SMTP}, 'global.email.smtp', {
            'host': 'mail.example.com', 'port': 587, 'user': 'a%2Bb%40example.com', 'password': FROM_SECRET, 'mailFrom': 'w@example.com'}),
        ({'extra_cors': ['https://a.example.com', 'https://a.example.com']}, 'app.extraCors', ['https://a.example.com']),
        ({'banners': {'b': {'type': 'info', 'message': 'm', 'dismissable': True}}}, 'global.banners',
         {'b': {'type': 'info', 'message': 'm', 'dismissable': True}}),
        ({'slack': SLACK}, 'global.extraEnv', {
            'SLACK_CLIENT_ID': '1.2', 'GORILLA_SLACK_CLIENT_ID': '1.2', 'SLACK_SECRET': FROM_SECRET, 'GORILLA_SLACK_SECRET': FROM_SECRET}),
        ({'custom_cas': [PEM + OTHER, PEM]}, 'global.customCACerts', [PEM, OTHER]),
        ({'storage_class': 'fast'}, 'global.storageClass', 'fast'),
        ({'priority_class': 'high'}, 'global.priorityClassName', 'high'),
        ({'node_selector': {'disk': 'ssd', 'gpu': False}}, 'global.nodeSelector', {'disk': 'ssd', 'gpu': 'false'}),
        ({'tolerations': [{'operator': 'Exists'}]}, 'global.tolerations', [{'operator': 'Exists'}]),
        ({'object_metadata': {'common': {'labels': {'team': 'ml'}}}}, 'global.common', {'labels': {'team': 'ml'}}),
        ({'object_metadata': {'service': {'annotations': {'a': 1}}}}, 'global.service', {'annotations': {'a': '1'}}),
        ({'ingress__labels': {'a': 'b'}}, 'ingress.labels', {'a': 'b'}),
        ({'ingress__default_backend': 'console'}, 'ingress.defaultBackend', 'console'),
        ({'size': None}, 'global.size', 'small'),
        ({'security_context': {'preset': 'openshift', 'run_as_user': 7, 'fs_group': 8}}, 'app.podSecurityContext.runAsUser', 7),
        ({'security_context': {'preset': 'openshift', 'run_as_user': 7, 'fs_group': 8}}, 'otel.install', False),
        ({'install': {'frontend': True}}, 'frontend.podSecurityContext.runAsUser', 101),
        ({'install': {'settingsMigrationJob': True}}, 'settingsMigrationJob.jobs.smj.containers.smj.image.tag', '0.83.0'),
        ({'components': {'settingsMigrationJob': {'image': {'repository': 'r'}}}}, 'settingsMigrationJob.jobs.smj.containers.smj.image.repository', 'r'),
        ({'components': {'app': {'replicas': '2'}}}, 'app.replicaCount', 2),
        ({'components': {'weave': {'autoscaling': {'enabled': 'false', 'target_cpu': 70}}}}, 'weave.autoscaling.horizontal',
         {'enabled': False, 'targetCPUUtilizationPercentage': 70}),
        ({'install': {'nginx': True}, 'components': {'nginx': {'image': {'digest': 'sha256:1'}}}}, 'nginx.image.digest', 'sha256:1'),
        # Charts before 0.33 print a map in extraEnv as text.
        ({'env': {'A': 'x', 'B': FROM_SECRET}, 'chart_version': '0.18.0'}, 'global.extraEnvFrom', {'B': FROM_SECRET['valueFrom']}),
        ({'env': {'A': 'x', 'B': FROM_SECRET}, 'chart_version': '0.18.0'}, 'global.extraEnv', {'A': 'x'}),
        ({'components': {'app': {'env': {'B': FROM_SECRET}}}, 'chart_version': '0.18.0'}, 'app.extraEnvFrom', {'B': FROM_SECRET['valueFrom']}),
    ],
)  # fmt: skip
def test_where_it_goes(changes, path, wanted):
    assert at(site(**changes), path) == wanted


def test_ldap_in_both_families():
    built = build(site(ldap=LDAP))
    assert len(built.warnings) == 1
    assert 'effect unverified' in built.warnings[0]
    wanted = {
        'ADDRESS': 'ldaps://ldap.example.com', 'BASE_DN': 'dc=example', 'BIND_DN': 'cn=admin', 'BIND_PW': FROM_SECRET, 'ATTRIBUTES': 'email=mail',
        'LOGIN': 'true', 'TLS_ENABLE': 'false', 'GROUP_ALLOW_LIST': 'a,b', 'USER_BASE_DN': 'ou=u', 'GROUP_BASE_DN': 'ou=g',
        'USER_OBJECT_CLASS': 'person', 'GROUP_OBJECT_CLASS': 'group',
    }  # fmt: skip
    assert built.spec['values']['global']['extraEnv'] == {family + key: value for family in ('LDAP_', 'LOCAL_LDAP_') for key, value in wanted.items()}


def test_proxies_in_capitals_and_small_letters():
    env = at(site(pod_proxy=PROXY, env={'HTTPS_PROXY': 'http://other:1'}), 'global.extraEnv')
    assert (env['HTTP_PROXY'], env['http_proxy'], env['https_proxy']) == ('http://proxy:3128', 'http://proxy:3128', 'http://proxy:3129')
    assert env['HTTPS_PROXY'] == 'http://other:1'
    assert env['NO_PROXY'] == env['no_proxy']
    assert env['NO_PROXY'].split(',') == [
        'localhost', '127.0.0.1', '::1', '.svc', '.cluster.local', '$(KUBERNETES_SERVICE_HOST)', 'wandb.example.com', 'db.example.com',
        'redis.example.com', 'minio.example.com', '10.0.0.0/8',
    ]  # fmt: skip


def test_before_0_33_the_checksums_are_on_every_component():
    values = build(site(chart_version='0.18.0', object_metadata={'pod': {'annotations': {'a': 'b'}}}), {'mysql': 'x'}).spec['values']
    for name in ('app', 'console', 'parquet', 'weave'):
        assert values[name]['pod']['annotations'] == values['global']['pod']['annotations']
    assert values['app']['pod']['annotations']['inputs.wandb.onprem/mysql'] == 'x'


def test_pods_roll_when_origins_change():
    path = 'global.pod.annotations'
    assert at(site(extra_cors=['https://a.example.com']), path) != at(site(), path)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'oidc': {**OIDC, 'auth_method': 'pkc'}}, 'oidc.auth_method: "pkc" is none of pkce, implicit (did you mean pkce?)'),
        ({'oidc': {**OIDC, 'issuer': 'idp'}}, 'oidc.issuer'),
        ({'oidc': OIDC, 'chart_version': '0.18.0'}, 'oidc.secret: charts before 0.33'),
        ({'smtp': SMTP, 'chart_version': '0.18.0'}, 'smtp.password_secret: charts before 0.33'),
        ({'slack': SLACK, 'chart_version': '0.18.0'}, 'slack.secret: charts before 0.33'),
        ({'smtp': {**SMTP, 'user': None}}, 'smtp: give user and password_secret'),
        ({'ldap': {**LDAP, 'host': 'ldap.example.com'}}, 'ldap.host'),
        ({'ldap': {**LDAP, 'bind_dn': None}}, 'ldap: give bind_dn and bind_password_secret'),
        ({'session_length_hours': 0}, 'session_length_hours'),
        ({'extra_cors': ['https://a.example.com/x']}, 'extra_cors'),
        ({'banners': {'b': {'type': 'loud'}}}, 'banners.b.type'),
        ({'banners': {'b': {'text': 'm'}}}, 'banners.b.text is unknown'),
        ({'custom_cas': ['x']}, 'custom_cas[0]'),
        ({'custom_cas': [PEM, PEM + '-----BEGIN PRIVATE KEY-----']}, 'custom_cas[1]'),
        ({'security_context': {'preset': 'openshift', 'run_as_user': 1}}, 'security_context.fs_group'),
        ({'security_context': {'preset': 'openshift', 'fs_group': 1}}, 'security_context.run_as_user'),
        ({'object_metadata': {'common': {'labels': {'app.kubernetes.io/instance': 'x'}}}}, 'outlive the custom resource'),
        ({'object_metadata': {'pod': {'labels': {'app.kubernetes.io/name': 'x'}}}}, 'written by the chart itself'),
        ({'object_metadata': {'service': {'annotations': {'inputs.wandb.onprem/x': 'y'}}}}, 'object_metadata.service.annotations'),
        ({'object_metadata': {'pod': {'labels': {'a': 'x' * 64}}}}, 'is no label'),
        ({'node_selector': {'a': ['x']}}, 'node_selector.a'),
        ({'pod_proxy': {'http': 'proxy:3128'}}, 'pod_proxy.http'),
        ({'pod_proxy': {'https': 'http://u:p@proxy'}}, 'set env.HTTPS_PROXY by valueFrom'),
        ({'env': {'GORILLA_SUPPORTED_FILE_STORES': 's3://AK:SK@minio/b'}}, 'holds a password in a URL'),
        ({'env': {'SMTP_PASSWORD': 'x'}}, 'env.SMTP_PASSWORD would stand in clear'),
        ({'env': {'BUCKET_QUEUE': 'x://'}}, 'use bucket.queue'),
        ({'chart': {'url': 'oci://r/x', 'password': 'p'}}, 'chart.password would stand in clear'),
        ({'chart': {'url': 'https://u:p@r', 'name': 'operator-wandb'}}, 'chart.url holds a password'),
        ({'install': {'nginx': True}}, 'components.nginx.image.tag'),
        ({'install': {'stackdriver': True}}, 'components.stackdriver.image.tag'),
        ({'install': {'api': 'perhaps'}}, 'install.api: true or false'),
        ({'components': {'app': {'replicas': 'many'}}}, 'components.app.replicas: a number is wanted'),
        ({'components': {'app': {'resources': 'x'}}}, 'components.app.resources: a map is wanted'),
    ],
)
def test_refused(changes, said):
    with pytest.raises(OptionsError) as caught:
        build(site(**changes))
    (problem,) = caught.value.problems
    assert said in problem


@pytest.mark.parametrize(
    ('extra', 'mend'),
    [
        ({'global': {'redis': {'auth': {'secret': 'x'}}}}, 'redis.password_secret'),
        ({'global': {'ldap': {'enabled': True}}}, 'use ldap'),
        ({'app': {'pod': {'securityContext': {}}}}, 'components.app.pod_security_context'),
        ({'global': {'mysql': {'name': 'x'}}}, 'mysql.database'),
        ({'mysql': {'name': 'x'}}, 'mysql.database'),
        ({'global': {'defaultBucket': {'secret': {}}}}, 'default_bucket.secret'),
        ({'route': {'enabled': True}}, 'ingress.enabled: false'),
        ({'ingress': {'enabled': False}}, 'ingress.enabled of the module'),
        ({'ingress': {'issuer': {'create': True}}}, 'ingress.tls_secret'),
        ({'imagePullSecrets': ['x']}, 'image_pull_secrets'),
        ({'global': {'customCACerts': {'a': 'x'}}}, 'custom_cas'),
        ({'prometheus': {'server': {'image': {}}}}, 'components.prometheus.image'),
        ({'otel': {'image': {}}}, 'components.otel.image'),
        ({'global': {'extraEnv': {'BUCKET_QUEUE': 'x'}}}, 'bucket.queue'),
        ({'global': {'bucket': {'kmsKey': None}}}, 'leave it out'),
    ],
)
def test_a_key_that_does_nothing_is_refused_with_the_right_one_named(extra, mend):
    with pytest.raises(OptionsError) as caught:
        build(site(extra_values=extra))
    (problem,) = caught.value.problems
    assert problem.startswith('extra_values.')
    assert mend in problem


def test_before_0_33_the_old_security_context_is_read():
    assert at(site(chart_version='0.18.0', extra_values={'app': {'pod': {'securityContext': {'runAsUser': 5}}}}), 'app.pod.securityContext.runAsUser') == 5


def test_prometheus_exporters_are_pinned_or_off():
    chart = {'preset': 'chart'}
    with pytest.raises(OptionsError) as caught:
        build(site(security_context=chart))
    assert [problem.split(';')[1][:46] for problem in caught.value.problems] == [
        ' give extra_values.prometheus.redis-exporter.i',
        ' give extra_values.prometheus.mysql-exporter.i',
    ]
    extra = {'prometheus': {'redis-exporter': {'install': False}, 'mysql-exporter': {'image': {'tag': 'v0.15.1'}}}}
    assert at(site(security_context=chart, extra_values=extra), 'prometheus.mysql-exporter.image.tag') == 'v0.15.1'


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'ingress__enabled': False}, 'ingress.annotations, ingress.class, ingress.tls_secret: without effect'),
        ({'components': {'parquet': {'replicas': 3}}}, 'components.parquet.replicas: an autoscaler'),
        ({'install': {'console': False}}, 'console_tag: without effect'),
        ({'components': {'console': {'image': {'tag': '1'}}}}, 'console_tag: without effect'),
        ({'env': {'GORILLA_TASK_CONFIG_PATH': '/x'}}, 'env.GORILLA_TASK_CONFIG_PATH: the app keeps'),
        ({'artifact_garbage_collection': True, 'env': {'GORILLA_ARTIFACT_GC_ENABLED': 'false'}}, 'env.GORILLA_ARTIFACT_GC_ENABLED goes over'),
        ({'tolerations': [{'operator': 'Exists'}], 'chart_version': '0.18.0'}, 'tolerations: charts before 0.33'),
    ],
)
def test_warned_of(changes, said):
    (warning,) = build(site(**changes)).warnings
    assert warning.startswith(said)
