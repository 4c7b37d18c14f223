# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to a server that hangs."""

from __future__ import annotations

import socket
import types

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils import mysql_login


@pytest.fixture
def hanging(tmp_path):
    """A server that the kernel answers for, and that says nothing itself (stopped by a signal, or waiting for its disk)."""
    file = tmp_path / 'root.cnf'
    file.write_text('[client]\nuser = root\n', encoding='ascii')
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / 'mysqld.sock'))
        listening.listen()
        yield types.SimpleNamespace(params={'timeout': 0, 'login_unix_socket': str(tmp_path / 'mysqld.sock'), 'config_file': str(file)})


@pytest.mark.parametrize('longest', [0.2, None])
def test_a_server_that_hangs_is_silent(hanging, longest, monkeypatch):
    monkeypatch.setattr(mysql_login, 'PATIENCE', 0.2)
    with pytest.raises(mysql_login.Silent, match='timed out'):
        mysql_login.by_socket(hanging, longest)


def test_what_the_driver_says_of_a_silent_server():
    assert mysql_login.silent(mysql_login.driver_error()(2013, 'Lost connection to MySQL server during query (timed out)'))
    assert not mysql_login.silent(mysql_login.driver_error()(1045, 'Access denied'))
    assert not mysql_login.silent(mysql_login.driver_error()())
