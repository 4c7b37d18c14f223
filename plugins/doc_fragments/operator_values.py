# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``wandb_operator`` that end in the values of the operator's chart."""

    DOCUMENTATION = r'''
options:
  image_repository:
    description:
      - Registry and path of the operator's image.
    type: str
    default: wandb/controller
  image_tag:
    description:
      - Tag of the image. One of this and O(image_digest) is required with O(state=present); the chart's own default, V(latest), would change by itself.
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
      - Names of pull Secrets in O(namespace).
    type: list
    elements: str
  airgapped:
    description:
      - The operator makes no call to W&B's deployer, and finds the server's chart in ConfigMap C(wandb-charts) or a repository of yours.
    type: bool
    default: false
  deployer_channel_url:
    description:
      - URL of the release channel that the operator asks, instead of W&B's own. Not with O(airgapped=true), which asks none.
    type: str
  namespace_isolation:
    description:
      - Roles in its own and O(additional_namespaces) instead of a ClusterRole; the operator looks after these namespaces only.
    type: bool
    default: false
  additional_namespaces:
    description:
      - Further namespaces with O(namespace_isolation=true). They must exist.
    type: list
    elements: str
  custom_ca_certs:
    description:
      - CAs that the operator trusts (for a chart repository or a channel), PEM text. A bundle is split, one certificate an entry.
    type: list
    elements: str
  ca_certs_configmap:
    description:
      - ConfigMap in O(namespace) with such CAs; its keys end in C(.crt).
    type: str
  pod_proxy:
    description:
      - HTTP proxy of the operator, in the environment variables C(HTTP_PROXY), C(HTTPS_PROXY) and C(NO_PROXY).
      - A URL with a password is refused, for it would stand in the release in clear; give such a variable in O(extra_env) with C(valueFrom).
    type: dict
    suboptions:
      http:
        description: URL of the proxy for C(http://).
        type: str
      https:
        description: URL of the proxy for C(https://).
        type: str
      no_proxy:
        description: Names, domains and networks that are reached without it. The cluster's services and its API server are added.
        type: list
        elements: str
  extra_env:
    description:
      - Environment of the operator, name to value, or to a map with C(valueFrom). Values stand in the release in clear; what looks like a secret is refused.
    type: dict
  resources:
    description:
      - Resources of the container, instead of the chart's.
    type: dict
  role_rules:
    description:
      - Rules of the operator's role, wholly instead of the chart's. A newer chart may need more; that leases are missing is warned of.
    type: list
    elements: dict
  service_account_create:
    description:
      - Whether the chart makes the service account.
    type: bool
    default: true
  service_account_name:
    description:
      - Name of the service account. Required with O(service_account_create=false).
    type: str
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
  affinity:
    description:
      - Affinity of the pod.
    type: dict
  name_override:
    description:
      - Begins the names of the chart's objects instead of C(wandb). Two operators in one cluster without O(namespace_isolation) need different ones.
      - With O(airgapped=true) charts may look for ConfigMap C(NAME-charts) then.
    type: str
  fullname_override:
    description:
      - Begins the name of the ConfigMap with O(custom_ca_certs).
    type: str
  extra_values:
    description:
      - Values of the chart, merged last. Maps are merged, everything else replaces. No secrets.
      - Top-level keys that the chart does not know are warned of, with the nearest name; keys that do nothing are refused, with the right place.
    type: dict
    default: {}
'''
