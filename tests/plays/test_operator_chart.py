# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's chart on its way from the controller to an API host that is another host."""

from __future__ import annotations

import pytest
import yaml
from play import inventory, play


@pytest.fixture
def site(tmp_path):
    """Playbook and inventory; the API host is played by the controller, under another name. It has no kubeconfig."""
    archive = tmp_path / 'operator-1.4.8.tgz'
    archive.write_bytes(b'a chart')
    hosts = inventory(tmp_path, {
        'wandb_operator_chart_archive': str(archive), 'wandb_operator_chart_dir': str(tmp_path / 'charts'), 'wandb_kubeconfig': str(tmp_path / 'none'),
        'ansible_connection': 'local',
    })
    document = yaml.safe_load(hosts.read_text(encoding='utf-8'))
    document['all']['children'] = {'wandb_kube': {'hosts': {'bastion': None}}}
    hosts.write_text(yaml.safe_dump(document), encoding='utf-8')
    playbook = tmp_path / 'play.yml'
    playbook.write_text(yaml.safe_dump([{'hosts': 'wandb_kube', 'gather_facts': False, 'roles': ['wandb.onprem.operator']}]), encoding='utf-8')
    return playbook, hosts


def test_it_is_copied_and_a_dry_run_tells_what_it_cannot_look_at(site, tmp_path):
    copied = tmp_path / 'charts/operator-1.4.8.tgz'
    done, _other = play(*site, '--check', home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'would install or upgrade release operator' in done.stdout
    assert not copied.parent.exists()
    done, _other = play(*site, home=tmp_path)
    assert copied.read_bytes() == b'a chart'
    # Only then is the cluster asked, and there is none.
    assert done.returncode != 0
    assert str(tmp_path / 'none') in done.stdout + done.stderr
