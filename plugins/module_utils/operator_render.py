# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Helm values as a file, for people whose releases are made by Argo CD, Flux or a pipeline. No API, no helm."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.helm import HelmError
from ansible_collections.wandb.onprem.plugins.module_utils.helm_source import Source
from ansible_collections.wandb.onprem.plugins.module_utils.operator_values import build
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import dump

FILE = 'operator-values.yaml'


def render(options: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """The module's result without having written anything, and warnings. ``diff.after`` is what has to be written. Raises KubeError."""
    source = Source.of(options)
    problems = source.problems()
    if problems:
        raise HelmError('; '.join(problems))
    built = build(options)
    result: dict[str, t.Any] = {'changed': False, 'action': 'render', 'reasons': [], 'release': {}, 'chart_values': built.values, 'crds': [],
                                'restarted': False, 'waited': 0.0, 'requests': 0}
    if options.get('render_to'):
        path, text = target_file(options['render_to']), text_of(built.values, options['name'], options['namespace'], source)
        before = current(path)
        result.update(rendered_to=path, changed=before != text, diff={'before_header': path, 'after_header': path, 'before': before, 'after': text})
    return result, built.warnings


def text_of(values: t.Mapping[str, t.Any], name: str, namespace: str, source: Source) -> str:
    """A values file; where release and chart are found stands in its head."""
    head = [f'# Values of Helm release {name} in namespace {namespace} (W&B\'s operator), written by wandb.onprem.wandb_operator.',
            f'# release: {name}', f'# namespace: {namespace}', f'# chart: {source.chart}']
    head += [f'# repository: {source.repo_url}'] if source.repo_url else []
    head += [f'# version: {source.version}'] if source.version else []
    head.append("# The chart's CRDs (its folder crds/) have to be applied before it, at every upgrade: Helm does it at the first install only.")
    return '\n'.join(head) + '\n---\n' + dump(values)


def target_file(render_to: str) -> str:
    """``render_to`` itself, or a file in it if it is a folder. Raises HelmError where there is no folder for it."""
    path = os.path.expanduser(render_to)
    if os.path.isdir(path) or path.endswith(os.sep):
        path = os.path.join(path, FILE)
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise HelmError(f'render_to: folder {folder} does not exist on the host that runs the module')
    return path


def current(path: str) -> str:
    """What the file holds now; empty if there is none. Raises HelmError."""
    if not os.path.exists(path):
        return ''
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise HelmError(f'render_to: {path} cannot be read: {error}') from error
