# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on which TCP port: program, process, unit. Out of /proc alone, for not every host has ``ss``."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe

TABLES = ('/proc/net/tcp', '/proc/net/tcp6')
_LISTENS = '0A'
_SOCKET = re.compile(r'socket:\[(\d+)\]')
# A command line has its limits.
_ASKED_AT_ONCE = 200


class Listener(t.NamedTuple):
    """A socket that listens."""

    port: int
    address: str
    uid: int
    inode: str


def address_of(digits: str) -> str:
    """An address as the kernel prints it: words of four bytes, each with its last byte first."""
    data = b''.join(bytes.fromhex(digits[place:place + 8])[::-1] for place in range(0, len(digits), 8))
    return str(ipaddress.ip_address(data))


def listeners(table: str) -> list[Listener]:
    """Of /proc/net/tcp or tcp6."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENS:
            address, _colon, port = fields[1].partition(':')
            found.append(Listener(int(port, 16), address_of(address), int(fields[7]), fields[9]))
    return found


def unit_of(cgroup: str) -> str:
    """The unit in /proc/<pid>/cgroup: the innermost service or scope; empty for none."""
    names = [name for line in cgroup.splitlines() for name in line.rpartition(':')[2].split('/')]
    return next((name for name in reversed(names) if name.endswith(('.service', '.scope'))), '')


def inodes_of(listing: str) -> dict[str, str]:
    """Inode of a socket -> process, out of ``ls -l`` of folders /proc/<pid>/fd."""
    found: dict[str, str] = {}
    pid = ''
    for line in listing.splitlines():
        folder = re.match(r'/proc/(\d+)/fd:$', line)
        pid = folder.group(1) if folder else pid
        socket = _SOCKET.search(line)
        if socket:
            found.setdefault(socket.group(1), pid)
    return found


def processes(probe: Probe, wanted: t.Collection[Listener]) -> dict[str, str]:
    """Inode -> process that has it open."""
    sockets = {one.inode for one in wanted}
    found: dict[str, str] = {}
    pids = [name for name in probe.names('/proc') if name.isdigit()]
    for pid in pids:
        for descriptor in probe.names(f'/proc/{pid}/fd'):
            match = _SOCKET.match(probe.link(f'/proc/{pid}/fd/{descriptor}'))
            if match and match.group(1) in sockets:
                found.setdefault(match.group(1), pid)
    # Root in a container may not look into the processes of others (CAP_SYS_PTRACE); each user may look into its own.
    for uid in sorted({one.uid for one in wanted if one.inode not in found and one.uid}):
        owned = {pid: owner for pid in pids for owner in [probe.owner(f'/proc/{pid}')] if owner and owner[0] == uid}
        for gid in sorted({owner[1] for owner in owned.values()}):
            folders = [f'/proc/{pid}/fd' for pid, owner in owned.items() if owner[1] == gid][:_ASKED_AT_ONCE]
            # With one folder `ls` would not say which.
            listing = probe.run(['setpriv', f'--reuid={uid}', f'--regid={gid}', '--clear-groups', '--', 'ls', '-l', '/proc/self/fd/', *folders])[1]
            found.update({inode: pid for inode, pid in inodes_of(listing).items() if inode in sockets and inode not in found})
    return found


def look(probe: Probe, ports: t.Iterable[int]) -> dict[int, list[dict[str, t.Any]]]:
    """Port -> who listens there; a process once, with all its addresses. Empty fields where nobody tells."""
    wanted = set(ports)
    known = [one for table in TABLES for one in listeners(probe.text(table)) if one.port in wanted]
    held_by = processes(probe, known) if known else {}
    found: dict[int, dict[str, dict[str, t.Any]]] = {port: {} for port in sorted(wanted)}
    for one in known:
        pid = held_by.get(one.inode, '')
        entry = found[one.port].setdefault(pid, {
            'pid': int(pid) if pid else None, 'program': probe.text(f'/proc/{pid}/comm').strip() if pid else '',
            'unit': unit_of(probe.text(f'/proc/{pid}/cgroup')) if pid else '', 'uid': one.uid, 'addresses': [],
        })
        entry['addresses'] = sorted({*entry['addresses'], one.address})
    return {port: list(holders.values()) for port, holders in found.items()}
