# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of replacing a CA, really run on the controller; the certificate of the ingress stands for all others.

One run of ansible-playbook for each site: after each step the folder is copied, and the copies are looked at.
"""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import certificate_problems, described
from cryptography import x509
from play import inventory, play

# Keys are read with it wherever they are read.
PASSPHRASE = 'very-secret-passphrase'
SITE = {'wandb_host': 'https://wandb.example.com', 'wandb_pki_ca_passphrase': PASSPHRASE}
ALL = ('rotate_trust', 'ingress', 'rotate_issue', 'ingress', 'rotate_retire', 'ingress')


class Pki:
    """What is in a site's folder, or in a copy of it."""

    def __init__(self, path):
        self.path = path
        cas = described(self.text('ca.crt'), private_key=self.text('ca.key'), passphrase=PASSPHRASE)
        self.bundle = [one['sha256'] for one in cas]
        self.signer = [one['sha256'] for one in cas if one['signs']]
        self.issuer = [one['sha256'] for one in cas if not certificate_problems(self.text('ingress.crt'), one['pem'])]
        self.subjects = {x509.load_pem_x509_certificate(one['pem'].encode()).subject.rfc4514_string() for one in cas}
        self.names = sorted(file.name for file in path.iterdir())

    def text(self, name):
        return (self.path / name).read_text(encoding='utf-8')


def step(name):
    return {'ansible.builtin.include_role': {'name': 'wandb.onprem.pki', 'tasks_from': name}}


def shell(command, folder):
    return {'ansible.builtin.shell': {'cmd': command, 'chdir': str(folder)}}


def run(folder, *tasks, options=(), **variables):
    """One run of tasks; names are steps of the role."""
    hosts = inventory(folder, {**SITE, 'wandb_site_dir': str(folder), **variables})
    book = folder / 'book.yml'
    book.write_text(yaml.safe_dump([{
        'hosts': 'localhost', 'gather_facts': False, 'tasks': [step(task) if isinstance(task, str) else task for task in tasks]}]), encoding='utf-8')
    done, recap = play(str(book), hosts, *options, home=folder)
    assert PASSPHRASE not in done.stdout
    return done, recap


def works(folder, *tasks, **more):
    done, recap = run(folder, *tasks, **more)
    assert not done.returncode, done.stdout + done.stderr
    return recap


@pytest.fixture(scope='module')
def before(tmp_path_factory):
    """A site with a CA and a certificate."""
    folder = tmp_path_factory.mktemp('before')
    works(folder, 'ingress')
    return folder


def copy_of(before, folder):
    (folder / 'pki').mkdir()
    for file in (before / 'pki').iterdir():
        (folder / 'pki' / file.name).write_bytes(file.read_bytes())
    return Pki(before / 'pki').bundle[0]


def test_a_ca_is_replaced_and_a_second_run_changes_nothing(before, tmp_path):
    old = copy_of(before, tmp_path)
    confirm = ('-e', f'confirm={old[:12]}')
    told = works(tmp_path, *ALL, options=[*confirm, '--check'])
    assert (told['changed'], Pki(tmp_path / 'pki').names) == (1, Pki(before / 'pki').names)

    tasks = [part for number, name in enumerate(ALL) for part in (name, shell(f'cp -r pki after-{number}', tmp_path))]
    works(tmp_path, *tasks, options=confirm)
    after = [Pki(tmp_path / f'after-{number}') for number in range(len(ALL))]
    _old, new = after[0].bundle
    both = [old, new]
    assert [(one.bundle, one.signer, one.issuer) for one in after] == [
        (both, [old], [old]), (both, [old], [old]), (both, [new], [old]), (both, [new], [new]), ([new], [new], [new]), ([new], [new], [new])]
    assert len(after[0].subjects) == 2
    assert after[5].names == [f'ca-{old[:16]}.crt', f'ca-{old[:16]}.key', 'ca.crt', 'ca.key', 'ingress.crt', 'ingress.key']
    assert after[5].text(f'ca-{old[:16]}.key') == Pki(before / 'pki').text('ca.key')

    assert works(tmp_path, *ALL, options=confirm)['changed'] == 0
    assert Pki(tmp_path / 'pki').bundle == [new]


# What a run that was killed leaves, made of what the first step leaves.
CUT = {
    'before the next CA was signed': 'cat ca-*.crt > ca.crt; rm next-ca.crt',
    'after its key was put in place': 'cp next-ca.key ca.key',
}


@pytest.mark.parametrize('cut', CUT)
def test_a_run_that_was_cut_off_goes_on_and_others_in_between_undo_nothing(before, tmp_path, cut):
    old = copy_of(before, tmp_path)
    works(tmp_path, 'rotate_trust', shell(CUT[cut], tmp_path / 'pki'), 'ingress', *ALL, options=['-e', f'confirm={old[:16]}'])
    after = Pki(tmp_path / 'pki')
    (new,) = after.bundle
    assert new != old
    assert (after.signer, after.issuer) == ([new], [new])
    assert not [name for name in after.names if name.startswith('next-ca')]


def refused(name, **variables):
    """A step that must fail; what it says is in the output."""
    return {'block': [{**step(name), 'vars': variables}, {'ansible.builtin.debug': {'msg': f'{name} did not fail'}}],
            'rescue': [{'ansible.builtin.debug': {'msg': 'told: {{ ansible_failed_result.msg | default("") }}'}}]}


def test_a_ca_that_is_not_named_is_not_replaced(before, tmp_path):
    old = copy_of(before, tmp_path)
    done, _recap = run(tmp_path, refused('rotate_trust'), refused('rotate_trust', confirm='yes'), refused('rotate_trust', confirm='0123456789ab'))
    output = ' '.join(done.stdout.split())
    assert 'did not fail' not in output
    assert output.count('told: Say which CA is to be replaced') == 3
    assert f'SHA-256 fingerprint: -e confirm={old[:16]} (CN=W&B on-premises CA, until ' in output
    assert Pki(tmp_path / 'pki').names == Pki(before / 'pki').names


def test_a_file_of_the_user_is_asked_for_and_never_written(before, tmp_path):
    old = copy_of(before, tmp_path)
    mine = tmp_path / 'mine.crt'
    mine.write_text(Pki(before / 'pki').text('ca.crt'), encoding='utf-8')
    done, _recap = run(
        tmp_path, refused('rotate_retire'), refused('rotate_trust'), shell('cp mine.crt untouched; cat pki/next-ca.crt >> mine.crt', tmp_path),
        'rotate_trust', 'rotate_issue', refused('rotate_retire'), 'ingress', refused('rotate_retire'), shell('cp pki/ca.crt mine.crt', tmp_path), *ALL,
        options=['-e', f'confirm={old[:16]}'], wandb_ca_file=str(mine))
    output = ' '.join(done.stdout.split())
    assert not done.returncode, done.stdout
    assert 'did not fail' not in output
    assert 'told: The certificate of the ingress is not from the new CA' in output
    assert 'told: The old CA still signs' in output
    assert f'told: Step 1 of 3: append the certificate of the new CA to {mine} (wandb_ca_file)' in output
    assert f'told: Step 3 of 3: every certificate is from another CA now. Remove {old[:16]}' in output
    assert (tmp_path / 'untouched').read_text(encoding='utf-8') == Pki(before / 'pki').text('ca.crt')
    after = Pki(tmp_path / 'pki')
    assert after.issuer == after.bundle != [old]
