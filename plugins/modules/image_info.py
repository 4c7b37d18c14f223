#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: image_info
short_description: Tell whether images are in their registry
version_added: 0.1.0
description:
  - Asks the registry that an image's name begins with for its manifest (C(HEAD)), and pulls nothing.
  - An image that is not there is no failure.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
options:
  images:
    description:
      - Names, each with registry, repository, and tag or digest.
    type: list
    elements: str
    required: true
  user:
    description:
      - User of the registry; without one it is asked without a login.
    type: str
    default: ""
  password:
    description:
      - The user's password, or a token.
    type: str
    default: ""
  ca:
    description:
      - PEM text of the CA that the registry's certificate is verified with; without it the system's CAs.
    type: str
    default: ""
  plain_http:
    description:
      - Speaks HTTP without TLS.
    type: bool
    default: false
  timeout:
    description:
      - Seconds for one request.
    type: float
    default: 10.0
'''

EXAMPLES = r'''
- name: Look for the images of an air-gapped site
  wandb.onprem.image_info:
    images:
      - registry.example.com/mirror/wandb/local:0.83.0
      - registry.example.com/mirror/wandb/console:2.18.12
    user: puller
    password: "{{ vault_registry_password }}"
  register: wandb_example_images
'''

RETURN = r'''
seen:
  description: What was seen.
  returned: always
  type: dict
  contains:
    images:
      description: Each image in the order of O(images), whether it is there, the status that the registry answered (null for none), and why it is not there.
      type: list
      elements: dict
      sample: [{image: "registry.example.com/mirror/wandb/local:0.83.0", found: false, status: 404, error: the registry has no such image}]
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wandb.onprem.plugins.module_utils.registry import Access, Registry


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            'images': {'type': 'list', 'elements': 'str', 'required': True},
            'user': {'type': 'str', 'default': ''},
            'password': {'type': 'str', 'default': '', 'no_log': True},
            'ca': {'type': 'str', 'default': ''},
            'plain_http': {'type': 'bool', 'default': False},
            'timeout': {'type': 'float', 'default': 10.0},
        },
        supports_check_mode=True,
    )
    given = module.params
    access = Access(given['user'], given['password'], given['ca'], given['plain_http'], given['timeout'])
    module.exit_json(changed=False, seen={'images': Registry(access).look_at_all(given['images'])})


if __name__ == '__main__':
    main()
