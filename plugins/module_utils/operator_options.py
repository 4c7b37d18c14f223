# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module wandb_operator; documented in the module and in doc fragment ``operator_values``."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec

Spec = dict[str, t.Any]


def release_spec() -> Spec:
    """Which release, and what the run may do."""
    return {
        'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
        'name': {'type': 'str', 'default': 'operator'},
        'namespace': {'type': 'str', 'default': 'wandb-operator'},
        'create_namespace': {'type': 'bool', 'default': False},
        'apply_crds': {'type': 'bool', 'default': True},
        'force_conflicts': {'type': 'bool', 'default': False},
        'allow_other_operators': {'type': 'bool', 'default': False},
        'mend_drift': {'type': 'bool', 'default': True},
        'repair': {'type': 'bool', 'default': False},
        'render': {'type': 'bool', 'default': False},
        'render_to': {'type': 'path'},
        'wait': {'type': 'bool', 'default': True},
        'wait_timeout': {'type': 'int', 'default': 300},
        'helm_binary': {'type': 'str', 'default': 'helm'},
    }


def chart_spec() -> Spec:
    """Where the chart comes from."""
    return {
        'chart': {'type': 'str'},
        'chart_version': {'type': 'str'},
        'chart_repo_url': {'type': 'str'},
        'chart_username': {'type': 'str'},
        'chart_password': {'type': 'str', 'no_log': True},
        'chart_ca_file': {'type': 'path'},
        'chart_plain_http': {'type': 'bool', 'default': False},
    }


def values_spec() -> Spec:
    """What ends in the chart's values."""
    return {
        'image_repository': {'type': 'str', 'default': 'wandb/controller'},
        'image_tag': {'type': 'str'},
        'image_digest': {'type': 'str'},
        'image_pull_policy': {'type': 'str', 'choices': ['Always', 'IfNotPresent', 'Never'], 'default': 'IfNotPresent'},
        'image_pull_secrets': {'type': 'list', 'elements': 'str', 'no_log': False},
        'airgapped': {'type': 'bool', 'default': False},
        'deployer_channel_url': {'type': 'str'},
        'namespace_isolation': {'type': 'bool', 'default': False},
        'additional_namespaces': {'type': 'list', 'elements': 'str'},
        'custom_ca_certs': {'type': 'list', 'elements': 'str'},
        'ca_certs_configmap': {'type': 'str'},
        'pod_proxy': {'type': 'dict', 'options': {'http': {'type': 'str'}, 'https': {'type': 'str'}, 'no_proxy': {'type': 'list', 'elements': 'str'}}},
        'extra_env': {'type': 'dict'},
        'resources': {'type': 'dict'},
        'role_rules': {'type': 'list', 'elements': 'dict'},
        'service_account_create': {'type': 'bool', 'default': True},
        'service_account_name': {'type': 'str'},
        'pod_security_context': {'type': 'dict', 'default': {'runAsNonRoot': True, 'seccompProfile': {'type': 'RuntimeDefault'}}},
        'security_context': {'type': 'dict', 'default': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}}},
        'pod_annotations': {'type': 'dict'},
        'node_selector': {'type': 'dict'},
        'tolerations': {'type': 'list', 'elements': 'dict'},
        'affinity': {'type': 'dict'},
        'name_override': {'type': 'str'},
        'fullname_override': {'type': 'str'},
        'extra_values': {'type': 'dict', 'default': {}},
    }


def argument_spec() -> Spec:
    """All of them."""
    return {**auth_argument_spec(), **release_spec(), **chart_spec(), **values_spec()}
