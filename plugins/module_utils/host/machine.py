# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is: distribution, memory, clock, confinement. Each a pure function of the text that the kernel or a program gives."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe

TIME_SERVICES = ('chrony.service', 'chronyd.service', 'systemd-timesyncd.service', 'ntp.service', 'ntpd.service', 'ntpsec.service', 'openntpd.service')
CGROUP_LIMITS = ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes')
_FAMILIES = {'debian': 'debian', 'ubuntu': 'debian', 'rhel': 'rhel', 'fedora': 'rhel', 'centos': 'rhel', 'suse': 'suse', 'opensuse': 'suse'}


def os_release(text: str) -> dict[str, str]:
    """/etc/os-release: id, version, name and family (``debian``, ``rhel``, ``suse``, or the id itself)."""
    values = {}
    for line in text.splitlines():
        key, _equals, value = line.partition('=')
        values[key.strip()] = value.strip().strip('"\'')
    ids = [values.get('ID', ''), *values.get('ID_LIKE', '').split()]
    family = next((_FAMILIES[one] for one in ids if one in _FAMILIES), ids[0])
    return {'id': ids[0], 'version': values.get('VERSION_ID', ''), 'name': values.get('PRETTY_NAME', ''), 'family': family}


def memory(meminfo: str) -> int:
    """Bytes of memory, out of /proc/meminfo."""
    match = re.search(r'^MemTotal:\s+(\d+) kB', meminfo, re.MULTILINE)
    return int(match.group(1)) * 1024 if match else 0


def memory_limit(texts: t.Iterable[str], physical: int) -> int | None:
    """Bytes that the control group may have, where that is less than there is."""
    found = [int(text) for text in (text.strip() for text in texts) if text.isdigit()]
    return min((limit for limit in found if 0 < limit < physical), default=None)


def blocks(show: str) -> list[dict[str, str]]:
    """What ``systemctl show`` says of several units: one dictionary each."""
    return [dict(line.split('=', 1) for line in part.splitlines() if '=' in line) for part in show.split('\n\n') if part.strip()]


def time_sync(show: str, timedatectl: str, container: str) -> dict[str, t.Any]:
    """The time service that runs, and whether the kernel counts as synchronised (None where nobody says).

    A container has the clock of its host, so it needs no service of its own.
    """
    running = [block.get('Id', '') for block in blocks(show) if block.get('ActiveState') == 'active']
    said = re.search(r'^NTPSynchronized=(yes|no)', timedatectl, re.MULTILINE)
    return {
        'service': running[0].rpartition('.')[0] if running else '',
        'synchronized': said.group(1) == 'yes' if said else None,
        'container': container.strip(),
    }


def selinux(enforce: str) -> str:
    """``enforcing``, ``permissive`` or ``disabled``, of /sys/fs/selinux/enforce."""
    return {'1': 'enforcing', '0': 'permissive'}.get(enforce.strip(), 'disabled')


def apparmor(enabled: str, profiles: str) -> dict[str, t.Any]:
    """Whether AppArmor is on, and the profiles that it enforces."""
    return {
        'enabled': enabled.strip() == 'Y',
        'enforced': sorted(match.group(1) for match in re.finditer(r'^(.+) \(enforce\)$', profiles, re.MULTILINE)),
    }


def look(probe: Probe) -> dict[str, t.Any]:
    """All of it."""
    physical = memory(probe.text('/proc/meminfo'))
    services = probe.run(['systemctl', 'show', '--property=Id,ActiveState', '--', *TIME_SERVICES])[1]
    return {
        'os': os_release(probe.text('/etc/os-release')),
        'memory_bytes': physical,
        'memory_limit_bytes': memory_limit((probe.text(path) for path in CGROUP_LIMITS), physical),
        'time_sync': time_sync(services, probe.run(['timedatectl', 'show'])[1], probe.text('/run/systemd/container')),
        'selinux': selinux(probe.text('/sys/fs/selinux/enforce')),
        'apparmor': apparmor(probe.text('/sys/module/apparmor/parameters/enabled'), probe.text('/sys/kernel/security/apparmor/profiles')),
    }
