# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text in and out. The import is late, so that a missing PyYAML is told and not a traceback."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError


def _package() -> t.Any:
    try:
        import yaml
    except ImportError as error:
        raise KubeError('the Python package yaml is missing on the host that runs the module: pip install PyYAML') from error
    return yaml


def documents(text: str, origin: str) -> list[dict[str, t.Any]]:
    """Every non-empty document of a YAML stream; ``origin`` names it in errors."""
    yaml = _package()
    try:
        found = list(yaml.load_all(text, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader)))
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        raise KubeError(f'{origin} is not YAML: {getattr(error, "problem", error)}{f" in line {mark.line + 1}" if mark else ""}') from error
    for document in found:
        if document is not None and not isinstance(document, dict):
            raise KubeError(f'{origin} holds a document that is not a mapping')
    return [document for document in found if document]


def dump(document: t.Any) -> str:
    """YAML text with a stable order of keys."""
    return str(_package().safe_dump(document, default_flow_style=False, sort_keys=True, allow_unicode=True))
