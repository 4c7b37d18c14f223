#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: wandb_operator
short_description: Install W&B's operator as a Helm release
version_added: 0.1.0
description:
  - Makes a real Helm release of chart C(operator) with the C(helm) program (v3 or v4), so that C(helm list) and every Helm tool know it.
  - What is to be done is decided by the release's status, chart version, values and what the chart renders to.
    A release that is C(failed) or C(pending) is told, and mended with O(repair=true).
  - CRDs of the chart are applied first, server-side, at install and at upgrade; Helm itself never updates them.
  - Waits for the rollout of what the chart makes, and says why when it does not come.
  - Runs where C(helm), the kubeconfig and the Python packages are.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.kube_auth
options:
  state:
    description:
      - V(present) installs, upgrades or does nothing. V(absent) removes the release; CRDs stay.
      - V(absent) is refused while custom resources exist in the namespaces that the operator looks after, for nothing could delete them without the operator.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the Helm release.
    type: str
    default: operator
  namespace:
    description:
      - Namespace of the release.
    type: str
    default: wandb-operator
  create_namespace:
    description:
      - Whether to make the namespace (without any labels) if it does not exist. In check mode a missing namespace is assumed.
    type: bool
    default: false
  chart:
    description:
      - Archive or folder on the host that runs the module, an C(oci://) URL, or with O(chart_repo_url) the name of a chart in it.
      - Required with O(state=present).
    type: str
  chart_version:
    description:
      - Version of the chart. Required for charts out of a repository or registry; an archive or folder must be of it.
    type: str
  chart_repo_url:
    description:
      - URL of the chart repository.
    type: str
  image_repository:
    description:
      - Repository of the operator's image.
    type: str
    default: wandb/controller
  image_tag:
    description:
      - Tag of the operator's image. Required with O(state=present); the chart's own default, V(latest), would change by itself.
    type: str
  image_digest:
    description:
      - Digest of the image, C(sha256:...); wins over the tag.
    type: str
  image_pull_policy:
    description:
      - When the image is pulled. The chart's own default, V(Always), needs the registry at every restart.
    type: str
    choices: [Always, IfNotPresent, Never]
    default: IfNotPresent
  image_pull_secrets:
    description:
      - Names of pull Secrets in the namespace.
    type: list
    elements: str
  airgapped:
    description:
      - The operator makes no call to W&B's deployer, and finds the server's chart in ConfigMap C(wandb-charts) or a repository of yours.
    type: bool
    default: false
  namespace_isolation:
    description:
      - Roles in its own and O(additional_namespaces) instead of a ClusterRole.
    type: bool
    default: false
  additional_namespaces:
    description:
      - Further namespaces with O(namespace_isolation=true).
    type: list
    elements: str
  ca_certs_configmap:
    description:
      - ConfigMap in the namespace with CAs that the operator trusts (for a chart repository); its keys end in C(.crt).
    type: str
  extra_env:
    description:
      - Environment of the operator, name to value, or to a map with C(valueFrom). Values stand in the release in clear; give secrets by C(valueFrom).
    type: dict
  resources:
    description:
      - Resources of the container, instead of the chart's.
    type: dict
  pod_security_context:
    description:
      - Security context of the pod. The default passes PodSecurity V(restricted), and OpenShift, which fills in the ids.
    type: dict
    default:
      runAsNonRoot: true
      seccompProfile:
        type: RuntimeDefault
  security_context:
    description:
      - Security context of the container. The default passes PodSecurity V(restricted).
    type: dict
    default:
      allowPrivilegeEscalation: false
      capabilities:
        drop: [ALL]
  pod_annotations:
    description:
      - Annotations of the pod. A checksum here restarts the operator when what it mounts changes.
    type: dict
  node_selector:
    description:
      - Node selector of the pod.
    type: dict
  tolerations:
    description:
      - Tolerations of the pod.
    type: list
    elements: dict
  extra_values:
    description:
      - Values of the chart, merged last. Maps are merged, everything else replaces. No secrets.
    type: dict
    default: {}
  force_conflicts:
    description:
      - Takes over fields of the CRDs that another field manager owns.
    type: bool
    default: false
  repair:
    description:
      - Mends a release that is failed, pending or half uninstalled. Only where no other helm is at work on it.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for the rollout.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds for each of helm's work and the rollout.
    type: int
    default: 300
  helm_binary:
    description:
      - The C(helm) program, a path or a name on C(PATH).
    type: str
    default: helm
'''

EXAMPLES = r'''
- name: Install the operator from an archive that was carried into the air gap
  wandb.onprem.wandb_operator:
    kubeconfig: ~/.kube/config
    chart: /opt/wandb/charts/operator-1.4.8.tgz
    image_repository: registry.example.com/wandb/controller
    image_tag: 1.22.0
    airgapped: true

- name: Install the operator from a registry
  wandb.onprem.wandb_operator:
    chart: oci://registry.example.com/wandb/charts/operator
    chart_version: 1.4.8
    image_tag: 1.22.0

- name: Remove the operator
  wandb.onprem.wandb_operator:
    state: absent
'''

RETURN = r'''
action:
  description: What was done, or would be in check mode.
  returned: success
  type: str
  sample: upgrade
reasons:
  description: Why.
  returned: success
  type: list
  elements: str
  sample: ["chart 1.4.7 -> 1.4.8", "value image.tag differs"]
release:
  description: The release afterwards (in check mode as it is now); empty without one.
  returned: success
  type: dict
  sample: {name: operator, namespace: wandb-operator, revision: 2, status: deployed, chart_name: operator, chart_version: 1.4.8}
crds:
  description: CRDs of the chart, which the module applies.
  returned: success
  type: list
  elements: str
  sample: [weightsandbiases.apps.wandb.com]
causes:
  description: Why the rollout did not come.
  returned: when it failed to become ready
  type: list
  elements: dict
  sample: [{code: image_pull, subject: "Pod wandb-operator/wandb-controller-manager-5d8f container manager", message: "wandb/controller:1.22.0: not found"}]
waited:
  description: Seconds that the rollout took.
  returned: success
  type: float
  sample: 4.1
requests:
  description: Requests that the module itself made to the Kubernetes API (those of C(helm) are not counted).
  returned: success
  type: int
  sample: 7
'''

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.helm import Helm
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import auth_argument_spec, kubeconfig_document, kubeconfig_file
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, PooledTransport
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.module import KubeModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_release import OperatorRunner, Outcome, Policy, Target, operator_values


def argument_spec() -> dict[str, t.Any]:
    """Options of the module."""
    return {
        **auth_argument_spec(),
        'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
        'name': {'type': 'str', 'default': 'operator'},
        'namespace': {'type': 'str', 'default': 'wandb-operator'},
        'create_namespace': {'type': 'bool', 'default': False},
        'chart': {'type': 'str'},
        'chart_version': {'type': 'str'},
        'chart_repo_url': {'type': 'str'},
        'image_repository': {'type': 'str', 'default': 'wandb/controller'},
        'image_tag': {'type': 'str'},
        'image_digest': {'type': 'str'},
        'image_pull_policy': {'type': 'str', 'choices': ['Always', 'IfNotPresent', 'Never'], 'default': 'IfNotPresent'},
        'image_pull_secrets': {'type': 'list', 'elements': 'str', 'no_log': False},
        'airgapped': {'type': 'bool', 'default': False},
        'namespace_isolation': {'type': 'bool', 'default': False},
        'additional_namespaces': {'type': 'list', 'elements': 'str'},
        'ca_certs_configmap': {'type': 'str'},
        'extra_env': {'type': 'dict'},
        'resources': {'type': 'dict'},
        'pod_security_context': {'type': 'dict', 'default': {'runAsNonRoot': True, 'seccompProfile': {'type': 'RuntimeDefault'}}},
        'security_context': {'type': 'dict', 'default': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}}},
        'pod_annotations': {'type': 'dict'},
        'node_selector': {'type': 'dict'},
        'tolerations': {'type': 'list', 'elements': 'dict'},
        'extra_values': {'type': 'dict', 'default': {}},
        'force_conflicts': {'type': 'bool', 'default': False},
        'repair': {'type': 'bool', 'default': False},
        'wait': {'type': 'bool', 'default': True},
        'wait_timeout': {'type': 'int', 'default': 300},
        'helm_binary': {'type': 'str', 'default': 'helm'},
    }


def run(module: AnsibleModule, client: Client, kubeconfig: str) -> Outcome:
    """Make the layers and let the runner work."""
    options = module.params

    def run_helm(arguments: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
        code, output, errors = module.run_command(arguments, environ_update=environment)
        return code, output, errors

    helm = Helm(run_helm, module.get_bin_path(options['helm_binary'], required=True), kubeconfig)
    runner = OperatorRunner(Service(client), helm, Waiter(), module.tmpdir)
    target = Target(options['name'], options['namespace'], options['chart'] or '', options['chart_version'] or '', options['chart_repo_url'] or '')
    policy = Policy(options['create_namespace'], options['force_conflicts'], options['repair'], options['wait'], options['wait_timeout'])
    if options['state'] == 'absent':
        return runner.absent(target, policy)
    return runner.present(target, operator_values(options), policy)


def main() -> None:
    """Entry point."""
    module = KubeModule(
        argument_spec=argument_spec(),
        required_if=[('state', 'present', ['chart', 'image_tag'])],
        required_by={'chart_repo_url': ['chart_version']},
        supports_check_mode=True,
    )
    try:
        document = kubeconfig_document(module.params)
        client = Client(PooledTransport(document), dry_run=module.check_mode)
        with kubeconfig_file(document, module.tmpdir) as path:
            outcome = run(module, client, path)
    except WaitError as error:
        module.fail_json(msg=str(error), causes=[cause.as_dict() for cause in error.causes], waited=error.seconds)
    except KubeError as error:
        module.fail_json(msg=str(error))
    for warning in client.warnings:
        module.warn(warning)
    module.exit_json(
        changed=outcome.changed,
        action=outcome.decision.verb.value,
        reasons=list(outcome.decision.reasons),
        release=outcome.release.as_dict() if outcome.release else {},
        crds=outcome.crds,
        waited=outcome.waited,
        requests=client.requests,
        diff=outcome.diffs,
    )


if __name__ == '__main__':
    main()
