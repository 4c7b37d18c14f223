# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and the end of a server: which go with it, which stay, and a file that keeps the former (facts 1.6 and 9).

Lists of the API are passed in (they leave kinds out).
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import stripped
from ansible_collections.wandb.onprem.plugins.module_utils.server import files, inputs
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import Object, label, metadata, name_of
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import documents, dump

Document = dict[str, t.Any]

OPTION = 'save_secrets_to'
MODE = 0o600
STATE = 'spec-active'
# <custom resource>-<one of these>
LOST = ('spec-user', STATE, 'latest-cached-release', 'bucket', 'redis-secret')
KEPT = ('license', 'mysql', 'clickhouse', 'gorilla-session-key')
# Made by the console, not by Helm.
CONSOLES = 'wandb-password'


def lost(secrets: t.Iterable[Object], custom_resource: Object) -> list[Object]:
    """Those that the removal takes along; the operator's record of what it applied comes last."""
    name = name_of(custom_resource)
    known = {f'{name}-{suffix}' for suffix in LOST} | {inputs.hmac_secret(name)}
    found = [one for one in secrets if not _keeps(one) and (name_of(one) in known or _owned(one, custom_resource) or _of_release(one, custom_resource))]
    return sorted(found, key=lambda one: (name_of(one) == f'{name}-{STATE}', name_of(one)))


def kept(secrets: t.Iterable[Object], custom_resource: Object) -> list[Object]:
    """Those that the chart or the console made and that stay."""
    name = name_of(custom_resource)
    known = {f'{name}-{suffix}' for suffix in KEPT} | {CONSOLES}
    found = [
        one for one in secrets
        if not _owned(one, custom_resource) and (name_of(one) in known or (_keeps(one) and _of_release(one, custom_resource)))
    ]
    return sorted(found, key=name_of)


def _keeps(secret: Object) -> bool:
    return (metadata(secret).get('annotations') or {}).get('helm.sh/resource-policy') == 'keep'


def _owned(secret: Object, custom_resource: Object) -> bool:
    uid = metadata(custom_resource).get('uid')
    return any(owner.get('uid') == uid for owner in metadata(secret).get('ownerReferences') or [])


def _of_release(secret: Object, custom_resource: Object) -> bool:
    annotations, mine = metadata(secret).get('annotations') or {}, metadata(custom_resource)
    return (
        label(secret, 'app.kubernetes.io/managed-by') == 'Helm'
        and annotations.get('meta.helm.sh/release-name') == mine.get('name')
        and annotations.get('meta.helm.sh/release-namespace') == mine.get('namespace')
    )


def manifest(secret: Object) -> Document:
    """The Secret so that it can be applied again: without what the server and the garbage collector need."""
    clean = stripped({'apiVersion': 'v1', 'kind': 'Secret', **secret}) or {}
    clean['metadata'] = {key: value for key, value in clean['metadata'].items() if key not in ('ownerReferences', 'finalizers')}
    return clean


def save(path: str, secrets: t.Sequence[Object], custom_resource: Object, dry_run: bool) -> None:
    """Write the file, unless it holds all of it already. Raises OptionsError where it holds something else."""
    manifests = [manifest(one) for one in secrets]
    before = files.read(OPTION, path)
    if before is not None:
        if _holds(before, path, manifests):
            return
        raise OptionsError([f'{OPTION}: {path} exists and holds something else: move it away or name another file'])
    if not dry_run:
        files.write(OPTION, path, _text(manifests, custom_resource), MODE)


def _holds(text: str, path: str, manifests: t.Sequence[Document]) -> bool:
    """A run that was cut off may have saved more than is left now."""
    try:
        held = documents(text, path)
    except KubeError:
        return False
    return all(one in held for one in manifests)


def _text(manifests: t.Sequence[Document], custom_resource: Object) -> str:
    name = name_of(custom_resource)
    head = f'# Secrets that went with WeightsAndBiases {metadata(custom_resource).get("namespace")}/{name}, in clear.\n'
    if any(one['metadata'].get('name') == f'{name}-{STATE}' for one in manifests):
        head += (
            '# Apply those that you want back before the server is installed again, but not the last one:\n'
            f'# {name}-{STATE} is the operator\'s record of what it applied. With it in place it would find nothing to do and install nothing.\n'
        )
    return head + ''.join(f'---\n{dump(one)}' for one in manifests)
