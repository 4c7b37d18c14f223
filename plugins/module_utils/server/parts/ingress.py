# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ingress of the chart. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import HOST_URL, host_name, labels, text_map
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

Options = t.Mapping[str, t.Any]


def ingress_values(options: Options, notes: Notes) -> Values:
    """``ingress``; every name that it answers under is on its certificate."""
    ingress = options.get('ingress') or {}
    if ingress.get('enabled') is False:
        idle = sorted(f'ingress.{key}' for key, value in ingress.items() if value)
        if idle:
            notes.warnings.append(f'{", ".join(idle)}: without effect, ingress.enabled is false')
        return {'ingress': {'install': False, 'create': False}}
    hosts = [host_name(options.get('wandb_host') or ''), *(ingress.get('additional_hosts') or [])]
    for extra in hosts[1:]:
        if not HOST_URL.fullmatch(f'https://{extra}'):
            notes.problems.append(f'ingress.additional_hosts: "{extra}" is no name of a host (no scheme, no path)')
    secret = ingress.get('tls_secret')
    return {
        'ingress': {
            'install': True,
            'create': True,
            'class': ingress.get('class') or None,
            'annotations': text_map(ingress.get('annotations'), 'ingress.annotations', notes) or None,
            'labels': labels(ingress.get('labels'), 'ingress.labels', notes) or None,
            'defaultBackend': ingress.get('default_backend') or None,
            'tls': [{'secretName': secret, 'hosts': hosts}] if secret else None,
            'additionalHosts': hosts[1:] or None,
        },
    }
