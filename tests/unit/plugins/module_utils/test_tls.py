# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CAs take a certificate, against servers of this process."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.tls import Port, Refused, Unreachable, look

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'plugin_utils'))
from issuer import Issuer

NEW, OLD = Issuer('new'), Issuer('old')
LEAF = Issuer('leaf', NEW, ca=False, names=['db.test'])
ENDED = Issuer('leaf', NEW, ca=False, names=['db.test'], days=0)
# As MySQL 8 sends it, with and without the capability for TLS.
GREETING = b'\x0a8.0.31\0' + b'\1\0\0\0' + b'12345678' + b'\0' + b'%s' + b'\x2d\2\0' + bytes(13) + b'123456789012\0'


def packet(payload, number=0):
    return len(payload).to_bytes(3, 'little') + bytes([number]) + payload


@pytest.fixture
def serve(tmp_path):
    """Serves connections with a certificate after what `before` does; returns the port."""
    listeners = []

    def start(certificate=LEAF, before=lambda link: None):
        file = tmp_path / 'pair.pem'
        file.write_text(certificate.pem + certificate.key_pem(), encoding='utf-8')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        listener = socket.create_server(('127.0.0.1', 0))
        listeners.append(listener)

        def run():
            with contextlib.suppress(OSError):
                while True:
                    plain, _peer = listener.accept()
                    with plain, contextlib.suppress(OSError):
                        before(plain)
                        with context.wrap_socket(plain, server_side=True) as link:
                            link.recv(1)

        threading.Thread(target=run, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


def mysql(greeting):
    def before(link):
        link.sendall(greeting)
        assert link.recv(36)[:6] == b'\x20\0\0\1\0\x8a'
    return before


@pytest.mark.parametrize('ca', [NEW.pem, OLD.pem + NEW.pem])
def test_a_certificate_that_is_taken(serve, ca):
    found = look(Port('127.0.0.1', serve(), 'db.test'), ca)
    assert (found['issuer'], found['sans']) == ('commonName=new', ['DNS:db.test'])


@pytest.mark.parametrize(('certificate', 'name', 'ca', 'other_ca'), [
    (LEAF, 'db.test', OLD.pem, True),
    (LEAF, '', OLD.pem, True),
    (LEAF, 'other.test', NEW.pem, False),
    (ENDED, 'db.test', NEW.pem, False),
])
def test_a_certificate_that_is_refused_and_whether_for_its_ca(serve, certificate, name, ca, other_ca):
    with pytest.raises(Refused) as refused:
        look(Port('127.0.0.1', serve(certificate), name), ca)
    assert refused.value.other_ca is other_ca


def test_tls_that_begins_inside_of_mysql(serve):
    port = serve(before=mysql(packet(GREETING % b'\xff\xff')))
    assert look(Port('127.0.0.1', port, 'db.test', 'mysql'), NEW.pem)['subject'] == 'commonName=leaf'
    with pytest.raises(Refused):
        look(Port('127.0.0.1', port, 'db.test', 'mysql'), OLD.pem)


@pytest.mark.parametrize(('greeting', 'told'), [
    (packet(GREETING % b'\xff\xf7'), 'without TLS'),
    (packet(b'\xff\x69\x04Host is blocked'), 'Host is blocked'),
    (packet(GREETING % b'\xff\xff')[:20], 'closed'),
    (b'', 'closed'),
])
def test_mysql_that_does_not_go_on_to_tls(serve, greeting, told):
    def before(link):
        link.sendall(greeting)
        raise OSError

    with pytest.raises(Unreachable, match=told):
        look(Port('127.0.0.1', serve(before=before), 'db.test', 'mysql'), NEW.pem)


def test_nothing_listens(serve):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=f'127.0.0.1 port {port}'):
        look(Port('127.0.0.1', port), NEW.pem)


def test_no_certificates_are_no_trust():
    with pytest.raises(ssl.SSLError):
        look(Port('127.0.0.1', 1), 'none')
