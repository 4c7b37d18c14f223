# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of ``wandb_server``, in the rooms of its doc fragments (``server_pods``, ``server_services``, ``server_access``).

Nothing but names and types; what becomes of them is the builder's.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec

Spec = dict[str, t.Any]

SIZES = ('testing', 'small', 'medium', 'large', 'xlarge', 'xxlarge')
PROVIDERS = ('s3', 'gcs', 'az', 'cw')
PRESETS = ('restricted', 'openshift', 'chart')
METADATA_LEVELS = ('common', 'pod', 'deployment', 'statefulset', 'daemonset', 'service')


def argument_spec() -> Spec:
    """All options of the module."""
    return {**auth_argument_spec(), **_custom_resource(), **_services(), **_access(), **_pods(), **_run()}


def _reference(required: bool = False, **keys: str) -> Spec:
    # Names of Secrets and of keys in them: no secrets, so Ansible need not hide them.
    options: Spec = {'name': {'type': 'str', 'required': True}}
    options.update({option: {'type': 'str', 'default': key, 'no_log': False} for option, key in keys.items()})
    return {'type': 'dict', 'required': required, 'no_log': False, 'options': options}


def _custom_resource() -> Spec:
    return {
        'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
        'name': {'type': 'str', 'default': 'wandb'},
        'namespace': {'type': 'str', 'default': 'wandb'},
        'operator_namespace': {'type': 'str', 'default': 'wandb-operator'},
        'wandb_host': {'type': 'str'},
        'license_secret': _reference(key='license'),
        'guide_values': {'type': 'dict'},
        'extra_values': {'type': 'dict'},
    }


def _store() -> Spec:
    return {
        'provider': {'type': 'str', 'choices': list(PROVIDERS), 'default': 's3'},
        'host': {'type': 'str'},
        'port': {'type': 'int'},
        'name': {'type': 'str', 'required': True},
        'path': {'type': 'str'},
        'region': {'type': 'str'},
        'tls': {'type': 'bool', 'default': True},
        'kms_key': {'type': 'str', 'no_log': False},
        'secret': _reference(access_key_key='ACCESS_KEY', secret_key_key='SECRET_KEY'),
    }


def _services() -> Spec:
    return {
        'mysql': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'port': {'type': 'int', 'default': 3306},
                'database': {'type': 'str', 'default': 'wandb_local'},
                'user': {'type': 'str', 'default': 'wandb_local'},
                'password_secret': _reference(key='MYSQL_PASSWORD', required=True),
                'ca': {'type': 'str'},
            },
        },
        'redis': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'port': {'type': 'int', 'default': 6379},
                'password_secret': _reference(key='REDIS_PASSWORD'),
                'tls': {'type': 'bool', 'default': False},
                'ca': {'type': 'str'},
                'sentinel_master': {'type': 'str'},
                'params': {'type': 'dict'},
            },
        },
        'bucket': {
            'type': 'dict',
            'options': {**_store(), 'queue': {'type': 'str'}, 'proxied': {'type': 'bool', 'default': False}},
        },
        'default_bucket': {'type': 'dict', 'options': _store()},
        'team_buckets': {'type': 'list', 'elements': 'dict', 'options': _store()},
        'artifact_garbage_collection': {'type': 'bool'},
        'clickhouse': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'port': {'type': 'int', 'required': True},
                'database': {'type': 'str', 'default': 'weave_trace_db'},
                'user': {'type': 'str', 'default': 'default'},
                'password_secret': _reference(key='CLICKHOUSE_PASSWORD', required=True),
                'replicated': {'type': 'bool', 'default': False},
            },
        },
    }


def _access() -> Spec:
    return {
        'oidc': {
            'type': 'dict',
            'options': {
                'client_id': {'type': 'str', 'required': True},
                'issuer': {'type': 'str', 'required': True},
                'auth_method': {'type': 'str'},
                'secret': _reference(key='OIDC_SECRET'),
            },
        },
        'ldap': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'base_dn': {'type': 'str', 'required': True},
                'bind_dn': {'type': 'str'},
                'bind_password_secret': _reference(key='LDAP_BIND_PW'),
                'attributes': {'type': 'str'},
                'login': {'type': 'bool', 'default': True},
                'tls': {'type': 'bool', 'default': False},
                'group_allow_list': {'type': 'list', 'elements': 'str'},
                'user_base_dn': {'type': 'str'},
                'group_base_dn': {'type': 'str'},
                'user_object_class': {'type': 'str'},
                'group_object_class': {'type': 'str'},
            },
        },
        'smtp': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'port': {'type': 'int', 'default': 587},
                'user': {'type': 'str'},
                'password_secret': _reference(key='SMTP_PASSWORD'),
                'mail_from': {'type': 'str'},
            },
        },
        'slack': {'type': 'dict', 'options': {'client_id': {'type': 'str', 'required': True}, 'secret': _reference(key='SLACK_SECRET', required=True)}},
        'session_length_hours': {'type': 'int'},
        'extra_cors': {'type': 'list', 'elements': 'str'},
        'banners': {'type': 'dict'},
    }


def _pods() -> Spec:
    return {
        # No default, so that guide_values can give it.
        'size': {'type': 'str', 'choices': list(SIZES)},
        'chart': {
            'type': 'dict',
            'options': {
                'path': {'type': 'str'},
                'url': {'type': 'str'},
                'name': {'type': 'str'},
                'version': {'type': 'str'},
                'repo_name': {'type': 'str'},
                'credential_secret': _reference(username_key='HELM_USERNAME', password_key='HELM_PASSWORD'),
                'plain_http': {'type': 'bool'},
                'debug': {'type': 'bool'},
            },
        },
        'chart_version': {'type': 'str'},
        'follow_channel': {'type': 'bool', 'default': False},
        'image_tag': {'type': 'str'},
        'console_tag': {'type': 'str'},
        'repository_prefix': {'type': 'str'},
        'image_registry': {'type': 'str'},
        'image_pull_secrets': {'type': 'list', 'elements': 'str', 'no_log': False},
        'components': {'type': 'dict'},
        'install': {'type': 'dict'},
        'security_context': {
            'type': 'dict',
            'default': {},
            'options': {
                'preset': {'type': 'str', 'choices': list(PRESETS), 'default': 'restricted'},
                'run_as_user': {'type': 'int'},
                'fs_group': {'type': 'int'},
            },
        },
        'node_selector': {'type': 'dict'},
        'tolerations': {'type': 'list', 'elements': 'dict'},
        'priority_class': {'type': 'str'},
        'storage_class': {'type': 'str'},
        'object_metadata': {
            'type': 'dict',
            'options': {level: {'type': 'dict', 'options': {'labels': {'type': 'dict'}, 'annotations': {'type': 'dict'}}} for level in METADATA_LEVELS},
        },
        'env': {'type': 'dict'},
        'pod_proxy': {
            'type': 'dict',
            'options': {'http': {'type': 'str'}, 'https': {'type': 'str'}, 'no_proxy': {'type': 'list', 'elements': 'str'}},
        },
        'custom_cas': {'type': 'list', 'elements': 'str'},
        'custom_ca_configmap': {'type': 'str'},
        'ingress': {
            'type': 'dict',
            'options': {
                'enabled': {'type': 'bool', 'default': True},
                'class': {'type': 'str'},
                'annotations': {'type': 'dict'},
                'labels': {'type': 'dict'},
                'tls_secret': {'type': 'str', 'no_log': False},
                'additional_hosts': {'type': 'list', 'elements': 'str'},
                'default_backend': {'type': 'str', 'choices': ['app', 'console']},
            },
        },
        'reconcile_frequency': {'type': 'str'},
    }


def _run() -> Spec:
    return {
        'assumed_objects': {
            'type': 'list',
            'elements': 'dict',
            'options': {
                'kind': {'type': 'str', 'choices': ['Secret', 'ConfigMap'], 'default': 'Secret'},
                'namespace': {'type': 'str'},
                'name': {'type': 'str', 'required': True},
                'data': {'type': 'dict', 'required': True, 'no_log': True},
            },
        },
        'force_conflicts': {'type': 'bool', 'default': False},
        'repair': {'type': 'bool', 'default': False},
        'render': {'type': 'bool', 'default': False},
        'render_to': {'type': 'path'},
        'save_secrets_to': {'type': 'path'},
        'wait': {'type': 'bool', 'default': True},
        'timeout': {'type': 'int', 'default': 1200},
    }
