# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: certificates
short_description: The certificates of a bundle, one an entry
version_added: 0.1.0
author: wandb.onprem maintainers (@wandb-onprem)
description:
  - Takes a PEM text apart and describes each certificate once, in order.
options:
  _input:
    description: PEM text of certificates; empty is an empty list.
    type: str
    required: true
  private_key:
    description: PEM text of the private key that one of them may belong to.
    type: str
  passphrase:
    description: Passphrase of O(private_key).
    type: str
'''

EXAMPLES = r'''
- name: Show which CAs are trusted
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'ca.crt') | wandb.onprem.certificates | map(attribute='subject') }}"
'''

RETURN = r'''
_value:
  description: Each certificate with its PEM text, SHA-256 fingerprint in hexadecimal digits, subject, last day, and whether it belongs to O(private_key).
  type: list
  elements: dict
  sample: [{"pem": "-----BEGIN CERTIFICATE-----...", "sha256": "9f2c...", "subject": "CN=W&B on-premises CA", "not_after": "2036-01-31", "signs": true}]
'''

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.wandb.onprem.plugins.plugin_utils.certificates import CRYPTOGRAPHY_IMPORT_ERROR, described


def certificates(bundle: str, **options: t.Any) -> list[dict[str, t.Any]]:
    """The certificates, or the mend where the library is missing."""
    if CRYPTOGRAPHY_IMPORT_ERROR:
        mend = 'install the Python package cryptography (requirements.txt of this collection) where ansible-playbook runs'
        raise AnsibleFilterError(f'certificates cannot be read: {CRYPTOGRAPHY_IMPORT_ERROR}; {mend}') from CRYPTOGRAPHY_IMPORT_ERROR
    return described(bundle, **options)


class FilterModule:
    """Ansible filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {'certificates': certificates}
