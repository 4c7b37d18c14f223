# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosting guide's own examples, pasted: what they become, and that it builds in both eras of the chart."""

from __future__ import annotations

import copy

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.guide import with_guide
from ansible_collections.wandb.onprem.plugins.module_utils.server.inputs import references
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import get, null_paths
from server_options import PEM, SITE, site

VERSIONS = ('0.18.0', '0.43.8')


def translated(text, **given):
    """(options, notes) of pasted YAML beside options that were given."""
    notes = Notes()
    return with_guide({'guide_values': yaml.safe_load(text), **given}, notes), notes


def said(options):
    """Options without what Ansible fills in."""
    if isinstance(options, dict):
        return {key: said(value) for key, value in options.items() if value is not None}
    return options


def values_of(text, version, *absent):
    """``spec.values`` of a whole site whose options ``absent`` come from the pasted values."""
    options = {key: value for key, value in site(chart_version=version).items() if key not in absent}
    values = build({**options, 'guide_values': yaml.safe_load(text)}).spec['values']
    assert null_paths(values) == []
    return values


GCP = '''
global:
  host: https://abc-wandb.sandbox-gcp.wandb.ml
  bucket:
    name: abc-wandb-moving-pipefish
    provider: gcs
  mysql:
    database: wandb_local
    host: 10.218.0.2
    name: wandb_local
    password: 8wtX6cJHizAZvYScjDzZcUarK4zZGjpV
    port: 3306
    user: wandb
  license: eyJhbGnUzaHgyQjQyQWhEU3...ZieKQ2x5GGfw
ingress:
  annotations:
    ingress.gcp.kubernetes.io/pre-shared-cert: abc-wandb-cert-creative-puma
    kubernetes.io/ingress.class: gce
    kubernetes.io/ingress.global-static-ip-name: abc-wandb-operator-address
'''

BY_SECRETS = GCP.replace('password: 8wtX6cJHizAZvYScjDzZcUarK4zZGjpV', 'passwordSecret: {name: database-secret, passwordKey: MYSQL_WANDB_PASSWORD}').replace(
    'license: eyJhbGnUzaHgyQjQyQWhEU3...ZieKQ2x5GGfw', 'licenseSecret: {name: license-secret, key: CUSTOMER_WANDB_LICENSE}'
)


def test_the_guides_whole_example_is_refused_for_its_clear_secrets_alone():
    _other, notes = translated(GCP)
    assert [problem.split(' ')[0] for problem in notes.problems] == ['guide_values.global.license', 'guide_values.global.mysql.password']
    assert [problem.rsplit(' ', 1)[1] for problem in notes.problems] == ['license_secret', 'mysql.password_secret']
    assert '8wtX6cJH' not in str(notes)
    assert 'eyJhbG' not in str(notes)


def test_the_guides_whole_example_with_secrets_by_reference():
    options, notes = translated(BY_SECRETS)
    assert said(options) == {
        'wandb_host': 'https://abc-wandb.sandbox-gcp.wandb.ml',
        'license_secret': {'name': 'license-secret', 'key': 'CUSTOMER_WANDB_LICENSE'},
        'bucket': {'provider': 'gcs', 'name': 'abc-wandb-moving-pipefish', 'tls': True, 'proxied': False},
        'mysql': {
            'host': '10.218.0.2', 'port': 3306, 'database': 'wandb_local', 'user': 'wandb',
            'password_secret': {'name': 'database-secret', 'key': 'MYSQL_WANDB_PASSWORD'},
        },
        'ingress': {
            'enabled': True,
            'annotations': {
                'ingress.gcp.kubernetes.io/pre-shared-cert': 'abc-wandb-cert-creative-puma',
                'kubernetes.io/ingress.class': 'gce',
                'kubernetes.io/ingress.global-static-ip-name': 'abc-wandb-operator-address',
            },
        },
    }  # fmt: skip
    assert notes.translations == ['global.mysql.name is left out (no chart reads it; the database is global.mysql.database)']
    assert (notes.problems, notes.warnings) == ([], [])


@pytest.mark.parametrize('version', VERSIONS)
def test_the_guides_whole_example_builds(version):
    values = values_of(BY_SECRETS, version, 'wandb_host', 'license_secret', 'bucket', 'mysql', 'ingress')
    assert values['global']['host'] == 'https://abc-wandb.sandbox-gcp.wandb.ml'
    assert (values['global']['bucket']['provider'], values['global']['bucket']['name']) == ('gcs', 'abc-wandb-moving-pipefish')
    assert values['global']['mysql'] == {
        'host': '10.218.0.2', 'port': 3306, 'database': 'wandb_local', 'user': 'wandb',
        'passwordSecret': {'name': 'database-secret', 'passwordKey': 'MYSQL_WANDB_PASSWORD'},
    }  # fmt: skip


AIRGAPPED = '''
global:
  host: https://wandb.yourdomain.com
  licenseSecret: {name: license-secret, key: license}
  bucket:
    secret: {secretName: bucket-secret, accessKeyName: ACCESS_KEY, secretKeyName: SECRET_KEY}
    name: s3.yourdomain.com:9000 #Ex.: s3.yourdomain.com:9000
    path: bucket_name
    provider: s3
    region: us-east-1
  mysql:
    database: wandb
    host: mysql.home.lab
    passwordSecret: {name: mysql-secret, passwordKey: password}
    port: 3306
    user: wandb
  extraEnv:
    ENABLE_REGISTRY_UI: 'true'
# If install: true, Helm installs a MySQL database for the deployment to use. Set to `false` to use your own external MySQL deployment.
mysql:
  install: false
app:
  image:
    repository: registry.yourdomain.com/local
    tag: 0.59.2
console:
  image:
    repository: registry.yourdomain.com/console
    tag: 2.12.2
ingress:
  annotations:
    nginx.ingress.kubernetes.io/proxy-body-size: 64m
  class: nginx
'''


def test_the_air_gapped_custom_resource():
    options, notes = translated(AIRGAPPED)
    options = said(options)
    assert options['bucket'] == {
        'provider': 's3', 'host': 's3.yourdomain.com', 'port': 9000, 'name': 'bucket_name', 'region': 'us-east-1', 'tls': False, 'proxied': False,
        'secret': {'name': 'bucket-secret', 'access_key_key': 'ACCESS_KEY', 'secret_key_key': 'SECRET_KEY'},
    }  # fmt: skip
    assert options['env'] == {'ENABLE_REGISTRY_UI': 'true'}
    assert options['install'] == {'mysql': False}
    assert (options['image_tag'], options['console_tag']) == ('0.59.2', '2.12.2')
    assert options['components'] == {
        'app': {'image': {'repository': 'registry.yourdomain.com/local'}},
        'console': {'image': {'repository': 'registry.yourdomain.com/console'}},
    }
    assert options['ingress']['annotations'] == {'nginx.ingress.kubernetes.io/proxy-body-size': '0'}
    assert [text.split(' ')[0] for text in notes.translations] == [
        'app.image.tag', 'global.bucket.name,', 'ingress.annotations.nginx.ingress.kubernetes.io/proxy-body-size:',
    ]  # fmt: skip
    assert notes.warnings == ['guide_values.global.bucket.path has no "?tls=true", so the store is spoken to without TLS (bucket.tls)']


@pytest.mark.parametrize('version', VERSIONS)
def test_the_air_gapped_custom_resource_builds(version):
    values = values_of(AIRGAPPED, version, 'wandb_host', 'license_secret', 'bucket', 'mysql', 'ingress', 'image_tag', 'console_tag')
    assert (values['global']['bucket']['name'], values['global']['bucket']['path']) == ('s3.yourdomain.com:9000', 'bucket_name')
    assert values['app']['image'] == {'repository': 'registry.yourdomain.com/local', 'tag': '0.59.2'}
    # With the guide's keys alone parquet would run "latest" beside it.
    assert values['parquet']['image']['tag'] == '0.59.2'
    assert values['console']['image'] == {'repository': 'registry.yourdomain.com/console', 'tag': '2.12.2'}
    assert values['mysql'] == {'install': False}


def test_the_air_gapped_custom_resource_as_the_guide_prints_it():
    text = AIRGAPPED.replace('licenseSecret: {name: license-secret, key: license}', 'license: xxxxxxxxxxx').replace(
        'secret: {secretName: bucket-secret, accessKeyName: ACCESS_KEY, secretKeyName: SECRET_KEY}', 'accessKey: xxxxx\n    secretKey: xxxxx'
    ).replace('passwordSecret: {name: mysql-secret, passwordKey: password}', 'password: password').replace('com:9000 #', 'com:port #')
    _other, notes = translated(text)
    assert [problem.split(' ')[0].rstrip(':') for problem in notes.problems] == [
        'guide_values.global.license', 'guide_values.global.mysql.password', 'guide_values.global.bucket.accessKey', 'guide_values.global.bucket.secretKey',
        'guide_values.global.bucket.name',
    ]  # fmt: skip
    assert 'xxxxx' not in str(notes)


MINIO = '''
global:
  bucket:
    provider: s3
    name: storage.example.com
    kmsKey: null
    path: wandb
    region: default
    secret:
      secretName: bucket-secret
      accessKeyName: ACCESS_KEY
      secretKeyName: SECRET_KEY
'''


@pytest.mark.parametrize(
    ('old', 'new', 'wanted'),
    [
        ('', '', {'host': 'storage.example.com', 'name': 'wandb', 'tls': False}),
        ('path: wandb', 'path: "wandb?tls=true"', {'host': 'storage.example.com', 'name': 'wandb', 'tls': True}),
        ('path: wandb', 'path: "wandb/a/b?tls=true&forcePathStyle=true"', {'host': 'storage.example.com', 'name': 'wandb', 'path': 'a/b', 'tls': True}),
        ('name: storage.example.com', 'name: minio:9000', {'host': 'minio', 'port': 9000, 'name': 'wandb', 'tls': False}),
        (
            'name: storage.example.com\n    kmsKey: null\n    path: wandb', 'name: minio:9000/wandb',
            {'host': 'minio', 'port': 9000, 'name': 'wandb', 'tls': False},
        ),
        # A bucket of AWS with a prefix.
        ('name: storage.example.com', 'name: my-bucket', {'name': 'my-bucket', 'path': 'wandb', 'tls': True}),
        ('kmsKey: null', 'kmsKey: "arn:aws:kms:x"', {'host': 'storage.example.com', 'name': 'wandb', 'tls': False, 'kms_key': 'arn:aws:kms:x'}),
    ],
)
def test_endpoint_and_bucket_apart(old, new, wanted):
    options, notes = translated(MINIO.replace(old, new) if old else MINIO)
    assert notes.problems == []
    same = {'provider': 's3', 'region': 'default', 'proxied': False}
    secret = {'name': 'bucket-secret', 'access_key_key': 'ACCESS_KEY', 'secret_key_key': 'SECRET_KEY'}
    assert said(options)['bucket'] == {**same, 'secret': secret, **wanted}


@pytest.mark.parametrize('version', VERSIONS)
def test_minio_builds_to_the_address_that_the_guide_wrote(version):
    bucket = values_of(MINIO.replace('path: wandb', 'path: "wandb?tls=true"'), version, 'bucket')['global']['bucket']
    assert (bucket['name'], bucket['path'], bucket['region']) == ('storage.example.com:443', 'wandb?tls=true', 'default')


def test_a_bucket_of_aws_with_dots_in_its_name_is_no_endpoint():
    options, notes = translated('global: {bucket: {provider: s3, name: my.bucket, path: prefix, region: eu-west-1}}')
    assert said(options)['bucket'] == {'provider': 's3', 'name': 'my.bucket', 'path': 'prefix', 'region': 'eu-west-1', 'tls': True, 'proxied': False}
    assert vars(notes) == {'problems': [], 'warnings': [], 'translations': []}


def test_a_parameter_of_the_path_that_nobody_knows():
    _other, notes = translated(MINIO.replace('path: wandb', 'path: "wandb?tsl=true"'))
    assert notes.problems == ['guide_values.global.bucket.path: unknown parameter tsl (known: tls, forcePathStyle)']


def test_a_bucket_given_by_clear_keys_is_still_told_apart():
    clear = MINIO[: MINIO.index('    secret:')] + '    accessKey: 5WOA500...P5DK7I\n    secretKey: HDKYe4Q...JAp1YyjysnX\n'
    options, notes = translated(clear)
    assert said(options)['bucket']['host'] == 'storage.example.com'
    assert [problem.rsplit(' ', 1)[1] for problem in notes.problems] == ['bucket.secret', 'bucket.secret']
    assert 'HDKYe4Q' not in str(notes)


REDIS = '''
redis:
  install: false
global:
  redis:
    host: redis.example
    port: 9001
    auth:
      enabled: true
      secret: redis-secret
      key: redis-password
'''


def test_redis_with_auth():
    options, notes = translated(REDIS)
    assert said(options)['redis'] == {'host': 'redis.example', 'port': 9001, 'tls': False, 'password_secret': {'name': 'redis-secret', 'key': 'redis-password'}}
    assert notes.translations == [
        "global.redis.auth.secret -> redis.password_secret.name (today's chart does not read the guide's key)",
        "global.redis.auth.key -> redis.password_secret.key (today's chart does not read the guide's key)",
    ]


@pytest.mark.parametrize('version', VERSIONS)
def test_redis_with_auth_builds(version):
    values = values_of(REDIS, version, 'redis')
    assert values['redis'] == {'install': False}
    assert values['global']['redis']['secret'] == {'secretName': 'redis-secret', 'secretKey': 'redis-password'}
    assert 'auth' not in values['global']['redis']


@pytest.mark.parametrize(
    ('text', 'wanted'),
    [
        ('host: r, parameters: {poolSize: 20}', {'params': {'poolSize': 20}}),
        ('host: r, parameters: {a: 1, b: 1}, params: {b: 2}', {'params': {'a': 1, 'b': 2}}),
        ('host: r, params: {tls: "true", caCertPath: /x}', {'tls': True, 'params': {'caCertPath': '/x'}}),
        ('host: r, params: {master: gorilla}', {'sentinel_master': 'gorilla'}),
        ('host: r, caCert: PEM', {'tls': True, 'ca': 'PEM'}),
        ('host: r, secret: {secretName: s, secretKey: k}', {'password_secret': {'name': 's', 'key': 'k'}}),
        ('host: r, secret: {secretName: s}', {'password_secret': {'name': 's', 'key': 'REDIS_PASSWORD'}}),
        ('host: r, auth: {enabled: false, secret: s, key: k}', {}),
        ('host: r, password: "", parameters: {}, caCert: ""', {}),
    ],
)
def test_what_redis_is_told(text, wanted):
    options, notes = translated('global: {redis: {' + text + '}}')
    assert notes.problems == []
    assert said(options)['redis'] == {'host': 'r', 'port': 6379, 'tls': False, **wanted}


def test_the_guides_empty_form_of_redis_means_the_charts_own_unless_that_is_off():
    form = 'global: {redis: {host: "", port: 6379, password: "", parameters: {}, caCert: ""}}'
    options, notes = translated(form)
    assert (said(options), notes.problems) == ({}, [])
    with pytest.raises(OptionsError, match=r'install\.redis: the server cannot run without Redis'):
        build(site(redis=None, guide_values=yaml.safe_load(form + '\nredis: {install: false}')))


LDAP = '''
global:
  ldap:
    enabled: true
    # LDAP server address including "ldap://" or "ldaps://"
    host: ldaps://ldap.example.com
    baseDN: ou=people,dc=example,dc=com
    bindDN: cn=wandb,dc=example,dc=com
    bindPW: {name: ldap-secret, key: password}
    attributes: email=mail,group=gidNumber
    groupAllowList: cn=users,dc=example,dc=com
    tls: true
    tlsCert:
      configMap:
        name: "ldap-tls-cert"
        key: "certificate.crt"
'''


def test_ldap_with_tls():
    options, notes = translated(LDAP)
    assert said(options) == {
        'custom_ca_configmap': 'ldap-tls-cert',
        'ldap': {
            'host': 'ldaps://ldap.example.com', 'base_dn': 'ou=people,dc=example,dc=com', 'bind_dn': 'cn=wandb,dc=example,dc=com', 'login': True, 'tls': True,
            'attributes': 'email=mail,group=gidNumber', 'group_allow_list': ['cn=users,dc=example,dc=com'],
            'bind_password_secret': {'name': 'ldap-secret', 'key': 'password'},
        },
    }  # fmt: skip
    keys = ('enabled', 'host', 'baseDN', 'bindDN', 'bindPW.name', 'bindPW.key', 'attributes', 'groupAllowList', 'tls', 'tlsCert.configMap')
    assert {text.split(' ')[0] for text in notes.translations} == {f'global.ldap.{key}' for key in keys}
    assert notes.problems == []


def test_the_guides_empty_form_of_ldap_lacks_what_it_needs():
    form = 'global: {ldap: {enabled: true, host: , baseDN: , bindDN: , bindPW: , attributes: , groupAllowList: , tls: false}}'
    assert translated(form)[1].problems == [
        'guide_values: global.ldap.host is missing, it gives ldap.host', 'guide_values: global.ldap.baseDN is missing, it gives ldap.base_dn',
    ]  # fmt: skip
    options, notes = translated(form.replace('enabled: true', 'enabled: false'))
    assert (said(options), notes.problems, notes.translations) == ({}, [], ['global.ldap is left out (enabled is not true)'])


@pytest.mark.parametrize('version', VERSIONS)
def test_ldap_builds(version):
    values_of(LDAP, version, 'ldap', 'custom_ca_configmap')


@pytest.mark.parametrize(
    ('change', 'given', 'why'),
    [
        (('certificate.crt', 'certificate.pem'), {}, 'the keys of that ConfigMap have to end in .crt'),
        (('global:', 'global:\n  caCertsConfigMap: custom-ca-certs'), {}, 'that is ConfigMap custom-ca-certs already'),
        (('', ''), {'custom_ca_configmap': 'mine'}, 'that is ConfigMap mine already'),
    ],
)
def test_the_ca_of_ldap_that_has_no_place(change, given, why):
    _other, notes = translated(LDAP.replace(*change) if change[0] else LDAP, **given)
    assert len(notes.problems) == 1
    assert notes.problems[0].startswith('guide_values.global.ldap.tlsCert: ')
    assert notes.problems[0].endswith(f'({why})')
    assert 'custom_cas' in notes.problems[0]


def test_the_ca_of_ldap_in_the_config_map_that_is_trusted_anyway():
    assert translated(LDAP, custom_ca_configmap='ldap-tls-cert')[1].problems == []


def test_oidc_smtp_and_the_rest_of_access():
    options, notes = translated(
        '''
global:
  auth:
    sessionLengthHours: 720
    oidc: {clientId: wandb, secret: "", oidcSecret: {name: idp, secretKey: s}, authMethod: "pkce", issuer: "https://idp.example.com"}
  email:
    smtp: {host: mail.example.com, port: 465, user: wandb, password: {valueFrom: {secretKeyRef: {name: mail, key: pw}}}, mailFrom: w@example.com}
  extraEnv: {GLOBAL_ENV: "example"}
  caCertsConfigMap: custom-ca-certs
  customCACerts: [A, B]
'''
    )
    assert said(options) == {
        'session_length_hours': 720,
        'oidc': {'client_id': 'wandb', 'issuer': 'https://idp.example.com', 'auth_method': 'pkce', 'secret': {'name': 'idp', 'key': 's'}},
        'smtp': {'host': 'mail.example.com', 'port': 465, 'user': 'wandb', 'password_secret': {'name': 'mail', 'key': 'pw'}, 'mail_from': 'w@example.com'},
        'env': {'GLOBAL_ENV': 'example'},
        'custom_ca_configmap': 'custom-ca-certs',
        'custom_cas': ['A', 'B'],
    }
    assert vars(notes) == {'problems': [], 'warnings': [], 'translations': []}


def test_the_guides_empty_forms_say_nothing():
    options, notes = translated(
        '''
global:
  auth: {oidc: {clientId: "", secret: "", authMethod: "", issuer: ""}}
  email: {smtp: {host: "", port: 587, user: "", password: ""}}
ingress: {class: "", annotations: {}}
'''
    )
    assert said(options) == {}
    assert vars(notes) == {'problems': [], 'warnings': [], 'translations': []}


@pytest.mark.parametrize('version', VERSIONS)
def test_certificates_in_a_list_build(version):
    text = yaml.safe_dump({'global': {'customCACerts': [PEM], 'caCertsConfigMap': 'custom-ca-certs'}})
    assert values_of(text, version, 'custom_ca_configmap')['global']['caCertsConfigMap'] == 'custom-ca-certs'


INGRESS = '''
global:
ingress:
  class: ""
  annotations:
    kubernetes.io/ingress.class: nginx
    kubernetes.io/tls-acme: "true"
  tls:
    - secretName: wandb-ingress-tls
      hosts:
        - wandb.example.com
'''


def test_ingress_with_tls():
    options, notes = translated(INGRESS, wandb_host='https://wandb.example.com:8443')
    assert said(options)['ingress'] == {
        'enabled': True,
        'tls_secret': 'wandb-ingress-tls',
        'annotations': {'kubernetes.io/ingress.class': 'nginx', 'kubernetes.io/tls-acme': 'true'},
    }
    assert (notes.problems, notes.warnings) == ([], [])
    assert translated(INGRESS, wandb_host='https://w.example.com')[1].warnings == [
        'guide_values.ingress.tls: wandb.example.com is no host of this server; add it to ingress.additional_hosts'
    ]


@pytest.mark.parametrize('version', VERSIONS)
def test_ingress_with_tls_builds(version):
    assert values_of(INGRESS, version, 'ingress')['ingress']['tls'] == [{'secretName': 'wandb-ingress-tls', 'hosts': ['wandb.example.com']}]


def test_ingress_below_global_is_put_where_the_guide_says():
    options, notes = translated('global: {ingress: {class: nginx}}')
    assert said(options) == {'ingress': {'enabled': True, 'class': 'nginx'}}
    assert notes.translations == ['global.ingress -> ingress (it stands at the level of global; the chart does not read it below)']
    assert translated('global: {ingress: {class: nginx}}\ningress: {class: x}')[1].problems == [
        'guide_values: ingress stands at the level of global and below it: leave the one at the level of global'
    ]


@pytest.mark.parametrize('key', ['install', 'create', 'enabled'])
def test_no_ingress(key):
    options, notes = translated('ingress: {' + key + ': false}')
    assert (said(options), notes.problems) == ({'ingress': {'enabled': False}}, [])


def test_another_body_size_is_the_users_own():
    annotations = {'nginx.ingress.kubernetes.io/proxy-body-size': '200m'}
    options, notes = translated(yaml.safe_dump({'ingress': {'annotations': annotations}}))
    assert (options['ingress']['annotations'], notes.translations) == (annotations, [])


@pytest.mark.parametrize('create', [True, False])
def test_service_accounts(create):
    text = f'app: {{serviceAccount: {{name: custom, create: {create}}}}}\nconsole: {{serviceAccount: {{name: another, create: true}}}}\nglobal:\n'
    options, notes = translated(text)
    assert said(options) == {
        'components': {'app': {'service_account': {'name': 'custom', 'create': create}}, 'console': {'service_account': {'name': 'another', 'create': True}}}
    }
    assert vars(notes) == {'problems': [], 'warnings': [], 'translations': []}
    for version in VERSIONS:
        values = values_of(text, version)
        assert values['app']['serviceAccount'] == {'name': 'custom', 'create': create}


POD = {
    'runAsNonRoot': True, 'runAsUser': 1001, 'runAsGroup': 0, 'fsGroup': 1001, 'fsGroupChangePolicy': 'Always', 'seccompProfile': {'type': 'RuntimeDefault'},
}  # fmt: skip
CONTAINER = {'capabilities': {'drop': ['ALL']}, 'readOnlyRootFilesystem': False, 'allowPrivilegeEscalation': False}


@pytest.mark.parametrize('name', ['app', 'console', 'weave', 'weave-trace', 'parquet'])
def test_security_contexts(name):
    text = yaml.safe_dump({name: {'pod': {'securityContext': POD}, 'container': {'securityContext': CONTAINER}}})
    options, notes = translated(text)
    assert said(options) == {'components': {name: {'pod_security_context': POD, 'security_context': CONTAINER}}}
    assert notes.translations == [
        f"{name}.pod.securityContext -> components.{name}.pod_security_context (charts since 0.33 do not read the guide's key)",
        f"{name}.container.securityContext -> components.{name}.security_context (today's name of the guide's key)",
    ]
    old, new = (values_of(text, version)[name] for version in VERSIONS)
    assert (new['podSecurityContext'], new['securityContext']) == (POD, CONTAINER)
    assert 'pod' not in new
    assert 'container' not in new
    assert (old['pod']['securityContext'], old['container']['securityContext']) == (POD, CONTAINER)


@pytest.mark.parametrize('path', ['pod.securityContext', 'container.securityContext', 'podSecurityContext'])
def test_a_group_other_than_0_is_an_error_as_the_guide_says(path):
    values = {'runAsGroup': 1001}
    for part in reversed(path.split('.')):
        values = {part: values}
    _other, notes = translated(yaml.safe_dump({'weave': values}))
    assert len(notes.problems) == 1
    assert 'guide_values.weave: runAsGroup may only be 0' in notes.problems[0]


@pytest.mark.parametrize(
    ('path', 'option'),
    [
        ('global.license', 'license_secret'), ('global.mysql.password', 'mysql.password_secret'), ('global.bucket.accessKey', 'bucket.secret'),
        ('global.bucket.secretKey', 'bucket.secret'), ('global.redis.password', 'redis.password_secret'), ('global.auth.oidc.secret', 'oidc.secret'),
        ('global.email.smtp.password', 'smtp.password_secret'), ('global.ldap.bindPW', 'ldap.bind_password_secret'), ('global.slack.secret', 'slack.secret'),
        ('global.clickhouse.password', 'clickhouse.password_secret'), ('global.defaultBucket.secretKey', 'default_bucket.secret'),
    ],
)  # fmt: skip
def test_a_clear_secret_is_refused_and_never_repeated(path, option):
    values = 'hunter2-very-secret'
    for part in reversed(path.split('.')):
        values = {part: values}
    # Also where an option replaces what it belongs to: it stands in the play all the same.
    for given in ({}, copy.deepcopy(SITE)):
        notes = Notes()
        options = with_guide({**given, 'guide_values': values}, notes)
        assert [problem for problem in notes.problems if f'guide_values.{path} ' in problem and problem.endswith(f'in {option}')]
        assert 'hunter2' not in str(notes) + str(options)


@pytest.mark.parametrize(
    ('text', 'said_'),
    [
        ('globl: {host: x}', 'guide_values.globl.host: neither the guide nor the chart has this key (did you mean global?)'),
        ('global: {mysql: {hots: x}}', 'guide_values.global.mysql.hots: neither the guide nor the chart has this key (did you mean global.mysql.host?)'),
        ('route: {enabled: true}', 'guide_values.route.enabled: neither the guide nor the chart'),
        ('ingress: {clas: x}', 'did you mean ingress.class?'),
        ('global: text', 'guide_values.global: a map is wanted'),
        ('app: text', 'guide_values.app: a map is wanted'),
        ('spec: {values: {}}', 'paste what is below spec.values'),
        ('apiVersion: apps.wandb.com/v1', 'paste what is below spec.values'),
        ('global: {mysql: {host: {valueFrom: {x: y}}, passwordSecret: {name: a}}}', 'guide_values.global.mysql.host: a text is wanted (mysql.host)'),
        ('global: {mysql: {host: h, port: x, passwordSecret: {name: a}}}', 'guide_values.global.mysql.port: a number is wanted (mysql.port)'),
        ('global: {mysql: {host: h}}', 'global.mysql.passwordSecret.passwordKey is missing, it gives mysql.password_secret'),
        ('global: {customCACerts: {a: b}}', 'guide_values.global.customCACerts: a list is wanted (custom_cas)'),
        ('global: {bucket: {provider: minio, name: x}}', 'guide_values: bucket.provider is one of s3, gcs, az, cw'),
        ('global: {bucket: {provider: gcs, name: ""}}', 'guide_values: global.bucket.name is missing, it gives bucket.name'),
        ('ingress: {tls: [{hosts: [a]}]}', 'guide_values.ingress.tls: one entry with secretName is wanted'),
        ('customCACerts: [x]', "guide_values.customCACerts is a key of the operator's chart: give custom_ca_certs"),
        ('image: {tag: 1.13.3}', "guide_values.image.tag is a key of the operator's chart: give image_repository"),
        ('global: {redis: {password: "", parameters: {a: 1}}}', 'guide_values.global.redis: host is missing (redis.host)'),
    ],
)
def test_what_is_told(text, said_):
    _other, notes = translated(text)
    assert [problem for problem in notes.problems if said_ in problem], notes.problems
    assert len(notes.problems) == 1


def test_keys_of_the_chart_that_the_guide_does_not_have():
    options, notes = translated(
        '''
global:
  size: large
  imagePullSecrets: [{name: regcred}]
  pod: {labels: {a: b}}
  localService: {bypass: true}
  historyStore: {parquetOnly: true}
  api: {enabled: true, rateLimits: {enabled: true}}
app: {replicaCount: 2, internalJWTMap: [], extraCors: ["https://a.example.com"], extraEnv: {A: b}}
otel: {install: false, daemonset: {image: {tag: "1"}}}
parquet: {image: {tag: 1.2.3}}
ingress: {nameOverride: x, additionalHosts: [w.example.com]}
reconcileFrequency: 10m
'''
    )
    assert said(options) == {
        'size': 'large',
        'image_pull_secrets': ['regcred'],
        'object_metadata': {'pod': {'labels': {'a': 'b'}}},
        'install': {'api': True, 'otel': False, 'internalSignerPreHook': True},
        'components': {'app': {'replicas': 2, 'env': {'A': 'b'}}, 'parquet': {'image': {'tag': '1.2.3'}}},
        'extra_cors': ['https://a.example.com'],
        'ingress': {'enabled': True, 'additional_hosts': ['w.example.com']},
        'reconcile_frequency': '10m',
        'extra_values': {
            'global': {'historyStore': {'parquetOnly': True}, 'api': {'rateLimits': {'enabled': True}}},
            'app': {'internalJWTMap': []},
            'otel': {'daemonset': {'image': {'tag': '1'}}},
            'ingress': {'nameOverride': 'x'},
        },
    }
    assert vars(notes) == {'problems': [], 'warnings': [], 'translations': []}


def test_an_option_that_was_given_wins_whole_and_its_part_of_the_values_is_not_judged():
    mine = {'host': 'mine', 'password_secret': {'name': 's', 'key': 'k'}}
    text = 'global: {mysql: {port: x, database: d, name: y}, redis: {auth: {secret: s}}, size: large}'
    options, notes = translated(text, mysql=mine, redis={'host': 'r'}, size='small')
    assert options['mysql'] == mine
    assert options['redis'] == {'host': 'r'}
    assert options['size'] == 'small'
    assert notes.translations[1:] == [f'{name}: given as an option, which replaces what guide_values say of it' for name in ('size', 'mysql')]
    assert notes.problems == []


def test_maps_are_merged_key_by_key_with_the_options_on_top():
    options, _other = translated(
        '''
global: {extraEnv: {A: guide, B: guide, C: {valueFrom: {secretKeyRef: {name: s, key: k}}}}, historyStore: {parquetOnly: true}}
app: {replicaCount: 2, serviceAccount: {name: guide, create: true}}
otel: {install: true}
weave: {install: false}
''',
        env={'B': 'mine', 'C': {'valueFrom': {'configMapKeyRef': {'name': 'c', 'key': 'k'}}}},
        components={'app': {'service_account': {'name': 'mine'}}, 'weave': {'replicas': 1}},
        install={'otel': False},
        extra_values={'global': {'historyStore': {'parquetOnly': False}}},
    )
    assert options['env'] == {'A': 'guide', 'B': 'mine', 'C': {'valueFrom': {'configMapKeyRef': {'name': 'c', 'key': 'k'}}}}
    assert options['components'] == {'app': {'replicas': 2, 'service_account': {'name': 'mine', 'create': True}}, 'weave': {'replicas': 1}}
    assert options['install'] == {'otel': False, 'weave': False}
    assert options['extra_values'] == {'global': {'historyStore': {'parquetOnly': False}}}


def test_what_only_the_pasted_values_refer_to_is_checked_and_rolls_the_pods():
    options = site(license_secret=None, mysql=None, guide_values=yaml.safe_load(BY_SECRETS))
    found = {(one.option, one.name, one.keys, one.purpose) for one in references(options)}
    assert ('license_secret', 'license-secret', ('CUSTOMER_WANDB_LICENSE',), 'license') in found
    assert ('mysql.password_secret', 'database-secret', ('MYSQL_WANDB_PASSWORD',), 'mysql') in found


def test_mysql_without_a_user_is_the_charts_user():
    options, notes = translated('global: {mysql: {host: h, passwordSecret: {name: s}}}')
    assert options['mysql'] == {
        'host': 'h', 'port': 3306, 'database': 'wandb_local', 'user': 'wandb', 'ca': None, 'password_secret': {'name': 's', 'key': 'MYSQL_PASSWORD'},
    }  # fmt: skip
    assert notes.translations == ["mysql.user is wandb (the chart's default, for global.mysql.user is not given)"]


def test_translating_twice_and_without_values_changes_nothing():
    once, _other = translated(AIRGAPPED, timeout=5)
    notes = Notes()
    assert with_guide(once, notes) == once
    assert vars(notes) == {'problems': [], 'warnings': [], 'translations': []}
    pasted = yaml.safe_load(AIRGAPPED)
    kept = copy.deepcopy(pasted)
    with_guide({'guide_values': pasted}, Notes())
    assert pasted == kept


def test_every_option_that_a_key_becomes_exists():
    from ansible_collections.wandb.onprem.plugins.module_utils.server import components, guide_tables

    spec = {'options': argument_spec()}
    for option in [*guide_tables.OPTIONS.values(), *guide_tables.CLEAR_SECRETS.values()]:
        place = spec
        for part in option.split('.'):
            if 'options' in place:
                assert part in place['options'], option
                place = place['options'][part]
    known = components.KEYS
    for option in guide_tables.COMPONENT_OPTIONS.values():
        key, _other, inner = option.partition('.')
        assert inner in known[key] if inner else key in known
    for paths in known.values():
        for path, _type in paths.values() if isinstance(paths, dict) else [paths]:
            assert not path or '.'.join(path) in guide_tables.COMPONENT_OPTIONS
    assert get(spec, ('options', 'guide_values', 'type')) == 'dict'
