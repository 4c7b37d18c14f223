# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that log in to the Redis server or Sentinel of their own host."""

    DOCUMENTATION = r'''
options:
  socket:
    description:
      - Unix socket of the server.
    type: path
    required: true
  user:
    description:
      - User to log in as.
    type: str
    required: true
  password_file:
    description:
      - File on the host with the user's password.
    type: path
    required: true
  timeout:
    description:
      - Seconds to wait until the server accepts logins.
    type: int
    default: 60
'''
