# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.wandb.onprem.plugins.module_utils.probes import ProbeError, Response
from ansible_collections.wandb.onprem.plugins.modules import http_probe


def run(capsys, **args):
    """(exit code, result) of the module."""
    with patch_module_args(args), pytest.raises(SystemExit) as ended:
        http_probe.main()
    return ended.value.code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    'args',
    [
        {'url': 'ftp://a'},
        {'url': 'http://a', 'retries': -1},
        {'url': 'http://a', 'timeout': 0},
        {'url': 'http://a', 'body': 'x', 'body_size': 3},
        {'url': 'http://a', 'ca_path': '/x', 'ca_content': 'x'},
    ],
)
def test_refused_options(capsys, monkeypatch, args):
    monkeypatch.setattr(http_probe, 'probe', lambda *args, **kwargs: pytest.fail('a request was made'))
    code, result = run(capsys, **args)
    assert code == 1
    assert result['failed']


def test_options_reach_the_request(capsys, monkeypatch):
    seen = {}

    def probe(request, expected, **options):
        seen.update(request=request, expected=expected, options=options)
        return Response(200, {'a': 'b'}, 'ok', {'version': 'TLSv1.3'}, 0.5), 2

    monkeypatch.setattr(http_probe, 'probe', probe)
    code, result = run(
        capsys,
        url='https://a/',
        method='POST',
        headers={'One': 1},
        secret_headers={'Authorization': 'hush'},
        body='text',
        resolve='10.0.0.4',
        ca_content='pem',
        timeout=3,
        expect_status=[200, 404],
        expect_headers={'A': 'b'},
        expect_body='o',
        retries=4,
        delay=0.5,
    )
    request = seen['request']
    assert (request.url, request.method, request.body, request.resolve, request.ca_content) == ('https://a/', 'POST', b'text', '10.0.0.4', 'pem')
    assert request.headers == {'One': '1', 'Authorization': 'hush'}
    assert (list(seen['expected'].status), seen['expected'].body, seen['expected'].headers) == ([200, 404], 'o', {'A': 'b'})
    assert seen['options'] == {'retries': 4, 'delay': 0.5}
    assert code == 0
    assert result['changed'] is False
    assert (result['status'], result['headers'], result['content'], result['attempts'], result['elapsed']) == (200, {'a': 'b'}, 'ok', 2, 0.5)
    assert 'hush' not in json.dumps(result)


def test_failure_is_named(capsys, monkeypatch):
    def probe(*args, **kwargs):
        raise ProbeError('tls', 'refused', 'mend it')

    monkeypatch.setattr(http_probe, 'probe', probe)
    code, result = run(capsys, url='https://a/')
    assert (code, result['failure'], result['msg']) == (1, 'tls', 'refused. Mend: mend it.')
