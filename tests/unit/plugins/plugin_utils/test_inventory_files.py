# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets stand in plain text in the files of an inventory."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.plugin_utils.inventory_files import inventory_files, written


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'group_vars' / 'all').mkdir(parents=True)
    (tmp_path / 'host_vars').mkdir()
    (tmp_path / 'hosts.yml').write_text('all: {hosts: {a: }}\n', encoding='utf-8')
    return tmp_path


def put(folder, name, text):
    path = folder / name
    path.write_text(text, encoding='utf-8')
    return path


def of(folder, source='hosts.yml'):
    return written(inventory_files([str(folder / source)]))


@pytest.mark.parametrize(('name', 'text', 'clear'), [
    ('group_vars/all/a.yml', 'wandb_mysql_password: plain\n', ['wandb_mysql_password']),
    ('group_vars/all/a.json', '{"wandb_redis_password": "plain"}\n', ['wandb_redis_password']),
    ('group_vars/all/a', 'wandb_license: a.b.c\n', ['wandb_license']),
    ('host_vars/a.yml', 'wandb_minio_root_user: root\n', ['wandb_minio_root_user']),
    ('group_vars/wandb_mysql.yml', 'wandb_mysql_backup_targets: [{name: x, secret_key: plain}]\n', ['wandb_mysql_backup_targets']),
    ('group_vars/all/a.yml', 'wandb_team_buckets: [{name: x}, {access_key: plain}]\n', ['wandb_team_buckets']),
    ('group_vars/all/a.yml', 'wandb_pki_private_key: "-----BEGIN PRIVATE KEY-----"\n', ['wandb_pki_private_key']),
    ('group_vars/all/a.yml', 'wandb_minio_mirror: {endpoint: x, secret_key: plain}\n', ['wandb_minio_mirror']),
    # No secrets, or none in clear.
    ('group_vars/all/a.yml', 'wandb_mysql_password: "{{ vault_password }}"\n', []),
    ('group_vars/all/a.yml', 'wandb_mysql_password: ""\n', []),
    ('group_vars/all/a.yml', 'wandb_pki_private_key: /srv/host.key\n', []),
    ('group_vars/all/a.yml', 'wandb_host: https://w\nvault_password: plain\n', []),
    ('group_vars/all/a.yml', 'wandb_team_buckets: [{name: x, access_key: "{{ vault_key }}"}]\n', []),
    ('group_vars/all/a.yml', '$ANSIBLE_VAULT;1.1;AES256\n3664\n', []),
    ('group_vars/all/a.md', 'wandb_mysql_password: plain\n', []),
    ('group_vars/all/.a.yml', 'wandb_mysql_password: plain\n', []),
    ('elsewhere.yml', 'wandb_mysql_password: plain\n', []),
])
def test_what_stands_in_clear(folder, name, text, clear):
    path = put(folder, name, text)
    assert dict(of(folder).in_clear) == dict.fromkeys(clear, str(path))


def test_an_inventory_with_variables_in_it(folder):
    put(folder, 'hosts.yml', 'all:\n  vars: {wandb_redis_password: plain}\n  children:\n    wandb_mysql:\n      hosts: {a: {wandb_mysql_password: plain}}\n')
    found = of(folder)
    assert set(found.in_clear) == found.names == {'wandb_redis_password', 'wandb_mysql_password'}


def test_an_inventory_in_the_old_form(folder):
    put(folder, 'hosts.ini', '[wandb_mysql]\ndb-1 wandb_mysql_port=3307 wandb_mysql_password="plain text"\n[all:vars]\nwandb_host=https://w\n')
    found = of(folder, 'hosts.ini')
    assert set(found.in_clear) == {'wandb_mysql_password'}
    assert found.names == {'wandb_mysql_password', 'wandb_mysql_port', 'wandb_host'}


@pytest.mark.parametrize(('text', 'vault'), [
    ('wandb_mysql_password: plain\n', False),
    ('$ANSIBLE_VAULT;1.1;AES256\n3664\n', True),
    ('wandb_redis_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3664\n', True),
])
def test_whether_there_is_a_vault(folder, text, vault):
    put(folder, 'group_vars/all/a.yml', text)
    assert of(folder).has_vault is vault


def test_a_value_in_the_vault_is_not_in_clear_and_its_name_is_known(folder):
    put(folder, 'group_vars/all/a.yml', 'wandb_redis_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3664\nwandb_host: !unsafe https://w\n')
    found = of(folder)
    assert (dict(found.in_clear), found.names) == ({}, {'wandb_redis_password', 'wandb_host'})


def test_a_folder_is_an_inventory_too(folder):
    put(folder, 'more.yml', 'all: {vars: {wandb_redis_password: plain}}\n')
    put(folder, 'group_vars/all/a.yml', 'wandb_mysql_password: plain\n')
    assert set(written(inventory_files([str(folder)])).in_clear) == {'wandb_redis_password', 'wandb_mysql_password'}


def test_what_is_no_file_of_variables_is_passed_over(folder):
    put(folder, 'script.yml', 'wandb_redis_password: plain\n').chmod(0o755)
    put(folder, 'large.yml', 'wandb_redis_password: plain\n' + '#' * 1024**2)
    (folder / 'binary').write_bytes(b'\xff\xfe\x00wandb_redis_password=plain')
    put(folder, 'group_vars/all/broken.yml', 'wandb_x: [\n')
    assert dict(written(inventory_files([str(folder), 'host1,host2,', '/nowhere'])).in_clear) == {}


def test_a_file_of_variables_may_be_executable(folder):
    put(folder, 'group_vars/all/a.yml', 'wandb_mysql_password: plain\n').chmod(0o777)
    assert set(of(folder).in_clear) == {'wandb_mysql_password'}
