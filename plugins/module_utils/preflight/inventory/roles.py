# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles themselves refuse of the inventory, asked before any of them runs. Pure; their own rules were evaluated beforehand, as they would
be on the hosts. What another rule says of a variable is not said again.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

_VARIABLE = re.compile(r'wandb_\w+')


@rule(
    'role-refusal', '(all that roles mysql, minio and redis look at before they ask a host)',
    why='The role would refuse it, after other services were made.',
    mend='see the README of the role',
)
def role_refusal(site: Site) -> t.Iterator[Found]:
    """What a role looks at before it asks a host holds: where its program comes from, pools and drives that survive the loss of one, its settings."""
    for role, hosts in site.refused.items():
        for host, sentences in hosts.items():
            for sentence in sentences:
                match = _VARIABLE.search(sentence)
                name = match.group() if match else f'wandb_{role}'
                # Its last sentence is the mend, where it has several.
                wrong, _dot, mend = sentence.rstrip('.').replace(f' ({name})', '', 1).rpartition('. ')
                yield Found(name, (wrong or mend).removeprefix(f'{name} '), mend if wrong else '', host, hide=True, fallback='')


RULES = (role_refusal,)
