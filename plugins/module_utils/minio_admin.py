# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the state of a MinIO deployment, and having it healed: the calls of the admin API that the SDK has no function for.

Uses of the client: ``info`` of MinioAdmin, and the signed request beneath it. Clock and sleep are passed in.
"""

from __future__ import annotations

import json
import time
import types
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils import minio
from ansible_collections.wandb.onprem.plugins.module_utils.minio_state import HealReport, State

if t.TYPE_CHECKING:
    from minio import MinioAdmin

POLL_SECONDS = 1.0


def read_state(client: MinioAdmin) -> State:
    """The deployment as the asked server sees it."""
    return State.read(json.loads(client.info()))


def wait_for(
    read: t.Callable[[], State], conditions: t.Sequence[str], servers: int | None, seconds: float, delay: float,
    clock: t.Callable[[], float] = time.monotonic, sleep: t.Callable[[float], None] = time.sleep,
) -> tuple[State | None, list[str], float]:
    """The last state, what it lacks of the conditions, and the seconds it took. A server that does not answer yet is waited for, too."""
    begun = clock()
    while True:
        state: State | None = None
        try:
            state = read()
            lacks = state.lacks(conditions, servers)
        except minio.failures() as error:
            if clock() - begun >= seconds:
                raise
            lacks = [str(error)]
        if not lacks or clock() - begun >= seconds:
            return state, lacks, clock() - begun
        sleep(delay)


def call(client: MinioAdmin, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None) -> t.Any:
    """One signed request of the admin API; its JSON."""
    # The SDK takes commands of an enumeration of its own, of which it reads the value alone.
    command = t.cast(t.Any, types.SimpleNamespace(value=path))
    response = client._url_open(method=method, command=command, query_params=t.cast(t.Any, query), body=body)
    return json.loads(response.data.decode() or '{}')


class Healer:
    """Has every object looked at and what is incomplete mended, and waits for it.

    A server heals by itself what it knows to be incomplete: a fresh drive as a whole, and writes that it saw fail. What other servers wrote
    while a host was away, the scanner finds in the course of weeks. So a host that comes back after hours is followed by this.
    """

    def __init__(self, client: MinioAdmin, dry_run: bool, deep: bool,
                 clock: t.Callable[[], float] = time.monotonic, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._dry_run = dry_run
        self._deep = deep
        self._clock = clock
        self._sleep = sleep

    def heal(self, bucket: str, prefix: str, seconds: float) -> tuple[HealReport, float]:
        """The report, and how long it took. MinioError if it is not done in time or MinIO gives up; healing then goes on in the servers."""
        path = '/'.join(part for part in ('heal', bucket, prefix) if part) + ('' if bucket else '/')
        settings = {'recursive': True, 'dryRun': self._dry_run, 'remove': False, 'recreate': False, 'scanMode': 2 if self._deep else 1,
                    'updateParity': False, 'nolock': False}
        begun = self._clock()
        # forceStart: a sequence that an earlier run left is replaced, its results nobody reads any more.
        started = call(self._client, 'POST', path, {'forceStart': 'true'}, json.dumps(settings).encode())
        token = str(started['clientToken'])
        report = HealReport()
        while True:
            status = call(self._client, 'POST', path, {'clientToken': token}, b'{}')
            for item in status.get('Items') or []:
                report.add(item, self._dry_run)
            if str(status.get('StartTime', '')).startswith('0001'):
                # MinIO says "finished" of a sequence that it does not know.
                raise minio.MinioError(f'The server that healed was restarted after {report.scanned} objects. Run it again.')
            if status.get('Summary') == 'finished':
                return report, self._clock() - begun
            if status.get('Summary') == 'stopped':
                raise minio.MinioError(f'MinIO gave up healing after {report.scanned} objects: {status.get("Detail") or "no reason told"}')
            if self._clock() - begun > seconds:
                raise minio.MinioError(f'Healing is not done after {seconds:.0f} s: {report.scanned} objects looked at. Give it longer (timeout).')
            self._sleep(POLL_SECONDS)
