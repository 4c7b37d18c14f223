# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a server certificate, in sentences; all of it at once.

One check for both kinds: a certificate that the collection issued (any problem is a reason to issue it again) and one
that the user brought (any problem is a reason to refuse it). Runs on the controller, inside Ansible's own process.

Uses: ``cryptography``, which ansible-core needs itself.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import re
import typing as t
import urllib.parse

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
except ImportError as error:
    CRYPTOGRAPHY_IMPORT_ERROR: ImportError | None = error
else:
    CRYPTOGRAPHY_IMPORT_ERROR = None

MIN_RSA_BITS = 2048
# A chain longer than this is a loop.
MAX_DEPTH = 8


def san_entry(name: str) -> str:
    """A subject alternative name as OpenSSL spells it, of a name, an address (any spelling), a URL or such an entry."""
    host = (urllib.parse.urlsplit(name).hostname or '') if '://' in name else re.sub('^(DNS|IP):', '', name)
    try:
        return f'IP:{ipaddress.ip_address(host.strip("[]"))}'
    except ValueError:
        return f'DNS:{host.lower().rstrip(".")}'


def san_entries(names: t.Iterable[object]) -> list[str]:
    """Sorted and without repetition; empty names are passed over."""
    return sorted({san_entry(str(name).strip()) for name in names if name and str(name).strip()})


def names_in(certificate: x509.Certificate) -> set[str]:
    """Subject alternative names of a certificate, spelt as by `san_entry`."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {san_entry(name) for name in extension.get_values_for_type(x509.DNSName)} | {
        f'IP:{address}' for address in extension.get_values_for_type(x509.IPAddress)
    }


def covered(entry: str, names: set[str]) -> bool:
    """Whether a certificate with ``names`` is valid for ``entry``; a wildcard stands for one whole first label."""
    parent = entry[4:].partition('.')[2]
    return entry in names or (entry.startswith('DNS:') and bool(parent) and f'DNS:*.{parent}' in names)


def public_key_fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the public key in DER form, in hexadecimal digits."""
    der = certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def chain_problems(chain: list[x509.Certificate], trusted: list[x509.Certificate]) -> list[str]:
    """Follow signatures from the first certificate of ``chain`` to one of ``trusted``."""
    current = chain[0]
    for _depth in range(MAX_DEPTH):
        issuer = next((each for each in trusted + chain[1:] if issued_by(current, each)), None)
        if issuer is None:
            return [f'no certificate of its issuer "{current.issuer.rfc4514_string()}" is in the CA file or behind it in the chain']
        if issuer in trusted:
            return expiry_problems(issuer, 'its CA')
        current = issuer
    return ['its chain of issuers has no end']


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` is a CA that signed ``certificate``."""
    try:
        is_ca = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return is_ca


def expiry_problems(certificate: x509.Certificate, what: str, min_days: int = 0) -> list[str]:
    """A margin of ``min_days`` is kept."""
    now = datetime.datetime.now(datetime.timezone.utc)
    if certificate.not_valid_before_utc > now:
        return [f'{what} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC']
    if certificate.not_valid_after_utc < now + datetime.timedelta(days=int(min_days)):
        margin = f', in less than {min_days} days' if certificate.not_valid_after_utc > now else ''
        return [f'{what} ends on {certificate.not_valid_after_utc:%Y-%m-%d}{margin}']
    return []


def key_problems(certificate: x509.Certificate) -> list[str]:
    """Keys that today's TLS libraries refuse."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return [f'its RSA key has {key.key_size} bits, less than {MIN_RSA_BITS}']
    if isinstance(key, dsa.DSAPublicKey) or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 256):
        return ['its key is of a kind that clients refuse']
    return []


def load(pem: str) -> list[x509.Certificate]:
    """All certificates of a PEM text; none if there are none."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return []


def private_key_fingerprint(pem: str, passphrase: str | None = None) -> str:
    """Fingerprint of the public half; raises ValueError or TypeError on what is no private key."""
    key = serialization.load_pem_private_key(pem.encode(), passphrase.encode() if passphrase else None)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def described(pem: str, *, private_key: str | None = None, passphrase: str | None = None) -> list[dict[str, t.Any]]:
    """Each certificate of a bundle once, in order, and whether it belongs to ``private_key``; a key that cannot be read belongs to none."""
    try:
        key = private_key_fingerprint(private_key, passphrase) if private_key else ''
    except (ValueError, TypeError):
        key = ''
    return [
        {
            'pem': one.public_bytes(serialization.Encoding.PEM).decode(),
            'sha256': one.fingerprint(hashes.SHA256()).hex(),
            'subject': one.subject.rfc4514_string(),
            'not_after': f'{one.not_valid_after_utc:%Y-%m-%d}',
            'signs': public_key_fingerprint(one) == key,
        }
        for one in dict.fromkeys(load(pem))
    ]


def certificate_problems(
    pem: str,
    ca: str,
    names: t.Iterable[object] = (),
    *,
    exact: bool = False,
    fingerprint: str | None = None,
    private_key: str | None = None,
    passphrase: str | None = None,
    min_days: int = 0,
) -> list[str]:
    """Sentences, one a problem; empty when the certificate is good.

    :param pem: leaf, then intermediates.
    :param ca: trusted certificates.
    :param names: names and addresses that it must be valid for.
    :param exact: its names must be these and no others, literally.
    :param fingerprint: SHA-256 of the public key that it must belong to; colons allowed.
    :param private_key: PEM text of the private key that it must belong to.
    """
    chain, trusted = load(pem), load(ca)
    if not chain:
        return ['it holds no readable certificate in PEM form']
    leaf = chain[0]
    problems = [] if trusted else ['the CA file holds no readable certificate']
    if trusted:
        problems += chain_problems(chain, trusted)
    problems += expiry_problems(leaf, 'it', min_days) + key_problems(leaf)
    for position, each in enumerate(chain[1:], start=2):
        problems += expiry_problems(each, f'certificate {position} of its chain')

    wanted, present = set(san_entries(names)), names_in(leaf)
    missing = sorted(wanted - present) if exact else sorted(entry for entry in wanted if not covered(entry, present))
    if missing:
        problems.append(f'it is not valid for {", ".join(missing)}')
    if exact and present - wanted:
        problems.append(f'it is still valid for {", ".join(sorted(present - wanted))}')

    if private_key is not None:
        try:
            fingerprint = private_key_fingerprint(private_key, passphrase)
        except (ValueError, TypeError):
            problems.append('its private key cannot be read: it is not in PEM form, or its passphrase is another')
    if fingerprint is not None and fingerprint.replace(':', '') != public_key_fingerprint(leaf):
        problems.append('it belongs to another private key')
    return problems
