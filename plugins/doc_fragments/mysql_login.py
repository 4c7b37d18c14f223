# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that log in to the MySQL server of their own host."""

    DOCUMENTATION = r'''
options:
  login_unix_socket:
    description:
      - Socket of the server.
    type: path
    required: true
  config_file:
    description:
      - Option file whose group C([client]) has the user and the password.
    type: path
    required: true
  timeout:
    description:
      - Seconds to wait until the server accepts logins.
    type: int
    default: 60
requirements:
  - PyMySQL
'''
