"""Files of role mysql that a program other than Ansible reads, as their readers want them."""

from __future__ import annotations

import pathlib

import jinja2
import pytest

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent.parent.parent / 'roles' / 'mysql' / 'templates'
KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBF\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n'


def rendered(key):
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.tests['ansible.builtin.match'] = lambda value, pattern: value.startswith(pattern)
    source = {'uris': ['https://a.example/debian'], 'suites': ['trixie'], 'components': ['mysql-8.4-lts'], 'key': key}
    return environment.get_template('repository.sources.j2').render(wandb_mysql_repository=source).splitlines()


def test_a_key_stands_in_the_source_with_its_empty_line_kept():
    lines = rendered(KEY)
    assert lines[lines.index('Signed-By:') + 1:] == [
        ' -----BEGIN PGP PUBLIC KEY BLOCK-----', ' .', ' mQINBF', ' =abcd', ' -----END PGP PUBLIC KEY BLOCK-----',
    ]


@pytest.mark.parametrize('line', ['Types: deb', 'URIs: https://a.example/debian', 'Suites: trixie', 'Components: mysql-8.4-lts', 'Signed-By: /usr/share/k.gpg'])
def test_a_keyring_of_the_host_is_named(line):
    assert line in rendered('/usr/share/k.gpg')
