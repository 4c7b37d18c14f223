# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm: releases as Helm stores them, and the ``helm`` program (v3 and v4). Charts are read in helm_chart.py, fetched in helm_source.py.

Releases are read from their Secrets by the API, not by ``helm status`` and ``helm get``: one request in place of three
programs, and the same for both versions. Everything that writes goes through the program.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import SECRETS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import documents

Object = dict[str, t.Any]
# (arguments, environment) -> return code, stdout, stderr
Run = t.Callable[[list[str], dict[str, str]], tuple[int, str, str]]

# The user's own environment must not send helm elsewhere than the kubeconfig says.
_NEUTRAL = ('HELM_KUBECONTEXT', 'HELM_KUBEAPISERVER', 'HELM_KUBETOKEN', 'HELM_KUBECAFILE', 'HELM_KUBEASUSER', 'HELM_KUBEASGROUPS',
            'HELM_KUBETLS_SERVER_NAME', 'HELM_KUBEINSECURE_SKIP_TLS_VERIFY')


class HelmError(KubeError):
    """helm, a chart or a release is not what it must be."""


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
    """The program. ``kubeconfig`` is a file, ``home`` a private folder for its caches; nothing secret is ever an argument."""

    def __init__(self, run: Run, binary: str, kubeconfig: str, home: str = '') -> None:
        self._run = run
        self._binary = binary
        self._environment = {'KUBECONFIG': kubeconfig, 'HELM_DRIVER': 'secret', **dict.fromkeys(_NEUTRAL, ''), **(private_home(home) if home else {})}
        self._version = ''

    def version(self) -> str:
        """Such as v3.22.0, or v4.3 of a build that was not told its number."""
        self._version = self._version or self.call('version', '--template', '{{.Version}}').strip()
        return self._version

    def template(self, release: str, namespace: str, chart: str, values_file: str, kube_version: str, upgrade: bool) -> str:
        """Render without an API request. No hooks: a release's manifest has none either."""
        arguments = ['template', release, chart, '--namespace', namespace, '--values', values_file, '--kube-version', kube_version, '--no-hooks', '--skip-crds']
        return self.call(*arguments, *(['--is-upgrade'] if upgrade else []))

    def upgrade(self, release: str, namespace: str, chart: str, values_file: str, timeout: int, replace: bool = False) -> None:
        """Install or upgrade, without CRDs (they are applied before) and without helm's own wait (it cannot tell causes).

        ``replace`` writes whole objects, which also takes away what others have put into their lists; a merge does not.
        """
        forced: list[str] = []
        if replace:
            # v4 applies server-side and can then only take over fields, not take away what stands beside them.
            forced = ['--force'] if self.version().startswith('v3') else ['--force-replace', '--server-side=false']
        self.call('upgrade', release, chart, '--install', '--namespace', namespace, '--values', values_file, '--skip-crds',
                  '--history-max', '10', '--timeout', f'{timeout}s', '--reset-values', *forced)

    def uninstall(self, release: str, namespace: str, timeout: int) -> None:
        """Remove the release and its history; waits for its objects to be gone."""
        self.call('uninstall', release, '--namespace', namespace, '--wait', '--timeout', f'{timeout}s')

    def call(self, *arguments: str, environment: t.Mapping[str, str] | None = None) -> str:
        """stdout of ``helm arguments...``. Raises HelmError with what helm said."""
        code, output, errors = self._run([self._binary, *arguments], {**self._environment, **(environment or {})})
        if code != 0:
            # Why no index came stands on stdout.
            said = f'{output}\n{errors}' if arguments[0] == 'repo' else errors or output
            raise HelmError(f'helm {arguments[0]} failed: {said.strip()[-2000:]}')
        return output


def private_home(folder: str) -> dict[str, str]:
    """Helm's caches in ``folder``. The user's own registry login stays in force; nothing of helm's is written to their home."""
    return {'HELM_CACHE_HOME': f'{folder}/cache', 'HELM_REPOSITORY_CACHE': f'{folder}/cache/repository', 'HELM_CONTENT_CACHE': f'{folder}/cache/content',
            'HELM_REPOSITORY_CONFIG': f'{folder}/repositories.yaml'}
