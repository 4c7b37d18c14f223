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
      - Path of a kubeconfig on the host that runs the module (several are joined by C(:) and merged), or the kubeconfig itself as a dictionary
        or as YAML text.
      - Of a kubeconfig that is given as content, tokens, keys, passwords and what its exec plugin gets are hidden in all output; a path is not.
      - An exec plugin in it must not ask anything.
      - Without O(kubeconfig) and without O(host), E(KUBECONFIG), then V(~/.kube/config), then the pod's own service account are used.
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
      - User and password stand in it percent-encoded, or in O(proxy_headers.proxy_basic_auth).
      - Without it the kubeconfig's C(proxy-url) is used, then E(HTTPS_PROXY) with E(NO_PROXY).
    type: str
  no_proxy:
    description:
      - Names, domains, addresses and CIDRs, joined by commas, that O(proxy) and the kubeconfig's C(proxy-url) are not used for.
        Environment variable E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description:
      - How to log in to the proxy. Its other headers that C(kubernetes.core) knows are not here, for C(helm) cannot send them.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User and password, joined by a colon. Environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
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
  - Python packages C(urllib3) >= 2 and C(PyYAML) on the host that runs the module
'''
