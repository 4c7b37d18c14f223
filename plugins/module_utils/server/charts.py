# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``spec.chart``: where the operator takes the chart operator-wandb from.

A chart that fails the operator's own validation becomes none *silently* (online: the channel's chart is installed
instead), so every form is checked here. Pure.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.checks import has_credentials
from ansible_collections.wandb.onprem.plugins.module_utils.server.notes import Notes
from ansible_collections.wandb.onprem.plugins.module_utils.server.values import Values

# Option -> key of the custom resource.
_KEYS = {'path': 'path', 'url': 'url', 'name': 'name', 'version': 'version', 'repo_name': 'repoName', 'plain_http': 'plainHTTP', 'debug': 'debug'}
_FORMS = {
    'path': {'path'},
    'oci': {'url', 'version', 'credential_secret', 'plain_http'},
    'repository': {'url', 'name', 'version', 'repo_name', 'credential_secret', 'debug'},
}
_EXACT = re.compile(r'v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?')


def chart_form(chart: t.Mapping[str, t.Any]) -> str:
    """``path``, ``oci``, ``repository``, or an empty string for none of them."""
    if chart.get('path'):
        return 'path'
    url = str(chart.get('url') or '')
    if url.startswith('oci://'):
        return 'oci'
    return 'repository' if url.startswith(('https://', 'http://')) else ''


def chart_spec(options: t.Mapping[str, t.Any], notes: Notes) -> tuple[Values, str]:
    """``spec.chart`` and the version that decides the era (an empty string where nothing tells it)."""
    given = {key: value for key, value in (options.get('chart') or {}).items() if value not in (None, '', {}, False)}
    told = str(options.get('chart_version') or '')
    if not given and told and not _EXACT.fullmatch(told):
        notes.problems.append(f'chart_version: "{told}" is no exact version such as 0.43.8')
        told = ''
    if not given:
        if not options.get('follow_channel'):
            notes.problems.append('chart: give path, or url, name and version (follow_channel: true takes what W&B\'s channel says)')
        return {}, told
    form = chart_form(given)
    if not form:
        notes.problems.append('chart: give path, or url beginning with oci:// or https://')
        return {}, ''
    for key in [key for key in ('username', 'password') if given.pop(key, None)]:
        notes.problems.append(f'chart.{key} would stand in clear in the custom resource: use chart.credential_secret')
    if has_credentials(str(given.get('url') or '')):
        notes.problems.append('chart.url holds a password, in clear in the custom resource: use chart.credential_secret')
    for key in sorted(set(given) - _FORMS[form]):
        known = {*_KEYS, 'credential_secret'}
        notes.problems.append(f'chart.{key} has no meaning in the {form} form' if key in known else f'chart.{key} is unknown{eras.nearest(key, known)}')
    version = str(given.get('version') or told)
    if given.get('version') and told and given['version'] != told:
        notes.problems.append(f'chart_version: {told} contradicts chart.version: {given["version"]}')
    if form == 'repository' and not given.get('name'):
        notes.problems.append('chart.name: the name of the chart in the repository is wanted, operator-wandb')
    if str(given.get('url') or '').startswith('http://'):
        notes.warnings.append('chart.url: http:// turns the verification of certificates off in the operator, also after a redirect to https://')
    if version and not _EXACT.fullmatch(version):
        notes.problems.append(f'{"chart.version" if given.get("version") else "chart_version"}: "{version}" is no exact version such as 0.43.8')
        version = ''
    elif not version:
        wanted = 'chart_version: give the version of the archive (it decides the keys)' if form == 'path' else 'chart.version: give an exact version'
        notes.problems.append(wanted)
    spec: Values = {_KEYS[key]: value for key, value in given.items() if key in _KEYS}
    if form != 'path' and version:
        spec['version'] = version
    secret = given.get('credential_secret')
    if secret:
        spec['credentialSecret'] = {
            key: value
            for key, value in (('name', secret.get('name')), ('usernameKey', secret.get('username_key')), ('passwordKey', secret.get('password_key')))
            if value
        }
    return spec, version
