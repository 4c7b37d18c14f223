# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as it was seen at one moment: objects as the API returns them, and how to read them. Pure."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import json
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.helm import HelmError, decode_release

Object = t.Mapping[str, t.Any]

OPERATOR_LABELS = 'control-plane=controller-manager'
# Field selector: every Secret but Helm's releases, which are large.
NOT_HELM = 'type!=helm.sh/release.v1'


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is waited for. ``applied_at``: when our spec last changed, epoch seconds of the API server's clock.

    ``active_before``: resource version of ``<cr>-spec-active`` before this run changed the spec ("0" = there was none);
    empty where this run changed nothing. ``age``: seconds since ``applied_at``. ``mended_at``: what the operator said up to
    then is of the trouble that this run has mended.
    """

    name: str
    namespace: str
    operator_namespace: str
    spec: Object
    chart_version: str = ''
    applied_at: float = 0.0
    active_before: str = ''
    age: float = 0.0
    mended_at: float = 0.0


@dataclasses.dataclass(frozen=True)
class Observed:
    """Everything seen in one round. The last block is asked for only when something is wrong."""

    # Epoch seconds of the controller's clock.
    seen_at: float = 0.0
    custom_resource: Object | None = None
    operators: t.Sequence[Object] = ()
    # The Secret <cr>-spec-active.
    active: Object | None = None
    releases: t.Sequence[Object] = ()
    deployments: t.Sequence[Object] = ()
    stateful_sets: t.Sequence[Object] = ()
    daemon_sets: t.Sequence[Object] = ()
    autoscalers: t.Sequence[Object] = ()
    pods: t.Sequence[Object] = ()
    # Path behind the service proxy -> what it answered; None = 200.
    answers: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)

    # Values that others have a say in: the console's settings and the channel's, as far as there are any.
    other_levels: t.Sequence[Object] = ()
    operator_pods: t.Sequence[Object] = ()
    operator_log: str = ''
    events: t.Sequence[Object] = ()
    jobs: t.Sequence[Object] = ()
    replica_sets: t.Sequence[Object] = ()

    @property
    def phase(self) -> str:
        """``status.phase``, or empty."""
        return str(((self.custom_resource or {}).get('status') or {}).get('phase') or '')

    @property
    def workloads(self) -> list[Object]:
        """All workloads, each with its kind (lists leave it out)."""
        groups = (('Deployment', self.deployments), ('StatefulSet', self.stateful_sets), ('DaemonSet', self.daemon_sets))
        return [{'kind': kind, **document} for kind, documents in groups for document in documents]


def metadata(document: Object) -> Object:
    """Metadata of an object."""
    found: Object = document.get('metadata') or {}
    return found


def name_of(document: Object) -> str:
    """Name of an object."""
    return str(metadata(document).get('name') or '')


def label(document: Object, name: str) -> str:
    """One label of an object, or empty."""
    return str((metadata(document).get('labels') or {}).get(name) or '')


def epoch(stamp: t.Any) -> float:
    """Epoch seconds of an RFC 3339 time (or of a number); 0.0 for anything else."""
    if isinstance(stamp, (int, float)):
        return float(stamp)
    text = str(stamp or '').replace('Z', '+00:00')
    if '.' in text:
        # Python 3.9 takes three or six digits of a second only.
        head, tail = text.split('.', 1)
        digits = len(tail) - len(tail.lstrip('0123456789'))
        text = f'{head}.{tail[:digits][:6].ljust(6, "0")}{tail[digits:]}'
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def written_at(document: Object | None, field_manager: str = '') -> float:
    """When fields last changed (those of one manager, or any); the API server leaves the time alone where nothing did."""
    entries = metadata(document or {}).get('managedFields') or []
    return max((epoch(entry.get('time')) for entry in entries if field_manager in ('', entry.get('manager'))), default=0.0)


def event_at(event: Object) -> float:
    """When an event last happened."""
    return epoch(event.get('lastTimestamp') or event.get('eventTime') or metadata(event).get('creationTimestamp'))


def active_spec(secret: Object | None) -> Object | None:
    """``values`` and ``chart`` out of the Secret ``<cr>-spec-active``: what the operator really applied."""
    data = (secret or {}).get('data') or {}
    if not data:
        return None
    found = {}
    for key in ('values', 'chart'):
        try:
            found[key] = json.loads(base64.b64decode(data.get(key) or ''))
        except (ValueError, binascii.Error):
            found[key] = None
    return found


def newest_release(releases: t.Sequence[Object]) -> Object | None:
    """The Helm release Secret of the highest revision."""
    return max(releases, key=revision, default=None)


def revision(release: Object) -> int:
    """Revision of a Helm release Secret."""
    return int(label(release, 'version') or 0)


def release_chart_version(release: Object | None) -> str:
    """Version of the chart that a release was made from; empty where it cannot be told."""
    try:
        return decode_release(dict(release or {})).chart_version
    except HelmError:
        return ''
