# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a server by its operator's own uninstall, within bounds, and keep what would be lost.

Uses of the service: ``get find delete client``. Refuses where nobody would do it: the custom resource would hang.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.resources import DEPLOYMENTS, SECRETS, WANDBS, Resource
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service, masked_diff
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Progress, Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.server import causes as reasons
from ansible_collections.wandb.onprem.plugins.module_utils.server import inputs, saved_secrets
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import NOT_HELM, OPERATOR_LABELS, Observed, Wanted, metadata, name_of
from ansible_collections.wandb.onprem.plugins.module_utils.server.observer import Observer
from ansible_collections.wandb.onprem.plugins.module_utils.server.readiness import Missing, operator_missing
from ansible_collections.wandb.onprem.plugins.module_utils.server.waiting import NOT_WAITED, ServerError

Document = dict[str, t.Any]

VOLUME_CLAIMS = Resource('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims')


class Removal:
    """One server to remove."""

    def __init__(self, service: Service, options: t.Mapping[str, t.Any], waiter: Waiter) -> None:
        self.service = service
        self.options = options
        self.name: str = options['name']
        self.namespace: str = options['namespace']
        self.waiter = waiter

    def run(self) -> Document:
        """Save, delete, wait until it is gone. Raises OptionsError and ServerError before anything is deleted."""
        custom_resource = self.service.get(WANDBS, self.namespace, self.name)
        result: Document = {'changed': False, 'diff': {'before': {}, 'after': {}}, 'left_behind': [], 'saved': [], **NOT_WAITED}
        if custom_resource is None:
            return result
        self._refuse_without_operator(custom_resource)
        dry_run = self.service.client.dry_run
        held = self.service.find(SECRETS, self.namespace, fields=NOT_HELM)
        lost = saved_secrets.lost(held, custom_resource)
        if self.options.get('save_secrets_to'):
            saved_secrets.save(self.options['save_secrets_to'], lost, custom_resource, dry_run)
            result['saved'] = [f'Secret {name_of(one)}' for one in lost]
        result.update(changed=True, diff=masked(masked_diff(custom_resource, None)))
        # The claims of its volumes cannot be told beforehand: which of them go is the chart's to say.
        result['left_behind'] = [f'Secret {name_of(one)}' for one in saved_secrets.kept(held, custom_resource)]
        if dry_run:
            return result
        self.service.delete(WANDBS, self.namespace, self.name, uid=str(metadata(custom_resource).get('uid') or ''))
        if self.options['wait']:
            result.update(self._wait_gone())
            self.service.delete(SECRETS, self.namespace, inputs.hmac_secret(self.name))
            result['left_behind'] = self._left_behind(custom_resource)
        return result

    def _refuse_without_operator(self, custom_resource: Document) -> None:
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

    def _wait_gone(self) -> Document:
        def probe() -> Progress:
            found = self.service.get(WANDBS, self.namespace, self.name)
            finalizers = ', '.join(((found or {}).get('metadata') or {}).get('finalizers') or [])
            return Progress(found is None, f'the custom resource is still there, its finalizers: {finalizers or "none"}')

        try:
            waited = self.waiter.wait(f'removal of {self.namespace}/{self.name}', probe, self.options['timeout'], grace=float('inf'))
        except WaitError as error:
            wanted = Wanted(self.name, self.namespace, self.options['operator_namespace'], {})
            seen = Observer(self.service, wanted).details(Observed(), [Missing('operator', '')])
            lines = reasons.errors_since_apply(seen, wanted)
            said = f' The operator says: {lines[-1]}' if lines else ''
            raise ServerError(f'{error}.{said}', changed=True, cause='timeout', causes=[], missing=[error.missing], **_waited(error.seconds)) from error
        return _waited(waited.seconds)

    def _left_behind(self, custom_resource: Document) -> list[str]:
        """What outlives the server; a later install of the same name takes it up again."""
        secrets = self.service.find(SECRETS, self.namespace, fields=NOT_HELM)
        claims = self.service.find(VOLUME_CLAIMS, self.namespace, f'app.kubernetes.io/instance={self.name}')
        told = [f'Secret {name_of(one)}' for one in saved_secrets.kept(secrets, custom_resource)]
        return told + sorted(f'PersistentVolumeClaim {name_of(one)}' for one in claims if not metadata(one).get('deletionTimestamp'))


def _waited(seconds: float) -> Document:
    return {'waited': [{'stage': 'removal', 'seconds': round(seconds, 1)}], 'waited_seconds': round(seconds, 1)}
