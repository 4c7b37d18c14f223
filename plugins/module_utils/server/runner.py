# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a WeightsAndBiases to the state that the options describe, and wait until it is truly ready.

Uses of the service: ``get find apply apply_over delete client``. Clock and sleep come with the waiter.
"""

from __future__ import annotations

import base64
import secrets
import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube import access
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError, NotFoundError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CONFIG_MAPS, NAMESPACES, SECRETS, WANDBS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Applied, Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.server import causes as reasons
from ansible_collections.wandb.onprem.plugins.module_utils.server import inputs, openshift, repair
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import Built, OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.licenses import read_license
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import NOT_HELM, Observed, Wanted, metadata, name_of, written_at
from ansible_collections.wandb.onprem.plugins.module_utils.server.observer import Observer
from ansible_collections.wandb.onprem.plugins.module_utils.server.removal import Removal
from ansible_collections.wandb.onprem.plugins.module_utils.server.rendering import custom_resource
from ansible_collections.wandb.onprem.plugins.module_utils.server.waiting import NOT_WAITED, Clocked, ServerError, explained

Document = dict[str, t.Any]

LICENSE_WARNING_DAYS = 30
NO_KIND = 'the cluster does not know WeightsAndBiases of apps.wandb.com/v1: install the operator and its CRD first (module wandb_operator)'


class Runner:
    """One server and the options for it."""

    def __init__(self, service: Service, options: t.Mapping[str, t.Any], waiter: Waiter | None = None, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self.options = options
        self.name: str = options['name']
        self.namespace: str = options['namespace']
        self.operator_namespace: str = options['operator_namespace']
        self.dry_run = service.client.dry_run
        self.waiter = waiter or Waiter(interval=3.0)
        self.clock = clock
        self.warnings: list[str] = []
        self.repaired: list[str] = []

    def present(self) -> Document:
        """Apply, and wait. Raises OptionsError before anything is written, KubeError, ServerError."""
        # Tells what is wrong with the options before the cluster is asked anything.
        build(openshift.assumed(self.options) if openshift.wanted(self.options) else self.options)
        try:
            return self._present()
        except ForbiddenError as error:
            self._permit(self._wanted_permissions())
            raise error

    def absent(self) -> Document:
        """Delete by the operator's own uninstall, within bounds. Refuses where nobody would do it."""
        try:
            return Removal(self.service, self.options, self.waiter).run()
        except ForbiddenError as error:
            self._permit(access.to_remove(self.namespace, self.operator_namespace))
            raise error

    def _present(self) -> Document:
        before = self._before()
        held = self._held()
        assumed = self._security_context()
        assumed += self._check_inputs(held, before is None)
        if before is None or self._kept_key(held) is None:
            self._permit(self._wanted_permissions())
        key, key_changed = self._hmac_key(held)
        built = build(self.options, inputs.checksums(inputs.references(self.options), held, key))
        self.warnings += built.warnings
        applied = self._apply(before, built)
        result: Document = {
            'changed': applied.changed or key_changed,
            'diff': masked(applied.diff),
            'custom_resource': {'name': self.name, 'namespace': self.namespace, 'spec': masked(built.spec)},
            'assumed': assumed + ([f'{applied.assumed} of the custom resource'] if applied.assumed else []),
            'notes': list(built.translations),
            'repaired': [],
            **NOT_WAITED,
        }
        active = held.get(('Secret', self.namespace, f'{self.name}-spec-active'))
        if self.dry_run:
            if self.options.get('repair') and before is not None:
                result['repaired'] = self._would_repair(before, active, built, applied)
                result['changed'] = result['changed'] or bool(result['repaired'])
            return result
        if not self.options['wait']:
            if self.options.get('repair'):
                self.warnings.append('repair: nothing is mended with wait=false: only a wait can tell a release that is stuck from one that is at work')
            return result
        try:
            result.update(self._wait(built, applied, active))
        except ServerError as error:
            # What was written stays written.
            error.result.update(changed=result['changed'] or bool(self.repaired), diff=result['diff'], notes=result['notes'], repaired=self.repaired)
            raise
        result.update(changed=result['changed'] or bool(self.repaired), repaired=self.repaired)
        return result

    def _before(self) -> Document | None:
        """The custom resource as it is. A cluster without the kind is refused before anything is written."""
        try:
            return self.service.client.get(WANDBS.path(self.namespace, self.name))
        except NotFoundError as error:
            if error.missing == 'kind' and not self.dry_run:
                raise ServerError(NO_KIND) from error
            return None

    def _held(self) -> dict[tuple[str, str, str], Document]:
        """What the options refer to, as it is; in check mode with what an earlier step would make in its place."""
        held = {('Secret', self.namespace, name_of(one)): {'kind': 'Secret', **one} for one in self.service.find(SECRETS, self.namespace, fields=NOT_HELM)}
        for reference in inputs.references(self.options):
            if reference.kind == 'ConfigMap':
                found = self.service.get(CONFIG_MAPS, reference.namespace, reference.name)
                if found:
                    held[reference.id] = found
        if self.dry_run:
            for one in self.options.get('assumed_objects') or []:
                data = {key: base64.b64encode(str(value).encode()).decode() for key, value in (one.get('data') or {}).items()}
                field = 'data' if one['kind'] == 'Secret' else 'binaryData'
                held[one['kind'], one.get('namespace') or self.namespace, one['name']] = {'kind': one['kind'], field: data}
        return held

    def _security_context(self) -> list[str]:
        """Fills in the ids of preset ``openshift``; what had to be assumed in check mode."""
        if not openshift.wanted(self.options):
            return []
        found = self.service.get(NAMESPACES, None, self.namespace)
        if found is None and self.dry_run:
            self.options = openshift.assumed(self.options)
            return [f'security_context.preset: the ids that OpenShift gives to namespace {self.namespace}']
        if found is None:
            raise OptionsError([self._no_namespace()])
        self.options = openshift.completed(self.options, metadata(found).get('annotations') or {})
        return []

    def _no_namespace(self) -> str:
        return f'namespace: there is no namespace {self.namespace}; make it, and the Secrets in it, first'

    def _check_inputs(self, held: inputs.Objects, first_install: bool) -> list[str]:
        """Refuses what is missing or no good; in check mode what is missing is assumed and told."""
        missing = inputs.reference_problems(inputs.references(self.options), held)
        problems = self._license_problems(held, first_install)
        if self.dry_run:
            if problems:
                raise OptionsError(problems)
            return missing
        if missing and first_install and not any(place == self.namespace for _kind, place, _name in held) and not self._namespace_exists():
            missing = [self._no_namespace()]
        if missing or problems:
            raise OptionsError(missing + problems)
        return []

    def _namespace_exists(self) -> bool:
        try:
            return self.service.get(NAMESPACES, None, self.namespace) is not None
        except ForbiddenError:
            # Not needed otherwise: the names of what is missing in it must do.
            return True

    def _license_problems(self, held: inputs.Objects, first_install: bool) -> list[str]:
        """An expired licence is refused at the first install; a running site must not stop for it."""
        licences = [one for one in inputs.references(self.options) if one.option == 'license_secret']
        if not licences:
            return []
        name, key = licences[0].name, licences[0].keys[0]
        text = inputs.content(held.get(licences[0].id) or {}).get(key, b'').decode('utf-8', 'replace')
        if not text:
            return []
        licence, now = read_license(text), time.time()
        days = licence.days_left(now)
        if licence.problem:
            return [f'license_secret: key {key} of Secret {name} {licence.problem}']
        if days is not None and days < 0:
            told = f'license_secret: the licence expired at {licence.expires_at()}'
            if first_install:
                return [told]
            self.warnings.append(told)
        elif days is not None and days < LICENSE_WARNING_DAYS:
            self.warnings.append(f'license_secret: the licence expires in {days} days, at {licence.expires_at()}')
        return []

    def _wanted_permissions(self) -> list[access.Permission]:
        places = [one.namespace for one in inputs.references(self.options) if one.kind == 'ConfigMap']
        return access.to_apply(self.namespace, self.operator_namespace, places, bool(self.options.get('repair')), openshift.wanted(self.options))

    def _permit(self, wanted: t.Iterable[access.Permission]) -> None:
        """Raises ServerError with everything that the user may not do, at once."""
        try:
            access.require(self.service.client, wanted)
        except access.LackingError as error:
            written = '' if self.service.client.writes else 'Nothing was written: '
            raise ServerError(f'{written}{error}', lacking_permissions=error.lacking) from error

    def _kept_key(self, held: inputs.Objects) -> bytes | None:
        return inputs.content(held.get(('Secret', self.namespace, inputs.hmac_secret(self.name))) or {}).get(inputs.HMAC_KEY) or None

    def _hmac_key(self, held: inputs.Objects) -> tuple[bytes, bool]:
        """The key, and whether it had to be made."""
        key = self._kept_key(held)
        if key:
            return key, False
        key = secrets.token_hex(32).encode()
        manifest = {
            'apiVersion': 'v1',
            'kind': 'Secret',
            'metadata': {'name': inputs.hmac_secret(self.name), 'namespace': self.namespace},
            'type': 'Opaque',
            'data': {inputs.HMAC_KEY: base64.b64encode(key).decode()},
        }
        self.service.apply(manifest)
        return key, True

    def _apply(self, before: Document | None, built: Built) -> Applied:
        manifest = custom_resource(self.name, self.namespace, built.spec)
        try:
            return self.service.apply_over(before, manifest, force=self.options.get('force_conflicts', False))
        except NotFoundError as error:
            if error.missing == 'kind':
                raise ServerError(NO_KIND) from error
            raise

    def _wanted(self, document: Document, built: Built, applied: Applied, active: Document | None) -> Wanted:
        since = written_at(document, self.service.field_manager)
        return Wanted(
            self.name,
            self.namespace,
            self.operator_namespace,
            built.spec,
            chart_version=str((built.spec.get('chart') or {}).get('version') or self.options.get('chart_version') or ''),
            applied_at=since,
            age=time.time() - since if since else 0.0,
            active_before=str(((active or {}).get('metadata') or {}).get('resourceVersion') or '0') if applied.changed else '',
        )

    def _would_repair(self, before: Document, active: Document | None, built: Built, applied: Applied) -> list[str]:
        """What a real run would mend, by one look at what is there now."""
        wanted = self._wanted(before, built, applied, active)
        observer = Observer(self.service, wanted)
        observed, lacking = observer.look(before, active)
        if not lacking:
            return []
        observed = observer.details(observed, lacking)
        mend = repair.plan(observed, wanted, reasons.causes(observed, wanted), applied.changed)
        return repair.steps(mend, wanted) if mend else []

    def _wait(self, built: Built, applied: Applied, active: Document | None) -> Document:
        after = t.cast(Document, applied.after)
        observer = Observer(self.service, self._wanted(after, built, applied, active))

        def mend(observed: Observed, found: t.Sequence[Cause]) -> bool:
            planned = repair.plan(observed, observer.wanted, found, applied.changed)
            if not self.options.get('repair') or self.repaired or planned is None:
                return False
            self.repaired = repair.steps(planned, observer.wanted)
            repair.perform(self.service, planned, observer.wanted)
            return True

        probe = Clocked(observer, self.clock, mend)
        known = iter([{'custom_resource': after, 'active': None if applied.changed else active}])
        try:
            # The first look takes what was read already.
            waited = self.waiter.wait(f'server {self.namespace}/{self.name}', lambda: probe(**next(known, {})), self.options['timeout'], grace=float('inf'))
        except WaitError as error:
            raise explained(error, probe, observer, self._hint(error, probe, observer, applied)) from error
        return {'ready': True, 'phase': probe.observed.phase, 'waited': probe.waited(), 'waited_seconds': round(waited.seconds, 1)}

    def _hint(self, error: WaitError, probe: Clocked, observer: Observer, applied: Applied) -> str:
        """What ``repair`` would do about it; the cause of a pending release says so itself."""
        planned = repair.plan(probe.observed, observer.wanted, error.causes, applied.changed)
        if planned is None or planned.release or self.repaired:
            return ''
        return (
            'The spec was not changed, so the operator looks again only after its reconcile_frequency (an hour): once the cause is mended, '
            f'repair=true would {", then ".join(repair.steps(planned, observer.wanted))}.'
        )
