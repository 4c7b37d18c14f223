# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm charts on disk: name, version, CRDs and known values of an archive or a folder. Nothing is unpacked."""

from __future__ import annotations

import dataclasses
import glob
import os
import tarfile
import typing as t
import zlib

from ansible_collections.wandb.onprem.plugins.module_utils.helm import HelmError
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import documents

Object = dict[str, t.Any]

_GZIP = b'\x1f\x8b'


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart on disk; ``path`` is an archive or a folder, ``value_keys`` the top-level keys of its values.yaml."""

    path: str
    name: str
    version: str
    crds: tuple[Object, ...] = ()
    value_keys: tuple[str, ...] = ()


def read_chart(path: str) -> Chart:
    """Chart.yaml, values.yaml and the CRDs of an archive or a folder. Raises HelmError, naming option ``chart``."""
    if not os.path.exists(path):
        raise HelmError(f'chart: {path} does not exist on the host that runs the module')
    files = _folder_files(path) if os.path.isdir(path) else _archive_files(path)
    if 'Chart.yaml' not in files:
        raise HelmError(f'chart: {path} holds no Chart.yaml: it is no Helm chart')
    metadata = (documents(files['Chart.yaml'], f'chart: Chart.yaml of {path}') or [{}])[0]
    missing = [key for key in ('name', 'version') if not metadata.get(key)]
    if missing:
        raise HelmError(f'chart: Chart.yaml of {path} has no {" and no ".join(missing)}')
    crds = [document for name in sorted(files) if name.startswith('crds/') for document in documents(files[name], f'chart: {name} of {path}')]
    values = (documents(files.get('values.yaml', ''), f'chart: values.yaml of {path}') or [{}])[0]
    return Chart(path, str(metadata['name']), str(metadata['version']), tuple(crds), tuple(str(key) for key in values))


def _wanted(name: str) -> bool:
    return name in ('Chart.yaml', 'values.yaml') or (name.startswith('crds/') and name.endswith(('.yaml', '.yml')))


def _folder_files(folder: str) -> dict[str, str]:
    found = {}
    for path in glob.glob(os.path.join(folder, '*')) + glob.glob(os.path.join(folder, 'crds', '**'), recursive=True):
        relative = os.path.relpath(path, folder)
        if _wanted(relative) and os.path.isfile(path):
            with open(path, encoding='utf-8') as stream:
                found[relative] = stream.read()
    return found


def _archive_files(path: str) -> dict[str, str]:
    with open(path, 'rb') as stream:
        head = stream.read(2)
    if head != _GZIP:
        raise HelmError(f'chart: {path} is not a chart archive (a gzipped tar file, .tgz)')
    found = {}
    try:
        with tarfile.open(path, 'r:gz') as archive:
            for member in archive:
                relative = member.name.partition('/')[2]
                if member.isfile() and _wanted(relative):
                    content = archive.extractfile(member)
                    found[relative] = content.read().decode('utf-8') if content else ''
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise HelmError(f'chart: {path} is damaged ({error}): fetch or copy it again') from error
    return found
