# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the licence. Pure but for the controller's clock."""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import is_placeholder
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site
from ansible_collections.wandb.onprem.plugins.module_utils.server.licenses import License, read_license

WARN_DAYS = 30
_DAY = 86400


def _read(site: Site) -> License:
    # Role platform strips what stands around it.
    return read_license(site.text('wandb_license').strip())


def _day(seconds: float) -> str:
    return time.strftime('%Y-%m-%d', time.gmtime(seconds))


@rule(
    'licence', 'wandb_license',
    why='Without a valid licence the server starts and lets nobody in.',
    mend='copy the whole key in one line, without line breaks',
)
def licence(site: Site) -> t.Iterator[Found]:
    """The licence is there, has its form (three parts joined by dots), and has not run out."""
    text, found = site.text('wandb_license').strip(), _read(site)
    if not site.has('wandb_license'):
        yield Found('wandb_license', 'is missing', 'get a key from W&B (deploy.wandb.ai, or your contact) and keep it in the vault')
    elif not text or is_placeholder(text):
        return
    elif re.search(r'\s', text):
        yield Found('wandb_license', 'has white space or a line break in it')
    elif found.problem:
        yield Found('wandb_license', found.problem)
    elif found.expires is not None and found.expires < site.controller.now():
        yield Found('wandb_license', f'ran out on {_day(found.expires)}', 'ask W&B for a new key')


@rule(
    'licence-soon', 'wandb_license',
    warning=True,
    why='Three days after its end nobody can use the interface any more.',
    mend='ask W&B for a new key in time',
)
def licence_soon(site: Site) -> t.Iterator[Found]:
    """The licence is good for another 30 days."""
    expires, now = _read(site).expires, site.controller.now()
    if expires is not None and now <= expires < now + WARN_DAYS * _DAY:
        yield Found('wandb_license', f'runs out on {_day(expires)}')


RULES = (licence, licence_soon)
