# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource as a file, for those who apply it by GitOps. Nothing here knows an API server."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import WANDBS
from ansible_collections.wandb.onprem.plugins.module_utils.server import files, inputs
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import documents, dump

Document = dict[str, t.Any]

MODE = 0o644


def custom_resource(name: str, namespace: str, spec: t.Mapping[str, t.Any]) -> Document:
    """The manifest that is applied or written."""
    return {
        'apiVersion': WANDBS.api_version,
        'kind': WANDBS.kind,
        'metadata': {
            'name': name,
            'namespace': namespace,
            'labels': {'app.kubernetes.io/name': 'weightsandbiases', 'app.kubernetes.io/instance': name},
        },
        'spec': dict(spec),
    }


def render(options: t.Mapping[str, t.Any], dry_run: bool) -> tuple[Document, list[str]]:
    """The module's result and its warnings. Raises OptionsError before anything is written."""
    if options['state'] != 'present':
        raise OptionsError(['render: only with state=present; there is no manifest of a removal'])
    built = build(options)
    path = options['render_to']
    manifest = custom_resource(options['name'], options['namespace'], built.spec)
    text, before = dump(manifest), files.read('render_to', path)
    changed = text != before
    if changed and not dry_run:
        files.write('render_to', path, text, MODE)
    result = {
        'changed': changed,
        'diff': {'before_header': path, 'after_header': path, 'before': _shown(before, path), 'after': dump(masked(manifest))},
        'manifest': masked(manifest),
        'notes': list(built.translations),
    }
    return result, [*built.warnings, *_left_out(options)]


def _shown(text: str | None, path: str) -> str:
    """What a diff may show of a file: manifests with secrets hidden, nothing of anything else."""
    if text is None:
        return ''
    try:
        return '---\n'.join(dump(masked(document)) for document in documents(text, path))
    except KubeError:
        return '(no manifest)\n'


def _left_out(options: t.Mapping[str, t.Any]) -> list[str]:
    referred = inputs.references(options)
    told = []
    if any(one.purpose for one in referred):
        told.append(
            'render: the HMAC of Secrets and ConfigMaps (annotations under global.pod.annotations) is left out: after one of them was rotated, '
            'restart the pods yourself'
        )
    names = sorted({f'{one.kind} {one.namespace}/{one.name}' for one in referred})
    if names:
        told.append(f'render: not looked at, and wanted before the manifest is applied: {", ".join(names)}')
    return told
