# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that the modules share."""

    DOCUMENTATION = r'''
options: {}
attributes:
  check_mode:
    support: full
    description: Runs in check mode, writes nothing and returns what a real run would.
  diff_mode:
    support: full
    description: Returns what changed, or would change, with secrets masked.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
'''

    INFO_MODULE = r'''
options: {}
attributes:
  check_mode:
    support: full
    description: Only reads, so it runs in check mode as it is.
  diff_mode:
    support: N/A
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
'''
