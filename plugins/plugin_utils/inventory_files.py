# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables stand in the files of an inventory, and which secrets among them in plain text. Reads files of the controller only."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import typing as t

import yaml
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.shown import is_secret

_VAULT = '$ANSIBLE_VAULT'
# Bytes; what is larger is no file of variables.
_LARGEST = 1024**2
_SUFFIXES = ('', '.yml', '.yaml', '.json', '.ini')
# Dictionaries, and lists of them, that hold keys of their own.
_KEYS = {
    'wandb_team_buckets': ('access_key', 'secret_key'), 'wandb_mysql_backup_targets': ('access_key', 'secret_key', 'private_key'),
    'wandb_minio_mirror': ('access_key', 'secret_key'),
}
_INI = re.compile(r'(?:^|\s)(wandb_\w+)\s*=\s*("[^"]*"|\'[^\']*\'|\S*)', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Written:
    """``names``: variables in files that can be read; ``in_clear``: secret -> the file; ``has_vault``: whether anything is encrypted."""

    names: frozenset[str] = frozenset()
    in_clear: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    has_vault: bool = False


class _Encrypted:
    """A value with the tag !vault."""


class _Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):  # type: ignore[misc]
    """Reads the tags of Ansible: an encrypted value is told apart, any other is what stands there."""


def _tagged(loader: t.Any, suffix: str, node: t.Any) -> t.Any:
    if suffix in ('vault', 'vault-encrypted'):
        return _Encrypted()
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor('!', _tagged)


def inventory_files(sources: t.Iterable[str]) -> t.Iterator[pathlib.Path]:
    """The files of an inventory: each source, the files of a folder, and group_vars and host_vars beside them."""
    seen = set()
    for source in sources:
        path = pathlib.Path(source)
        folder = path if path.is_dir() else path.parent
        files = [path] if path.is_file() else sorted(path.iterdir()) if path.is_dir() else []
        if files:
            files += [file for name in ('group_vars', 'host_vars') for file in sorted((folder / name).rglob('*'))]
        for file in files:
            if file not in seen and _is_variables(file):
                seen.add(file)
                yield file


def _is_variables(file: pathlib.Path) -> bool:
    # A program is an inventory that is asked; what stands in group_vars is read, whatever its mode.
    is_program = os.access(file, os.X_OK) and not {'group_vars', 'host_vars'} & set(file.parts)
    if not file.is_file() or file.suffix not in _SUFFIXES or file.name.startswith('.') or is_program:
        return False
    return file.stat().st_size < _LARGEST


def written(files: t.Iterable[pathlib.Path]) -> Written:
    """What stands in them. A file that cannot be read, or is no YAML, says nothing here: Ansible has told of it already."""
    names: set[str] = set()
    in_clear: dict[str, str] = {}
    has_vault = False
    for file in files:
        try:
            text = file.read_text(encoding='utf-8')
        except (OSError, UnicodeDecodeError):
            continue
        if text.startswith(_VAULT):
            has_vault = True
            continue
        for name, value in _variables(text):
            names.add(name)
            has_vault = has_vault or isinstance(value, _Encrypted)
            if _is_clear(name, value):
                in_clear.setdefault(name, str(file))
    return Written(frozenset(names), in_clear, has_vault)


def _variables(text: str) -> t.Iterator[tuple[str, t.Any]]:
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        document = None
    if isinstance(document, dict):
        yield from _of(document)
    else:
        yield from ((match.group(1), match.group(2).strip('"\'')) for match in _INI.finditer(text))


def _of(value: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    """Every variable in a document, be it group_vars or a whole inventory."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(name, str) and name.startswith('wandb_') and not (isinstance(inner, dict) and {'hosts', 'children', 'vars'} & set(inner)):
                yield name, inner
            else:
                yield from _of(inner)


def _is_clear(name: str, value: t.Any) -> bool:
    if isinstance(value, str):
        return is_secret(name) and bool(value.strip()) and '{{' not in value and not _is_path(name, value)
    entries = value if isinstance(value, list) else [value]
    return any(_is_plain(entry.get(key)) for entry in entries if isinstance(entry, dict) for key in _KEYS.get(name, ()))


def _is_plain(value: t.Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and '{{' not in value


def _is_path(name: str, value: str) -> bool:
    """A private key may be named by its path, which is no secret."""
    return name.endswith('_private_key') and '-----BEGIN' not in value
