#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: wandb_server_info
short_description: Tell how a W&B Server is - true readiness, versions, workloads, licence
version_added: 0.1.0
description:
  - Looks once, by lists, so that the number of requests does not grow with the server.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
  - wandb.onprem.kube_auth
options:
  name:
    description:
      - Name of the custom resource.
    type: str
    default: wandb
  namespace:
    description:
      - Namespace of the custom resource.
    type: str
    default: wandb
  operator_namespace:
    description:
      - Namespace of the operator.
    type: str
    default: wandb-operator
seealso:
  - module: wandb.onprem.wandb_server
'''

EXAMPLES = r'''
- name: Ask how the server is
  wandb.onprem.wandb_server_info:
    kubeconfig: ~/.kube/config
  register: wandb_example_server

- name: Tell when the licence expires
  ansible.builtin.debug:
    msg: "{{ wandb_example_server.license.expires_at }}"
'''

RETURN = r'''
exists:
  description: Whether there is a custom resource. Without one only RV(ready) stands beside it.
  returned: always
  type: bool
  sample: true
ready:
  description: The operator applied the spec, the release is deployed, all workloads are rolled out, server and console answer.
  returned: always
  type: bool
  sample: true
phase:
  description: Phase of the custom resource, which is not readiness.
  returned: when the custom resource exists
  type: str
  sample: Completed
missing:
  description: What is missing.
  returned: when the custom resource exists
  type: list
  elements: str
  sample: []
causes:
  description: Why, as far as it can be seen in one look.
  returned: when the custom resource exists
  type: list
  elements: dict
  contains:
    code:
      description: Kind of the cause, as in M(wandb.onprem.wandb_server).
      type: str
      sample: migration_running
    subject:
      description: What it is about.
      type: str
      sample: Pod wandb/wandb-app-bc-7c8df6b687-lp4dm container init-db
    message:
      description: What is wrong.
      type: str
      sample: is still running
    log:
      description: Last lines of the container's log.
      type: list
      elements: str
      sample: []
host:
  description: URL that users type.
  returned: when the custom resource exists
  type: str
  sample: https://wandb.example.com
console_url:
  description: URL of the console.
  returned: when the custom resource exists
  type: str
  sample: https://wandb.example.com/console
console_password_secret:
  description: Name and key of the Secret that keeps the console's password; empty until the console made it.
  returned: when the custom resource exists
  type: dict
  sample: {name: wandb-password, key: password}
chart:
  description: Where the chart comes from.
  returned: when the custom resource exists
  type: dict
  sample: {path: /charts/operator-wandb}
versions:
  description: Versions of chart and operator, and the image tag of each component.
  returned: when the custom resource exists
  type: dict
  sample: {chart: 0.43.8, operator: 1.22.0, app: 0.83.0, console: 2.18.12}
release:
  description: The newest revision of the Helm release; empty until there is one.
  returned: when the custom resource exists
  type: dict
  contains:
    name:
      description: Its name, which is that of the custom resource.
      type: str
      sample: wandb
    revision:
      description: Number of the revision.
      type: int
      sample: 3
    status:
      description: Helm's status of it, as C(deployed), C(failed) or C(pending-upgrade).
      type: str
      sample: deployed
    chart_version:
      description: Version of the chart that it was made from.
      type: str
      sample: 0.43.8
  sample: {name: wandb, revision: 3, status: deployed, chart_version: 0.43.8}
workloads:
  description: Workloads of the release.
  returned: when the custom resource exists
  type: list
  elements: dict
  contains:
    kind:
      description: Deployment, StatefulSet or DaemonSet.
      type: str
      sample: Deployment
    name:
      description: Name.
      type: str
      sample: wandb-app-bc
    component:
      description: Component of the chart.
      type: str
      sample: app
    rolled_out:
      description: All replicas are of the newest version and available.
      type: bool
      sample: true
    missing:
      description: What its rollout lacks.
      type: str
      sample: ""
    images:
      description: Images of its containers, init containers last.
      type: list
      elements: str
      sample: ["wandb/local:0.83.0"]
  sample: [{kind: Deployment, name: wandb-app-bc, component: app, rolled_out: true, missing: "", images: ["wandb/local:0.83.0"]}]
images:
  description: Every image that the release needs, those of its init containers, CronJobs and hooks (without C(helm test)) among them.
  returned: when the custom resource exists
  type: list
  elements: str
  sample: ["alpine/k8s:1.31.12", "wandb/local:0.83.0"]
license:
  description: When the licence expires; never the licence itself.
  returned: when the custom resource exists
  type: dict
  contains:
    expires_at:
      description: UTC; null where the licence does not say.
      type: str
      sample: "2027-06-30T00:00:00Z"
    days_left:
      description: Whole days until then; negative when it has expired.
      type: int
      sample: 219
    problem:
      description: Why it is none, or empty.
      type: str
      sample: ""
  sample: {expires_at: "2027-06-30T00:00:00Z", days_left: 219, problem: ""}
spec:
  description: Spec of the custom resource, with secrets hidden.
  returned: when the custom resource exists
  type: dict
  sample: {values: {global: {host: https://wandb.example.com}}}
lacking_permissions:
  description: Everything that the user may not do and a look needs, by the API server's own review.
  returned: when a request was refused
  type: list
  elements: str
  sample: [list pods in namespace wandb]
requests:
  description: Requests that were made to the Kubernetes API.
  returned: always
  type: int
  sample: 14
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube import access
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ForbiddenError, KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.server.info import server_info


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **auth_argument_spec(),
            'name': {'type': 'str', 'default': 'wandb'},
            'namespace': {'type': 'str', 'default': 'wandb'},
            'operator_namespace': {'type': 'str', 'default': 'wandb-operator'},
        },
        supports_check_mode=True,
    )
    options = module.params
    client: Client | None = None
    try:
        client = client_from(options, dry_run=True)
        try:
            server = server_info(Service(client), options['name'], options['namespace'], options['operator_namespace'])
        except ForbiddenError:
            access.require(client, access.to_look(options['namespace'], options['operator_namespace']))
            raise
    except access.LackingError as error:
        module.fail_json(msg=str(error), lacking_permissions=error.lacking, requests=client.requests if client else 0)
    except KubeError as error:
        module.fail_json(msg=str(error), requests=client.requests if client else 0)
    module.exit_json(changed=False, requests=client.requests, **server)


if __name__ == '__main__':
    main()
