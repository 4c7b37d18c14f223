# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role nginx tells without a host: flaws of versions, settings for a load balancer of the user's own."""

from __future__ import annotations

import play as runner
import pytest
import yaml

FLAWS = [('1.26.3', [], True, ['CVE-2026-123007', 'CVE-2026-123633', 'CVE-2026-118899', 'CVE-2026-1642']),
         ('1.26.3', ['CVE-2026-1642', 'CVE-2026-123007'], True, ['CVE-2026-123633', 'CVE-2026-118899']),
         ('1.26.3', [], False, ['CVE-2026-118899', 'CVE-2026-1642']),
         ('1.28.2', [], False, ['CVE-2026-118899']),
         ('1.29.4', [], False, ['CVE-2026-118899', 'CVE-2026-1642']),
         ('1.30.6', [], True, ['CVE-2026-123007', 'CVE-2026-123633', 'CVE-2026-118899']),
         ('1.30.7', [], True, []), ('1.31.8', [], False, ['CVE-2026-118899']), ('1.31.9', [], True, []), ('1.33.0', [], True, []),
         ('1.19.6', [], True, ['CVE-2026-123007', 'CVE-2026-118899', 'CVE-2026-1642'])]
SITE = {'wandb_host': 'https://wandb.example.com', 'wandb_minio_address': 's3.example.com', 'wandb_nginx_timeout': 700}


def test_the_flaws_of_a_version(tmp_path):
    right = "__wandb_nginx_has | map(attribute='cve') | list == wanted"
    checks = [{'ansible.builtin.assert': {'that': right, 'fail_msg': '{{ __wandb_nginx_version }} {{ __wandb_nginx_has | string }}'},
               'vars': {'__wandb_nginx_version': version, '__wandb_nginx_mended': mended, 'wandb_nginx_http2': http2, 'wanted': wanted}}
              for version, mended, http2, wanted in FLAWS]
    variables = str(runner.ROOT / 'roles' / 'nginx' / 'vars' / 'main.yml')
    file = tmp_path / 'flaws.yml'
    file.write_text(yaml.safe_dump([{'hosts': 'localhost', 'gather_facts': False, 'vars_files': [variables], 'tasks': checks}]), encoding='utf-8')
    done, recap = runner.play(file, runner.inventory(tmp_path, SITE), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert recap['ok'] == len(FLAWS)


@pytest.mark.parametrize(('groups', 'given', 'said', 'not_said'), [
    ({}, {}, ['wandb.example.com', '700 s', 'X-Forwarded-Proto https', 'no limit', '308', 'is elsewhere', 'SNI'], ['s3.example.com']),
    ({'wandb_minio': ['s3-1', 's3-2']}, {}, ['s3.example.com:9000 to the same port of s3-1, s3-2'], []),
    ({}, {'wandb_node_ports': {'app': 30080, 'api': 30081}},
     ['nodes, by HTTP, each path with all below it:', '/ to port 30080', '/api, /graphql, /graphql2 to port 30081'], ['SNI']),
])
def test_what_a_load_balancer_of_ones_own_has_to_do(tmp_path, groups, given, said, not_said):
    inventory = runner.inventory(tmp_path, {**SITE, **given})
    site = yaml.safe_load(inventory.read_text(encoding='utf-8'))
    site['all']['children'] = {group: {'hosts': dict.fromkeys(hosts)} for group, hosts in groups.items()}
    inventory.write_text(yaml.safe_dump(site), encoding='utf-8')
    done, _recap = runner.play('wandb.onprem.nginx', inventory, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    text = ' '.join(done.stdout.split())
    assert [part for part in said if part not in text] == []
    assert [part for part in not_said if part in text] == []
