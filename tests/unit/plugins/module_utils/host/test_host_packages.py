# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package sources, and what of the services is installed."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.host import installed, sources
from fake_host import FakeHost


def test_a_sources_list():
    text = '# deb http://old x main\ndeb http://a.test/debian trixie main\ndeb [signed-by=/k arch=amd64] https://b.test/x y\ndeb-src http://c.test z\n'
    assert sources.one_line(text) == ['http://a.test/debian', 'https://b.test/x']


def test_deb822():
    text = '''# a comment
Types: deb deb-src
URIs: http://a.test/debian
 http://b.test/debian
Suites: trixie

Types: deb
Enabled: no
URIs: http://off.test

Types: deb-src
URIs: http://source.test
'''
    assert sources.deb822(text) == ['http://a.test/debian', 'http://b.test/debian']


def test_repositories():
    text = '[a]\nbaseurl=https://a.test/$releasever\n[b]\nenabled=0\nbaseurl=https://off.test\n[c]\nenabled=1\nmetalink=https://c.test/x?y\n'
    assert sources.repositories(text) == ['https://a.test/$releasever', 'https://c.test/x?y']
    assert sources.repositories('no section') == []


@pytest.mark.parametrize(('uri', 'place'), [
    ('http://a.test/x', ('a.test', 80)), ('https://a.test:8443', ('a.test', 8443)), ('mirror+https://a.test/x', ('a.test', 443)),
    ('https://user:secret@a.test/x', ('a.test', 443)), ('file:/srv/x', None), ('cdrom:[x]/', None), ('http://a.test:x', None), ('', None),
])
def test_what_must_be_reached(uri, place):
    assert sources.endpoint(uri) == place


def test_apt():
    host = FakeHost(
        files={'/etc/apt/sources.list': 'deb http://a.test/ x', '/etc/apt/sources.list.d/b.sources': 'Types: deb\nURIs: https://u:secret@b.test/\n',
               '/etc/apt/sources.list.d/c.list.save': 'deb http://c.test x'},
        commands={'apt-config dump': 'Acquire "";\n'},
    )
    assert sources.look(host) == {'manager': 'apt', 'uris': ['http://a.test/', 'https://b.test/'], 'proxy': '', 'endpoints': [
        {'host': 'a.test', 'port': 80}, {'host': 'b.test', 'port': 443}]}


def test_through_a_proxy_only_the_proxy_is_reached():
    dump = 'Acquire::http::Proxy "http://u:secret@p.test:3128";\n'
    host = FakeHost(files={'/etc/apt/sources.list': 'deb http://a.test/ x'}, commands={'apt-config dump': dump})
    found = sources.look(host)
    assert (found['proxy'], found['endpoints']) == ('http://p.test:3128', [{'host': 'p.test', 'port': 3128}])
    assert 'secret' not in str(found)


def test_dnf_and_none():
    host = FakeHost(files={'/etc/yum.repos.d/a.repo': '[a]\nbaseurl=https://a.test/\n', '/etc/dnf/dnf.conf': '[main]\nproxy=http://p.test:1\n'})
    assert sources.look(host)['endpoints'] == [{'host': 'p.test', 'port': 1}]
    assert sources.look(FakeHost()) == {'manager': '', 'uris': [], 'proxy': '', 'endpoints': []}


UNITS = '''Names=mariadb.service mysql.service
LoadState=loaded
ActiveState=active

Names=mysqld.service
LoadState=not-found
ActiveState=inactive
'''


def test_what_is_installed_by_dpkg():
    host = FakeHost(
        programs={'dpkg-query': '/usr/bin/dpkg-query', 'mariadbd': '/usr/sbin/mariadbd'},
        commands={'systemctl show': UNITS, 'dpkg-query': 'mariadb-server\t1:11.8\tii \nmysql-server\t\tun \nmysql-common\n'},
    )
    assert installed.look(host, ['mysql']) == {'mysql': {
        'ours': False, 'units': {'mysql.service': 'active', 'mariadb.service': 'active'}, 'packages': {'mariadb-server': '1:11.8'},
        'programs': ['/usr/sbin/mariadbd']}}


def test_what_is_installed_by_rpm():
    host = FakeHost(commands={'systemctl show': '', 'rpm --query': 'package redis is not installed\nvalkey\t8.0\n'})
    assert installed.look(host, ['redis'])['redis']['packages'] == {'valkey': '8.0'}


@pytest.mark.parametrize(('service', 'files', 'ours'), [
    ('mysql', {'/etc/wandb/mysql/admin.cnf': ''}, True), ('mysql', {'/etc/mysql/my.cnf': ''}, False),
    ('minio', {'/etc/minio/minio.env': 'MINIO_VOLUMES=x\n# wandb_minio_drives: /data/1\n'}, True),
    ('minio', {'/etc/minio/minio.env': 'MINIO_VOLUMES=x\n'}, False),
    ('nginx', {'/etc/nginx/nginx.conf': '# Made by wandb.onprem (role nginx)'}, True), ('nginx', {'/etc/nginx/nginx.conf': 'user www-data;'}, False),
    ('redis', {'/etc/wandb/redis/x': ''}, True), ('redis', {}, False),
])
def test_whether_the_collection_was_here(service, files, ours):
    assert installed.look(FakeHost(files=files), [service])[service]['ours'] is ours


def test_nothing_asked_nothing_looked_for():
    host = FakeHost()
    assert installed.look(host, []) == {}
    assert host.asked == []
