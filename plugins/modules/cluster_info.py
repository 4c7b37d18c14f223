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
    its custom resources, what is set for namespaces, and what the user may do.
  - What the user may not see is null, and named in RV(unreadable). It is no failure.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
  - wandb.onprem.kube_auth
options:
  namespaces:
    description:
      - Namespaces to look into, whether they exist or not.
    type: list
    elements: str
    default: []
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
  install_into:
    description:
      - Asks whether the user may do all that the collection does to install W&B into these namespaces. One request if the user may do everything
        there is, else one for each right.
    type: dict
    suboptions:
      namespace:
        description:
          - Namespace of the server.
        type: str
        required: true
      operator_namespace:
        description:
          - Namespace of the operator.
        type: str
        required: true
      isolated:
        description:
          - Whether the operator is confined to these namespaces, so that nobody makes a ClusterRole.
        type: bool
        default: false
      crds:
        description:
          - Whether the CRDs are applied.
        type: bool
        default: true
      node_ports:
        description:
          - Whether components get ports of the nodes, by Services of the collection's own.
        type: bool
        default: false
      routes:
        description:
          - Whether Routes of OpenShift are made.
        type: bool
        default: false
      role_bindings:
        description:
          - Whether service accounts of the server are bound to SCCs of OpenShift.
        type: bool
        default: false
'''

EXAMPLES = r'''
- name: Look at the cluster
  wandb.onprem.cluster_info:
    kubeconfig: ~/.kube/config
    namespaces: [wandb, wandb-operator]
    permissions:
      - {verb: create, group: apiextensions.k8s.io, resource: customresourcedefinitions}
      - {verb: create, resource: secrets, namespace: wandb}
  register: wandb_example_cluster

- name: Ask whether W&B can be installed as this user
  wandb.onprem.cluster_info:
    kubeconfig: ~/.kube/config
    install_into: {namespace: wandb, operator_namespace: wandb-operator}

- name: Tell the first uid that OpenShift lets the pods have
  ansible.builtin.debug:
    msg: "{{ wandb_example_cluster.namespaces.wandb.uid_range.first }}"
  when: wandb_example_cluster.openshift

- name: Look with a kubeconfig out of the vault, as a user with fewer rights
  wandb.onprem.cluster_info:
    kubeconfig: "{{ vault_kubeconfig | from_yaml }}"
    impersonate_user: system:serviceaccount:wandb:deployer
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
  description: Version of OpenShift; empty on other clusters, and on those that keep none.
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
  description: By architecture, number of nodes, of ready ones, of those that take any pod now (not cordoned, no taint), and what these last have to
    allocate (CPUs, bytes).
  returned: success
  type: dict
  sample: {amd64: {nodes: 4, ready: 4, schedulable: 3, cpu: 96.0, memory: 824633720832}}
nodes:
  description: Each node - whether it is ready, and takes any pod now -, what it has to allocate and what it has in all (CPUs, bytes; the disk
    for pods, 0 where the node does not say).
  returned: success
  type: list
  elements: dict
  sample: [{name: node-1, architecture: amd64, ready: true, schedulable: true, cpu: 31.5, memory: 270000000000, cpu_in_all: 32.0,
    memory_in_all: 274877906944, disk_in_all: 536870912000}]
crd:
  description: The CRD of W&B Server, the versions that objects may be kept in, the field managers of its spec, and the version of the operator's
    chart that it was applied from (empty if that is not known).
  returned: success
  type: dict
  sample: {exists: true, storage: v1, served: [v1], stored_versions: [v1], managers: [wandb.onprem], chart_version: 1.4.8}
custom_resources:
  description: Its custom resources in all namespaces.
  returned: success
  type: list
  elements: dict
  sample: [{namespace: wandb, name: wandb, phase: Completed, host: https://wandb.example.com, chart_version: 0.43.8}]
namespaces:
  description: By name, what was found in O(namespaces).
  returned: success
  type: dict
  contains:
    exists:
      description: Whether there is such a namespace. Null if the user may not see it, and so with the labels and all that stands in annotations.
      type: bool
      sample: true
    terminating:
      description: Whether it is being deleted.
      type: bool
      sample: false
    labels:
      description: Its labels.
      type: dict
      sample: {pod-security.kubernetes.io/enforce: restricted}
    pod_security:
      description: Level of PodSecurity for each mode; empty where the cluster's default holds.
      type: dict
      sample: {enforce: restricted, audit: "", warn: ""}
    uid_range:
      description: Range of user ids that OpenShift lets pods have; null without one.
      type: dict
      sample: {first: 1000650000, last: 1000659999, size: 10000}
    supplemental_groups:
      description: Ranges of group ids, C(fsGroup) among them.
      type: list
      elements: dict
      sample: [{first: 1000650000, last: 1000659999, size: 10000}]
    quotas:
      description: Resource quotas and what is used of them, as quantities.
      type: list
      elements: dict
      sample: [{name: compute, hard: {requests.cpu: "16"}, used: {requests.cpu: 3500m}, scoped: false}]
    limits:
      description: What limit ranges set for each kind of thing.
      type: list
      elements: dict
      sample: [{name: default, type: Container, min: {}, max: {memory: 16Gi}, default: {cpu: "1"}, default_request: {cpu: 100m}}]
    custom_resources:
      description: Names of W&B's custom resources in it.
      type: list
      elements: str
      sample: [wandb]
unreadable:
  description: What the user may not list or read.
  returned: success
  type: list
  elements: str
  sample: [Node, Namespace wandb, ResourceQuota in wandb]
permissions:
  description: The asked permissions.
  returned: success
  type: list
  elements: dict
  sample: [{verb: create, resource: secrets, namespace: wandb, allowed: true, reason: ""}]
lacking:
  description: Rights that are missing for O(install_into); null if it was not asked.
  returned: success
  type: list
  elements: str
  sample: [create secrets in namespace wandb]
requests:
  description: Requests made to the Kubernetes API.
  returned: success
  type: int
  sample: 9
'''

from ansible_collections.wandb.onprem.plugins.module_utils.cluster import ClusterReader
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import client_from
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.installing import lacking_to_install, to_install
from ansible_collections.wandb.onprem.plugins.module_utils.kube.module import KubeModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service


def main() -> None:
    """Entry point."""
    module = KubeModule(
        argument_spec={
            **auth_argument_spec(),
            'namespaces': {'type': 'list', 'elements': 'str', 'default': []},
            'permissions': {'type': 'list', 'elements': 'dict', 'default': [], 'options': {
                'verb': {'type': 'str', 'required': True},
                'group': {'type': 'str', 'default': ''},
                'resource': {'type': 'str', 'required': True},
                'subresource': {'type': 'str'},
                'namespace': {'type': 'str'},
                'name': {'type': 'str'},
            }},
            'install_into': {'type': 'dict', 'options': {
                'namespace': {'type': 'str', 'required': True},
                'operator_namespace': {'type': 'str', 'required': True},
                'isolated': {'type': 'bool', 'default': False},
                'crds': {'type': 'bool', 'default': True},
                'node_ports': {'type': 'bool', 'default': False},
                'routes': {'type': 'bool', 'default': False},
                'role_bindings': {'type': 'bool', 'default': False},
            }},
        },
        supports_check_mode=True,
    )
    try:
        client = client_from(module.params, module.check_mode)
        reader = ClusterReader(Service(client))
        found = reader.read(module.params['namespaces'])
        permissions = reader.allowed(module.params['permissions'])
        into = module.params['install_into']
        lacking = [str(one) for one in lacking_to_install(client, to_install(**into))] if into else None
    except KubeError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found, permissions=permissions, lacking=lacking, requests=client.requests)


if __name__ == '__main__':
    main()
