# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated inventory (`.lab/<LAB>/inventory`): addresses, keys and where the made programs are."""

from __future__ import annotations

import yaml

from lab import programs, ssh
from lab.state import Lab, write_if_changed

HEADER = "# Made by `python -m lab`; changes are lost.\n"


def host_entries(lab: Lab) -> dict[str, dict[str, str]]:
    entries: dict[str, dict[str, str]] = {}
    for host, kept in sorted(lab.hosts.items(), key=lambda item: item[1]["suffix"]):
        entries[host] = {"ansible_host": lab.address(host)}
        if kept.get("mysql"):
            entries[host]["lab_mysql"] = kept["mysql"]
    return entries


def group_vars(lab: Lab) -> dict[str, str]:
    return {
        "lab_name": lab.name,
        "lab_dir": str(lab.state_dir),
        "lab_network": lab.network,
        "lab_mysql": next((kept["mysql"] for kept in lab.hosts.values() if kept.get("mysql")), "8.0"),
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(ssh.key(lab)),
        "ansible_ssh_common_args": " ".join(ssh.options(lab)),
        **programs.inventory_facts(),
    }


def write(lab: Lab) -> None:
    folder = lab.state_dir / "inventory"
    write_if_changed(folder / "hosts.yml", HEADER + yaml.safe_dump({"all": {"hosts": host_entries(lab)}}, sort_keys=False))
    write_if_changed(folder / "group_vars" / "all" / "lab.yml", HEADER + yaml.safe_dump(group_vars(lab), sort_keys=False, width=1000))
