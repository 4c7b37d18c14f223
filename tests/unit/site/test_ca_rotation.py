# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of the drill of a CA's rotation."""

from __future__ import annotations

import pathlib
import sys

import pytest

from lab.state import HOSTS, Lab
from tests.drills.ca_rotation import Trust, figures, fingerprint, judge, ports
from tests.drills.s3_load import Done

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'plugins' / 'plugin_utils'))
from issuer import Issuer

OLD, NEW = Issuer('old'), Issuer('new')
GOOD = [Done('read', begun / 10, 0.05) for begun in range(200)]


def test_every_tls_port_of_the_site_is_looked_at():
    lab = Lab('x', pathlib.Path('/x'), '10.0.0', hosts={name: {'address': f'10.0.0.{last}'} for name, last in HOSTS.items()})
    found = [(port.address, port.port) for _what, port in ports(lab)]
    wanted = [(f'10.0.0.{HOSTS[host]}', number) for host, numbers in {
        'lb-1': [443, 443], 'lb-2': [443, 443], 'db-1': [3306], 'db-2': [3306], **{f's3-{n}': [9000] for n in (1, 2, 3, 4)},
        **{f'rd-{n}': [6379, 26379] for n in (1, 2, 3)}, 'kube-1': [443]}.items() for number in numbers]
    assert sorted(found) == sorted(wanted)
    assert {port.starttls for _what, port in ports(lab) if port.port == 3306} == {'mysql'}


def test_a_client_learns_and_forgets_nothing(tmp_path):
    bundle = tmp_path / 'ca.crt'
    bundle.write_text(OLD.pem, encoding='utf-8')
    trust = Trust(bundle)
    trust.stop()
    for text, count in ((OLD.pem, 1), (OLD.pem + NEW.pem, 2), (NEW.pem, 2)):
        bundle.write_text(text, encoding='utf-8')
        trust.learn()
        assert (len(trust), trust.context.cert_store_stats()['x509_ca']) == (count, count)


def test_a_load_without_a_failure_is_good():
    judge('load', [*GOOD, Done('write', 20, 0.1, first='reset')], rate=20)
    assert figures([*GOOD, Done('write', 20, 0.1, first='reset')])['retried'] == 1


@pytest.mark.parametrize(('done', 'told'), [
    ([], 'requests a second'),
    (GOOD[:2] + GOOD[-2:], 'requests a second'),
    ([*GOOD, Done('write', 20, 0.1, 'reset', 'reset')], 'requests failed'),
])
def test_a_load_with_a_failure_or_hardly_any_requests_is_not(done, told):
    with pytest.raises(SystemExit, match=told):
        judge('load', done, rate=20)


def test_the_fingerprint_is_that_of_the_certificate():
    assert fingerprint(OLD.pem) != fingerprint(NEW.pem)
    assert len(fingerprint(OLD.pem)) == 64
