# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""W&B's operator as a Helm release: CRDs first, then the release, then its rollout.

Uses of the collaborators: Service (``get find apply apply_over delete client``), Helm (``pull template upgrade
uninstall``), Waiter (``wait``). Whether this is a dry run is the client's to know.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.helm import Chart, Helm, HelmError, Release, manifest_objects, newest_release, read_chart
from ansible_collections.wandb.onprem.plugins.module_utils.kube.health import crd_established
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CRDS, NAMESPACES, SECRETS, WANDBS, name_of, resource_of
from ansible_collections.wandb.onprem.plugins.module_utils.kube.rollout import rollout_probe
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service, masked_diff
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter
from ansible_collections.wandb.onprem.plugins.module_utils.release import Decision, Mend, Observed, Verb, Wanted, changed_objects, decide
from ansible_collections.wandb.onprem.plugins.module_utils.yaml_text import dump

Object = dict[str, t.Any]

WORKLOADS = ('Deployment', 'StatefulSet', 'DaemonSet')


@dataclasses.dataclass(frozen=True)
class Target:
    """Which release, from which chart."""

    name: str
    namespace: str
    chart: str
    chart_version: str = ''
    chart_repo_url: str = ''


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the run may do."""

    create_namespace: bool = False
    force_conflicts: bool = False
    repair: bool = False
    wait: bool = True
    timeout: int = 300


@dataclasses.dataclass
class Outcome:
    """What was (or would be) done."""

    changed: bool = False
    decision: Decision = dataclasses.field(default_factory=lambda: Decision(Verb.NOTHING))
    release: Release | None = None
    chart: Chart | None = None
    crds: list[str] = dataclasses.field(default_factory=list)
    diffs: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    waited: float = 0.0


def operator_values(options: t.Mapping[str, t.Any]) -> Object:
    """Values of chart ``operator`` (facts 2.2) for the module's options; ``extra_values`` is merged last."""
    image = {'repository': options['image_repository'], 'tag': options['image_tag'], 'digest': options.get('image_digest'),
             'pullPolicy': options['image_pull_policy'], 'pullSecrets': options.get('image_pull_secrets')}
    values: Object = {
        'image': image,
        'airgapped': options['airgapped'],
        'podSecurityContext': options['pod_security_context'],
        'securityContext': options['security_context'],
        'resources': options.get('resources'),
        'podAnnotations': options.get('pod_annotations'),
        'caCertsConfigMap': options.get('ca_certs_configmap'),
        'nodeSelector': options.get('node_selector'),
        'tolerations': options.get('tolerations'),
        'extraEnv': [_env(name, value) for name, value in sorted((options.get('extra_env') or {}).items())],
    }
    if options.get('namespace_isolation'):
        values['namespaceIsolation'] = {'enabled': True, 'additionalNamespaces': options.get('additional_namespaces') or []}
    return merge(_without_empty(values), options.get('extra_values') or {})


def _env(name: str, value: t.Any) -> Object:
    if isinstance(value, dict):
        return {'name': name, **value}
    return {'name': name, 'value': str(value).lower() if isinstance(value, bool) else str(value)}


def _without_empty(document: Object) -> Object:
    """No key for what was not given: the chart's own default stands."""
    clean = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in document.items()}
    return {key: value for key, value in clean.items() if value not in (None, '', [], {})}


def merge(base: Object, over: t.Mapping[str, t.Any]) -> Object:
    """Maps are merged, everything else of ``over`` replaces."""
    merged = dict(base)
    for key, value in over.items():
        merged[key] = merge(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
    return merged


class OperatorRunner:
    """``folder`` is a private folder for charts and values; the caller removes it."""

    def __init__(self, service: Service, helm: Helm, waiter: Waiter, folder: str) -> None:
        self.service = service
        self.helm = helm
        self.waiter = waiter
        self.folder = folder
        self.dry_run = service.client.dry_run

    def present(self, target: Target, values: Object, policy: Policy) -> Outcome:
        """Install, upgrade, mend, or nothing; then wait until what the chart makes is rolled out."""
        outcome = Outcome()
        outcome.chart = chart = self._chart(target)
        kube_version = str(self.service.client.get('/version').get('gitVersion'))
        crds = {crd['metadata']['name']: self.service.get(CRDS, None, crd['metadata']['name']) for crd in chart.crds}
        outcome.release = release = newest_release(self.service, target.namespace, target.name)
        values_file = self._write('values.yaml', dump(values))
        rendered = self.helm.template(target.name, target.namespace, chart.path, values_file, kube_version, release is not None and release.revision > 1)
        wanted = Wanted(chart.name, chart.version, values, manifest_objects(rendered))
        observed = Observed(
            release,
            manifest_objects(release.manifest) if release else {},
            {} if release else self._foreign(wanted.objects, target),
            next((version for version in map(_storage_version, [*crds.values(), *chart.crds]) if version not in ('', 'v1')), ''),
        )
        outcome.decision = decision = decide(observed, wanted)
        self._permit(decision, policy)

        self._namespace(target, policy, outcome, needed=release is None)
        for crd in chart.crds:
            self._crd(crds[crd['metadata']['name']], crd, policy, outcome)
        if decision.verb != Verb.NOTHING:
            outcome.changed = True
            outcome.diffs += [
                {'before_header': name, 'after_header': name, **masked_diff(observed.objects.get(name), wanted.objects.get(name))}
                for name in changed_objects(observed.objects, wanted.objects)
            ]
            if not self.dry_run:
                self._mend(decision, observed, policy)
                self.helm.upgrade(target.name, target.namespace, chart.path, values_file, policy.timeout)
                outcome.release = newest_release(self.service, target.namespace, target.name)
        if policy.wait and not self.dry_run:
            workloads = [(resource_of(one), one['metadata'].get('namespace') or target.namespace, one['metadata']['name'])
                         for one in wanted.objects.values() if one.get('kind') in WORKLOADS]
            outcome.waited = self.waiter.wait(f'release {target.name}', rollout_probe(self.service, workloads), policy.timeout).seconds
        return outcome

    def absent(self, target: Target, policy: Policy) -> Outcome:
        """Remove the release; its CRDs, and so every custom resource, stay. Refused while the operator still has work to undo."""
        outcome = Outcome()
        outcome.release = release = newest_release(self.service, target.namespace, target.name)
        if not release:
            return outcome
        scope = _scope(release)
        resources = [one for one in self.service.find(WANDBS) if scope is None or one['metadata'].get('namespace') in scope]
        if resources:
            names = ', '.join(sorted(name_of({'kind': WANDBS.kind, **one}) for one in resources))
            raise HelmError(f'{names} still exists and could never be deleted without the operator (its finalizer waits for it): delete it first')
        outcome.changed = True
        outcome.decision = Decision(Verb.UPGRADE, ('the release exists',))
        outcome.diffs = [{'before_header': name, 'after_header': name, **masked_diff(one, None)} for name, one in manifest_objects(release.manifest).items()]
        if not self.dry_run:
            self.helm.uninstall(target.name, target.namespace, policy.timeout)
            outcome.release = None
        return outcome

    def _chart(self, target: Target) -> Chart:
        path = target.chart
        if target.chart_repo_url or path.startswith('oci://'):
            path = self.helm.pull(path, target.chart_repo_url, target.chart_version, self.folder)
        chart = read_chart(os.path.expanduser(path))
        if target.chart_version and chart.version != target.chart_version:
            raise HelmError(f'chart: {path} is of version {chart.version}, chart_version asks for {target.chart_version}')
        return chart

    def _write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as stream:
            stream.write(text)
        return path

    def _foreign(self, objects: dict[str, Object], target: Target) -> dict[str, str]:
        """Objects of the chart that exist and that Helm would refuse to adopt, with their owner."""
        found = {}
        for wanted in objects.values():
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

    def _crd(self, before: Object | None, crd: Object, policy: Policy, outcome: Outcome) -> None:
        applied = self.service.apply_over(before, crd, policy.force_conflicts)
        outcome.crds.append(crd['metadata']['name'])
        if applied.changed:
            outcome.changed = True
            outcome.diffs.append({'before_header': name_of(crd), 'after_header': name_of(crd), **applied.diff})
            if not self.dry_run:
                self.waiter.wait(name_of(crd), lambda: crd_established(self.service.get(CRDS, None, crd['metadata']['name'])), policy.timeout)

    def _mend(self, decision: Decision, observed: Observed, policy: Policy) -> None:
        release = observed.release
        if release and decision.mend == Mend.DELETE_PENDING:
            self.service.delete(SECRETS, release.namespace, release.secret)
        elif release and decision.mend == Mend.FINISH_UNINSTALL:
            self.helm.uninstall(release.name, release.namespace, policy.timeout)


def _scope(release: Release) -> set[str] | None:
    """Namespaces that the operator looks after; None = all."""
    isolation = release.values.get('namespaceIsolation') or {}
    return {release.namespace, *(isolation.get('additionalNamespaces') or [])} if isolation.get('enabled') else None


def _storage_version(crd: Object | None) -> str:
    """Version that the CRD stores; empty without a CRD."""
    versions = ((crd or {}).get('spec') or {}).get('versions') or []
    return next((str(version.get('name')) for version in versions if version.get('storage')), '')
