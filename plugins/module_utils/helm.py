# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm: charts on disk, releases as Helm stores them, and the ``helm`` program (v3 and v4).

Releases are read from their Secrets by the API, not by ``helm status`` and ``helm get``: one request in place of three
programs, and the same for both versions. Everything that writes goes through the program.
"""

from __future__ import annotations

import base64
import dataclasses
import glob
import gzip
import json
import os
import tarfile
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import SECRETS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import documents

Object = dict[str, t.Any]
# (arguments, environment) -> return code, stdout, stderr
Run = t.Callable[[list[str], dict[str, str]], tuple[int, str, str]]

# The user's own environment must not send helm elsewhere than the kubeconfig says.
_NEUTRAL = ('HELM_KUBECONTEXT', 'HELM_KUBEAPISERVER', 'HELM_KUBETOKEN', 'HELM_KUBECAFILE', 'HELM_KUBEASUSER', 'HELM_KUBEASGROUPS')


class HelmError(KubeError):
    """helm, a chart or a release is not what it must be."""


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart on disk; ``path`` is an archive or a folder."""

    path: str
    name: str
    version: str
    crds: tuple[Object, ...] = ()


def read_chart(path: str) -> Chart:
    """Chart.yaml and the CRDs of an archive or a folder. Raises HelmError."""
    if not os.path.exists(path):
        raise HelmError(f'chart: {path} does not exist')
    files = _folder_files(path) if os.path.isdir(path) else _archive_files(path)
    if 'Chart.yaml' not in files:
        raise HelmError(f'chart: {path} holds no Chart.yaml')
    metadata = documents(files['Chart.yaml'], f'Chart.yaml of {path}')[0]
    crds = [document for name in sorted(files) if name.startswith('crds/') for document in documents(files[name], f'{name} of {path}')]
    return Chart(path, str(metadata.get('name')), str(metadata.get('version')), tuple(crds))


def _wanted(name: str) -> bool:
    return name == 'Chart.yaml' or (name.startswith('crds/') and name.endswith(('.yaml', '.yml')))


def _folder_files(folder: str) -> dict[str, str]:
    found = {}
    for path in glob.glob(os.path.join(folder, '*')) + glob.glob(os.path.join(folder, 'crds', '**'), recursive=True):
        relative = os.path.relpath(path, folder)
        if _wanted(relative) and os.path.isfile(path):
            with open(path, encoding='utf-8') as stream:
                found[relative] = stream.read()
    return found


def _archive_files(path: str) -> dict[str, str]:
    found = {}
    try:
        with tarfile.open(path, 'r:gz') as archive:
            for member in archive:
                relative = member.name.partition('/')[2]
                if member.isfile() and _wanted(relative):
                    stream = archive.extractfile(member)
                    found[relative] = stream.read().decode('utf-8') if stream else ''
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError) as error:
        raise HelmError(f'chart: {path} is not a chart archive, or is damaged: {error}') from error
    return found


@dataclasses.dataclass(frozen=True)
class Release:
    """The newest revision of a release."""

    name: str
    namespace: str
    revision: int
    status: str
    chart_name: str
    chart_version: str
    values: Object
    manifest: str
    # Manifests of its hooks, without those of `helm test`.
    hooks: tuple[str, ...] = ()

    @property
    def secret(self) -> str:
        """Name of the Secret that holds this revision."""
        return f'sh.helm.release.v1.{self.name}.v{self.revision}'

    def as_dict(self) -> Object:
        """For a module's result."""
        keys = ('name', 'namespace', 'revision', 'status', 'chart_name', 'chart_version')
        return {key: getattr(self, key) for key in keys}


def decode_release(secret: Object) -> Release:
    """The release in a Secret of type helm.sh/release.v1: base64 (Helm) in base64 (Kubernetes), gzip, JSON."""
    try:
        packed = base64.b64decode(base64.b64decode(secret['data']['release']))
        document = json.loads(gzip.decompress(packed) if packed[:2] == b'\x1f\x8b' else packed)
        metadata = document['chart']['metadata']
        return Release(document['name'], document['namespace'], int(document['version']), document['info']['status'], metadata['name'], metadata['version'],
                       document.get('config') or {}, document.get('manifest') or '',
                       tuple(str(hook.get('manifest') or '') for hook in document.get('hooks') or [] if hook.get('events') != ['test']))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise HelmError(f'Secret {secret.get("metadata", {}).get("name")} does not hold a Helm release: {error}') from error


def newest_release(service: Service, namespace: str, name: str) -> Release | None:
    """The newest revision, in whatever state it is; None without any (also where the namespace does not exist)."""
    secrets = service.find(SECRETS, namespace, labels=f'owner=helm,name={name}')
    if not secrets:
        return None
    return decode_release(max(secrets, key=lambda one: int(one['metadata']['labels'].get('version', 0))))


def manifest_objects(text: str) -> dict[str, Object]:
    """Rendered objects by kind and name, free of order, comments and formatting."""
    found = {}
    for document in documents(text, 'the rendered chart'):
        metadata = document.get('metadata') or {}
        found[f'{document.get("kind")} {metadata.get("namespace", "")}/{metadata.get("name")}'] = document
    return found


class Helm:
    """The program. ``kubeconfig`` is a file; nothing secret is ever an argument."""

    def __init__(self, run: Run, binary: str, kubeconfig: str) -> None:
        self._run = run
        self._binary = binary
        self._environment = {'KUBECONFIG': kubeconfig, 'HELM_DRIVER': 'secret', **dict.fromkeys(_NEUTRAL, '')}

    def version(self) -> str:
        """Such as v3.22.0 or v4.3."""
        return self._call('version', '--template', '{{.Version}}').strip()

    def pull(self, chart: str, repo_url: str, version: str, folder: str) -> str:
        """Fetch a chart from a repository or (``oci://``) registry; path of the archive."""
        arguments = ['pull', chart, '--destination', folder]
        arguments += ['--repo', repo_url] if repo_url else []
        arguments += ['--version', version] if version else []
        self._call(*arguments)
        archives = [name for name in os.listdir(folder) if name.endswith('.tgz')]
        if len(archives) != 1:
            raise HelmError(f'chart: helm pull {chart} left {len(archives)} archives')
        return os.path.join(folder, archives[0])

    def template(self, release: str, namespace: str, chart: str, values_file: str, kube_version: str, upgrade: bool) -> str:
        """Render without an API request. No hooks: a release's manifest has none either."""
        arguments = ['template', release, chart, '--namespace', namespace, '--values', values_file, '--kube-version', kube_version, '--no-hooks', '--skip-crds']
        return self._call(*arguments, *(['--is-upgrade'] if upgrade else []))

    def upgrade(self, release: str, namespace: str, chart: str, values_file: str, timeout: int) -> None:
        """Install or upgrade, without CRDs (they are applied before) and without helm's own wait (it cannot tell causes)."""
        self._call('upgrade', release, chart, '--install', '--namespace', namespace, '--values', values_file, '--skip-crds',
                   '--history-max', '10', '--timeout', f'{timeout}s', '--reset-values')

    def uninstall(self, release: str, namespace: str, timeout: int) -> None:
        """Remove the release and its history; waits for its objects to be gone."""
        self._call('uninstall', release, '--namespace', namespace, '--wait', '--timeout', f'{timeout}s')

    def _call(self, *arguments: str) -> str:
        code, output, errors = self._run([self._binary, *arguments], self._environment)
        if code != 0:
            raise HelmError(f'helm {arguments[0]} failed: {(errors or output).strip()[-2000:]}')
        return output
