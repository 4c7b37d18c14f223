#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: cluster_info
short_description: Tell what a cluster is and has
version_added: 0.1.0
description:
  - Version, OpenShift or not, ingress classes with the family of their controller, storage classes, capacity by architecture, the CRD's versions and
    its custom resources, and what the user may do.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
  - wandb.onprem.kube_auth
options:
  permissions:
    description:
      - What to ask the API server about, each by a SelfSubjectAccessReview.
    type: list
    elements: dict
    default: []
    suboptions:
      verb:
        description:
          - Verb, such as V(create) or V(*).
        type: str
        required: true
      group:
        description:
          - API group; empty for the core group.
        type: str
        default: ""
      resource:
        description:
          - Plural of the resource.
        type: str
        required: true
      subresource:
        description:
          - Subresource, such as V(log).
        type: str
      namespace:
        description:
          - Namespace; all of them, or none, without it.
        type: str
      name:
        description:
          - One object.
        type: str
'''

EXAMPLES = r'''
- name: Look at the cluster
  wandb.onprem.cluster_info:
    kubeconfig: ~/.kube/config
    permissions:
      - {verb: create, group: apiextensions.k8s.io, resource: customresourcedefinitions}
      - {verb: create, resource: secrets, namespace: wandb}
  register: wandb_example_cluster
'''

RETURN = r'''
version:
  description: Version of the API server.
  returned: success
  type: dict
  sample: {git_version: v1.35.4, major: 1, minor: 35}
openshift:
  description: Whether it is OpenShift.
  returned: success
  type: bool
  sample: false
openshift_version:
  description: Version of OpenShift, or empty.
  returned: success
  type: str
  sample: ""
ingress_classes:
  description: Ingress classes, with the family of their controller. Empty (null) if the user may not list them; so with the further ones.
  returned: success
  type: list
  elements: dict
  sample: [{name: nginx, controller: k8s.io/ingress-nginx, family: ingress-nginx, default: true}]
storage_classes:
  description: Storage classes.
  returned: success
  type: list
  elements: dict
  sample: [{name: local, provisioner: example.com/local, default: true}]
capacity:
  description: By architecture, number of nodes, of ready ones, and what these have to allocate (CPUs, bytes).
  returned: success
  type: dict
  sample: {amd64: {nodes: 3, ready: 3, cpu: 96.0, memory: 824633720832}}
crd:
  description: The CRD of W&B Server.
  returned: success
  type: dict
  sample: {exists: true, storage: v1, served: [v1]}
custom_resources:
  description: Its custom resources in all namespaces.
  returned: success
  type: list
  elements: dict
  sample: [{namespace: wandb, name: wandb, phase: Completed}]
unreadable:
  description: Kinds that the user may not list.
  returned: success
  type: list
  elements: str
  sample: []
permissions:
  description: The asked permissions.
  returned: success
  type: list
  elements: dict
  sample: [{verb: create, resource: secrets, namespace: wandb, allowed: true, reason: ""}]
requests:
  description: Requests made to the Kubernetes API.
  returned: success
  type: int
  sample: 9
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.cluster import ClusterReader
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **auth_argument_spec(),
            'permissions': {'type': 'list', 'elements': 'dict', 'default': [], 'options': {
                'verb': {'type': 'str', 'required': True},
                'group': {'type': 'str', 'default': ''},
                'resource': {'type': 'str', 'required': True},
                'subresource': {'type': 'str'},
                'namespace': {'type': 'str'},
                'name': {'type': 'str'},
            }},
        },
        supports_check_mode=True,
    )
    try:
        client = client_from(module.params, module.check_mode)
        reader = ClusterReader(Service(client))
        found = reader.read()
        permissions = reader.allowed(module.params['permissions'])
    except KubeError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found, permissions=permissions, requests=client.requests)


if __name__ == '__main__':
    main()
