# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the throw-away host before and after check mode: files.py save | compare."""

from __future__ import annotations

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tests' / 'site')]

from snapshot import differences, files

from lab.state import Lab, lab_name

HOST = 'db-97'


def main() -> int:
    """Entry point."""
    lab = Lab.load(lab_name())
    kept = lab.state_dir / 'mysql97-files.json'
    now = {HOST: files(lab, HOST)}
    if sys.argv[1] == 'save':
        kept.write_text(json.dumps(now))
        return 0
    found = differences(json.loads(kept.read_text()), now)
    print('\n'.join(found) or f'nothing was written ({len(now[HOST])} files)')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
