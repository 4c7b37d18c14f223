# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One variable, wandb_size_profile, decides the defaults of server, MySQL and Redis, and whether MinIO may be one drive; what is said apart stays."""

from __future__ import annotations

import in_process
import pytest
import yaml

PROFILES = yaml.safe_load((in_process.ROOT / 'roles/common/vars/main.yml').read_text(encoding='utf-8'))['__wandb_size_profiles']
# The hosting guide's six, and what it asks of a worker node and of a MySQL host: cores, GB of memory, GB of disk.
GUIDE = {
    'models-development': ((2, 16, 100), (2, 16, 100)),
    'models-production': ((8, 64, 100), (8, 64, 500)),
    'weave-development': ((4, 32, 100), (2, 16, 100)),
    'weave-production': ((12, 96, 100), (8, 64, 500)),
    'models-and-weave-development': ((4, 32, 100), (2, 16, 100)),
    'models-and-weave-production': ((16, 128, 100), (8, 64, 500)),
}
DEFAULTS = {
    'wandb_server_size': 'server_size', 'wandb_mysql_innodb_buffer_pool_size': 'mysql_buffer_pool', 'wandb_redis_maxmemory': 'redis_maxmemory',
}


def seen(site):
    hosts = {'wandb_mysql_': site.members('wandb_mysql')[0], 'wandb_redis_': site.members('wandb_redis')[0]}
    return {name: site.value(name, next((host for prefix, host in hosts.items() if name.startswith(prefix)), '')) for name in DEFAULTS}


@pytest.mark.parametrize('profile', PROFILES)
def test_a_profile_decides_the_defaults(profile, good, folder):
    inventory = good['production'].copy()
    inventory.give('all', {'wandb_size_profile': profile})
    site = in_process.collected(inventory, folder)
    assert seen(site) == {name: PROFILES[profile][key] for name, key in DEFAULTS.items()}
    assert site.modules['wandb_server'].values['size'] == PROFILES[profile]['server_size']


@pytest.mark.parametrize('profile', PROFILES)
def test_a_single_drive_is_for_development(profile, good, folder):
    inventory = good['production'].copy()
    inventory.give('all', {'wandb_size_profile': profile})
    inventory.give('wandb_minio', {'wandb_minio_drives': ['/data/1']})
    inventory.members['wandb_minio'] = inventory.members['wandb_minio'][:1]
    assert bool(in_process.collected(inventory, folder).refused['minio']) is not PROFILES[profile]['single_drive']


def test_what_is_said_apart_from_it_stays(good, folder):
    inventory = good['production'].copy()
    said = {'wandb_server_size': 'large', 'wandb_mysql_innodb_buffer_pool_size': '48G', 'wandb_redis_maxmemory': '8gb'}
    inventory.give('all', said)
    assert seen(in_process.collected(inventory, folder)) == said


def test_the_profiles_are_the_guides():
    assert {name for name in PROFILES if name} == set(GUIDE)
    for name, wanted in GUIDE.items():
        told = tuple(tuple(PROFILES[name][host][key] for key in ('cores', 'memory_gb', 'disk_gb')) for host in ('node', 'mysql_host'))
        assert told == wanted, name


def test_the_choices_are_the_profiles():
    specs = yaml.safe_load((in_process.ROOT / 'roles/common/meta/argument_specs.yml').read_text(encoding='utf-8'))
    assert specs['argument_specs']['main']['options']['wandb_size_profile']['choices'] == list(PROFILES)
