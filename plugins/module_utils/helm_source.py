# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a chart comes from: a file or folder, a URL, a repository, an OCI registry; and its way to this host's disk.

A login never is an argument of helm: it goes, with mode 0600, into a repositories file or a registry configuration in a
private folder that helm is pointed to by environment. helm v3 and v4 read both alike.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import typing as t
import urllib.parse

from ansible_collections.wandb.onprem.plugins.module_utils.helm import Helm, HelmError
from ansible_collections.wandb.onprem.plugins.module_utils.helm_chart import Chart, read_chart
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import dump

# Name of the only repository in our repositories file.
_REPOSITORY = 'chart'
# The one registry whose login is filed under another name than its host (as docker does).
_DOCKER_HUB = ('docker.io', 'index.docker.io', 'registry-1.docker.io')

# What helm says -> the option to look at, and the mend; the first row that matches is told.
_EXPLAINED: tuple[tuple[str, str, str], ...] = (
    (r'server gave HTTP response to HTTPS client|first record does not look like a TLS handshake', 'chart_plain_http',
     'the registry speaks HTTP: chart_plain_http=true'),
    (r'x509|certificate', 'chart_ca_file', 'the server\'s certificate is not trusted: give its CA in chart_ca_file'),
    (r'\b40[13]\b|unauthori[sz]ed|access denied|authentication required|no basic auth|basic credential not found', 'chart_username',
     'the login is missing or refused: see chart_username and chart_password'),
    (r'no such host|connection refused|i/o timeout|deadline exceeded|dial tcp|network is unreachable|no route to host', '',
     'the server is not reached from the host that runs the module'),
    (r'\b404\b|not found|manifest unknown|no chart (name|version) found|not a valid chart repository', '', 'there is no such chart or version'),
)


@dataclasses.dataclass(frozen=True)
class Source:
    """The options ``chart*``."""

    chart: str
    version: str = ''
    repo_url: str = ''
    username: str = ''
    password: str = dataclasses.field(default='', repr=False)
    ca_file: str = ''
    plain_http: bool = False

    @classmethod
    def of(cls, options: t.Mapping[str, t.Any]) -> Source:
        """Out of the module's options."""
        words = {key: options.get(f'chart_{key}') or '' for key in ('version', 'repo_url', 'username', 'password', 'ca_file')}
        return cls(options.get('chart') or '', plain_http=bool(options.get('chart_plain_http')), **words)

    @property
    def oci(self) -> bool:
        """In a registry."""
        return self.chart.startswith('oci://')

    @property
    def direct(self) -> bool:
        """An archive's own URL."""
        return not self.repo_url and self.chart.startswith(('http://', 'https://'))

    @property
    def local(self) -> bool:
        """On this host's disk."""
        return not (self.oci or self.direct or self.repo_url)

    def problems(self) -> list[str]:
        """What contradicts itself, each naming the option."""
        found = []
        remote = self.oci or bool(self.repo_url)
        for option, url in (('chart', self.chart), ('chart_repo_url', self.repo_url)):
            if '://' in url and '@' in url.partition('://')[2].partition('/')[0]:
                found.append(f'{option}: a URL with a login in it would be shown and logged: give chart_username and chart_password')
        if self.repo_url and (self.oci or '/' in self.chart):
            found.append('chart: with chart_repo_url it is the name of a chart in that repository, such as operator')
        if self.repo_url.startswith('oci://'):
            found.append('chart_repo_url: of a registry (oci://) the whole URL goes into chart')
        elif self.repo_url and not self.repo_url.startswith(('http://', 'https://')):
            found.append('chart_repo_url: begins with https:// or http://')
        if remote and not self.version:
            found.append('chart_version: is required for a chart out of a repository or registry, which would give the newest one')
        if (self.username or self.password) and not remote:
            found.append('chart_username: is for a repository (chart_repo_url) or a registry (oci://)')
        if self.plain_http and not self.oci:
            found.append('chart_plain_http: is for a registry (oci://); a repository speaks HTTP when its URL begins with http://')
        if self.ca_file and self.local:
            found.append('chart_ca_file: is for a chart that is fetched')
        elif self.ca_file and not os.path.isfile(os.path.expanduser(self.ca_file)):
            found.append(f'chart_ca_file: {self.ca_file} does not exist on the host that runs the module')
        return found


def fetch(helm: Helm, source: Source, folder: str) -> Chart:
    """The chart, on disk; what is fetched goes to ``folder``, which must be private. Raises HelmError naming the option."""
    problems = source.problems()
    if problems:
        raise HelmError('; '.join(problems))
    path = os.path.expanduser(source.chart) if source.local else _pull(helm, source, folder)
    chart = read_chart(path)
    if source.version and chart.version != source.version:
        raise HelmError(f'chart_version: asks for {source.version}, {source.chart} is of version {chart.version}')
    return chart


def _pull(helm: Helm, source: Source, folder: str) -> str:
    arrived = os.path.join(folder, 'charts')
    os.makedirs(arrived, mode=0o700, exist_ok=True)
    environment: dict[str, str] = {}
    arguments = ['pull', source.chart, '--destination', arrived]
    arguments += ['--version', source.version] if source.version and not source.direct else []
    arguments += ['--ca-file', os.path.expanduser(source.ca_file)] if source.ca_file and not source.repo_url else []
    arguments += ['--plain-http'] if source.plain_http else []
    try:
        if source.repo_url:
            environment = _repository(helm, source, folder)
            arguments[1] = f'{_REPOSITORY}/{source.chart}'
        elif source.oci and source.username:
            environment = {'HELM_REGISTRY_CONFIG': _registry_config(source, folder)}
        helm.call(*arguments, environment=environment)
    except HelmError as error:
        raise explained(source, str(error)) from error
    archives = [name for name in os.listdir(arrived) if name.endswith('.tgz')]
    if len(archives) != 1:
        raise HelmError(f'chart: helm pull of {source.chart} left {len(archives)} archives')
    return os.path.join(arrived, archives[0])


def _repository(helm: Helm, source: Source, folder: str) -> dict[str, str]:
    """A repositories file that holds this repository only, and its index."""
    entry: dict[str, t.Any] = {'name': _REPOSITORY, 'url': source.repo_url, 'username': source.username, 'password': source.password,
                               'caFile': os.path.expanduser(source.ca_file) if source.ca_file else ''}
    path = write_private(folder, 'chart-repository.yaml', dump({'apiVersion': '', 'generated': '0001-01-01T00:00:00Z', 'repositories': [entry]}))
    cache = os.path.join(folder, 'chart-index')
    environment = {'HELM_REPOSITORY_CONFIG': path, 'HELM_REPOSITORY_CACHE': cache}
    said = helm.call('repo', 'update', environment=environment)
    # v3 ends with success although no index came.
    if not os.path.exists(os.path.join(cache, f'{_REPOSITORY}-index.yaml')):
        raise HelmError(f'helm repo update failed: {said.strip()[-2000:]}')
    return environment


def _registry_config(source: Source, folder: str) -> str:
    host = urllib.parse.urlsplit(source.chart).netloc
    key = 'https://index.docker.io/v1/' if host in _DOCKER_HUB else host
    login = base64.b64encode(f'{source.username}:{source.password}'.encode()).decode()
    return write_private(folder, 'chart-registry.json', json.dumps({'auths': {key: {'auth': login}}}))


def write_private(folder: str, name: str, text: str) -> str:
    """Path of a new file with mode 0600."""
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as stream:
        stream.write(text)
    return path


def explained(source: Source, said: str) -> HelmError:
    """helm's words, behind the option that they are about and the mend."""
    where = f'{source.chart} {source.version} of {source.repo_url}' if source.repo_url else f'{source.chart} {source.version}'.strip()
    for pattern, option, mend in _EXPLAINED:
        if re.search(pattern, said, re.I):
            named = option or ('chart_repo_url' if source.repo_url else 'chart')
            return HelmError(f'{named}: {where} cannot be fetched, {mend}. {said}')
    return HelmError(f'chart: {where} cannot be fetched. {said}')
