# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images asked of a registry: without a login, with a password, with a token, and of one that is not there."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.registry import Access, Image, parse, token_url
from ansible_collections.wandb.onprem.plugins.module_utils.registry import Registry as Client

from tests.registry_server import Registry, served

DIGEST = f'sha256:{"a" * 64}'


@pytest.mark.parametrize(('name', 'image'), [
    ('r.test/wandb/local:0.83.0', Image('r.test', 'wandb/local', '0.83.0')), ('localhost/x:1', Image('localhost', 'x', '1')),
    ('r.test:5000/x:1', Image('r.test:5000', 'x', '1')), (f'r.test/a/b@{DIGEST}', Image('r.test', 'a/b', DIGEST)),
    (f'r.test/a/b:1@{DIGEST}', Image('r.test', 'a/b', DIGEST)),
])
def test_names(name, image):
    assert parse(name) == image


@pytest.mark.parametrize('name', ['wandb/local:0.83.0', 'r.test/x', 'r.test', 'local', 'r.test:5000/a/b', ''])
def test_names_that_say_too_little(name):
    with pytest.raises(ValueError, match=r'registry|tag'):
        parse(name)
    assert Client(Access()).look(name)['found'] is False


@pytest.mark.parametrize(('challenge', 'url'), [
    ('Bearer realm="https://a.test/t",service="r s",scope="repository:x:pull"', 'https://a.test/t?service=r+s&scope=repository%3Ax%3Apull'),
    ('bearer realm="https://a.test/t?x=1",service="r"', 'https://a.test/t?x=1&service=r'), ('Bearer realm="https://a.test/t"', 'https://a.test/t'),
    ('Basic realm="r"', ''), ('Bearer service="r"', ''), ('', ''),
])
def test_where_a_token_comes_from(challenge, url):
    assert token_url(challenge) == url


@pytest.fixture(params=['', 'basic', 'bearer'])
def registry(request):
    with served(Registry(['mirror/wandb/local:0.83.0', f'mirror/x:{DIGEST}'], request.param)) as found:
        yield found


def look(registry, *names, **access):
    client = Client(Access(**{'user': 'puller', 'password': 'hush', 'plain_http': True, **access}))
    return client.look_at_all([f'{registry.address}/{name}' for name in names])


def test_what_is_there_and_what_is_not(registry):
    found = look(registry, 'mirror/wandb/local:0.83.0', 'mirror/wandb/local:0.84.0', f'mirror/x@{DIGEST}')
    assert [(one['found'], one['status']) for one in found] == [(True, 200), (False, 404), (True, 200)]
    assert found[0]['image'] == f'{registry.address}/mirror/wandb/local:0.83.0'
    assert (found[0]['error'], found[1]['error']) == ('', 'the registry has no such image')
    assert {method for method, path in registry.asked if path.startswith('/v2/')} == {'HEAD'}, 'nothing is pulled'


@pytest.mark.parametrize('access', [{'password': 'wrong'}, {'user': '', 'password': ''}])
def test_a_login_that_does_not_do(registry, access):
    [found] = look(registry, 'mirror/wandb/local:0.83.0', **access)
    assert (found['found'], found['status']) == ((True, 200) if registry.login == '' else (False, 401))
    assert 'wrong' not in found['error']


def test_a_token_is_not_fetched_in_clear_text_from_a_registry_with_tls():
    sent = []

    def send(request):
        sent.append(request.url)
        return type('Response', (), {'status': 401, 'headers': {'www-authenticate': 'Bearer realm="http://evil.test/t"'}, 'content': ''})()

    assert Client(Access('u', 'p'), send).look('r.test/x:1')['status'] == 401
    assert sent == ['https://r.test/v2/x/manifests/1']


def test_a_registry_that_is_not_there():
    with served(Registry([])) as gone:
        pass
    [found] = look(gone, 'x:1')
    assert (found['found'], found['status'], 'no connection' in found['error']) == (False, None, True)
    assert 'Mend' not in found['error']


def test_a_registry_with_tls_asked_without():
    with served(Registry(['x:1'])) as plain:
        [found] = look(plain, 'x:1', plain_http=False)
    assert (found['found'], found['status']) == (False, None)
