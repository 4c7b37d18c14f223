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

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ApiError, KubeError, NotFoundError, UnreachableError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SECRETS, WANDBS
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Applied, Service, masked_diff
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Progress, Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.server import causes as reasons
from ansible_collections.wandb.onprem.plugins.module_utils.server import inputs
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import Built, OptionsError, build
from ansible_collections.wandb.onprem.plugins.module_utils.server.licenses import read_license
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import OPERATOR_LABELS, Observed, Wanted, name_of, written_at
from ansible_collections.wandb.onprem.plugins.module_utils.server.observer import Observer
from ansible_collections.wandb.onprem.plugins.module_utils.server.readiness import Missing, operator_missing

Document = dict[str, t.Any]

LICENSE_WARNING_DAYS = 30
# Every Secret but Helm's releases, which are large.
NOT_HELM = 'type!=helm.sh/release.v1'


class ServerError(KubeError):
    """The server did not come to the state wanted; ``result`` goes into the module's result."""

    def __init__(self, message: str, **result: t.Any) -> None:
        super().__init__(message)
        self.result = result


class Clocked:
    """A probe for the waiter: each cause has to last for its own time, and the seconds spent in each stage are added up."""

    def __init__(self, observer: Observer, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._observer = observer
        self._clock = clock
        self._since: dict[tuple[str, str], float] = {}
        self._last: tuple[str, float] | None = None
        self.seconds: dict[str, float] = {}
        self.observed = Observed()
        self.lacking: list[Missing] = []
        self.progressing: list[Cause] = []

    def __call__(self, **known: t.Any) -> Progress:
        found: list[Cause] = []
        try:
            self.observed, self.lacking = self._observer.look(**known)
            if self.lacking:
                self.observed = self._observer.details(self.observed, self.lacking)
                found = reasons.causes(self.observed, self._observer.wanted)
            self.progressing = reasons.progressing(self.observed, self._observer.wanted)
        except (UnreachableError, ApiError) as error:
            # A wait of many minutes outlives the restart of an API server.
            if isinstance(error, ApiError) and error.status < 500:
                raise
            self.lacking = [Missing('api', str(error))]
            found = [Cause('api_unreachable', 'API server', str(error))]
        now = self._clock()
        if self._last is not None:
            stage, since = self._last
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        if not self.lacking:
            return Progress(True)
        self._last = (self.lacking[0].stage, now)
        self._since = {(one.code, one.subject): self._since.get((one.code, one.subject), now) for one in found}
        fatal = tuple(one for one in found if now - self._since[one.code, one.subject] >= reasons.PATIENCE[one.code])
        return Progress(False, '; '.join(one.text for one in self.lacking), tuple(found), fatal)

    def waited(self) -> list[Document]:
        """What was waited for, and how long."""
        return [{'stage': stage, 'seconds': round(seconds, 1)} for stage, seconds in self.seconds.items()]


class Runner:
    """One server and the options for it."""

    def __init__(self, service: Service, options: t.Mapping[str, t.Any], waiter: Waiter | None = None, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self.options = options
        self.name: str = options['name']
        self.namespace: str = options['namespace']
        self.waiter = waiter or Waiter(interval=3.0)
        self.clock = clock
        self.warnings: list[str] = []

    def present(self) -> Document:
        """Apply, and wait. Raises OptionsError before anything is written, KubeError, ServerError."""
        build(self.options)  # tells what is wrong with the options before the cluster is asked anything
        before = self.service.get(WANDBS, self.namespace, self.name)
        held = self._held()
        assumed = self._check_inputs(held, before is None)
        key, key_changed = self._hmac_key(held)
        built = build(self.options, inputs.checksums(inputs.references(self.options), held, key))
        self.warnings += built.warnings
        applied = self._apply(before, built)
        result: Document = {
            'changed': applied.changed or key_changed,
            'diff': masked(applied.diff),
            'custom_resource': {'name': self.name, 'namespace': self.namespace, 'spec': masked(built.spec)},
            'assumed': assumed + ([f'{applied.assumed} of the custom resource'] if applied.assumed else []),
        }
        if not self.options['wait'] or self.service.client.dry_run:
            return result
        active = held.get(('Secret', self.namespace, f'{self.name}-spec-active'))
        try:
            return {**result, **self._wait(built, applied, active)}
        except ServerError as error:
            # What was written stays written.
            error.result.update(changed=result['changed'], diff=result['diff'])
            raise

    def absent(self) -> Document:
        """Delete by the operator's own uninstall, within bounds. Refuses where nobody would do it."""
        custom_resource = self.service.get(WANDBS, self.namespace, self.name)
        if custom_resource is None:
            return {'changed': False, 'diff': {'before': {}, 'after': {}}, 'left_behind': []}
        wanted = Wanted(self.name, self.namespace, self.options['operator_namespace'], {})
        operators = self.service.find(DEPLOYMENTS, wanted.operator_namespace, OPERATOR_LABELS)
        observed = Observed(custom_resource=custom_resource, operators=operators)
        if operator_missing(observed, wanted):
            found = reasons.operator_down(Observer(self.service, wanted).details(observed, [Missing('operator', '')]), wanted)
            raise ServerError(
                f'the custom resource {self.namespace}/{self.name} is not deleted: without its operator it would hang in Terminating. {found[0]}',
                cause='operator_down',
                causes=[one.as_dict() for one in found],
            )
        result: Document = {'changed': True, 'diff': masked(masked_diff(custom_resource, None)), 'left_behind': []}
        if self.service.client.dry_run:
            return result
        self.service.delete(WANDBS, self.namespace, self.name, uid=custom_resource['metadata']['uid'])
        if self.options['wait']:
            self._wait_gone()
            self.service.delete(SECRETS, self.namespace, inputs.hmac_secret(self.name))
            result['left_behind'] = self._left_behind()
        return result

    def _held(self) -> dict[tuple[str, str, str], Document]:
        """What the options refer to, as it is; in check mode with what an earlier step would make in its place."""
        held = {('Secret', self.namespace, name_of(one)): {'kind': 'Secret', **one} for one in self.service.find(SECRETS, self.namespace, fields=NOT_HELM)}
        for reference in inputs.references(self.options):
            if reference.kind == 'ConfigMap':
                found = self.service.get(CONFIG_MAPS, reference.namespace, reference.name)
                if found:
                    held[reference.id] = found
        if self.service.client.dry_run:
            for one in self.options.get('assumed_objects') or []:
                data = {key: base64.b64encode(str(value).encode()).decode() for key, value in (one.get('data') or {}).items()}
                field = 'data' if one['kind'] == 'Secret' else 'binaryData'
                held[one['kind'], one.get('namespace') or self.namespace, one['name']] = {'kind': one['kind'], field: data}
        return held

    def _check_inputs(self, held: inputs.Objects, first_install: bool) -> list[str]:
        """Refuses what is missing; in check mode it is assumed and told."""
        problems = inputs.reference_problems(inputs.references(self.options), held)
        if problems and self.service.client.dry_run:
            return problems
        secret = self.options['license_secret']
        text = inputs.content(held.get(('Secret', self.namespace, secret['name'])) or {}).get(secret['key'], b'').decode('utf-8', 'replace')
        if text:
            licence, now = read_license(text), time.time()
            days = licence.days_left(now)
            if licence.problem:
                problems.append(f'license_secret: key {secret["key"]} of Secret {secret["name"]} {licence.problem}')
            elif days is not None and days < 0:
                told = f'license_secret: the licence expired at {licence.expires_at()}'
                (problems if first_install else self.warnings).append(told)
            elif days is not None and days < LICENSE_WARNING_DAYS:
                self.warnings.append(f'license_secret: the licence expires in {days} days, at {licence.expires_at()}')
        if problems:
            raise OptionsError(problems)
        return []

    def _hmac_key(self, held: inputs.Objects) -> tuple[bytes, bool]:
        """The key, and whether it had to be made."""
        name = inputs.hmac_secret(self.name)
        key = inputs.content(held.get(('Secret', self.namespace, name)) or {}).get(inputs.HMAC_KEY)
        if key:
            return key, False
        key = secrets.token_hex(32).encode()
        manifest = {
            'apiVersion': 'v1',
            'kind': 'Secret',
            'metadata': {'name': name, 'namespace': self.namespace},
            'type': 'Opaque',
            'data': {inputs.HMAC_KEY: base64.b64encode(key).decode()},
        }
        self.service.apply(manifest)
        return key, True

    def _apply(self, before: Document | None, built: Built) -> Applied:
        manifest = {
            'apiVersion': WANDBS.api_version,
            'kind': WANDBS.kind,
            'metadata': {
                'name': self.name,
                'namespace': self.namespace,
                'labels': {'app.kubernetes.io/name': 'weightsandbiases', 'app.kubernetes.io/instance': self.name},
            },
            'spec': built.spec,
        }
        try:
            return self.service.apply_over(before, manifest, force=self.options.get('force_conflicts', False))
        except NotFoundError as error:
            if error.missing == 'kind':
                raise ServerError(
                    'the cluster does not know WeightsAndBiases of apps.wandb.com/v1: install the operator and its CRD first (module wandb_operator)'
                ) from error
            raise

    def _wait(self, built: Built, applied: Applied, active: Document | None) -> Document:
        custom_resource = t.cast(Document, applied.after)
        since = written_at(custom_resource, self.service.field_manager)
        wanted = Wanted(
            self.name,
            self.namespace,
            self.options['operator_namespace'],
            built.spec,
            chart_version=str((built.spec.get('chart') or {}).get('version') or self.options.get('chart_version') or ''),
            applied_at=since,
            age=time.time() - since if since else 0.0,
            active_before=str(((active or {}).get('metadata') or {}).get('resourceVersion') or '0') if applied.changed else '',
        )
        observer = Observer(self.service, wanted)
        probe = Clocked(observer, self.clock)
        known = iter([{'custom_resource': custom_resource, 'active': None if applied.changed else active}])
        try:
            # The first look takes what was read already.
            waited = self.waiter.wait(f'server {self.namespace}/{self.name}', lambda: probe(**next(known, {})), self.options['timeout'], grace=float('inf'))
        except WaitError as error:
            raise self._explained(error, probe, observer) from error
        return {'ready': True, 'phase': probe.observed.phase, 'waited': probe.waited(), 'waited_seconds': round(waited.seconds, 1)}

    def _explained(self, error: WaitError, probe: Clocked, observer: Observer) -> ServerError:
        found = list(error.causes) or probe.progressing
        logs = observer.logs_of(found, probe.observed.pods)
        missing = [one.text for one in probe.lacking]
        told = '; '.join(f'{one}' + (f' (last line of its log: {logs[one.subject][-1]})' if one.subject in logs else '') for one in found)
        message = f'the server {self.namespace}/{self.name} is not ready after {error.seconds:.0f} s. {told or "timeout: no cause was found"}.'
        return ServerError(
            f'{message} Still missing: {"; ".join(missing)}',
            cause=found[0].code if found else 'timeout',
            causes=[one.as_dict() for one in found],
            missing=missing,
            phase=probe.observed.phase,
            logs=logs,
            waited=probe.waited(),
            waited_seconds=round(error.seconds, 1),
        )

    def _wait_gone(self) -> None:
        def probe() -> Progress:
            found = self.service.get(WANDBS, self.namespace, self.name)
            finalizers = ', '.join(((found or {}).get('metadata') or {}).get('finalizers') or [])
            return Progress(found is None, f'the custom resource is still there, its finalizers: {finalizers or "none"}')

        try:
            self.waiter.wait(f'removal of {self.namespace}/{self.name}', probe, self.options['timeout'], grace=float('inf'))
        except WaitError as error:
            wanted = Wanted(self.name, self.namespace, self.options['operator_namespace'], {})
            seen = Observer(self.service, wanted).details(Observed(), [Missing('operator', '')])
            lines = reasons.errors_since_apply(seen, wanted)
            said = f' The operator says: {lines[-1]}' if lines else ''
            raise ServerError(f'{error}.{said}', cause='timeout', causes=[], missing=[error.missing]) from error

    def _left_behind(self) -> list[str]:
        """Secrets that the chart keeps; a later install takes them up again."""
        kept = {f'{self.name}-{part}' for part in ('license', 'mysql', 'clickhouse', 'gorilla-session-key')} | {'wandb-password'}
        return sorted(f'Secret {name_of(one)}' for one in self.service.find(SECRETS, self.namespace, fields=NOT_HELM) if name_of(one) in kept)
