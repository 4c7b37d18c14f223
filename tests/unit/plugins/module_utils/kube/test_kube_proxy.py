# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers are reached without the proxy, and which proxy it is."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.kube.proxy import bypassed, environment_proxy, split_credentials, with_credentials


@pytest.mark.parametrize(('url', 'rules', 'direct'), [
    ('https://api.example.com:6443', 'api.example.com', True),
    ('https://api.example.com:6443', 'example.com', True),
    ('https://api.example.com:6443', '.example.com', True),
    ('https://api.example.com:6443', '*.example.com', True),
    ('https://example.com', '.example.com', False),
    ('https://badexample.com', 'example.com', False),
    ('https://api.example.com:6443', 'api.example.com:6443', True),
    ('https://api.example.com:6443', 'api.example.com:443', False),
    ('https://api.example.com', ' other , API.Example.com', True),
    ('https://10.1.2.3:6443', '10.0.0.0/8', True),
    ('https://11.1.2.3:6443', '10.0.0.0/8', False),
    ('https://10.1.2.3:6443', '10.1.2.3', True),
    ('https://[fd00::1]:6443', 'fd00::/8', True),
    ('https://[fd00::1]:6443', '[fd00::1]:6443', True),
    ('https://anything', '*', True),
    ('https://anything', '', False),
])
def test_bypassed(url, rules, direct):
    assert bypassed(url, rules) is direct


def test_the_environment():
    environ = {'HTTPS_PROXY': 'p:3128', 'http_proxy': 'http://q', 'NO_PROXY': '.internal'}
    assert environment_proxy('https://api:6443', environ) == 'http://p:3128'
    assert environment_proxy('http://api:6443', environ) == 'http://q'
    assert environment_proxy('https://api.internal', environ) == ''
    assert environment_proxy('https://127.0.0.1:6443', environ) == ''
    assert environment_proxy('https://api', {}) == ''


def test_credentials_go_into_the_url_and_out_of_it():
    url = with_credentials('http://p:3128', 'me@here:a/b')
    assert url == 'http://me%40here:a%2Fb@p:3128'
    assert split_credentials(url) == ('http://p:3128', 'me@here:a/b')
    assert split_credentials('http://p:3128') == ('http://p:3128', '')
