# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup, restore and restore test of W&B's MySQL database, on the database host itself (docs/backup.md).

Runs without Ansible, from a systemd timer. Needs PyMySQL, the programs of MySQL's client and zstd; boto3 for S3, paramiko for SFTP.
"""
