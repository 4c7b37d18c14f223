# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that speak to MinIO as its administrator."""

    DOCUMENTATION = r'''
requirements:
  - minio >= 7.2 (Python package) on the host where the module runs
options:
  endpoint:
    description:
      - URL of one MinIO server of the deployment, with scheme, host and port.
      - Its own address, not the public one behind a proxy, so that the admin API is not exposed.
    type: str
    required: true
  root_user:
    description:
      - Access key of MinIO's administrator.
    type: str
    required: true
  root_password:
    description:
      - Secret key of MinIO's administrator.
    type: str
    required: true
  region:
    description:
      - Region that the servers were started with.
    type: str
    default: us-east-1
  ca_path:
    description:
      - PEM file, on the host where the module runs, with the CA that signed the server's certificate.
      - The system's CAs are used if neither this nor O(ca_content) is given.
    type: path
  ca_content:
    description:
      - The CA as PEM text. Mutually exclusive with O(ca_path).
    type: str
  timeout:
    description:
      - Seconds that one request may take.
    type: int
    default: 30
'''
