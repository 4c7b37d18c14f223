# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the host that runs the module: read, and replaced in one step."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError


def read(option: str, path: str) -> str | None:
    """The text, or None where there is no file. Raises OptionsError, in check mode as well, where none could be written."""
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        raise OptionsError([f'{option}: there is no folder {folder}'])
    if os.path.isdir(path):
        raise OptionsError([f'{option}: {path} is a folder; name a file'])
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except FileNotFoundError:
        if not os.access(folder, os.W_OK):
            raise OptionsError([f'{option}: no file can be made in {folder}']) from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError([f'{option}: {path} cannot be read: {error}']) from error


def write(option: str, path: str, text: str, mode: int) -> None:
    """Whole or not at all; ``mode`` is that of a new file. Raises OptionsError."""
    path = os.path.realpath(path)
    try:
        if os.path.exists(path):
            mode = os.stat(path).st_mode & 0o777
        handle, draft = tempfile.mkstemp(prefix='.wandb-', dir=os.path.dirname(path))
        try:
            with open(handle, 'w', encoding='utf-8') as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(draft, mode)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise OptionsError([f'{option}: {path} cannot be written: {error}']) from error
