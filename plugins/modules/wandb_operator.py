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
  - What is to be done is decided by the release's status, chart version, values, what the chart renders to, and the live objects.
    A release that is C(failed) or C(pending) is told, and mended with O(repair=true).
  - CRDs of the chart are applied first, server-side, at install and at upgrade; Helm itself never updates them. A CRD that a newer chart wrote stays.
  - Waits for the rollout of what the chart makes, and says why when it does not come.
  - Runs where C(helm), the kubeconfig and the Python packages are.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes
  - wandb.onprem.kube_auth
  - wandb.onprem.operator_values
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
      - Archive or folder on the host that runs the module, URL of an archive, an C(oci://) URL, or with O(chart_repo_url) the name of a chart in it.
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
  chart_username:
    description:
      - User of the repository or registry. Without it a registry is asked with the login that C(helm registry login) left on the host, if any.
    type: str
  chart_password:
    description:
      - Password of the repository or registry. It is handed to C(helm) in a private file, never as an argument.
    type: str
  chart_ca_file:
    description:
      - PEM file, on the host that runs the module, with the CA of the repository or registry.
    type: path
  chart_plain_http:
    description:
      - Speaks HTTP to a registry.
    type: bool
    default: false
  apply_crds:
    description:
      - Whether to apply the chart's CRDs. With V(false) somebody with rights in the whole cluster has to do it, before and at each upgrade.
    type: bool
    default: true
  force_conflicts:
    description:
      - Takes over fields of the CRDs that another field manager owns.
    type: bool
    default: false
  allow_other_operators:
    description:
      - Installs although another W&B operator looks after the same namespaces. The two undo each other's work on a custom resource.
    type: bool
    default: false
  mend_drift:
    description:
      - Whether live objects that differ from what the release made are put right (a Deployment scaled by hand, a role that was deleted).
    type: bool
    default: true
  repair:
    description:
      - Mends a release that is failed, pending or half uninstalled, and restarts the operator where its pods would stay the same.
        Only where no other helm is at work on it.
    type: bool
    default: false
  render:
    description:
      - Touches no API and runs no helm; returns the release's values, and writes them to O(render_to), for releases that are made by a GitOps tool.
    type: bool
    default: false
  render_to:
    description:
      - File, or folder for a file C(operator-values.yaml), on the host that runs the module. With O(render=true).
    type: path
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
seealso:
  - module: wandb.onprem.wandb_server
'''

EXAMPLES = r'''
- name: Install the operator from an archive that was carried into the air gap
  wandb.onprem.wandb_operator:
    kubeconfig: ~/.kube/config
    chart: /opt/wandb/charts/operator-1.4.8.tgz
    image_repository: registry.example.com/wandb/controller
    image_tag: 1.22.0
    image_pull_secrets: [registry]
    airgapped: true

- name: Install the operator from an unpacked chart
  wandb.onprem.wandb_operator:
    chart: /opt/wandb/charts/operator
    image_tag: 1.22.0

- name: Install the operator from W&B's repository, through a proxy
  wandb.onprem.wandb_operator:
    chart: operator
    chart_repo_url: https://charts.wandb.ai
    chart_version: 1.4.8
    image_tag: 1.22.0
    pod_proxy:
      https: http://proxy.example.com:3128
      no_proxy: [.example.com]

- name: Install the operator from a registry with a login and a CA of its own
  wandb.onprem.wandb_operator:
    chart: oci://registry.example.com/wandb/charts/operator
    chart_version: 1.4.8
    chart_username: puller
    chart_password: "{{ vault_registry_password }}"
    chart_ca_file: /etc/ssl/certs/ca-certificates.crt
    image_repository: registry.example.com/wandb/controller
    image_digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

- name: Install the operator with rights in two namespaces only
  wandb.onprem.wandb_operator:
    chart: /opt/wandb/charts/operator-1.4.8.tgz
    namespace: wandb-operator
    image_tag: 1.22.0
    namespace_isolation: true
    additional_namespaces: [wandb]

- name: Mend a release that a killed helm left pending
  wandb.onprem.wandb_operator:
    chart: /opt/wandb/charts/operator-1.4.8.tgz
    image_tag: 1.22.0
    repair: true

- name: Write the values for a GitOps repository
  wandb.onprem.wandb_operator:
    render: true
    render_to: /tmp/
    chart: operator
    chart_repo_url: https://charts.wandb.ai
    chart_version: 1.4.8
    image_tag: 1.22.0

- name: Remove the operator
  wandb.onprem.wandb_operator:
    state: absent
'''

RETURN = r'''
action:
  description: What was done, or would be in check mode; one of C(nothing install upgrade repair uninstall render).
  returned: success
  type: str
  sample: upgrade
reasons:
  description: Why.
  returned: success
  type: list
  elements: str
  sample: ["chart 1.4.7 -> 1.4.8", "value image.tag differs", "Deployment wandb-operator/wandb-controller-manager was changed: spec.replicas"]
release:
  description: The release afterwards (in check mode as it is now); empty without one.
  returned: success
  type: dict
  sample: {name: operator, namespace: wandb-operator, revision: 2, status: deployed, chart_name: operator, chart_version: 1.4.8}
chart_values:
  description: Values of the chart.
  returned: O(state=present)
  type: dict
  sample: {image: {repository: wandb/controller, tag: 1.22.0, pullPolicy: IfNotPresent}, airgapped: false}
rendered_to:
  description: File that the values were (or would be) written to.
  returned: O(render_to) is given
  type: str
  sample: /srv/gitops/wandb/operator-values.yaml
crds:
  description: CRDs of the chart, which the module applies.
  returned: success
  type: list
  elements: str
  sample: [weightsandbiases.apps.wandb.com]
restarted:
  description: Whether the operator was (or would be) restarted, so that it looks at its custom resources anew.
  returned: success
  type: bool
  sample: false
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
  sample: 10
'''

import os
import shutil
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.helm import Helm
from ansible_collections.wandb.onprem.plugins.module_utils.helm_source import Source, fetch
from ansible_collections.wandb.onprem.plugins.module_utils.kube.auth import kubeconfig_document, kubeconfig_file
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client, PooledTransport
from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import KubeError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.module import KubeModule
from ansible_collections.wandb.onprem.plugins.module_utils.kube.service import Service
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Waiter, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.operator_options import argument_spec
from ansible_collections.wandb.onprem.plugins.module_utils.operator_release import OperatorRunner, Outcome, Policy, Target
from ansible_collections.wandb.onprem.plugins.module_utils.operator_render import render
from ansible_collections.wandb.onprem.plugins.module_utils.operator_values import build


def render_values(module: AnsibleModule) -> None:
    """Write the values and leave."""
    if module.params['state'] != 'present':
        raise KubeError('render: there is nothing to render with state=absent')
    result, warnings = render(module.params)
    for warning in warnings:
        module.warn(warning)
    if result['changed'] and not module.check_mode:
        handle, draft = tempfile.mkstemp(dir=module.tmpdir)
        with os.fdopen(handle, 'w', encoding='utf-8') as stream:
            stream.write(result['diff']['after'])
        module.atomic_move(draft, result['rendered_to'])
    module.exit_json(**result)


def run(module: AnsibleModule, client: Client, kubeconfig: str, folder: str) -> tuple[Outcome, dict[str, t.Any]]:
    """Make the layers and let the runner work. ``folder`` is private and goes away afterwards."""
    options = module.params

    def run_helm(arguments: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
        code, output, errors = module.run_command(arguments, environ_update=environment)
        return code, output, errors

    helm = Helm(run_helm, module.get_bin_path(options['helm_binary'], required=True), kubeconfig, folder)
    runner = OperatorRunner(Service(client), helm, Waiter(), folder)
    target = Target(options['name'], options['namespace'])
    policy = Policy(options['create_namespace'], options['apply_crds'], options['force_conflicts'], options['allow_other_operators'],
                    options['mend_drift'], options['repair'], options['wait'], options['wait_timeout'])
    if options['state'] == 'absent':
        return runner.absent(target, policy), {}
    build(options)  # what contradicts itself is told before anything is fetched
    chart = fetch(helm, Source.of(options), folder)
    built = build(options, chart.value_keys)
    for warning in built.warnings:
        module.warn(warning)
    return runner.present(target, chart, built.values, policy), {'chart_values': built.values}


def main() -> None:
    """Entry point."""
    module = KubeModule(
        argument_spec=argument_spec(),
        required_if=[('state', 'present', ['chart']), ('state', 'present', ['image_tag', 'image_digest'], True)],
        required_together=[('chart_username', 'chart_password')],
        supports_check_mode=True,
    )
    folder = tempfile.mkdtemp(prefix='wandb-operator-', dir=module.tmpdir)
    try:
        if module.params['render']:
            render_values(module)
        if module.params['render_to']:
            raise KubeError('render_to: does nothing without render=true')
        document = kubeconfig_document(module.params)
        client = Client(PooledTransport(document), dry_run=module.check_mode)
        with kubeconfig_file(document, folder) as path:
            outcome, more = run(module, client, path, folder)
    except WaitError as error:
        module.fail_json(msg=str(error), causes=[cause.as_dict() for cause in error.causes], waited=error.seconds)
    except KubeError as error:
        module.fail_json(msg=str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for warning in [*client.warnings, *outcome.warnings]:
        module.warn(warning)
    module.exit_json(
        changed=outcome.changed,
        action=outcome.decision.verb.value,
        reasons=list(outcome.decision.reasons),
        release=outcome.release.as_dict() if outcome.release else {},
        crds=outcome.crds,
        restarted=outcome.restarted,
        waited=outcome.waited,
        requests=client.requests,
        diff=outcome.diffs,
        **more,
    )


if __name__ == '__main__':
    main()
