# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the whole site has: its URL, licence, size, images and CAs. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import HOST_URL, certificates
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import SIZES
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

Options = t.Mapping[str, t.Any]

# The option has no default of its own, so that the guide's values can give it.
DEFAULT_SIZE = 'small'
# Releases that must not be installed, with the reason.
BROKEN_RELEASES = {'0.78.0': 'its artifact access is broken; use 0.78.2', '0.78.1': 'its artifact access is broken; use 0.78.2'}
_DURATION = re.compile(r'([0-9]+(\.[0-9]+)?(ms|s|m|h))+')


def site_values(options: Options, notes: Notes) -> Values:
    """Host, size, licence, CAs, storage class."""
    host = options.get('wandb_host') or ''
    if not HOST_URL.fullmatch(host):
        notes.problems.append(f'wandb_host: "{host}" must be https:// and a name in lower case, without path or trailing slash')
    size = options.get('size') or DEFAULT_SIZE
    if size not in SIZES:
        notes.problems.append(f'size: "{size}" is none of {", ".join(SIZES)}{eras.nearest(size, SIZES)}')
    secret = options.get('license_secret')
    if not secret:
        notes.problems.append('license_secret: a Secret with the licence is wanted')
        secret = {}
    values: Values = {
        'global': {
            'host': host,
            'size': size,
            'licenseSecret': {'name': secret.get('name'), 'key': secret.get('key')},
            'customCACerts': certificates(options.get('custom_cas'), 'custom_cas', notes) or None,
            'caCertsConfigMap': options.get('custom_ca_configmap') or None,
            'storageClass': options.get('storage_class') or None,
        },
    }
    frequency = options.get('reconcile_frequency')
    if frequency:
        if not _DURATION.fullmatch(frequency):
            notes.problems.append(f'reconcile_frequency: "{frequency}" is no duration such as 30m or 1h30m')
        values['reconcileFrequency'] = frequency
    return values


def image_values(options: Options, notes: Notes) -> Values:
    """Where images come from. Their tags are the components'."""
    tag = options.get('image_tag')
    if tag in BROKEN_RELEASES:
        notes.problems.append(f'image_tag: {tag} must not be installed: {BROKEN_RELEASES[tag]}')
    if not options.get('follow_channel') and not tag:
        notes.problems.append('image_tag: give the release to run (the chart would take "latest"), or set follow_channel')
    return {
        'global': {
            'repositoryPrefix': (options.get('repository_prefix') or '').rstrip('/') or None,
            'imageRegistry': (options.get('image_registry') or '').rstrip('/') or None,
            'imagePullSecrets': [{'name': name} for name in options.get('image_pull_secrets') or []] or None,
        },
    }
