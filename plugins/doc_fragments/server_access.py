# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of ``wandb_server`` for how people and their mail get in and out: OIDC, LDAP, SMTP, Slack, sessions, origins, banners."""

    DOCUMENTATION = r'''
options:
  oidc:
    description:
      - Sign-on by an OpenID Connect provider.
    type: dict
    suboptions:
      client_id:
        description: Client id at the provider.
        type: str
        required: true
      issuer:
        description: URL of the provider, to the letter as in its tokens.
        type: str
        required: true
      auth_method:
        description: V(pkce) or V(implicit), only where the provider needs it.
        type: str
      secret:
        description: Secret with the client's secret (chart 0.33 or newer); a public client has none.
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: OIDC_SECRET
  ldap:
    description:
      - Sign-on by LDAP. Today's chart has no keys for it; it is set in the environment of all pods, under the names of both families that the
        server's documentation knows (C(LDAP_...) and C(LOCAL_LDAP_...)). B(Effect unverified) - ask W&B before you rely on it.
      - The CA of an LDAPS server belongs into O(custom_cas) or O(custom_ca_configmap).
    type: dict
    suboptions:
      host:
        description: Address, beginning with C(ldap://) or C(ldaps://).
        type: str
        required: true
      base_dn:
        description: Where users are searched.
        type: str
        required: true
      bind_dn:
        description: User to bind as; left out for an anonymous bind.
        type: str
      bind_password_secret:
        description: Secret with the password of O(ldap.bind_dn).
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: LDAP_BIND_PW
      attributes:
        description: Names of the attributes for mail and group id, separated by commas (C(email=mail,group=gidNumber)). W&B's documentation asks for them.
        type: str
      login:
        description: Whether users may log in by LDAP.
        type: bool
        default: true
      tls:
        description: Whether the connection is upgraded to TLS.
        type: bool
        default: false
      group_allow_list:
        description: Groups whose members may log in; everybody if left out.
        type: list
        elements: str
      user_base_dn:
        description: Where users are searched, if not in O(ldap.base_dn).
        type: str
      group_base_dn:
        description: Where groups are searched, if not in O(ldap.base_dn).
        type: str
      user_object_class:
        description: Object class of users.
        type: str
      group_object_class:
        description: Object class of groups.
        type: str
  smtp:
    description:
      - Mail server. Left out, the server hands its mail to W&B over the internet.
    type: dict
    suboptions:
      host:
        description: Name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 587
      user:
        description: User. Percent-encoded by the module, it ends in a URL.
        type: str
      password_secret:
        description: Secret with the password (chart 0.33 or newer). Percent-encode it there, it ends in a URL.
        type: dict
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: SMTP_PASSWORD
      mail_from:
        description: Sender of the mail.
        type: str
  slack:
    description:
      - Slack application for alerts. The chart's own key cannot refer to a Secret, so it is set in the environment (chart 0.33 or newer).
    type: dict
    suboptions:
      client_id:
        description: Client id of the application.
        type: str
        required: true
      secret:
        description: Secret with the application's secret.
        type: dict
        required: true
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          key:
            description: Key in it.
            type: str
            default: SLACK_SECRET
  session_length_hours:
    description:
      - Hours until a user has to log in again; 720 is the chart's own.
    type: int
  extra_cors:
    description:
      - Further origins that browsers may call the server from, such as C(https://wandb.internal.example.com).
    type: list
    elements: str
  banners:
    description:
      - Banners of the user interface, name to a map of C(type), C(message), C(heading), C(dismissable).
    type: dict
'''
