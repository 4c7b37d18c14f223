# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``render``: a file, and no API."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.wandb.onprem.plugins.module_utils.kube import client as kube_client
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.rendering import render
from ansible_collections.wandb.onprem.plugins.modules import wandb_server
from server_options import site

WORD = 'word-that-nobody-may-see'


def options(path, **changes):
    return site(render=True, render_to=str(path), **changes)


def test_written_once_and_again_only_when_it_differs(tmp_path):
    path = tmp_path / 'wandb.yml'
    predicted, _warnings = render(options(path), True)
    assert (predicted['changed'], path.exists()) == (True, False)
    first, _warnings = render(options(path), False)
    assert first == predicted
    text = path.read_text(encoding='utf-8')
    assert yaml.safe_load(text) == first['manifest']
    assert text == yaml.safe_dump(first['manifest'], sort_keys=True, allow_unicode=True)
    again, _warnings = render(options(path), False)
    assert (again['changed'], again['diff']['before'] == again['diff']['after']) == (False, True)
    changed, _warnings = render(options(path, size='medium'), True)
    assert (changed['changed'], path.read_text(encoding='utf-8')) == (True, text)
    assert 'size: small' in changed['diff']['before']
    assert 'size: medium' in changed['diff']['after']


def test_what_was_left_out_is_told(tmp_path):
    _result, warnings = render(options(tmp_path / 'wandb.yml'), False)
    assert any('HMAC' in one and 'is left out' in one for one in warnings)
    assert any('Secret wandb/wandb-license-in' in one and 'ConfigMap wandb-operator/wandb-charts' in one for one in warnings)


def test_a_secret_in_env_stands_in_the_file_only(tmp_path):
    path = tmp_path / 'wandb.yml'
    for run in range(2):
        result, _warnings = render(options(path, env={'SOME_PASSWORD': WORD, 'N': str(run)}), False)
        assert WORD not in json.dumps(result)
    assert WORD in path.read_text(encoding='utf-8')


@pytest.mark.parametrize(
    ('place', 'changes', 'said'),
    [
        ('no/wandb.yml', {}, 'render_to: there is no folder'),
        ('', {}, 'is a folder; name a file'),
        ('wandb.yml', {'state': 'absent'}, 'render: only with state=present'),
        ('wandb.yml', {'wandb_host': 'https://w.example.com/'}, 'wandb_host'),
    ],
)
@pytest.mark.parametrize('dry_run', [False, True])
def test_bad_input_is_refused(tmp_path, place, changes, said, dry_run):
    with pytest.raises(OptionsError, match=said):
        render(options(tmp_path / place, **changes), dry_run)
    assert list(tmp_path.iterdir()) == []


def test_the_mode_of_a_file_that_is_there_stays(tmp_path):
    path = tmp_path / 'wandb.yml'
    path.write_text('other: text\n', encoding='utf-8')
    path.chmod(0o640)
    render(options(path), False)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize('check', [False, True])
def test_the_module_touches_no_api(tmp_path, monkeypatch, capsys, check):
    def refuse(*arguments):
        raise AssertionError('render spoke to an API server')

    monkeypatch.setattr(kube_client.PooledTransport, '__init__', refuse)
    monkeypatch.setattr(kube_client.PooledTransport, 'send', refuse)
    monkeypatch.setattr(kube_client, 'kubeconfig_document', refuse)
    given = {key: value for key, value in options(tmp_path / 'wandb.yml').items() if value is not None}
    given['redis'] = {key: value for key, value in given['redis'].items() if value is not None}
    with patch_module_args({**given, '_ansible_check_mode': check}), pytest.raises(SystemExit) as ended:
        wandb_server.main()
    result = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0, result
    assert (result['changed'], result['requests'], result['waited'], result['waited_seconds']) == (True, 0, [], 0.0)
    assert (tmp_path / 'wandb.yml').exists() is not check
