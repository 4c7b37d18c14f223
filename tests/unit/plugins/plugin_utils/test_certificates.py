# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import ssl

import pytest
from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import certificate_problems, described, public_key_fingerprint, san_entries
from cryptography.hazmat.primitives.asymmetric import rsa
from issuer import Issuer

NAMES = ['wandb.example.com', '10.0.0.4']


ROOT = Issuer()
OTHER = Issuer('other')
SAME_NAME = Issuer('root')
MIDDLE = Issuer('middle', ROOT)
LEAF = Issuer('leaf', ROOT, ca=False, names=NAMES)
BELOW = Issuer('leaf', MIDDLE, ca=False, names=NAMES)


@pytest.mark.parametrize(
    ('names', 'entries'),
    [
        (['b.example', 'A.example.', 'b.example'], ['DNS:a.example', 'DNS:b.example']),
        (['10.0.0.4', '2001:DB8:0::1', '[::1]'], ['IP:10.0.0.4', 'IP:2001:db8::1', 'IP:::1']),
        (['https://Wandb.example.com:8443'], ['DNS:wandb.example.com']),
        (['DNS:a', 'IP:2001:db8:0::1'], ['DNS:a', 'IP:2001:db8::1']),
        (['', None, ' '], []),
    ],
)
def test_entries(names, entries):
    assert san_entries(names) == entries


@pytest.mark.parametrize(
    ('pem', 'ca', 'options', 'told'),
    [
        (LEAF.pem, ROOT.pem, {}, []),
        (LEAF.pem, ROOT.pem, {'exact': True, 'private_key': LEAF.key_pem(), 'min_days': 30}, []),
        (LEAF.pem, OTHER.pem + ROOT.pem, {}, []),
        (BELOW.pem + MIDDLE.pem, ROOT.pem, {}, []),
        (BELOW.pem, MIDDLE.pem + ROOT.pem, {}, []),
        (ROOT.pem, ROOT.pem, {'names': [], 'private_key': ROOT.key_pem('pass'), 'passphrase': 'pass'}, []),
        ('', ROOT.pem, {}, ['no readable certificate']),
        (LEAF.pem[:200], ROOT.pem, {}, ['no readable certificate']),
        (LEAF.pem, '', {}, ['CA file holds no readable']),
        (LEAF.pem, OTHER.pem, {}, ['issuer "CN=root"']),
        (LEAF.pem, SAME_NAME.pem, {}, ['issuer "CN=root"']),
        (BELOW.pem, ROOT.pem, {}, ['issuer "CN=middle"']),
        (Issuer('x', LEAF, ca=False, names=NAMES).pem + LEAF.pem, ROOT.pem, {}, ['issuer "CN=leaf"']),
        (LEAF.pem, ROOT.pem, {'min_days': 101}, ['it ends on', ]),
        (Issuer('x', ROOT, ca=False, names=NAMES, days=0).pem, ROOT.pem, {}, ['it ends on']),
        (Issuer('x', ROOT, ca=False, names=NAMES, from_days=1).pem, ROOT.pem, {}, ['not valid before']),
        (LEAF.pem, ROOT.pem, {'names': [*NAMES, 'new.example.com']}, ['not valid for DNS:new.example.com']),
        (LEAF.pem, ROOT.pem, {'names': NAMES[:1], 'exact': True}, ['still valid for IP:10.0.0.4']),
        (Issuer('x', ROOT, ca=False, names=['*.example.com', '10.0.0.4']).pem, ROOT.pem, {}, []),
        (Issuer('x', ROOT, ca=False, names=['*.example.com', '10.0.0.4']).pem, ROOT.pem, {'names': ['a.b.example.com']}, ['not valid for']),
        (Issuer('x', ROOT, ca=False).pem, ROOT.pem, {}, ['not valid for DNS:wandb.example.com, IP:10.0.0.4']),
        (LEAF.pem, ROOT.pem, {'private_key': OTHER.key_pem()}, ['another private key']),
        (LEAF.pem, ROOT.pem, {'private_key': 'x'}, ['cannot be read']),
        (LEAF.pem, ROOT.pem, {'private_key': LEAF.key_pem('pass')}, ['cannot be read']),
        (LEAF.pem, ROOT.pem, {'fingerprint': public_key_fingerprint(LEAF.certificate)}, []),
        (LEAF.pem, ROOT.pem, {'fingerprint': ''}, ['another private key']),
        (Issuer('x', ROOT, ca=False, names=NAMES, key=rsa.generate_private_key(65537, 1024)).pem, ROOT.pem, {}, ['1024 bits']),
        # All at once.
        (LEAF.pem, OTHER.pem, {'names': ['b'], 'min_days': 101, 'private_key': ''}, ['issuer', 'ends on', 'not valid for DNS:b', 'cannot be read']),
    ],
)
def test_problems(pem, ca, options, told):
    problems = certificate_problems(pem, ca, **{'names': NAMES, **options})
    assert len(problems) == len(told), problems
    for problem, words in zip(problems, told):
        assert words in problem


def test_days_given_as_text():
    # Values of --extra-vars are text.
    assert certificate_problems(LEAF.pem, ROOT.pem, NAMES, min_days='30') == []


def test_a_bundle_taken_apart():
    bundle = ROOT.pem + 'comment\n' + OTHER.pem + ROOT.pem
    found = described(bundle, private_key=OTHER.key_pem('pass'), passphrase='pass')
    assert [(one['pem'], one['subject'], one['signs']) for one in found] == [(ROOT.pem, 'CN=root', False), (OTHER.pem, 'CN=other', True)]
    assert found[0]['sha256'] == hashlib.sha256(ssl.PEM_cert_to_DER_cert(ROOT.pem)).hexdigest()
    assert found[0]['not_after'] == f'{ROOT.certificate.not_valid_after_utc:%Y-%m-%d}'


@pytest.mark.parametrize('options', [{}, {'private_key': ''}, {'private_key': 'x'}, {'private_key': ROOT.key_pem('pass'), 'passphrase': ''}])
def test_a_key_that_cannot_be_read_belongs_to_none(options):
    assert [one['signs'] for one in described(ROOT.pem, **options)] == [False]


@pytest.mark.parametrize('text', ['', 'x', '-----BEGIN CERTIFICATE-----'])
def test_no_certificates(text):
    assert described(text) == []
