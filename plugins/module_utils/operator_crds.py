# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about one CRD of the chart: apply it, leave a newer one alone, or refuse. Pure; the first row that speaks decides.

CRDs belong to the whole cluster: another release may have brought a newer one, and it tells nobody of which chart it is.
So the version of the chart that wrote it last stands in an annotation of ours.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import re
import typing as t

Object = dict[str, t.Any]

WRITTEN_BY = 'wandb.onprem/chart-version'

_SEMVER = re.compile(r'v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?')


class CrdVerb(str, enum.Enum):
    """What is to be done."""

    APPLY = 'apply'
    KEEP = 'keep'
    REFUSE = 'refuse'


@dataclasses.dataclass(frozen=True)
class CrdDecision:
    """``reason`` for a person; empty where the CRD is simply applied."""

    verb: CrdVerb
    reason: str = ''


def decide_crd(live: Object | None, wanted: Object, chart_version: str) -> CrdDecision:
    """The first row that applies."""
    for row in CRD_ROWS:
        decision = row(live, wanted, chart_version)
        if decision:
            return decision
    return CrdDecision(CrdVerb.APPLY)


def stores_another_version(live: Object | None, wanted: Object, chart_version: str) -> CrdDecision | None:
    """v2 is another operator with another resource (facts 1.7), also where it comes with the chart."""
    for crd, whose in ((live, "the cluster's"), (wanted, "the chart's")):
        stored = storage_version(crd)
        if stored not in ('', 'v1'):
            return CrdDecision(CrdVerb.REFUSE, f'{whose} CRD {_name(wanted)} stores {stored}, this collection speaks v1')
    return None


def lacks_versions(live: Object | None, wanted: Object, chart_version: str) -> CrdDecision | None:
    """Objects of a version that the CRD no longer has could not be read any more."""
    if live is None:
        return None
    known = set(version_names(wanted))
    stored = [name for name in (live.get('status') or {}).get('storedVersions') or [] if name not in known]
    if stored:
        return CrdDecision(CrdVerb.REFUSE, f"the cluster's CRD {_name(wanted)} has objects stored as {', '.join(stored)}, which the chart's CRD lacks")
    served = [name for name in version_names(live) if name not in known]
    if served:
        return CrdDecision(CrdVerb.REFUSE, f"the cluster's CRD {_name(wanted)} has version {', '.join(served)}, which the chart's CRD lacks")
    return None


def newer(live: Object | None, wanted: Object, chart_version: str) -> CrdDecision | None:
    """It was written by a newer chart: an older one would take fields away that objects may use."""
    written = written_by(live)
    if version_key(written) is None or not _newer(written, chart_version):
        return None
    return CrdDecision(CrdVerb.KEEP, f'CRD {_name(wanted)} is of chart version {written}, newer than {chart_version}: it stays as it is')


CRD_ROWS: tuple[t.Callable[[Object | None, Object, str], CrdDecision | None], ...] = (stores_another_version, lacks_versions, newer)


def signed(crd: Object, chart_version: str) -> Object:
    """The CRD to apply, with the chart's version in our annotation."""
    found = copy.deepcopy(crd)
    metadata = found.setdefault('metadata', {})
    metadata['annotations'] = {**(metadata.get('annotations') or {}), WRITTEN_BY: chart_version}
    return found


def written_by(crd: Object | None) -> str:
    """Version of the chart that wrote it last, as far as we know."""
    return str((((crd or {}).get('metadata') or {}).get('annotations') or {}).get(WRITTEN_BY) or '')


def storage_version(crd: Object | None) -> str:
    """Version that the CRD stores; empty without a CRD."""
    versions = ((crd or {}).get('spec') or {}).get('versions') or []
    return next((str(version.get('name')) for version in versions if version.get('storage')), '')


def version_names(crd: Object) -> list[str]:
    """Every version that the CRD defines."""
    return [str(version.get('name')) for version in (crd.get('spec') or {}).get('versions') or []]


def version_key(text: str) -> tuple[t.Any, ...] | None:
    """Sorts as semantic versions do (a pre-release before its release, numbers before words); None for what is none."""
    match = _SEMVER.fullmatch(text)
    if not match:
        return None
    numbers = tuple(int(part) for part in match.group(1, 2, 3))
    prerelease = match.group(4)
    parts = tuple((0, int(part), '') if part.isdigit() else (1, 0, part) for part in prerelease.split('.')) if prerelease else ()
    return (*numbers, not prerelease, parts)


def _newer(one: str, other: str) -> bool:
    first, second = version_key(one), version_key(other)
    return first is not None and second is not None and first > second


def _name(crd: Object) -> str:
    return str((crd.get('metadata') or {}).get('name'))
