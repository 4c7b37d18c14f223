# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host reaches, and how it reads names: both ways, all at the same time, each question with an end."""

from __future__ import annotations

import errno
import functools
import socket
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe, together

# A resolver's own time-outs are longer.
NAMES_SECONDS = 8.0

OPEN, REFUSED, SILENT, UNREACHABLE, UNRESOLVED = 'open', 'refused', 'silent', 'unreachable', 'unresolved'
Link = t.Mapping[str, t.Any]


def state_of(error: OSError) -> str:
    """What became of a connection."""
    if isinstance(error, socket.gaierror):
        return UNRESOLVED
    # Before Python 3.10 the two are no relatives.
    if isinstance(error, (socket.timeout, TimeoutError)) or error.errno == errno.ETIMEDOUT:
        return SILENT
    return REFUSED if isinstance(error, ConnectionRefusedError) else UNREACHABLE


def try_link(probe: Probe, host: str, port: int, timeout: float) -> dict[str, t.Any]:
    """One connection: state, milliseconds where it is open, and what the system said."""
    before = time.monotonic()
    try:
        probe.connect(host, port, timeout)
    except OSError as error:
        return {'state': state_of(error), 'milliseconds': None, 'error': error.strerror or str(error)}
    except UnicodeError as error:
        return {'state': UNRESOLVED, 'milliseconds': None, 'error': str(error)}
    return {'state': OPEN, 'milliseconds': round(1000 * (time.monotonic() - before), 1), 'error': ''}


def links(probe: Probe, wanted: t.Sequence[Link], timeout: float) -> list[dict[str, t.Any]]:
    """Every link, with what became of it. The same place is asked once."""
    places = {f'{link["host"]} {link["port"]}': link for link in wanted}
    questions = {key: functools.partial(try_link, probe, link['host'], link['port'], timeout) for key, link in places.items()}
    answers = together(questions, timeout + NAMES_SECONDS)
    late = {'state': SILENT, 'milliseconds': None, 'error': 'no answer in time'}
    return [{**link, **answers.get(f'{link["host"]} {link["port"]}', late)} for link in wanted]


def _both_ways(probe: Probe, name: str) -> dict[str, t.Any]:
    addresses = probe.addresses(name)
    return {'addresses': addresses, 'back': {address: probe.name_of(address) for address in addresses}}


def names(probe: Probe, wanted: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
    """Name -> its addresses, and the name of each; no addresses where it does not resolve in time.

    ``forth``: addresses of the names that its addresses have, where those are other ones.
    """
    asked = list(dict.fromkeys(wanted))
    found = together({name: functools.partial(_both_ways, probe, name) for name in asked}, NAMES_SECONDS)
    answers = {name: found.get(name, {'addresses': [], 'back': {}}) for name in asked}
    others = {back for answer in answers.values() for back in answer['back'].values() if back and back not in answers}
    further = together({name: functools.partial(probe.addresses, name) for name in sorted(others)}, NAMES_SECONDS)
    for answer in answers.values():
        answer['forth'] = {back: further.get(back, []) for back in answer['back'].values() if back in others}
    return answers
