# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of `python -m lab`."""

from __future__ import annotations

import argparse
import sys

from lab import programs
from lab.report import LabError, phase


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("programs", help="build what the lab runs into the cache")
    verb.add_argument("only", nargs="*")
    args = parser.parse_args(argv)
    try:
        if args.verb == "programs":
            with phase("programs"):
                programs.make_all(args.only)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0
