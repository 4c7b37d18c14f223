# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options with which the modules of action group C(wandb.onprem.kube) reach the Kubernetes API."""

    DOCUMENTATION = r'''
options:
  kubeconfig:
    description:
      - Path of a kubeconfig on the host that runs the module, or the kubeconfig itself as a dictionary or as YAML text.
      - Without it and without O(host), E(KUBECONFIG), then V(~/.kube/config), then the pod's own service account are used.
      - Environment variable E(K8S_AUTH_KUBECONFIG).
    type: raw
  context:
    description:
      - Context in the kubeconfig; its current one by default. Environment variable E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server, instead of the kubeconfig's. Environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token, instead of the kubeconfig's user. Environment variable E(K8S_AUTH_API_KEY).
    type: str
  ca_cert:
    description:
      - PEM file of the CA of the API server. Environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - PEM file of the client certificate. Environment variable E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - PEM file of the client certificate's key. Environment variable E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  validate_certs:
    description:
      - Whether to verify the API server's certificate; as the kubeconfig says by default. Environment variable E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - URL of an HTTP proxy to the API server. Environment variable E(K8S_AUTH_PROXY).
    type: str
  impersonate_user:
    description:
      - User to act as. Environment variable E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as. Environment variable E(K8S_AUTH_IMPERSONATE_GROUPS).
    type: list
    elements: str
requirements:
  - Python package C(kubernetes) >= 29 on the host that runs the module
'''
