"""Bundles of certificates: one an entry, each once, and what is none is told."""

from __future__ import annotations

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.pem import split

ONE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
TWO = '-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n'


def test_a_bundle_is_taken_apart_in_order():
    assert split([TWO + '# a comment\n' + ONE]) == ([TWO, ONE], [])


def test_the_same_certificate_in_another_layout_counts_once():
    assert split([ONE, ONE.replace('AAAA', ' AA\r\n  AA')]) == ([ONE], [])


def test_lines_are_as_long_as_openssl_writes_them():
    [found], bad = split(['-----BEGIN CERTIFICATE-----' + 'A' * 100 + '-----END CERTIFICATE-----'])
    assert ([len(line) for line in found.splitlines()], bad) == ([27, 64, 36, 25], [])


@pytest.mark.parametrize('text', ['', 'no certificate', ONE + '-----BEGIN CERTIFICATE-----\nCCCC\n', ONE + '-----BEGIN PRIVATE KEY-----\nx\n'])
def test_what_is_no_bundle_is_told_by_its_number(text):
    assert split([ONE, text]) == ([ONE], [1])
