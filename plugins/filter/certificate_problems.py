# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: certificate_problems
short_description: What is wrong with a server certificate
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Checks chain, validity, key and names of a server certificate on the controller and names all problems at once.
positional: ca, names
options:
  _input:
    description: PEM text of the certificate, intermediates behind it.
    type: str
    required: true
  ca:
    description: PEM text of the trusted certificates.
    type: str
    required: true
  names:
    description: Names, addresses and URLs that it must be valid for.
    type: list
    elements: str
    default: []
  exact:
    description: Whether its names must be these and no others, without wildcards.
    type: bool
    default: false
  fingerprint:
    description: SHA-256 of the public key that it must belong to, in hexadecimal digits; colons are allowed.
    type: str
  private_key:
    description: PEM text of the private key that it must belong to.
    type: str
  passphrase:
    description: Passphrase of O(private_key).
    type: str
  min_days:
    description: Days for which it must still be valid.
    type: int
    default: 0
'''

EXAMPLES = r'''
- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'host.crt') | wandb.onprem.certificate_problems(lookup('ansible.builtin.file', 'ca.crt'), ['wandb.example.com']) }}"
'''

RETURN = r'''
_value:
  description: One sentence for each problem; empty when the certificate is good.
  type: list
  elements: str
  sample: ["it is not valid for DNS:wandb.example.com"]
'''

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import CRYPTOGRAPHY_IMPORT_ERROR, certificate_problems


def problems(*arguments: t.Any, **options: t.Any) -> list[str]:
    """The check, or the mend where its library is missing."""
    if CRYPTOGRAPHY_IMPORT_ERROR:
        mend = 'install the Python package cryptography (requirements.txt of this collection) where ansible-playbook runs'
        raise AnsibleFilterError(f'certificates cannot be checked: {CRYPTOGRAPHY_IMPORT_ERROR}; {mend}') from CRYPTOGRAPHY_IMPORT_ERROR
    return certificate_problems(*arguments, **options)


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'certificate_problems': problems}
