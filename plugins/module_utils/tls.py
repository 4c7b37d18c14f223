# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate a port shows, and whether a client with given CAs takes it."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import struct
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.probes import VERIFY_MENDS, tls_facts

# MySQL's protocol: the first packet of a client that wants TLS. Capabilities: 4.1 protocol, TLS, secure authentication; largest packet; utf8mb4.
_MYSQL_CAPABILITIES = 0x0200 | 0x0800 | 0x8000
_MYSQL_REQUEST = struct.pack('<IIB23x', _MYSQL_CAPABILITIES, 1 << 24, 45)
_MYSQL_HAS_TLS = 0x0800


# OpenSSL's verification results that mean: from none of these CAs. A wrong name or a certificate that has ended is another matter.
_OTHER_CA = (2, 18, 19, 20, 21)


class Unreachable(Exception):
    """There is no TLS to be judged."""


class Refused(Exception):
    """A client that trusts these CAs does not take the certificate; `other_ca`: because it is from none of them."""

    def __init__(self, error: ssl.SSLCertVerificationError) -> None:
        mend = VERIFY_MENDS.get(error.verify_code, '')
        super().__init__(error.verify_message + (f': {mend}' if mend else ''))
        self.other_ca = error.verify_code in _OTHER_CA


@dataclasses.dataclass(frozen=True)
class Port:
    """Where to look, and under which name the server is asked; an empty one is not checked."""

    address: str
    port: int
    name: str = ''
    starttls: str = ''
    timeout: float = 10

    def __str__(self) -> str:
        return f'{self.address} port {self.port}'


def look(port: Port, ca: str) -> dict[str, t.Any]:
    """What is known of the verified connection. Raises Refused or Unreachable."""
    context = ssl.create_default_context(cadata=ca)
    # The clients of databases do not insist on what this flag asks of a CA.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = bool(port.name)
    try:
        with socket.create_connection((port.address, port.port), timeout=port.timeout) as plain:
            if port.starttls == 'mysql':
                ask_mysql(plain)
            with context.wrap_socket(plain, server_hostname=port.name or None) as link:
                return tls_facts(link)
    except ssl.SSLCertVerificationError as error:
        raise Refused(error) from error
    except (OSError, ValueError) as error:
        raise Unreachable(f'no TLS with {port}: {error}') from error


def ask_mysql(link: socket.socket) -> None:
    """From MySQL's greeting to where TLS begins."""
    head = receive(link, 4)
    greeting = receive(link, int.from_bytes(head[:3], 'little'))
    if greeting[:1] == b'\xff':
        raise ValueError(f'MySQL refuses: {greeting[3:].decode("utf-8", "replace")}')
    # Version, a zero, thread (4), first part of the challenge (8), filler (1), capabilities (2).
    capabilities = greeting[greeting.index(b'\0', 1) + 14:][:2]
    if not int.from_bytes(capabilities, 'little') & _MYSQL_HAS_TLS:
        raise ValueError('MySQL runs without TLS')
    link.sendall(len(_MYSQL_REQUEST).to_bytes(3, 'little') + bytes([head[3] + 1]) + _MYSQL_REQUEST)


def receive(link: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    found = b''
    while len(found) < size:
        piece = link.recv(size - len(found))
        if not piece:
            raise ValueError('the connection was closed')
        found += piece
    return found
