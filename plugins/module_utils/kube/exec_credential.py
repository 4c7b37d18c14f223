# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials from an exec plugin of a kubeconfig, by the protocol ``client.authentication.k8s.io``."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.credentials import HIDDEN, without_secrets
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError

Document = dict[str, t.Any]

SECONDS = 60


def exec_credential(plugin: Document, cluster: Document) -> Document:
    """``status`` of the plugin's answer: ``token``, or ``clientCertificateData`` and ``clientKeyData`` (PEM).

    ``cluster`` is the kubeconfig's, its CA as data. Raises AuthConfigError.
    """
    command, version = plugin.get('command'), plugin.get('apiVersion')
    if not command or not version:
        raise AuthConfigError('kubeconfig: exec of the user needs command and apiVersion')
    spec: Document = {'interactive': False}
    if plugin.get('provideClusterInfo'):
        spec['cluster'] = _told_cluster(cluster)
    environment = {
        **os.environ,
        **{str(one.get('name')): str(one.get('value')) for one in plugin.get('env') or []},
        'KUBERNETES_EXEC_INFO': json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'spec': spec}),
    }
    arguments = [str(command), *map(str, plugin.get('args') or [])]
    try:
        # It needs an environment without the module's own and a time limit; run_command has neither.
        # pylint: disable-next=ansible-bad-function
        done = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    except OSError as error:
        hint = f' {plugin["installHint"]}' if plugin.get('installHint') else ''
        raise AuthConfigError(f'kubeconfig: exec plugin {command} cannot be run: {error.strerror}.{hint}') from error
    except subprocess.TimeoutExpired:
        # The exception holds the arguments.
        raise AuthConfigError(f'kubeconfig: exec plugin {command} did not end within {SECONDS} s; it must not ask anything') from None
    if done.returncode != 0:
        raise AuthConfigError(f'kubeconfig: exec plugin {command} failed with exit code {done.returncode}: {_last_line(done.stderr, plugin)}')
    try:
        status = json.loads(done.stdout)['status']
    except (ValueError, KeyError, TypeError):
        raise AuthConfigError(f'kubeconfig: exec plugin {command} printed no ExecCredential with a status') from None
    if not isinstance(status, dict) or not (status.get('token') or status.get('clientCertificateData')):
        raise AuthConfigError(f'kubeconfig: the ExecCredential of plugin {command} has neither token nor clientCertificateData')
    return status


def _told_cluster(cluster: Document) -> Document:
    """What the protocol lets a plugin know; ``config`` is its own part of the kubeconfig."""
    keys = ('server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority-data', 'proxy-url')
    told = {key: cluster[key] for key in keys if cluster.get(key)}
    for extension in cluster.get('extensions') or []:
        if extension.get('name') == 'client.authentication.k8s.io/exec':
            told['config'] = extension.get('extension')
    return told


def _last_line(text: str, plugin: Document) -> str:
    """Of what it says, with the secrets hidden that it was given."""
    line = (text.strip().splitlines() or ['it says nothing'])[-1][:500]
    for secret in without_secrets({'exec': plugin})[1]:
        line = line.replace(secret, HIDDEN)
    return line
