#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: wandb_server
short_description: Run W&B Server as a custom resource of its operator, until it is truly ready
version_added: 0.1.0
description:
  - Writes a C(WeightsAndBiases) of C(apps.wandb.com/v1) by server-side apply and waits until the server is ready.
  - Ready means that the operator has applied exactly this spec, its Helm release is deployed, every workload is rolled out and settled, and the
    server and its console answer. C(phase=Completed) alone means none of that, and may belong to the spec before.
  - When it does not become ready, the failure carries the cause (RV(ignore:cause)), not just a time-out.
  - Secrets are taken by reference only. An HMAC over what they hold goes to the annotations of all pods, so that a rotated Secret restarts them.
    Its key is in a Secret C(<name>-hmac) that the module makes.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.kube_auth
options:
  state:
    description:
      - V(present) applies and waits. V(absent) deletes the custom resource, which uninstalls the server; it is refused while the operator is down,
        for the custom resource would hang.
      - With the custom resource go the console's settings and the bundled MySQL's data; Secrets that the chart keeps are told in RV(left_behind).
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the custom resource, and so of the Helm release.
    type: str
    default: wandb
  namespace:
    description:
      - Namespace of the custom resource.
    type: str
    default: wandb
  operator_namespace:
    description:
      - Namespace of the operator; its state and log tell why something failed.
    type: str
    default: wandb-operator
  wandb_host:
    description:
      - URL that users type, C(https://) and a name, without path or trailing slash. The server compares the origin of requests with it.
      - It is not called O(host), which is the API server's.
    type: str
  license_secret:
    description:
      - Secret that holds the licence.
    type: dict
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      key:
        description: Key in it.
        type: str
        default: license
  size:
    description:
      - Requests and replicas of all components. V(testing) is for trials.
    type: str
    choices: [testing, small, medium, large, xlarge, xxlarge]
    default: small
  chart:
    description:
      - Where the operator takes the chart C(operator-wandb) from; one of three forms. O(chart.path), a file in the operator's pod.
        O(chart.url) beginning with C(oci://) and O(chart.version). O(chart.url), O(chart.name) and O(chart.version) of a repository.
    type: dict
    suboptions:
      path:
        description: A tgz, or the base64 of one, in the operator's pod. C(/charts/operator-wandb) is key C(operator-wandb) of ConfigMap C(wandb-charts).
        type: str
      url:
        description: URL of a repository or of a chart in an OCI registry (operator 1.22.0 or newer).
        type: str
      name:
        description: Name of the chart in a repository.
        type: str
      version:
        description: Exact version.
        type: str
      repo_name:
        description: Name under which the operator keeps the repository.
        type: str
      credential_secret:
        description: Secret in O(namespace) with the login (operator 1.20.0 or newer).
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          username_key:
            description: Key of the user's name.
            type: str
            default: HELM_USERNAME
          password_key:
            description: Key of the password.
            type: str
            default: HELM_PASSWORD
      plain_http:
        description: Speaks HTTP to the OCI registry.
        type: bool
      debug:
        description: Makes the operator log what Helm says.
        type: bool
  chart_version:
    description:
      - Version of the chart. It decides which keys are written (before and since 0.33), and is compared with what was deployed.
        Required with O(chart.path), otherwise O(chart.version) tells.
    type: str
  follow_channel:
    description:
      - Lets W&B's release channel decide what is left out of O(chart), O(image_tag) and O(console_tag). Without it these are required, for the chart
        would take C(latest).
    type: bool
    default: false
  image_tag:
    description:
      - Release of the server; the tag of the images of all components that follow it.
    type: str
  console_tag:
    description:
      - Version of the console, whose images are numbered apart (2.18.12 goes with server 0.78.2).
    type: str
  mysql:
    description:
      - The database. Left out, O(install) must ask for the bundled one (V(mysql), for tests only).
    type: dict
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 3306
      database:
        description: Database, made with C(utf8mb4).
        type: str
        default: wandb_local
      user:
        description: User with all rights on the database.
        type: str
        default: wandb_local
      password_secret:
        description: Secret with the password. Percent-encode it there, it ends in a URL.
        type: dict
        required: true
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: MYSQL_PASSWORD
      ca:
        description: PEM text of the CA of the server's certificate. C(init-db) verifies with it.
        type: str
  redis:
    description:
      - An external Redis. Left out, the chart's own is installed.
    type: dict
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 6379
      password_secret:
        description: Secret with the password of user C(default). Percent-encode it there, it ends in a URL.
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: REDIS_PASSWORD
      tls:
        description: Whether the port speaks TLS.
        type: bool
        default: false
      ca:
        description: PEM text of the CA of the server's certificate.
        type: str
      params:
        description: Further parameters of the server's Redis clients, such as C(master) for Sentinel.
        type: dict
  bucket:
    description:
      - The object store.
    type: dict
    suboptions:
      provider:
        description: Its kind; V(s3) also for stores compatible with it.
        type: str
        choices: [s3, gcs, az, cw]
        default: s3
      host:
        description: Name or address of an S3-compatible store; left out for AWS, GCS and Azure.
        type: str
      port:
        description: Port of O(bucket.host); 443 or 80 by default.
        type: int
      name:
        description: Bucket.
        type: str
        required: true
      path:
        description: Prefix of all keys in the bucket.
        type: str
      region:
        description: Region; with MinIO the same as in its own configuration.
        type: str
      tls:
        description: Whether O(bucket.host) speaks TLS.
        type: bool
        default: true
      secret:
        description: Secret with the access key. URL-safe, they end in a URL.
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          access_key_key:
            description: Key of the access key in it.
            type: str
            default: ACCESS_KEY
          secret_key_key:
            description: Key of the secret key in it.
            type: str
            default: SECRET_KEY
  custom_ca_configmap:
    description:
      - ConfigMap with CAs that all pods trust; its keys must end in C(.crt).
    type: str
  ingress:
    description:
      - The Ingress of the chart.
    type: dict
    suboptions:
      enabled:
        description: Whether there is one.
        type: bool
        default: true
      class:
        description: Ingress class; the cluster's default one if left out.
        type: str
      annotations:
        description: Annotations, for body size and time-outs of the controller at hand.
        type: dict
      tls_secret:
        description: Secret with the certificate of the host.
        type: str
      additional_hosts:
        description: Further names under which the server answers.
        type: list
        elements: str
  components:
    description:
      - What every component has, by name (C(app), C(console), C(parquet), C(weave), C(appRenamePreHook), ...). Keys are
        C(image) (C(repository tag digest pull_policy)), C(replicas), C(size), C(resources), C(autoscaling) (C(enabled min_replicas max_replicas)),
        C(node_selector), C(tolerations), C(affinity), C(priority_class), C(service_account) (C(create name annotations automount)),
        C(service) (C(type annotations)), C(pod_disruption_budget), C(env), C(pod_security_context), C(security_context).
    type: dict
  install:
    description:
      - Switches components on and off, by name; for example C(weave), C(parquet), C(otel), C(prometheus), C(api), C(executor), C(glue).
      - With O(security_context.preset=restricted), C(otel) and C(prometheus) are off unless switched on here.
    type: dict
  security_context:
    description:
      - Security context of every component, hooks included, under the keys that this chart reads.
    type: dict
    suboptions:
      preset:
        description: V(restricted) passes PodSecurity V(restricted). V(chart) leaves the chart's own.
        type: str
        choices: [restricted, chart]
        default: restricted
      run_as_user:
        description: User id; on OpenShift one of the namespace's range.
        type: int
      fs_group:
        description: Group of the volumes; on OpenShift one of the namespace's range.
        type: int
    default: {}
  env:
    description:
      - Environment of all components; a string, or a map with C(valueFrom). Values stand in the custom resource in clear.
    type: dict
  pod_annotations:
    description:
      - Annotations of all pods.
    type: dict
  repository_prefix:
    description:
      - Put in front of the repository of W&B's images, C(registry.example.com/mirror).
    type: str
  image_registry:
    description:
      - Registry of the images of the bundled third-party charts.
    type: str
  image_pull_secrets:
    description:
      - Names of pull Secrets in O(namespace).
    type: list
    elements: str
  reconcile_frequency:
    description:
      - How often the operator looks again by itself, a Go duration; its own default is one hour.
    type: str
  extra_values:
    description:
      - Values of the chart, merged last. Maps are merged, everything else replaces. No secrets; nulls are left out and told.
    type: dict
  assumed_objects:
    description:
      - Used in check mode only. Secrets and ConfigMaps as an earlier step of a real run would make them, so that the prediction is right.
    type: list
    elements: dict
    suboptions:
      kind:
        description: Kind.
        type: str
        choices: [Secret, ConfigMap]
        default: Secret
      namespace:
        description: Namespace; O(namespace) by default.
        type: str
      name:
        description: Name.
        type: str
        required: true
      data:
        description: Key to content, plain.
        type: dict
        required: true
  force_conflicts:
    description:
      - Takes over fields that another field manager owns (C(kubectl edit), for one).
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the server is ready, or gone.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait at most. The first start migrates the database, which takes minutes.
    type: int
    default: 1200
seealso:
  - module: wandb.onprem.wandb_server_info
  - module: wandb.onprem.wandb_operator
'''

EXAMPLES = r'''
- name: Run W&B Server from a chart that was carried into the air gap
  wandb.onprem.wandb_server:
    wandb_host: https://wandb.example.com
    license_secret: {name: wandb-license-in}
    size: small
    chart: {path: /charts/operator-wandb}
    chart_version: 0.43.8
    image_tag: 0.83.0
    console_tag: 2.18.12
    mysql:
      host: db.example.com
      password_secret: {name: wandb-mysql-in}
      ca: "{{ lookup('ansible.builtin.file', 'ca.crt') }}"
    redis:
      host: redis.example.com
      password_secret: {name: wandb-redis-in}
      tls: true
      ca: "{{ lookup('ansible.builtin.file', 'ca.crt') }}"
    bucket:
      host: minio.example.com
      port: 9000
      name: wandb
      region: us-east-1
      secret: {name: wandb-bucket-in}
    custom_ca_configmap: wandb-custom-ca
    ingress:
      class: nginx
      tls_secret: wandb-ingress-tls
      annotations:
        nginx.ingress.kubernetes.io/proxy-body-size: "0"

- name: Remove it; MySQL, bucket and Redis outside keep their data
  wandb.onprem.wandb_server:
    state: absent
'''

RETURN = r'''
custom_resource:
  description: What was applied, with secrets hidden.
  returned: O(state=present)
  type: dict
  sample: {name: wandb, namespace: wandb, spec: {chart: {path: /charts/operator-wandb}, values: {global: {host: https://wandb.example.com}}}}
assumed:
  description: What does not exist yet and was assumed in check mode.
  returned: O(state=present)
  type: list
  elements: str
  sample: ["license_secret: there is no Secret wandb-license-in in namespace wandb"]
ready:
  description: The server was seen ready.
  returned: after waiting
  type: bool
  sample: true
phase:
  description: Phase of the custom resource.
  returned: after waiting
  type: str
  sample: Completed
waited:
  description: What was waited for, and how long in seconds. Stages are C(operator), C(applied), C(release), C(workloads) and C(answers).
  returned: after waiting
  type: list
  elements: dict
  sample: [{stage: applied, seconds: 6.1}, {stage: workloads, seconds: 21.0}]
waited_seconds:
  description: All of it.
  returned: after waiting
  type: float
  sample: 27.1
cause:
  description: Why the server is not ready. One of C(invalid_config), C(type_clash), C(pending_release), C(image_pull), C(container_config), C(crash_loop),
    C(admission_refused), C(unschedulable), C(deadline), C(migration_running), C(operator_down), C(stale_phase),
    C(api_unreachable) and C(timeout).
  returned: when it failed to become ready
  type: str
  sample: invalid_config
causes:
  description: All causes that were seen.
  returned: when it failed to become ready
  type: list
  elements: dict
  sample: [{code: image_pull, subject: "Pod wandb/wandb-app-bc-6c9f container app", message: "wandb/local:0.83.0: not found"}]
missing:
  description: What was still missing.
  returned: when it failed to become ready
  type: list
  elements: str
  sample: ["Deployment wandb/wandb-app-bc: 0 of 1 replicas are available"]
logs:
  description: Last lines of the logs of what failed or still ran, by subject.
  returned: when it failed to become ready
  type: dict
  sample: {"Pod wandb/wandb-app-bc-6c9f container app": ["could not reach the database"]}
problems:
  description: What is wrong with the options or with what they refer to; nothing was written.
  returned: when the options were refused
  type: list
  elements: str
  sample: ["wandb_host: \"https://wandb.example.com/\" must be https:// and a name in lower case, without path or trailing slash"]
left_behind:
  description: Secrets that outlive the server; a later install takes them up again.
  returned: O(state=absent)
  type: list
  elements: str
  sample: [Secret wandb-gorilla-session-key]
requests:
  description: Requests that were made to the Kubernetes API.
  returned: always
  type: int
  sample: 15
'''

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import SIZES, OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.runner import Runner, ServerError


def _reference(key: str, required: bool = False) -> dict[str, t.Any]:
    # Names of Secrets and of keys in them: no secrets, so Ansible need not hide them.
    return {
        'type': 'dict',
        'required': required,
        'no_log': False,
        'options': {'name': {'type': 'str', 'required': True}, 'key': {'type': 'str', 'default': key, 'no_log': False}},
    }


def argument_spec() -> dict[str, t.Any]:
    """Options of the module."""
    return {
        **auth_argument_spec(),
        'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
        'name': {'type': 'str', 'default': 'wandb'},
        'namespace': {'type': 'str', 'default': 'wandb'},
        'operator_namespace': {'type': 'str', 'default': 'wandb-operator'},
        'wandb_host': {'type': 'str'},
        'license_secret': _reference('license'),
        'size': {'type': 'str', 'choices': list(SIZES), 'default': 'small'},
        'chart': {
            'type': 'dict',
            'options': {
                'path': {'type': 'str'},
                'url': {'type': 'str'},
                'name': {'type': 'str'},
                'version': {'type': 'str'},
                'repo_name': {'type': 'str'},
                'credential_secret': {
                    'type': 'dict',
                    'no_log': False,
                    'options': {
                        'name': {'type': 'str', 'required': True},
                        'username_key': {'type': 'str', 'default': 'HELM_USERNAME', 'no_log': False},
                        'password_key': {'type': 'str', 'default': 'HELM_PASSWORD', 'no_log': False},
                    },
                },
                'plain_http': {'type': 'bool'},
                'debug': {'type': 'bool'},
            },
        },
        'chart_version': {'type': 'str'},
        'follow_channel': {'type': 'bool', 'default': False},
        'image_tag': {'type': 'str'},
        'console_tag': {'type': 'str'},
        'mysql': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'port': {'type': 'int', 'default': 3306},
                'database': {'type': 'str', 'default': 'wandb_local'},
                'user': {'type': 'str', 'default': 'wandb_local'},
                'password_secret': _reference('MYSQL_PASSWORD', required=True),
                'ca': {'type': 'str'},
            },
        },
        'redis': {
            'type': 'dict',
            'options': {
                'host': {'type': 'str', 'required': True},
                'port': {'type': 'int', 'default': 6379},
                'password_secret': _reference('REDIS_PASSWORD'),
                'tls': {'type': 'bool', 'default': False},
                'ca': {'type': 'str'},
                'params': {'type': 'dict'},
            },
        },
        'bucket': {
            'type': 'dict',
            'options': {
                'provider': {'type': 'str', 'choices': ['s3', 'gcs', 'az', 'cw'], 'default': 's3'},
                'host': {'type': 'str'},
                'port': {'type': 'int'},
                'name': {'type': 'str', 'required': True},
                'path': {'type': 'str'},
                'region': {'type': 'str'},
                'tls': {'type': 'bool', 'default': True},
                'secret': {
                    'type': 'dict',
                    'no_log': False,
                    'options': {
                        'name': {'type': 'str', 'required': True},
                        'access_key_key': {'type': 'str', 'default': 'ACCESS_KEY', 'no_log': False},
                        'secret_key_key': {'type': 'str', 'default': 'SECRET_KEY', 'no_log': False},
                    },
                },
            },
        },
        'custom_ca_configmap': {'type': 'str'},
        'ingress': {
            'type': 'dict',
            'options': {
                'enabled': {'type': 'bool', 'default': True},
                'class': {'type': 'str'},
                'annotations': {'type': 'dict'},
                'tls_secret': {'type': 'str', 'no_log': False},
                'additional_hosts': {'type': 'list', 'elements': 'str'},
            },
        },
        'components': {'type': 'dict'},
        'install': {'type': 'dict'},
        'security_context': {
            'type': 'dict',
            'default': {},
            'options': {
                'preset': {'type': 'str', 'choices': ['restricted', 'chart'], 'default': 'restricted'},
                'run_as_user': {'type': 'int'},
                'fs_group': {'type': 'int'},
            },
        },
        'env': {'type': 'dict'},
        'pod_annotations': {'type': 'dict'},
        'repository_prefix': {'type': 'str'},
        'image_registry': {'type': 'str'},
        'image_pull_secrets': {'type': 'list', 'elements': 'str', 'no_log': False},
        'reconcile_frequency': {'type': 'str'},
        'extra_values': {'type': 'dict'},
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
        'wait': {'type': 'bool', 'default': True},
        'timeout': {'type': 'int', 'default': 1200},
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[('state', 'present', ['wandb_host', 'license_secret', 'bucket'])],
        supports_check_mode=True,
    )
    client: Client | None = None
    try:
        client = client_from(module.params, module.check_mode)
        runner = Runner(Service(client), module.params)
        result = runner.present() if module.params['state'] == 'present' else runner.absent()
    except OptionsError as error:
        module.fail_json(msg=f'Nothing was written. {error}', problems=error.problems, requests=client.requests if client else 0)
    except ServerError as error:
        module.fail_json(msg=str(error), requests=client.requests if client else 0, **error.result)
    except KubeError as error:
        module.fail_json(msg=str(error), requests=client.requests if client else 0)
    for warning in [*runner.warnings, *client.warnings]:
        module.warn(warning)
    module.exit_json(**result, requests=client.requests)


if __name__ == '__main__':
    main()
