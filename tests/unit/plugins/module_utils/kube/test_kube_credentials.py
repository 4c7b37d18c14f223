# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a kubeconfig is hidden, and what stays to be read."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.credentials import HIDDEN, url_without_password, without_secrets

KUBECONFIG = {
    'clusters': [{'name': 'c', 'cluster': {'server': 'https://api:6443', 'certificate-authority-data': 'Q0E=', 'proxy-url': 'http://me:proxy%20word@p:3128'}}],
    'users': [
        {'name': 'a', 'user': {'token': 'token-word', 'tokenFile': '/path/token', 'client-key-data': 'S0VZ', 'client-certificate-data': 'Q1JU'}},
        {'name': 'b', 'user': {'username': 'me', 'password': 'password-word'}},
        {'name': 'c', 'user': {'auth-provider': {'name': 'oidc', 'config': {'id-token': 'id-word', 'anything': 'other-word'}}}},
        {'name': 'd', 'user': {'exec': {
            'command': 'login', 'args': ['get', '--client-secret=flag-word', '--token', 'argument-word', '--region=eu'],
            'env': [{'name': 'LOGIN_KEY', 'value': 'environment-word'}, {'name': 'AWS_PROFILE', 'value': 'production'}, {'name': 'FLAG', 'value': 'true'}],
        }}},
    ],
    'contexts': [{'name': 'x', 'context': {'cluster': 'c', 'user': 'a', 'namespace': 'wandb'}}],
}
SECRETS = {'token-word', 'S0VZ', 'password-word', 'id-word', 'other-word', 'flag-word', 'argument-word', 'environment-word', 'proxy word', 'proxy%20word'}


def test_every_secret_goes_and_nothing_else():
    before = copy.deepcopy(KUBECONFIG)
    shown, secrets = without_secrets(KUBECONFIG)
    assert secrets == SECRETS
    assert not [secret for secret in SECRETS if secret in str(shown)]
    assert before == KUBECONFIG
    assert shown['clusters'][0]['cluster'] == {'server': 'https://api:6443', 'certificate-authority-data': 'Q0E=', 'proxy-url': f'http://me:{HIDDEN}@p:3128'}
    assert shown['users'][0]['user'] == {'token': HIDDEN, 'tokenFile': '/path/token', 'client-key-data': HIDDEN, 'client-certificate-data': 'Q1JU'}
    assert shown['users'][2]['user']['auth-provider'] == {'name': 'oidc', 'config': {'id-token': HIDDEN, 'anything': HIDDEN}}
    assert shown['users'][3]['user']['exec']['args'] == ['get', f'--client-secret={HIDDEN}', '--token', HIDDEN, '--region=eu']
    assert shown['contexts'] == KUBECONFIG['contexts']


def test_the_environment_of_a_plugin_is_hidden_without_making_stars_of_ordinary_words():
    shown, secrets = without_secrets(KUBECONFIG)
    assert [one['value'] for one in shown['users'][3]['user']['exec']['env']] == [HIDDEN] * 3
    assert not {'production', 'true'} & secrets


@pytest.mark.parametrize('odd', [None, 'text', [1, None, ['x']], {'users': {'token': 'abcd'}}, {'exec': {'env': ['x'], 'args': 'y'}}])
def test_any_shape_is_walked(odd):
    assert 'abcd' not in str(without_secrets(odd)[0])


@pytest.mark.parametrize(('url', 'shown', 'secrets'), [
    ('http://p:3128', 'http://p:3128', set()), ('http://me@p', 'http://me@p', set()), ('', '', set()),
    ('http://me:a%40b@p', f'http://me:{HIDDEN}@p', {'a%40b', 'a@b'}),
])
def test_a_url(url, shown, secrets):
    assert url_without_password(url) == (shown, secrets)
