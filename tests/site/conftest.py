# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.site.outside import Site


@pytest.fixture(scope='session')
def site() -> Site:
    """The converged site of the standing lab."""
    return Site()
