# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows of its MinIO: drives and what they were formatted for, the settings of its server, the program that runs.

Reads files only; `run` (argv -> output) asks systemd. Needs root, for the drives belong to the server's user.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import typing as t

FORMAT = '.minio.sys/format.json'
# What may lie on an empty drive.
OWN = ('.minio.sys', 'lost+found')
SHOWN = 5


def recorded(settings: str) -> dict[str, t.Any]:
    """Volumes and drives that a settings file of role minio names; empty where there is none."""
    volumes = variables(settings).get('MINIO_VOLUMES', '').removeprefix('"').removesuffix('"')
    drives = re.search(r'^# wandb_minio_drives: (.*)$', settings, re.MULTILINE)
    return {'volumes': volumes, 'drives': drives.group(1).split() if drives else []}


def variables(settings: str) -> dict[str, str]:
    """Name -> value as it is written, of an environment file; what the server sees of it."""
    pairs = (line.strip().partition('=') for line in settings.splitlines() if '=' in line and not line.lstrip().startswith('#'))
    return {name: value for name, _equals, value in pairs}


def mount_types(mountinfo: str) -> dict[str, str]:
    """Mount point -> filesystem, of /proc/self/mountinfo."""
    types = {}
    for line in mountinfo.splitlines():
        left, _dash, right = line.partition(' - ')
        types[re.sub(r'\\([0-7]{3})', lambda match: chr(int(match.group(1), 8)), left.split()[4])] = right.split()[0]
    return types


def filesystem(path: str, types: t.Mapping[str, str]) -> str:
    """Type of the filesystem that holds a path."""
    real = os.path.realpath(path)
    while real not in types and real != '/':
        real = os.path.dirname(real)
    return types.get(real, '')


def read_format(drive: str) -> dict[str, t.Any] | None:
    """`{deployment, this, sets}` of a drive that MinIO formatted; None = it is not. ValueError where the file makes no sense."""
    try:
        with open(os.path.join(drive, FORMAT), encoding='utf-8') as stream:
            content = json.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return {'deployment': content['id'], 'this': content['xl']['this'], 'sets': content['xl']['sets']}
    except (KeyError, TypeError) as error:
        raise ValueError(f'{FORMAT} has no {error}') from error


def owner_name(uid: int) -> str:
    """Name of a user; the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def look_at_drive(path: str, types: t.Mapping[str, str]) -> dict[str, t.Any]:
    """One drive; only `exists` where it does not."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {'exists': False}
    seen: dict[str, t.Any] = {
        'exists': True, 'device': found.st_dev, 'root': found.st_dev == os.stat('/').st_dev, 'filesystem': filesystem(path, types), 'format': None,
        'foreign': [], 'owner': owner_name(found.st_uid),
    }
    if not os.path.isdir(path):
        return {**seen, 'foreign': ['it is no folder']}
    try:
        seen['format'] = read_format(path)
    except ValueError as error:
        return {**seen, 'foreign': [f'{FORMAT} cannot be read: {error}']}
    if seen['format']:
        seen['owner'] = owner_name(os.stat(os.path.join(path, FORMAT)).st_uid)
    else:
        seen['foreign'] = sorted(name for name in os.listdir(path) if name not in OWN)[:SHOWN]
    return seen


def sha256(path: str) -> str:
    """Of a file; empty where there is none."""
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as stream:
            for piece in iter(lambda: stream.read(1 << 20), b''):
                digest.update(piece)
    except (FileNotFoundError, NotADirectoryError):
        return ''
    return digest.hexdigest()


def running_program(unit: str, run: t.Callable[[list[str]], str]) -> dict[str, t.Any]:
    """`{path, sha256}` of what the unit runs, though its file may have been replaced since; both empty where nothing runs."""
    pid = run(['systemctl', 'show', '--property=MainPID', '--value', '--', unit]).strip()
    if pid in ('', '0'):
        return {'path': '', 'sha256': ''}
    link = f'/proc/{pid}/exe'
    try:
        path, found = os.readlink(link), sha256(link)
    except FileNotFoundError:
        return {'path': '', 'sha256': ''}
    except PermissionError:
        # Root in a container has no right to look into others' processes (CAP_SYS_PTRACE); the user that the server runs as has.
        owner = os.stat(f'/proc/{pid}')
        as_owner = ['setpriv', f'--reuid={owner.st_uid}', f'--regid={owner.st_gid}', '--clear-groups', '--']
        path, found = run([*as_owner, 'readlink', link]).strip(), run([*as_owner, 'sha256sum', link]).split()[0].lstrip('\\')
    return {'path': path[:-len(' (deleted)')] if path.endswith(' (deleted)') else path, 'sha256': found}


def look(settings: str, wanted: str, unit: str, program: str, drives: t.Iterable[str], run: t.Callable[[list[str]], str]) -> dict[str, t.Any]:
    """Everything, as module minio_host_info returns it. Drives that the settings name are looked at too."""
    try:
        with open(settings, encoding='utf-8') as stream:
            configured, text = True, stream.read()
    except FileNotFoundError:
        configured, text = False, ''
    known = recorded(text)
    with open('/proc/self/mountinfo', encoding='utf-8') as stream:
        types = mount_types(stream.read())
    return {
        'configured': configured,
        'settings_as_wanted': configured and variables(text) == variables(wanted),
        **known,
        'running': running_program(unit, run),
        'program_sha256': sha256(program) if program else '',
        'paths': {path: look_at_drive(path, types) for path in dict.fromkeys([*drives, *known['drives']])},
    }
