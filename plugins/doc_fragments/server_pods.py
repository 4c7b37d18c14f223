# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``wandb_server`` for what runs in the cluster: chart and images, components, placement, security, environment, CAs, ingress."""

    DOCUMENTATION = r'''
options:
  size:
    description:
      - Requests and replicas of all components; V(small) if neither this nor O(guide_values) says. V(testing) is for trials.
    type: str
    choices: [testing, small, medium, large, xlarge, xxlarge]
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
  components:
    description:
      - What every component has, by name (C(app), C(console), C(parquet), C(weave), C(appRenamePreHook), ...). Keys are
        C(image) (C(repository tag digest pull_policy)), C(replicas), C(size), C(resources),
        C(autoscaling) (C(enabled min_replicas max_replicas target_cpu target_memory)), C(node_selector), C(tolerations), C(affinity),
        C(priority_class), C(service_account) (C(create name annotations automount)),
        C(service) (C(type annotations)), C(pod_disruption_budget), C(env), C(pod_security_context), C(security_context).
      - Bundled third-party charts (C(redis), C(mysql), C(prometheus), C(otel), ...) have C(image) only; their other keys go to O(extra_values).
    type: dict
  install:
    description:
      - Switches components on and off, by name; for example C(weave), C(parquet), C(otel), C(prometheus), C(api), C(executor), C(glue).
      - With O(security_context.preset=restricted) or V(openshift), C(otel) and C(prometheus) are off unless switched on here.
      - The bundled C(mysql), C(nginx), C(stackdriver) and the two exporters of C(prometheus) are left at C(latest) by the chart; they are refused
        until their tag is given, except with O(follow_channel).
      - C(weave-trace) and its workers want O(clickhouse).
    type: dict
  security_context:
    description:
      - Security context of every component, hooks included, under the keys that this chart reads.
    type: dict
    suboptions:
      preset:
        description:
          - V(restricted) passes PodSecurity V(restricted). V(chart) leaves the chart's own.
          - V(openshift) is V(restricted) with the ids that OpenShift gave the namespace; they are read from its annotations where
            O(security_context.run_as_user) and O(security_context.fs_group) are left out.
        type: str
        choices: [restricted, openshift, chart]
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
      - Environment of all components; a string, or a map with C(valueFrom). It goes over what other options set.
      - Strings stand in the custom resource in clear. Passwords in URLs, and names under which the server takes a secret, are refused.
    type: dict
  pod_proxy:
    description:
      - HTTP proxy of all pods; set in the environment in capitals and in small letters. What stands in the cluster (C(localhost), C(.svc),
        C(.cluster.local), the API server's address), and the data services and O(wandb_host) of these options, are put before
        O(pod_proxy.no_proxy).
      - A proxy with a password is set by C(valueFrom) in O(env).
    type: dict
    suboptions:
      http:
        description: URL of the proxy for C(http://).
        type: str
      https:
        description: URL of the proxy for C(https://).
        type: str
      no_proxy:
        description: Names, domains and networks that are reached without it.
        type: list
        elements: str
  node_selector:
    description:
      - Node selector of every component that has none of its own.
    type: dict
  tolerations:
    description:
      - Tolerations of every component that has none of its own. Charts before 0.33 do not read them.
    type: list
    elements: dict
  priority_class:
    description:
      - Priority class of every component that has none of its own.
    type: str
  storage_class:
    description:
      - Storage class of the claims that the chart makes; the cluster's default one if left out.
    type: str
  object_metadata:
    description:
      - Labels and annotations of the chart's objects.
      - The label C(app.kubernetes.io/instance) is refused on V(common), for the operator would then delete Secrets that have to outlive it. It and
        the chart's other own labels are refused everywhere, and so are annotations under C(inputs.wandb.onprem/), which are this module's.
    type: dict
    suboptions:
      common:
        description: Of every object and pod.
        type: dict
        suboptions:
          labels:
            description: Labels, name to value.
            type: dict
          annotations:
            description: Annotations, name to value.
            type: dict
      pod:
        description: Of all pods.
        type: dict
        suboptions:
          labels:
            description: Labels, name to value.
            type: dict
          annotations:
            description: Annotations, name to value.
            type: dict
      deployment:
        description: Of the Deployments alone.
        type: dict
        suboptions:
          labels:
            description: Labels, name to value.
            type: dict
          annotations:
            description: Annotations, name to value.
            type: dict
      statefulset:
        description: Of the StatefulSets alone.
        type: dict
        suboptions:
          labels:
            description: Labels, name to value.
            type: dict
          annotations:
            description: Annotations, name to value.
            type: dict
      daemonset:
        description: Of the DaemonSets alone.
        type: dict
        suboptions:
          labels:
            description: Labels, name to value.
            type: dict
          annotations:
            description: Annotations, name to value.
            type: dict
      service:
        description: Of the Services.
        type: dict
        suboptions:
          labels:
            description: Labels, name to value.
            type: dict
          annotations:
            description: Annotations, name to value.
            type: dict
  custom_cas:
    description:
      - CAs that all pods trust, PEM text. A bundle is split, one certificate an entry.
    type: list
    elements: str
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
      labels:
        description: Labels.
        type: dict
      default_backend:
        description: What answers at C(/).
        type: str
        choices: [app, console]
      tls_secret:
        description: Secret with the certificate of the host.
        type: str
      additional_hosts:
        description: Further names under which the server answers.
        type: list
        elements: str
  reconcile_frequency:
    description:
      - How often the operator looks again by itself, a Go duration; its own default is one hour.
    type: str
'''
