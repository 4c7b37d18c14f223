# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the builder has to say beside the spec. Pure."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Notes:
    """``problems`` stop the builder, each names its option; ``warnings`` are shown to the user; ``translations`` tell of keys of the guide that
    stand under another name today."""

    problems: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    translations: list[str] = dataclasses.field(default_factory=list)
