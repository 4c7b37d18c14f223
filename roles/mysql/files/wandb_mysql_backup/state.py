# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program remembers on its host: one run at a time, and the last outcomes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import typing as t

from .catalog import now
from .config import Config


def _file(config: Config, name: str) -> pathlib.Path:
    folder = pathlib.Path(config.state_dir)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder / name


def _write(path: pathlib.Path, document: t.Mapping[str, t.Any]) -> None:
    part = path.with_name(path.name + '.part')
    part.write_text(json.dumps(document, indent=1, sort_keys=True) + '\n', encoding='utf-8')
    part.rename(path)


@contextlib.contextmanager
def alone(config: Config, wait: bool) -> t.Iterator[bool]:
    """Hold the lock; False if another run has it and `wait` is not asked for."""
    with os.fdopen(os.open(_file(config, 'lock'), os.O_RDWR | os.O_CREAT, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def status(config: Config) -> dict[str, t.Any]:
    """Last outcome of each verb: `{verb: {ok, at, success_at, ...}}`."""
    try:
        found = json.loads(_file(config, 'status.json').read_text(encoding='utf-8'))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def note(config: Config, verb: str, ok: bool, **more: t.Any) -> None:
    """Remember how a verb ended, for monitoring."""
    document = status(config)
    at = now().isoformat(timespec='seconds')
    before = document.get(verb, {}).get('success_at')
    document[verb] = {'ok': ok, 'at': at, 'success_at': at if ok else before, **more}
    _write(_file(config, 'status.json'), document)
