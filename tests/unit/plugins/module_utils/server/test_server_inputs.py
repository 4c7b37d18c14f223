# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.inputs import checksums, reference_problems, references
from ansible_collections.wandb.onprem.plugins.module_utils.server.licenses import read_license
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from server_options import site

KEY = b'k' * 32


def secret(**data):
    return {'kind': 'Secret', 'data': {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def objects(**changes):
    """All that the site refers to; a change of None takes an object away."""
    held = {
        'wandb-license-in': secret(license='a.b.c'),
        'wandb-mysql-in': secret(MYSQL_PASSWORD='m'),
        'wandb-redis-in': secret(REDIS_PASSWORD='r'),
        'wandb-bucket-in': secret(ACCESS_KEY='a', SECRET_KEY='s'),
        'wandb-ingress-tls': secret(**{'tls.crt': 'c', 'tls.key': 'k'}),
        'wandb-custom-ca': {'kind': 'ConfigMap', 'data': {'ca.crt': 'pem'}},
        'wandb-charts': {'kind': 'ConfigMap', 'data': {'operator-wandb': 'tgz'}},
        **{name.replace('_', '-'): value for name, value in changes.items()},
    }
    return {(value['kind'], 'wandb-operator' if name == 'wandb-charts' else 'wandb', name): value for name, value in held.items() if value is not None}


def sums(options=None, key=KEY, **changes):
    return checksums(references(options or site()), objects(**changes), key)


def test_nothing_is_missing():
    assert reference_problems(references(site()), objects()) == []


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'wandb_license_in': None}, 'license_secret: there is no Secret wandb-license-in in namespace wandb'),
        (
            {'wandb_mysql_in': secret(PASSWORD='m')},
            'mysql.password_secret: Secret wandb-mysql-in in namespace wandb has no key MYSQL_PASSWORD (it has: PASSWORD)',
        ),
        ({'wandb_redis_in': secret(REDIS_PASSWORD='')}, 'redis.password_secret: Secret wandb-redis-in in namespace wandb has an empty key REDIS_PASSWORD'),
        ({'wandb_bucket_in': secret(ACCESS_KEY='a')}, 'bucket.secret:'),
        ({'wandb_ingress_tls': None}, 'ingress.tls_secret: there is no Secret wandb-ingress-tls'),
        ({'wandb_custom_ca': None}, 'custom_ca_configmap: there is no ConfigMap'),
        ({'wandb_custom_ca': {'kind': 'ConfigMap', 'data': {'ca.pem': 'x'}}}, 'must end in .crt'),
        ({'wandb_charts': {'kind': 'ConfigMap', 'data': {}}}, 'chart.path: ConfigMap wandb-charts in namespace wandb-operator has no key operator-wandb'),
    ],
)
def test_what_is_missing_is_named_with_its_option(changes, said):
    problems = reference_problems(references(site()), objects(**changes))
    assert len(problems) == 1
    assert said in problems[0]


def test_env_is_a_reference_too():
    options = site(
        env={'A': {'valueFrom': {'secretKeyRef': {'name': 'wandb-verify-in', 'key': 'K'}}}, 'B': 'x'},
        components={'app': {'env': {'C': {'valueFrom': {'configMapKeyRef': {'name': 'wandb-c', 'key': 'K'}}}}}},
    )
    problems = reference_problems(references(options), objects())
    assert [problem.split(':')[0] for problem in problems] == ['env', 'components.app.env']


@pytest.mark.parametrize(
    ('changes', 'purpose'),
    [
        ({'wandb_license_in': secret(license='a.b.d')}, 'license'),
        ({'wandb_mysql_in': secret(MYSQL_PASSWORD='M')}, 'mysql'),
        ({'wandb_redis_in': secret(REDIS_PASSWORD='R')}, 'redis'),
        ({'wandb_bucket_in': secret(ACCESS_KEY='a', SECRET_KEY='S')}, 'bucket'),
        ({'wandb_bucket_in': secret(ACCESS_KEY='as', SECRET_KEY='')}, 'bucket'),
        ({'wandb_custom_ca': {'kind': 'ConfigMap', 'data': {'ca.crt': 'PEM'}}}, 'ca'),
        ({'wandb_charts': {'kind': 'ConfigMap', 'binaryData': {'operator-wandb': 'dGd6eA=='}}}, 'chart'),
    ],
)
def test_a_change_is_seen_where_it_happened(changes, purpose):
    before, after = sums(), sums(**changes)
    assert [name for name in before if before[name] != after[name]] == [purpose]


def test_what_no_pod_reads_rolls_no_pod():
    assert sums() == sums(wandb_ingress_tls=None, wandb_mysql_in=secret(MYSQL_PASSWORD='m', OTHER='x'))


def test_text_and_binary_data_of_a_config_map_are_the_same():
    assert sums() == sums(wandb_charts={'kind': 'ConfigMap', 'binaryData': {'operator-wandb': base64.b64encode(b'tgz').decode()}})


def test_without_the_key_nobody_can_guess():
    assert not set(sums().values()) & set(sums(key=b'x' * 32).values())


def license_of(claims):
    return 'e30.' + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=') + '.sig'


def test_license_expires():
    licence = read_license(license_of({'exp': 1795442400}))
    assert (licence.problem, licence.expires_at(), licence.days_left(1795442400 - 86400 * 3)) == ('', '2026-11-23T14:00:00Z', 3)


@pytest.mark.parametrize('text', ['abc', 'a.b', 'a..c', 'a.b.c.d', 'e30.!.x', license_of({}) + '\n'])
def test_no_license(text):
    assert read_license(text).problem


def test_license_without_an_end():
    assert read_license(license_of({})).expires_at() is None


def test_secrets_are_masked_and_names_are_not():
    spec = {
        'global': {'smtp': {'password': 'p', 'host': 'h'}, 'redis': {'secret': {'secretKey': 'REDIS_PASSWORD'}}, 'licenseSecret': {'key': 'license'}},
        'env': [{'API_KEY': 'k'}],
        'annotations': {'inputs.wandb.onprem/license': 'abc'},
    }
    assert masked(spec) == {**spec, 'global': {**spec['global'], 'smtp': {'password': '(hidden)', 'host': 'h'}}, 'env': [{'API_KEY': '(hidden)'}]}
