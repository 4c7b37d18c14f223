# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of replacing a CA, really run on the controller; the certificate of the ingress stands for all of them."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import certificate_problems, described
from cryptography import x509
from play import inventory, play

# A role's passphrase, so that keys are read with it wherever they are read.
SITE = {'wandb_host': 'https://wandb.example.com', 'wandb_pki_ca_passphrase': 'very-secret-passphrase'}


class Folder:
    """A site's folder on the controller."""

    def __init__(self, path, **variables):
        self.path = path
        self.site = path / 'pki'
        self.hosts = inventory(path, {**SITE, 'wandb_site_dir': str(path), **variables})

    def run(self, *steps, confirm='', options=(), fails=''):
        """Run steps of the role one after another; returns the output and the number of changes."""
        tasks = [{'ansible.builtin.include_role': {'name': 'wandb.onprem.pki', 'tasks_from': step}} for step in steps]
        book = self.path / 'book.yml'
        book.write_text(yaml.safe_dump([{'hosts': 'localhost', 'gather_facts': False, 'tasks': tasks}]), encoding='utf-8')
        done, recap = play(str(book), self.hosts, '-e', f'confirm={confirm}', *options, home=self.path)
        output = ' '.join(done.stdout.split())
        assert bool(done.returncode) == bool(fails), done.stdout + done.stderr
        assert fails in output, output
        assert SITE['wandb_pki_ca_passphrase'] not in done.stdout
        return output, recap.get('changed')

    def bundle(self):
        return [one['sha256'] for one in described((self.site / 'ca.crt').read_text(encoding='utf-8'))]

    def signer(self):
        cas = described((self.site / 'ca.crt').read_text(encoding='utf-8'), private_key=(self.site / 'ca.key').read_text(encoding='utf-8'),
                        passphrase=SITE['wandb_pki_ca_passphrase'])
        return [one['sha256'] for one in cas if one['signs']]

    def issuer(self):
        """Of the ingress' certificate."""
        pem = (self.site / 'ingress.crt').read_text(encoding='utf-8')
        return [one['sha256'] for one in described((self.site / 'ca.crt').read_text(encoding='utf-8')) if not certificate_problems(pem, one['pem'])]

    def names(self):
        return sorted(path.name for path in self.site.iterdir())


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.run('ingress')
    return made


def test_a_ca_is_replaced_and_a_second_run_changes_nothing(folder):
    (old,) = folder.bundle()
    confirm = old[:12]
    _output, changed = folder.run('rotate_trust', 'ingress', 'rotate_issue', 'ingress', 'rotate_retire', 'ingress', confirm=confirm, options=['--check'])
    assert (folder.bundle(), folder.names()) == ([old], ['ca.crt', 'ca.key', 'ingress.crt', 'ingress.key'])
    assert changed == 1

    key = (folder.site / 'ca.key').read_bytes()
    folder.run('rotate_trust', 'ingress', confirm=confirm)
    first, new = folder.bundle()
    assert (first, folder.signer(), folder.issuer()) == (old, [old], [old])
    subjects = {x509.load_pem_x509_certificate(one['pem'].encode()).subject for one in described((folder.site / 'ca.crt').read_text(encoding='utf-8'))}
    assert len(subjects) == 2

    folder.run('rotate_issue', 'ingress', confirm=confirm)
    assert (folder.bundle(), folder.signer(), folder.issuer()) == ([old, new], [new], [new])
    folder.run('rotate_retire', 'ingress', confirm=confirm)
    assert (folder.bundle(), folder.signer(), folder.issuer()) == ([new], [new], [new])
    assert (folder.site / f'ca-{old[:16]}.key').read_bytes() == key
    assert folder.names() == ['ca-' + old[:16] + '.crt', 'ca-' + old[:16] + '.key', 'ca.crt', 'ca.key', 'ingress.crt', 'ingress.key']

    _output, changed = folder.run('rotate_trust', 'ingress', 'rotate_issue', 'ingress', 'rotate_retire', 'ingress', confirm=confirm)
    assert (changed, folder.bundle()) == (0, [new])


# What a run that was killed leaves: files that are there already, and files that are not yet.
CUT = {
    'before the key of the next CA is signed': lambda site, old: (site / 'next-ca.crt').unlink(),
    'before the bundle holds it': lambda site, old: (site / 'ca.crt').write_bytes((site / f'ca-{old[:16]}.crt').read_bytes()),
    'after the key was put in place': lambda site, old: (site / 'ca.key').write_bytes((site / 'next-ca.key').read_bytes()),
}


@pytest.mark.parametrize('cut', CUT)
def test_a_run_that_was_cut_off_goes_on(folder, cut):
    (old,) = folder.bundle()
    folder.run('rotate_trust', confirm=old[:16])
    if cut == 'before the key of the next CA is signed':
        CUT['before the bundle holds it'](folder.site, old)
    CUT[cut](folder.site, old)
    # Other runs of site in between undo nothing.
    folder.run('ingress')
    folder.run('rotate_trust', 'ingress', 'rotate_issue', 'ingress', 'rotate_retire', 'ingress', confirm=old[:16])
    (new,) = folder.bundle()
    assert new != old
    assert (folder.signer(), folder.issuer()) == ([new], [new])
    assert not list(folder.site.glob('next-ca.*'))


@pytest.mark.parametrize('confirm', ['', 'yes', '0123456789ab'])
def test_a_ca_that_is_not_named_is_not_replaced(folder, confirm):
    (old,) = folder.bundle()
    names = folder.names()
    folder.run('rotate_trust', confirm=confirm, fails=f'-e confirm={old[:16]} (CN=W&B on-premises CA')
    assert folder.names() == names


def test_the_removal_waits_for_the_signer(folder):
    (old,) = folder.bundle()
    folder.run('rotate_retire', confirm=old[:16], fails='still signs')
    folder.run('rotate_trust', confirm=old[:16])
    folder.run('rotate_retire', confirm=old[:16], fails='still signs')
    assert len(folder.bundle()) == 2


def test_a_file_of_the_user_is_asked_for_and_never_written(tmp_path):
    mine = tmp_path / 'mine.crt'
    folder = Folder(tmp_path, wandb_ca_file=str(mine))
    folder.run('ingress')
    (old,) = folder.bundle()
    text = (folder.site / 'ca.crt').read_text(encoding='utf-8')
    mine.write_text(text, encoding='utf-8')
    folder.run('rotate_trust', confirm=old[:16], fails=f'Step 1 of 3: append the certificate of the new CA to {mine} (wandb_ca_file)')
    assert mine.read_text(encoding='utf-8') == text
    mine.write_text(text + (folder.site / 'next-ca.crt').read_text(encoding='utf-8'), encoding='utf-8')
    folder.run('rotate_trust', 'rotate_issue', 'ingress', confirm=old[:16])
    folder.run('rotate_retire', confirm=old[:16], fails=f'Step 3 of 3: every certificate is from another CA now. Remove {old[:16]}')
    mine.write_text((folder.site / 'ca.crt').read_text(encoding='utf-8'), encoding='utf-8')
    folder.run('rotate_trust', 'rotate_issue', 'ingress', 'rotate_retire', confirm=old[:16])
    assert folder.issuer() == folder.bundle() != [old]


def test_an_ingress_certificate_of_the_old_ca_stops_the_removal(folder):
    (old,) = folder.bundle()
    folder.run('rotate_trust', 'rotate_issue', confirm=old[:16])
    pem = (folder.site / 'ingress.crt').read_text(encoding='utf-8')
    assert folder.issuer() == [old]
    folder.run('ingress')
    assert folder.issuer() != [old]
    assert certificate_problems(pem, described((folder.site / 'ca.crt').read_text(encoding='utf-8'))[1]['pem'])
