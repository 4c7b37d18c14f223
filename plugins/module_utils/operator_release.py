# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""W&B's operator as a Helm release: CRDs first, then the release, then its rollout.

Uses of the collaborators: Service (``get find apply apply_over delete client``), Helm (``template upgrade uninstall``),
Waiter (``wait``). Whether this is a dry run is the client's to know.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.helm import Helm, HelmError, Release, manifest_objects, newest_release
from ansible_collections.wandb.onprem.plugins.module_utils.helm_chart import Chart
from ansible_collections.wandb.onprem.plugins.module_utils.helm_source import write_private
from ansible_collections.wandb.onprem.plugins.module_utils.kube.drift import Drift, Key, LiveObjects, comparable, drift_of, pod_template_differs
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import crd_established, rollout
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CRDS, NAMESPACES, SECRETS, WANDBS, name_of, resource_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.rollout import rollout_probe
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service, masked_diff
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter
from ansible_collections.wandb.onprem.plugins.module_utils.operator_access import demand, questions
from ansible_collections.wandb.onprem.plugins.module_utils.operator_crds import CrdDecision, CrdVerb, decide_crd, signed
from ansible_collections.wandb.onprem.plugins.module_utils.operator_scope import find_others, scope_of
from ansible_collections.wandb.onprem.plugins.module_utils.release import Decision, Mend, Observed, Verb, Wanted, changed_objects, decide
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import dump

Object = dict[str, t.Any]

WORKLOADS = ('Deployment', 'StatefulSet', 'DaemonSet')
PENDING = 'status in (pending-install,pending-upgrade,pending-rollback)'
# As kubectl rollout restart does it.
RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt'


@dataclasses.dataclass(frozen=True)
class Target:
    """Which release."""

    name: str
    namespace: str


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the run may do."""

    create_namespace: bool = False
    apply_crds: bool = True
    force_conflicts: bool = False
    allow_other_operators: bool = False
    mend_drift: bool = True
    repair: bool = False
    wait: bool = True
    timeout: int = 300


@dataclasses.dataclass
class Outcome:
    """What was (or would be) done."""

    changed: bool = False
    decision: Decision = dataclasses.field(default_factory=lambda: Decision(Verb.NOTHING))
    release: Release | None = None
    crds: list[str] = dataclasses.field(default_factory=list)
    diffs: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    restarted: bool = False
    waited: float = 0.0


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What one look found: the decision's input and what the steps after it need again."""

    observed: Observed
    live: t.Mapping[Key, t.Mapping[str, t.Any]]
    drifts: tuple[Drift, ...]
    crds: dict[str, tuple[Object | None, CrdDecision]]


class OperatorRunner:
    """``folder`` is a private folder for the values; the caller removes it."""

    def __init__(self, service: Service, helm: Helm, waiter: Waiter, folder: str) -> None:
        self.service = service
        self.helm = helm
        self.waiter = waiter
        self.folder = folder
        self.dry_run = service.client.dry_run

    def present(self, target: Target, chart: Chart, values: Object, policy: Policy) -> Outcome:
        """Install, upgrade, mend, or nothing; then wait until what the chart makes is rolled out."""
        kube_version = str(self.service.client.get('/version').get('gitVersion'))
        release = newest_release(self.service, target.namespace, target.name)
        outcome = Outcome(release=release)
        values_file = write_private(self.folder, 'values.yaml', dump(values))
        rendered = self.helm.template(target.name, target.namespace, chart.path, values_file, kube_version, release is not None and release.revision > 1)
        wanted = Wanted(chart.name, chart.version, values, manifest_objects(rendered))
        seen = self._look(target, chart, release, wanted, policy)
        outcome.decision = decision = decide(seen.observed, wanted)
        self._permit(decision, policy)
        if decision.verb != Verb.NOTHING:
            applied = [name for name, (_live, crd) in seen.crds.items() if crd.verb == CrdVerb.APPLY] if policy.apply_crds else []
            demand(self.service, questions(comparable(wanted.objects.values()), target.namespace, applied))

        self._namespace(target, policy, outcome, needed=release is None)
        self._crds(chart, seen, policy, outcome)
        if decision.verb != Verb.NOTHING:
            outcome.changed = True
            outcome.restarted = _needs_restart(decision, wanted, seen, LiveObjects(self.service, target.namespace))
            outcome.diffs += _diffs(seen, wanted, outcome.restarted)
            if not self.dry_run:
                self._mend(decision, release, policy)
                self.helm.upgrade(target.name, target.namespace, chart.path, values_file, policy.timeout, any(not one.gone for one in seen.drifts))
                outcome.release = newest_release(self.service, target.namespace, target.name)
                if outcome.restarted:
                    self._restart(target, wanted)
        self._wait(target, wanted, seen, policy, outcome)
        return outcome

    def absent(self, target: Target, policy: Policy) -> Outcome:
        """Remove the release; its CRDs, and so every custom resource, stay. Refused while the operator still has work to undo."""
        outcome = Outcome()
        outcome.release = release = newest_release(self.service, target.namespace, target.name)
        if not release:
            return outcome
        scope = scope_of(release.values, release.namespace)
        resources = self.service.find(WANDBS) if scope is None else [one for place in sorted(scope) for one in self.service.find(WANDBS, place)]
        if resources:
            names = ', '.join(sorted(name_of({'kind': WANDBS.kind, **one}) for one in resources))
            raise HelmError(f'{names} still exists and could never be deleted without the operator (its finalizer waits for it): delete it first')
        outcome.changed = True
        outcome.decision = Decision(Verb.UNINSTALL, ('the release exists',))
        outcome.diffs = [{'before_header': name, 'after_header': name, **masked_diff(one, None)} for name, one in manifest_objects(release.manifest).items()]
        if not self.dry_run:
            self.helm.uninstall(target.name, target.namespace, policy.timeout)
            outcome.release = None
        return outcome

    def _look(self, target: Target, chart: Chart, release: Release | None, wanted: Wanted, policy: Policy) -> _Seen:
        crds = {}
        for crd in chart.crds:
            name = crd['metadata']['name']
            try:
                existing = self.service.get(CRDS, None, name)
            except ForbiddenError:
                if policy.apply_crds:
                    raise
                continue
            crds[name] = existing, decide_crd(existing, crd, chart.version)
        made = manifest_objects(release.manifest) if release else {}
        objects = LiveObjects(self.service, target.namespace)
        known = comparable(made.values())
        live = objects.of(known)
        found = [drift_of(one, live.get(objects.key(one)), target.namespace) for one in known] if release and policy.mend_drift else []
        drifts = tuple(one for one in found if one)
        scope = scope_of(wanted.values, target.namespace)
        ask_others = not policy.allow_other_operators and (release is None or scope != scope_of(release.values, release.namespace))
        observed = Observed(
            release,
            made,
            foreign=self._foreign(comparable(one for name, one in wanted.objects.items() if name not in made), target),
            others=find_others(self.service, target.namespace, target.name, scope) if ask_others else {},
            crd_refusals=tuple(decision.reason for _live, decision in crds.values() if decision.verb == CrdVerb.REFUSE),
            drift=tuple(str(one) for one in drifts),
        )
        return _Seen(observed, live, drifts, crds)

    def _foreign(self, objects: t.Iterable[Object], target: Target) -> dict[str, str]:
        """Objects that exist and that Helm would refuse to adopt, with their owner."""
        found = {}
        for wanted in objects:
            resource, metadata = resource_of(wanted), wanted['metadata']
            namespace = (metadata.get('namespace') or target.namespace) if resource.namespaced else None
            live = self.service.get(resource, namespace, metadata['name'])
            if live is None:
                continue
            annotations = live['metadata'].get('annotations') or {}
            owner = (annotations.get('meta.helm.sh/release-namespace'), annotations.get('meta.helm.sh/release-name'))
            if owner != (target.namespace, target.name):
                found[name_of({'kind': resource.kind, **live})] = f'of Helm release {owner[0]}/{owner[1]}' if owner[1] else 'not made by Helm'
        return found

    def _permit(self, decision: Decision, policy: Policy) -> None:
        told = '; '.join(decision.reasons)
        if decision.verb == Verb.REFUSE:
            raise HelmError(f'{told}. {decision.remedy[:1].upper()}{decision.remedy[1:]}.')
        if decision.verb == Verb.REPAIR and not policy.repair:
            raise HelmError(f'{told}. With repair=true this module would: {decision.remedy}.')

    def _namespace(self, target: Target, policy: Policy, outcome: Outcome, needed: bool) -> None:
        if policy.create_namespace:
            applied = self.service.apply({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': target.namespace}})
            outcome.changed |= applied.changed
            outcome.diffs += [applied.diff] if applied.changed else []
        elif needed and not self.dry_run and self.service.get(NAMESPACES, None, target.namespace) is None:
            raise HelmError(f'namespace {target.namespace} does not exist: role wandb.onprem.platform makes it, or create_namespace=true')

    def _crds(self, chart: Chart, seen: _Seen, policy: Policy, outcome: Outcome) -> None:
        for crd in chart.crds:
            name = crd['metadata']['name']
            if name not in seen.crds:
                continue
            live, decision = seen.crds[name]
            outcome.crds.append(name)
            if not policy.apply_crds:
                if live is None:
                    raise HelmError(f'CRD {name} does not exist: let somebody who may apply CRDs do it, or give apply_crds=true')
                continue
            if decision.verb == CrdVerb.KEEP:
                outcome.warnings.append(decision.reason)
                continue
            applied = self.service.apply_over(live, signed(crd, chart.version), policy.force_conflicts)
            if applied.changed:
                outcome.changed = True
                outcome.diffs.append({'before_header': name_of(crd), 'after_header': name_of(crd), **applied.diff})
                if not self.dry_run:
                    self._established(crd, policy)

    def _established(self, crd: Object, policy: Policy) -> None:
        self.waiter.wait(name_of(crd), lambda: crd_established(self.service.get(CRDS, None, crd['metadata']['name'])), policy.timeout)

    def _mend(self, decision: Decision, release: Release | None, policy: Policy) -> None:
        if release and decision.mend == Mend.DELETE_PENDING:
            # One that was killed may have been preceded by another: helm would stumble over that next.
            older = [one['metadata']['name'] for one in self.service.find(SECRETS, release.namespace, labels=f'owner=helm,name={release.name},{PENDING}')]
            for name in dict.fromkeys([*older, release.secret]):
                self.service.delete(SECRETS, release.namespace, name)
        elif release and decision.mend == Mend.FINISH_UNINSTALL:
            self.helm.uninstall(release.name, release.namespace, policy.timeout)

    def _restart(self, target: Target, wanted: Wanted) -> None:
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
        for one in _workloads(wanted):
            path = resource_of(one).path(one['metadata'].get('namespace') or target.namespace, one['metadata']['name'])
            self.service.client.merge_patch(path, {'spec': {'template': {'metadata': {'annotations': {RESTARTED_AT: stamp}}}}}, self.service.field_manager)

    def _wait(self, target: Target, wanted: Wanted, seen: _Seen, policy: Policy, outcome: Outcome) -> None:
        if not policy.wait or self.dry_run:
            return
        objects = LiveObjects(self.service, target.namespace)
        mine = _workloads(wanted)
        live = [seen.live.get(objects.key(one)) for one in mine]
        if outcome.decision.verb == Verb.NOTHING and all(one is not None and rollout(one).done for one in live):
            return
        places = [(resource_of(one), one['metadata'].get('namespace') or target.namespace, one['metadata']['name']) for one in mine]
        outcome.waited = self.waiter.wait(f'release {target.name}', rollout_probe(self.service, places), policy.timeout).seconds
        if seen.observed.drift:
            known = comparable(wanted.objects.values())
            found = objects.of(known)
            again = [drift_of(one, found.get(objects.key(one)), target.namespace) for one in known]
            outcome.warnings += [f'{one}, at once again: another program writes it (mend_drift=false leaves it alone)' for one in again if one]


def _workloads(wanted: Wanted) -> list[Object]:
    return [one for one in wanted.objects.values() if one.get('kind') in WORKLOADS]


def _needs_restart(decision: Decision, wanted: Wanted, seen: _Seen, objects: LiveObjects) -> bool:
    """After a repair, and where what the pods work with was mended: unless helm starts new pods by itself.

    An operator that was refused something meanwhile would try again in an hour only (facts 9).
    """
    if decision.mend == Mend.FINISH_UNINSTALL:
        return False
    beside = any(drift.name.split(' ')[0] not in WORKLOADS for drift in seen.drifts)
    if decision.verb != Verb.REPAIR and not (seen.observed.drift and beside):
        return False
    pairs = [(one, seen.live.get(objects.key(one))) for one in _workloads(wanted)]
    return any(live is not None for _one, live in pairs) and not any(live is None or pod_template_differs(one, live) for one, live in pairs)


def _diffs(seen: _Seen, wanted: Wanted, restarted: bool) -> list[dict[str, t.Any]]:
    observed = seen.observed
    found: list[dict[str, t.Any]] = [
        {'before_header': name, 'after_header': name, **masked_diff(observed.objects.get(name), wanted.objects.get(name))}
        for name in changed_objects(observed.objects, wanted.objects)
    ]
    found += [one.diff for one in seen.drifts] if observed.drift else []
    if restarted:
        found.append({'before_header': 'pods of the operator', 'after_header': 'pods of the operator', 'before': '', 'after': 'restarted\n'})
    if not found:
        status = observed.release.status if observed.release else ''
        found.append({'before_header': 'release', 'after_header': 'release', 'before': {'status': status}, 'after': {'status': 'deployed'}})
    return found
