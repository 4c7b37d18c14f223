# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for programs of which only the answer to a probe is wanted: 200 to any GET on each given port."""

from __future__ import annotations

from .web import Reply, log, serve, until_told


def main(argv: list[str]) -> int:
    log("info", "a stand-in of the lab", program=argv[:1])
    ports = [int(word) for word in argv if word.isdigit()]
    for port in ports:
        serve(port, lambda *_: Reply(200, {"status": "ok", "stand-in": argv[0]}))
    if ports:
        until_told()
    return 0
