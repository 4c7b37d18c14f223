# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module object of everything that speaks to the Kubernetes API: it shows of its options what is no secret."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import KUBECONFIG_VARIABLE, is_content, parsed
from ansible_collections.wandb.onprem.plugins.module_utils.kube.credentials import HIDDEN, url_without_password, without_secrets
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import AuthConfigError


class KubeModule(AnsibleModule):  # type: ignore[misc]  # ansible-core ships no types, so its classes are Any to mypy
    """AnsibleModule whose kubeconfig is hidden selectively: a path stays readable, of a content the secrets go.

    ``no_log`` on the option would hide the path too. The secrets are known before the options are validated, for a
    misspelt option is told together with all the others, and what a module was called with goes to the system's log.
    """

    params: dict[str, t.Any]

    def _load_params(self) -> None:
        super()._load_params()
        for given in (self.params.get('kubeconfig'), os.environ.get(KUBECONFIG_VARIABLE)):
            self.no_log_values.update(_shown(given)[1])
        for given in (self.params.get('proxy'), os.environ.get('K8S_AUTH_PROXY')):
            self.no_log_values.update(url_without_password(str(given or ''))[1])

    def shown_params(self) -> dict[str, t.Any]:
        """The options without secrets, apart from those that Ansible itself hides."""
        return {**self.params, 'kubeconfig': _shown(self.params.get('kubeconfig'))[0], 'proxy': url_without_password(self.params.get('proxy') or '')[0] or None}

    def _log_invocation(self) -> None:
        given = self.params
        self.params = self.shown_params()
        try:
            super()._log_invocation()
        finally:
            self.params = given

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        """As AnsibleModule's."""
        super().exit_json(**{'invocation': {'module_args': self.shown_params()}, **kwargs})
        raise AssertionError('exit_json returned')

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """As AnsibleModule's."""
        super().fail_json(msg, **{'invocation': {'module_args': self.shown_params()}, **kwargs})
        raise AssertionError('fail_json returned')


def _shown(kubeconfig: t.Any) -> tuple[t.Any, set[str]]:
    """What of the option may be shown, and what must not be seen elsewhere."""
    if not is_content(kubeconfig):
        return kubeconfig, set()
    try:
        return without_secrets(parsed(kubeconfig, 'kubeconfig'))
    except AuthConfigError:
        return f'{HIDDEN}: not a kubeconfig', set()
