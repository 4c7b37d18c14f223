# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped inventories pass once a user has brought what only the user has, and until then say just that."""

from __future__ import annotations

import shutil

import as_files
import brought
import in_process
import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from conftest import SHIPPED

# What is wrong with an inventory that somebody has just copied: nothing but what has to be brought.
TO_BE_BROUGHT = {'placeholder', 'secret-missing', 'kubeconfig', 'helm', 'minio-binary', 'chart-file'}
VAULT_PASSWORD = 'the password of the vault'


@pytest.mark.parametrize('name', SHIPPED)
def test_it_passes_with_what_a_user_brings(name, good, folder):
    result = in_process.check(good[name], folder)
    assert 'failed' not in result, result['msg']
    assert result['warned'] == []


@pytest.mark.parametrize('name', SHIPPED)
def test_as_it_is_shipped_it_names_what_is_missing_and_nothing_else(name, tmp_path):
    shipped = in_process.load(in_process.ROOT / 'inventories' / name)
    result = in_process.check(shipped, tmp_path)
    assert result['failed'] is True
    assert {problem['rule'] for problem in result['problems']} <= TO_BE_BROUGHT
    told = {problem['variable'] for problem in result['problems'] if problem['rule'] == 'placeholder'}
    # Those that are no variables of the collection are told where they are used.
    marked = {key for values in shipped.variables.values() for key, value in values.items() if value == brought.PLACEHOLDER}
    assert {key for key in marked if key.startswith('wandb_')} <= told
    assert marked


def encrypted(values):
    """A vault file."""
    return VaultLib([('default', VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(yaml.safe_dump(values)).decode()


@pytest.fixture(params=SHIPPED)
def filled_in(request, tmp_path):
    """A copy of the folder in which a user has filled in everything, secrets in a vault."""
    name, site = request.param, tmp_path / 'site'
    shutil.copytree(in_process.ROOT / 'inventories' / name, site)
    brought.files(site)
    vault = site / 'group_vars' / 'all' / 'vault.yml'
    shipped = yaml.safe_load(vault.read_text(encoding='utf-8'))
    values = brought.variables(shipped, site)
    # Only where playbook wandb.onprem.secrets is run.
    made = {} if name == 'external' else {key: values['all'][key] for key in [*brought.MADE, 'wandb_verify_api_key']}
    vault.write_text(encrypted({key: values['all'][key] for key in shipped}), encoding='utf-8')
    (site / 'group_vars' / 'all' / 'wandb_secrets.yml').write_text(encrypted(made), encoding='utf-8')
    for group, filled in {**values, 'all': {key: values['all'][key] for key in ('wandb_kubeconfig', 'wandb_helm_binary')}}.items():
        path = site / 'group_vars' / f'{group}.yml' if group != 'all' else site / 'group_vars' / 'all' / 'zz_filled_in.yml'
        if group == 'all' or path.exists():
            known = yaml.safe_load(path.read_text(encoding='utf-8')) if path.exists() else {}
            path.write_text(yaml.safe_dump({**known, **{key: value for key, value in filled.items() if group == 'all' or key in known}}), encoding='utf-8')
    return site


def test_a_copy_that_is_filled_in_passes_ansible_playbook(filled_in, tmp_path):
    password = tmp_path / 'password'
    password.write_text(VAULT_PASSWORD, encoding='utf-8')
    before = as_files.state(filled_in)
    done, recap = as_files.play(as_files.ROOT / 'tests' / 'inventories' / 'check.yml', filled_in, tmp_path, '--vault-password-file', password)
    assert done.returncode == 0, done.stdout + done.stderr
    assert recap == {'localhost': {**recap['localhost'], 'ok': 1, 'changed': 0, 'failed': 0}}
    assert 'WARNING' not in done.stdout + done.stderr
    assert as_files.state(filled_in) == before


def test_the_labs_inventory_passes_with_what_the_lab_makes(folder):
    lab = in_process.load(in_process.ROOT / 'inventories' / 'lab')
    lab.give('all', {
        **{name: brought.secret(name) for name in brought.MADE},
        'wandb_license': brought.licence(),
        'wandb_verify_api_key': 'local-' + 'a1b2c3d4' * 5,
        'lab_dir': str(folder), 'lab_network': '10.89.41', 'lab_helm': 'sh', 'lab_mysql': '8.0',
        'lab_mysql_archive': '/cache/mysql-8.0.31.tar', 'lab_mysql_archive_sha256': 'e' * 64,
        'lab_minio_binary': str(folder / 'files' / 'minio'), 'lab_minio_binary_sha256': 'f' * 64,
    })
    lab.give('kube-1', {'ansible_host': '10.89.41.70'})
    for name in ('operator-1.4.8.tgz', 'operator-wandb-0.43.8.tgz'):
        (folder / 'charts').mkdir(exist_ok=True)
        (folder / 'charts' / name).write_bytes(b'made')
    result = in_process.check(lab, folder)
    assert 'failed' not in result, result['msg']
    # A lab without mail, with its images in a table, on the last MySQL 8.0.
    assert {problem['rule'] for problem in result['warned']} == {'air-gap-images', 'air-gap-mail', 'mysql-end-of-life'}
