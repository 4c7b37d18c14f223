# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links and names."""

from __future__ import annotations

import errno
import socket

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.host import network
from fake_host import FakeHost


@pytest.mark.parametrize(('error', 'state'), [
    (None, 'open'), (ConnectionRefusedError(errno.ECONNREFUSED, 'Connection refused'), 'refused'), (socket.timeout('timed out'), 'silent'),
    (OSError(errno.ETIMEDOUT, 'Connection timed out'), 'silent'), (OSError(errno.EHOSTUNREACH, 'No route to host'), 'unreachable'),
    (socket.gaierror(-2, 'Name or service not known'), 'unresolved'), (UnicodeError('label too long'), 'unresolved'),
])
def test_what_becomes_of_a_link(error, state):
    wanted = [{'host': 'h', 'port': 1, 'purpose': 'p', 'variable': 'v'}]
    [found] = network.links(FakeHost(open={('h', 1): error}), wanted, 1.0)
    assert (found['state'], found['purpose'], found['variable']) == (state, 'p', 'v')
    assert (found['milliseconds'] is not None) is (state == 'open')
    assert bool(found['error']) is (state != 'open')


def test_one_place_is_asked_once_for_several_purposes():
    host = FakeHost()
    asked = []
    host.connect = lambda *place: asked.append(place[:2])
    wanted = [{'host': 'h', 'port': port, 'purpose': purpose} for port, purpose in ((1, 'a'), (1, 'b'), (2, 'c'))]
    assert [one['purpose'] for one in network.links(host, wanted, 1.0)] == ['a', 'b', 'c']
    assert sorted(asked) == [('h', 1), ('h', 2)]


def test_a_link_that_never_answers(monkeypatch):
    monkeypatch.setattr(network, 'NAMES_SECONDS', 0.1)
    host = FakeHost()
    never = __import__('threading').Event()
    host.connect = lambda *place: never.wait()
    [found] = network.links(host, [{'host': 'h', 'port': 1}], 0.1)
    never.set()
    assert (found['state'], found['error']) == ('silent', 'no answer in time')


def test_names_both_ways():
    host = FakeHost(dns={'a.test': ['10.0.0.1'], 'other.test': ['10.0.0.9'], 'b.test': ['10.0.0.2']}, back={'10.0.0.1': 'other.test', '10.0.0.2': 'b.test'})
    assert network.names(host, ['a.test', 'b.test', 'nosuch.test', 'a.test']) == {
        'a.test': {'addresses': ['10.0.0.1'], 'back': {'10.0.0.1': 'other.test'}, 'forth': {'other.test': ['10.0.0.9']}},
        'b.test': {'addresses': ['10.0.0.2'], 'back': {'10.0.0.2': 'b.test'}, 'forth': {}},
        'nosuch.test': {'addresses': [], 'back': {}, 'forth': {}},
    }
