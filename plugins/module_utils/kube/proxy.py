# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a proxy stands between the modules and an API server, by the same rules as client-go (and so ``helm``). Pure."""

from __future__ import annotations

import ipaddress
import typing as t
import urllib.parse

_PORTS = {'http': 80, 'https': 443}


def bypassed(url: str, rules: str) -> bool:
    """Whether ``url`` is reached without a proxy: ``rules`` are names, domains, addresses, CIDRs, each with or without a port, or ``*``."""
    parts = urllib.parse.urlsplit(url)
    host = (parts.hostname or '').lower().rstrip('.')
    port = parts.port or _PORTS.get(parts.scheme)
    return any(_matches(rule, host, port) for rule in (one.strip().lower() for one in rules.split(',')) if rule)


def _matches(rule: str, host: str, port: int | None) -> bool:
    if rule == '*':
        return True
    address = _address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(rule.strip('[]'), strict=False)
        except ValueError:
            pass
    name, colon, wanted = rule.rpartition(':')
    if colon and wanted.isdigit() and (':' not in name or name.startswith('[')):
        return int(wanted) == port and _matches(name, host, port)
    domain = rule.lstrip('*').lstrip('.')
    return (host == domain and not rule.startswith('.')) or host.endswith(f'.{domain}')


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def environment_proxy(url: str, environ: t.Mapping[str, str]) -> str:
    """Proxy that the environment names for ``url``, or empty. The machine itself is never reached through one."""
    parts = urllib.parse.urlsplit(url)
    address = _address(parts.hostname or '')
    if parts.hostname == 'localhost' or (address is not None and address.is_loopback):
        return ''

    def either(name: str) -> str:
        return environ.get(name) or environ.get(name.lower()) or ''
    proxy = either('HTTPS_PROXY' if parts.scheme == 'https' else 'HTTP_PROXY')
    return '' if not proxy or bypassed(url, either('NO_PROXY')) else proxy if '://' in proxy else f'http://{proxy}'


def split_credentials(proxy: str) -> tuple[str, str]:
    """(URL without user and password, ``user:password`` decoded or empty)."""
    parts = urllib.parse.urlsplit(proxy)
    if parts.username is None:
        return proxy, ''
    place = parts.netloc.rpartition('@')[2]
    credentials = f'{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or "")}'
    return urllib.parse.urlunsplit(parts._replace(netloc=place)), credentials


def with_credentials(proxy: str, credentials: str) -> str:
    """The URL with ``user:password`` in it, which both the Python client and ``helm`` understand."""
    parts = urllib.parse.urlsplit(proxy)
    user, _colon, password = credentials.partition(':')
    place = parts.netloc.rpartition('@')[2]
    return urllib.parse.urlunsplit(parts._replace(netloc=f'{urllib.parse.quote(user, safe="")}:{urllib.parse.quote(password, safe="")}@{place}'))
