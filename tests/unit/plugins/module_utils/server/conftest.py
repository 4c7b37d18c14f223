# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import sys

# Tests of this folder share server_options.py, server_objects.py and server_cluster.py; there are no packages under tests/unit.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
