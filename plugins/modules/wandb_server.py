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
  - wandb.onprem.server_pods
  - wandb.onprem.server_services
  - wandb.onprem.server_access
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
  guide_values:
    description:
      - Values as W&B's hosting guide writes them (C(spec.values) of its custom resource), pasted as they are. Keys that today's chart ignores are
        translated, each with a note in RV(notes); what stands in other options goes over them.
      - Secrets in clear are refused, with the option that takes a reference.
    type: dict
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
  repair:
    description:
      - Mends what an operator that died within Helm leaves behind. The Secret of the pending revision is deleted and the operator restarted, for
        nothing else makes it try again. Without it the failure tells what would be done.
      - Restarts the operator also where it failed for a reason outside the spec (a quota, for one) and nothing in the spec has changed since, for it
        would look again only after O(reconcile_frequency). It acts once in a run, while it waits, and tells it in RV(repaired).
    type: bool
    default: false
  render:
    description:
      - Writes the custom resource to O(render_to) and touches no API, for those who apply it by GitOps. What has to be read from the cluster is left
        out and told. The HMAC of Secrets, for one, so that a rotated Secret restarts no pod.
    type: bool
    default: false
  render_to:
    description:
      - File for O(render=true), on the host that runs the module. Its folder must exist.
    type: path
  save_secrets_to:
    description:
      - With O(state=absent), a file on the host that runs the module to which every Secret that the removal would lose is written first, as
        manifests (mode 0600; they hold the licence and passwords in clear).
    type: path
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

- name: Take over values that were written by W&B's hosting guide
  wandb.onprem.wandb_server:
    license_secret: {name: wandb-license-in}
    chart: {path: /charts/operator-wandb}
    chart_version: 0.43.8
    image_tag: 0.83.0
    console_tag: 2.18.12
    guide_values:
      global:
        host: https://wandb.example.com
        mysql:
          host: db.example.com
          port: 3306
          database: wandb_local
          user: wandb
          passwordSecret: {name: wandb-mysql-in, passwordKey: MYSQL_PASSWORD}
        bucket:
          provider: s3
          name: minio.example.com:9000/wandb
          region: us-east-1
          secret: {secretName: wandb-bucket-in, accessKeyName: ACCESS_KEY, secretKeyName: SECRET_KEY}
      app:
        pod:
          securityContext: {fsGroup: 1000650000}

- name: Write the custom resource for a GitOps repository
  wandb.onprem.wandb_server:
    wandb_host: https://wandb.example.com
    license_secret: {name: wandb-license-in}
    chart: {path: /charts/operator-wandb}
    chart_version: 0.43.8
    image_tag: 0.83.0
    console_tag: 2.18.12
    mysql:
      host: db.example.com
      password_secret: {name: wandb-mysql-in}
    redis: {host: redis.example.com}
    bucket:
      host: minio.example.com
      name: wandb
      secret: {name: wandb-bucket-in}
    render: true
    render_to: /srv/gitops/wandb.yml

- name: Remove it; MySQL, bucket and Redis outside keep their data
  wandb.onprem.wandb_server:
    state: absent
    save_secrets_to: /root/wandb-secrets.yml
'''

RETURN = r'''
custom_resource:
  description: What was applied, with secrets hidden.
  returned: O(state=present), without O(render)
  type: dict
  sample: {name: wandb, namespace: wandb, spec: {chart: {path: /charts/operator-wandb}, values: {global: {host: https://wandb.example.com}}}}
assumed:
  description: What does not exist yet and was assumed in check mode.
  returned: O(state=present), without O(render)
  type: list
  elements: str
  sample: ["license_secret: there is no Secret wandb-license-in in namespace wandb"]
notes:
  description: What became of keys of O(guide_values) that today's chart ignores, one line for each.
  returned: O(state=present)
  type: list
  elements: str
  sample: ["global.redis.auth -> global.redis.secret"]
manifest:
  description: What was written to O(render_to), with secrets hidden.
  returned: O(render=true)
  type: dict
  sample: {apiVersion: apps.wandb.com/v1, kind: WeightsAndBiases, metadata: {name: wandb, namespace: wandb}}
repaired:
  description: What O(repair=true) did, in this order; in check mode what it would do.
  returned: O(state=present), without O(render)
  type: list
  elements: str
  sample:
    - delete Secret wandb/sh.helm.release.v1.wandb.v2
    - restart the operator (delete the pods with label control-plane=controller-manager in namespace wandb-operator)
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
  description:
    - What was waited for, and how long in seconds. Stages are C(operator), C(applied), C(release), C(workloads), C(answers), C(removal), and C(api)
      while the API server did not answer. Empty where nothing had to be waited for.
  returned: always
  type: list
  elements: dict
  contains:
    stage:
      description: What was missing first.
      type: str
      sample: workloads
    seconds:
      description: How long.
      type: float
      sample: 21.0
  sample: [{stage: applied, seconds: 6.1}, {stage: workloads, seconds: 21.0}]
waited_seconds:
  description: All of it.
  returned: always
  type: float
  sample: 27.1
cause:
  description: Why the server is not ready. One of C(invalid_config), C(type_clash), C(pending_release), C(image_pull), C(container_config), C(crash_loop),
    C(admission_refused), C(unschedulable), C(deadline), C(migration_running), C(not_ready), C(operator_down), C(stale_phase),
    C(api_unreachable) and C(timeout).
  returned: when it failed to become ready, or to be removed
  type: str
  sample: invalid_config
causes:
  description: All causes that were seen, with their C(code), C(subject) and C(message).
  returned: when it failed to become ready, or to be removed
  type: list
  elements: dict
  sample: [{code: image_pull, subject: "Pod wandb/wandb-app-bc-6c9f container app", message: "wandb/local:0.83.0: not found"}]
missing:
  description: What was still missing.
  returned: when it failed to become ready, or to be removed
  type: list
  elements: str
  sample: ["Deployment wandb/wandb-app-bc: 0 of 1 replicas are available"]
logs:
  description: Last lines of the logs of what failed or still ran, by subject.
  returned: when it failed to become ready
  type: dict
  sample: {"Pod wandb/wandb-app-bc-6c9f container app": ["could not reach the database"]}
lacking_permissions:
  description:
    - Everything that the user may not do and the module needs, by the API server's own review. It is asked before the first write of an installation,
      and whenever a request was refused.
  returned: when a permission is lacking
  type: list
  elements: str
  sample: [patch weightsandbiases in namespace wandb, get pods/log in namespace wandb-operator]
problems:
  description: What is wrong with the options or with what they refer to; nothing was written.
  returned: when the options were refused
  type: list
  elements: str
  sample: ["wandb_host: \"https://wandb.example.com/\" must be https:// and a name in lower case, without path or trailing slash"]
saved:
  description: What was written to O(save_secrets_to), or stood there already; in check mode what would be.
  returned: O(state=absent)
  type: list
  elements: str
  sample: [Secret wandb-bucket, Secret wandb-spec-active]
left_behind:
  description: What outlives the server, Secrets and claims of volumes; a later install takes them up again. In check mode and without O(wait) as far
    as it can be told beforehand.
  returned: O(state=absent)
  type: list
  elements: str
  sample: [Secret wandb-gorilla-session-key, PersistentVolumeClaim redis-data-wandb-redis-master-0]
requests:
  description: Requests that were made to the Kubernetes API.
  returned: always
  type: int
  sample: 13
'''

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.module import KubeModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import OptionsError
from ansible_collections.wandb.onprem.plugins.module_utils.server.masks import masked
from ansible_collections.wandb.onprem.plugins.module_utils.server.options import argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.server.rendering import render
from ansible_collections.wandb.onprem.plugins.module_utils.server.runner import Runner
from ansible_collections.wandb.onprem.plugins.module_utils.server.waiting import NOT_WAITED, ServerError


class ServerModule(KubeModule):
    """Values are pasted with secrets in clear, to be told that they are refused: what the module was called with does not show them."""

    def shown_params(self) -> dict[str, t.Any]:
        """The options without secrets."""
        return {**super().shown_params(), **{name: masked(self.params.get(name)) for name in ('guide_values', 'extra_values', 'env')}}


def main() -> None:
    """Entry point."""
    module = ServerModule(
        argument_spec=argument_spec(),
        required_if=[('render', True, ['render_to'])],
        supports_check_mode=True,
    )
    client: Client | None = None
    runner: Runner | None = None
    result = dict(NOT_WAITED)
    warnings: list[str] = []
    failure = ''
    try:
        if module.params['render']:
            rendered, warnings = render(module.params, module.check_mode)
            result.update(rendered)
        else:
            client = client_from(module.params, module.check_mode)
            runner = Runner(Service(client), module.params)
            result.update(runner.present() if module.params['state'] == 'present' else runner.absent())
    except OptionsError as error:
        failure = f'Nothing was written. {error}'
        result['problems'] = error.problems
    except ServerError as error:
        failure = str(error)
        result.update(error.result)
    except KubeError as error:
        failure = str(error)
    for warning in [*warnings, *(runner.warnings if runner else ()), *(client.warnings if client else ())]:
        module.warn(warning)
    result['requests'] = client.requests if client else 0
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
