# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of W&B's hosting guide (and the chart's own beside them) and the options of ``wandb_server`` that they are. Data only.

A key is a dotted path under ``spec.values``. How a value has to look is told by the option's own specification.
"""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.server import eras
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import METADATA_LEVELS

# Of both eras: which of them the chart belongs to is the builder's question.
COMPONENTS: t.Mapping[str, eras.Component] = {**eras.CLASSIC.components, **eras.BASE.components}


def _store(key: str, option: str) -> dict[str, str]:
    return {
        **{f'global.{key}.{name}': f'{option}.{name}' for name in ('provider', 'name', 'path', 'region')},
        f'global.{key}.kmsKey': f'{option}.kms_key',
        f'global.{key}.secret.secretName': f'{option}.secret.name',
        f'global.{key}.secret.accessKeyName': f'{option}.secret.access_key_key',
        f'global.{key}.secret.secretKeyName': f'{option}.secret.secret_key_key',
    }


def _same(prefix: str, option: str, *names: str) -> dict[str, str]:
    return {f'{prefix}.{name}': f'{option}.{name}' for name in names}


def _secret(prefix: str, option: str, name: str, key: str) -> dict[str, str]:
    return {f'{prefix}.{name}': f'{option}.name', f'{prefix}.{key}': f'{option}.key'}


def _value_from(prefix: str, option: str) -> dict[str, str]:
    return _secret(f'{prefix}.valueFrom.secretKeyRef', option, 'name', 'key')


# Key -> option. Of two keys with one option the first that is given counts; maps are merged.
OPTIONS: dict[str, str] = {
    'global.host': 'wandb_host',
    **_secret('global.licenseSecret', 'license_secret', 'name', 'key'),
    'global.size': 'size',
    'global.repositoryPrefix': 'repository_prefix',
    'global.imageRegistry': 'image_registry',
    'global.imagePullSecrets': 'image_pull_secrets',
    'imagePullSecrets': 'image_pull_secrets',
    'global.storageClass': 'storage_class',
    'global.nodeSelector': 'node_selector',
    'global.tolerations': 'tolerations',
    'global.priorityClassName': 'priority_class',
    'global.banners': 'banners',
    'global.env': 'env',
    'global.extraEnv': 'env',
    'global.customCACerts': 'custom_cas',
    'global.caCertsConfigMap': 'custom_ca_configmap',
    **{f'global.{level}.{what}': f'object_metadata.{level}.{what}' for level in METADATA_LEVELS for what in ('labels', 'annotations')},
    **_store('bucket', 'bucket'),
    **_store('defaultBucket', 'default_bucket'),
    **_same('global.mysql', 'mysql', 'host', 'port', 'database', 'user'),
    'global.mysql.caCert': 'mysql.ca',
    **_secret('global.mysql.passwordSecret', 'mysql.password_secret', 'name', 'passwordKey'),
    **_value_from('global.mysql.password', 'mysql.password_secret'),
    **_same('global.redis', 'redis', 'host', 'port', 'params'),
    'global.redis.parameters': 'redis.params',
    'global.redis.caCert': 'redis.ca',
    **_secret('global.redis.secret', 'redis.password_secret', 'secretName', 'secretKey'),
    **_secret('global.redis.auth', 'redis.password_secret', 'secret', 'key'),
    **_same('global.clickhouse', 'clickhouse', 'host', 'port', 'database', 'user', 'replicated'),
    **_secret('global.clickhouse.passwordSecret', 'clickhouse.password_secret', 'name', 'passwordKey'),
    **_value_from('global.clickhouse.password', 'clickhouse.password_secret'),
    'global.ldap.host': 'ldap.host',
    'global.ldap.baseDN': 'ldap.base_dn',
    'global.ldap.bindDN': 'ldap.bind_dn',
    **_secret('global.ldap.bindPW', 'ldap.bind_password_secret', 'name', 'key'),
    # The guide says "name and key of a Secret" and shows no form: the form of its Redis as well.
    'global.ldap.bindPW.secret': 'ldap.bind_password_secret.name',
    **_value_from('global.ldap.bindPW', 'ldap.bind_password_secret'),
    'global.ldap.attributes': 'ldap.attributes',
    'global.ldap.groupAllowList': 'ldap.group_allow_list',
    'global.ldap.tls': 'ldap.tls',
    'global.auth.sessionLengthHours': 'session_length_hours',
    'global.auth.oidc.clientId': 'oidc.client_id',
    'global.auth.oidc.issuer': 'oidc.issuer',
    'global.auth.oidc.authMethod': 'oidc.auth_method',
    **_secret('global.auth.oidc.oidcSecret', 'oidc.secret', 'name', 'secretKey'),
    **_same('global.email.smtp', 'smtp', 'host', 'port', 'user'),
    'global.email.smtp.mailFrom': 'smtp.mail_from',
    **_value_from('global.email.smtp.password', 'smtp.password_secret'),
    'global.slack.clientId': 'slack.client_id',
    'ingress.class': 'ingress.class',
    'ingress.annotations': 'ingress.annotations',
    'ingress.labels': 'ingress.labels',
    'ingress.additionalHosts': 'ingress.additional_hosts',
    'ingress.defaultBackend': 'ingress.default_backend',
    'ingress.enabled': 'ingress.enabled',
    'app.extraCors': 'extra_cors',
    # The guide names one tag and leaves the other components at "latest"; the option gives one release to all of them.
    'app.image.tag': 'image_tag',
    'console.image.tag': 'console_tag',
    'reconcileFrequency': 'reconcile_frequency',
    **{'.'.join(component.switch()): f'install.{name}' for name, component in COMPONENTS.items()},
}

# The same under each component that has the keys of wandb-base: key -> key of ``components.<name>``.
COMPONENT_OPTIONS: dict[str, str] = {
    'image.repository': 'image.repository',
    'image.tag': 'image.tag',
    'image.digest': 'image.digest',
    'image.pullPolicy': 'image.pull_policy',
    'replicaCount': 'replicas',
    'size': 'size',
    'resources': 'resources',
    'autoscaling.horizontal.enabled': 'autoscaling.enabled',
    'autoscaling.horizontal.minReplicas': 'autoscaling.min_replicas',
    'autoscaling.horizontal.maxReplicas': 'autoscaling.max_replicas',
    'autoscaling.horizontal.targetCPUUtilizationPercentage': 'autoscaling.target_cpu',
    'autoscaling.horizontal.targetMemoryUtilizationPercentage': 'autoscaling.target_memory',
    'nodeSelector': 'node_selector',
    'tolerations': 'tolerations',
    'affinity': 'affinity',
    'priorityClassName': 'priority_class',
    'serviceAccount.create': 'service_account.create',
    'serviceAccount.name': 'service_account.name',
    'serviceAccount.annotations': 'service_account.annotations',
    'serviceAccount.automount': 'service_account.automount',
    'service.type': 'service.type',
    'service.annotations': 'service.annotations',
    'podDisruptionBudget': 'pod_disruption_budget',
    'env': 'env',
    'extraEnv': 'env',
    'podSecurityContext': 'pod_security_context',
    'pod.securityContext': 'pod_security_context',
    'securityContext': 'security_context',
    'container.securityContext': 'security_context',
}

_NO_LDAP = "the chart has no LDAP keys; it becomes environment, its effect is unverified"

# Keys that today's chart ignores, or that mean something else here: prefix of the key -> why. Each gets a note.
MOVED: dict[str, str] = {
    'global.redis.auth': "today's chart does not read the guide's key",
    'global.redis.parameters': 'one map with params',
    'global.ldap': _NO_LDAP,
    'imagePullSecrets': 'the chart reads it under global only',
    'ingress.enabled': 'the chart does not read it',
    'app.image.tag': 'for every component of the server; with this key alone the others would take "latest"',
}
COMPONENT_MOVED: dict[str, str] = {
    'pod.securityContext': "charts since 0.33 do not read the guide's key",
    'container.securityContext': "today's name of the guide's key",
}

# Keys without any effect -> why. Left out, with a note.
DEAD: dict[str, str] = {
    'global.mysql.name': 'no chart reads it; the database is global.mysql.database',
    'global.redis.external': "W&B's own use only, it has to stay false",
    'global.operator': 'the operator sets it itself',
}

# What must not stand in clear -> the option that takes a reference.
CLEAR_SECRETS: dict[str, str] = {
    'global.license': 'license_secret',
    'global.mysql.password': 'mysql.password_secret',
    'global.mysql.rootPassword': 'mysql.password_secret',
    'global.bucket.accessKey': 'bucket.secret',
    'global.bucket.secretKey': 'bucket.secret',
    'global.defaultBucket.accessKey': 'default_bucket.secret',
    'global.defaultBucket.secretKey': 'default_bucket.secret',
    'global.redis.password': 'redis.password_secret',
    'global.clickhouse.password': 'clickhouse.password_secret',
    'global.ldap.bindPW': 'ldap.bind_password_secret',
    'global.auth.oidc.secret': 'oidc.secret',
    'global.email.smtp.password': 'smtp.password_secret',
    'global.slack.secret': 'slack.secret',
}

# Keys of the chart that have no option and still work: they go to ``extra_values`` as they are. Components do as well.
PASSED: frozenset[str] = frozenset(
    {
        *(
            f'global.{key}'
            for key in (
                'activityStore', 'api', 'azureStorageIdentity', 'bigtable', 'bufstream', 'cloudProvider', 'executor', 'extraEnvFrom', 'gcpSecurityPolicy',
                'glue', 'historyStore', 'kafka', 'licenseCertPath', 'localService', 'lumen', 'olap', 'otel', 'pubSub', 'settingsMigrationJob',
                'signerKeyPath', 'statsig', 'volumeMountsTpls', 'volumesTpls', 'weave-trace', 'mysql.passwordSecret.rootPasswordKey', 'auth.jwkUrl',
                'bucket.azureTenantId', 'bucket.azureClientId', 'defaultBucket.azureTenantId', 'defaultBucket.azureClientId',
            )
        ),
        *(f'ingress.{key}' for key in ('nameOverride', 'secondary', 'issuer')),
        'nameOverride', 'fullnameOverride', 'artifactsGc',
    }
)  # fmt: skip

# Values of the operator's own chart, which the guide shows in the same form -> option of ``wandb_operator``. The server's CAs stand under global.
OPERATOR_KEYS: dict[str, str] = {
    'customCACerts': 'custom_ca_certs (the server\'s: global.customCACerts, custom_cas here)',
    'caCertsConfigMap': 'ca_certs_configmap (the server\'s: global.caCertsConfigMap, custom_ca_configmap here)',
    'airgapped': 'airgapped',
    'image': 'image_repository and image_tag',
}

# What stands around ``spec.values``.
AROUND = ('apiVersion', 'kind', 'metadata', 'spec', 'chart', 'values')
