# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a Helm release: a table of rows, each a pure function; the first that speaks decides.

A new row is a new function in ``ROWS``; tests/unit walks them one by one.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.helm import Release

Object = dict[str, t.Any]

# helm starts no new pod where the template stays the same, and an operator that was refused something tries again in an hour only (facts 9).
_RESTART = ', then restart the operator if its pods stay the same, so that it looks at its custom resources anew'


class Verb(str, enum.Enum):
    """What is to be done; a repair is done only if it was allowed."""

    NOTHING = 'nothing'
    INSTALL = 'install'
    UPGRADE = 'upgrade'
    UNINSTALL = 'uninstall'
    REPAIR = 'repair'
    REFUSE = 'refuse'


class Mend(str, enum.Enum):
    """First step of a repair; the release is installed or upgraded after it."""

    NONE = 'none'
    DELETE_PENDING = 'delete_pending'
    FINISH_UNINSTALL = 'finish_uninstall'


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The release that the options ask for; ``objects`` as manifest_objects() gives them."""

    chart_name: str
    chart_version: str
    values: Object
    objects: dict[str, Object]


@dataclasses.dataclass(frozen=True)
class Observed:
    """What is there.

    ``foreign``: object of the chart that is not of this release -> who owns it. ``others``: another release's operator -> what
    speaks against it. ``crd_refusals``: why a CRD of the chart cannot be applied. ``drift``: what others changed in the
    release's live objects, in words.
    """

    release: Release | None
    objects: dict[str, Object]
    foreign: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    others: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    crd_refusals: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Decision:
    """``reasons`` for a person; ``remedy`` what a repair does, or the person must."""

    verb: Verb
    reasons: tuple[str, ...] = ()
    remedy: str = ''
    mend: Mend = Mend.NONE


def decide(observed: Observed, wanted: Wanted) -> Decision:
    """The first row that applies."""
    for row in ROWS:
        decision = row(observed, wanted)
        if decision:
            return decision
    return Decision(Verb.NOTHING)


def crd_refused(observed: Observed, wanted: Wanted) -> Decision | None:
    """The cluster's CRD is another generation's, or has versions that the chart's lacks (operator_crds.py)."""
    if not observed.crd_refusals:
        return None
    return Decision(Verb.REFUSE, observed.crd_refusals,
                    'another generation of W&B\'s operator runs this cluster: use another cluster, or a chart of that generation')


def installed_otherwise(observed: Observed, wanted: Wanted) -> Decision | None:
    """Objects of the chart exist, by kubectl or under another release."""
    if not observed.foreign:
        return None
    return Decision(Verb.REFUSE, tuple(f'{name} exists already, {owner}' for name, owner in sorted(observed.foreign.items())),
                    'remove that installation (custom resources stay), or give its release name and namespace in name and namespace')


def another_operator(observed: Observed, wanted: Wanted) -> Decision | None:
    """Another operator would work on the same custom resources."""
    if not observed.others:
        return None
    return Decision(Verb.REFUSE, tuple(f'there is another operator: {name}, {against}' for name, against in sorted(observed.others.items())),
                    'remove it, give its release name and namespace in name and namespace, keep the two apart with namespace_isolation and '
                    'additional_namespaces, or take the risk with allow_other_operators=true')


def another_chart(observed: Observed, wanted: Wanted) -> Decision | None:
    """The release name is taken."""
    if not observed.release or observed.release.chart_name == wanted.chart_name:
        return None
    release = observed.release
    return Decision(Verb.REFUSE, (f'release {release.name} is of chart {release.chart_name}, not {wanted.chart_name}',), 'choose another name')


def not_installed(observed: Observed, wanted: Wanted) -> Decision | None:
    """No revision at all."""
    return None if observed.release else Decision(Verb.INSTALL, ('the release does not exist',))


def pending(observed: Observed, wanted: Wanted) -> Decision | None:
    """helm was killed in the middle; it refuses every further operation."""
    release = observed.release
    if not release or not release.status.startswith('pending-'):
        return None
    return Decision(Verb.REPAIR, (f'revision {release.revision} is {release.status}: helm was interrupted',),
                    f'delete Secret {release.namespace}/{release.secret} and run helm upgrade again{_RESTART} (only if no other helm is at work)',
                    Mend.DELETE_PENDING)


def uninstalling(observed: Observed, wanted: Wanted) -> Decision | None:
    """helm uninstall was interrupted, or kept its history."""
    release = observed.release
    if not release or release.status not in ('uninstalling', 'uninstalled'):
        return None
    return Decision(Verb.REPAIR, (f'revision {release.revision} is {release.status}',), 'finish helm uninstall, then install again', Mend.FINISH_UNINSTALL)


def failed(observed: Observed, wanted: Wanted) -> Decision | None:
    """The last operation failed."""
    release = observed.release
    if not release or release.status == 'deployed':
        return None
    return Decision(Verb.REPAIR, (f'revision {release.revision} is {release.status}',), f'run helm upgrade again with the wanted chart and values{_RESTART}')


def differs(observed: Observed, wanted: Wanted) -> Decision | None:
    """Chart version, values or what they render to."""
    release = observed.release
    if not release:
        return None
    reasons = []
    if release.chart_version != wanted.chart_version:
        reasons.append(f'chart {release.chart_version} -> {wanted.chart_version}')
    reasons += [f'value {path} differs' for path in differing_paths(release.values, wanted.values)]
    if not reasons:
        reasons = [f'{name} is rendered differently by the same chart version' for name in changed_objects(observed.objects, wanted.objects)]
    return Decision(Verb.UPGRADE, (*reasons, *observed.drift)) if reasons else None


def drifted(observed: Observed, wanted: Wanted) -> Decision | None:
    """Somebody changed or deleted what helm made; helm itself never looks."""
    return Decision(Verb.UPGRADE, observed.drift) if observed.drift else None


ROWS: tuple[t.Callable[[Observed, Wanted], Decision | None], ...] = (
    crd_refused, another_chart, installed_otherwise, another_operator, not_installed, pending, uninstalling, failed, differs, drifted,
)


def differing_paths(old: t.Any, new: t.Any, path: str = '') -> list[str]:
    """Dotted paths at which two documents differ; values are not told."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [found for key in sorted({*old, *new}, key=str)
                for found in differing_paths(old.get(key), new.get(key), f'{path}.{key}' if path else str(key))]
    # To Python True is 1.
    return [] if old == new and isinstance(old, bool) is isinstance(new, bool) else [path]


def changed_objects(old: dict[str, Object], new: dict[str, Object]) -> list[str]:
    """Names of objects that come, go or differ."""
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
