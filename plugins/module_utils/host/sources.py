# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host takes packages from, by its configuration: nothing is fetched."""

from __future__ import annotations

import configparser
import re
import typing as t
import urllib.parse

from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe

APT, YUM = '/etc/apt', '/etc/yum.repos.d'
_PORTS = {'http': 80, 'https': 443, 'ftp': 21}
_PROXY = re.compile(r'^Acquire::(?:https?)::Proxy "([^"]+)";', re.MULTILINE | re.IGNORECASE)
# More would only take time: they are there for a look, not for an audit.
MOST = 6


def one_line(text: str) -> list[str]:
    """URIs of a sources.list."""
    found = []
    for line in text.splitlines():
        match = re.match(r'\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)', line)
        if match and not line.lstrip().startswith('deb-src'):
            found.append(match.group(1))
    return found


def deb822(text: str) -> list[str]:
    """URIs of a .sources file: stanzas of fields."""
    found = []
    for stanza in re.split(r'\n\s*\n', text):
        lines = '\n'.join(line for line in stanza.splitlines() if not line.startswith('#'))
        fields = {key.lower(): value for key, value in re.findall(r'^(\S+?):[ \t]*(.*(?:\n[ \t]+.*)*)', lines, re.MULTILINE)}
        if fields.get('enabled', 'yes').strip().lower() not in ('no', 'false', '0') and 'deb' in fields.get('types', '').split():
            found += fields.get('uris', '').split()
    return found


def repositories(text: str) -> list[str]:
    """URIs of the repositories in a .repo file that are switched on."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    found = []
    for section in parser.sections():
        values = dict(parser.items(section))
        if values.get('enabled', '1').strip() in ('1', 'true', 'yes'):
            given = next((values[key] for key in ('baseurl', 'metalink', 'mirrorlist') if values.get(key)), '')
            found += given.split()
    return found


def without_login(uri: str) -> str:
    """The URI without the user's name and password."""
    return re.sub(r'://[^/@]*@', '://', uri)


def endpoint(uri: str) -> tuple[str, int] | None:
    """Host and port of a URI; None for one that has none (``file:``, ``cdrom:``, a mirror list)."""
    try:
        parts = urllib.parse.urlsplit(re.sub(r'^mirror\+', '', uri))
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def look(probe: Probe) -> dict[str, t.Any]:
    """The package manager, its sources, its proxy, and what must be reached for them."""
    uris: list[str] = []
    proxy = ''
    if probe.is_folder(APT):
        manager = 'apt'
        parts = f'{APT}/sources.list.d'
        uris += one_line(probe.text(f'{APT}/sources.list'))
        for name in probe.names(parts):
            read = {'list': one_line, 'sources': deb822}.get(name.rpartition('.')[2])
            uris += read(probe.text(f'{parts}/{name}')) if read else []
        said = _PROXY.search(probe.run(['apt-config', 'dump'])[1])
        proxy = said.group(1) if said and said.group(1).upper() != 'DIRECT' else ''
    elif probe.is_folder(YUM):
        manager = 'dnf'
        for name in probe.names(YUM):
            uris += repositories(probe.text(f'{YUM}/{name}')) if name.endswith('.repo') else []
        said = re.search(r'^proxy\s*=\s*(\S+)', '\n'.join(probe.text(path) for path in ('/etc/dnf/dnf.conf', '/etc/yum.conf')), re.MULTILINE)
        proxy = said.group(1) if said and said.group(1) != '_none_' else ''
    else:
        manager = ''
    places = [place for uri in ([proxy] if proxy else uris) for place in [endpoint(uri)] if place]
    return {
        'manager': manager,
        'uris': [without_login(uri) for uri in dict.fromkeys(uris)],
        'proxy': without_login(proxy),
        'endpoints': [{'host': host, 'port': port} for host, port in list(dict.fromkeys(places))[:MOST]],
    }
