#!/usr/bin/python
# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is in plugins/action/check_inventory.py; this file documents it.

from __future__ import annotations

DOCUMENTATION = r'''
module: check_inventory
short_description: Check the whole inventory, or what was observed on its hosts, against the rules
version_added: 0.1.0
description:
  - Without options it reads the inventory on the controller, opens no connection, and fails with all problems at once;
    each names the variable, its value, the reason, the mend and the rule. What is only doubtful is warned of.
  - The rules are those of C(docs/inventory_rules.md). What the modules M(wandb.onprem.wandb_server) and M(wandb.onprem.wandb_operator) would
    refuse is among them.
  - With O(observed) it holds what was seen on hosts and cluster to the rules of C(docs/host_rules.md), and tells it together with what an earlier
    check of the inventory found.
  - Values of secrets are never shown.
author:
  - wandb.onprem maintainers (@wandb-onprem)
extends_documentation_fragment:
  - wandb.onprem.attributes.info_module
attributes:
  action:
    support: full
    description: Has an action plugin; runs wholly on the controller.
options:
  observed:
    description:
      - Names of the variables under which the hosts registered what they observed, keyed by kind - V(host) and V(api_host) from
        M(wandb.onprem.host_info), V(cluster) from M(wandb.onprem.cluster_info), V(redis) from M(wandb.onprem.redis_probe),
        V(bucket) from M(wandb.onprem.s3_probe), V(images) from M(wandb.onprem.image_info), and V(inventory) from this module without options.
        Hosts without them are passed over.
    type: dict
  report:
    description:
      - Prints all problems and warnings as a table, and writes them to the file that the variable C(wandb_preflight_report) names (not in check mode).
      - Without O(observed) only for an inventory that is refused; for of one that passes more is to come.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Refuse a wrong inventory before any host is touched
  wandb.onprem.check_inventory:
'''

RETURN = r'''
problems:
  description: What is wrong; empty when nothing is.
  returned: always
  type: list
  elements: dict
  contains:
    where:
      description: Host (or several), V(cluster), or V(site) for what belongs to the whole inventory.
      type: str
      sample: site
    variable:
      description: Variable (or group, or host) to look at.
      type: str
      sample: wandb_host
    why:
      description: What is wrong with it.
      type: str
      sample: is missing
    mend:
      description: What to do.
      type: str
      sample: set it to the URL that users will type, for example https://wandb.example.com
    rule:
      description: Id of the rule.
      type: str
      sample: host-url
    value:
      description: Value of the variable as it may be shown; empty for none. Secrets are hidden, of dictionaries and lists the size is told.
      type: str
      sample: "'http://wandb.example.com'"
    warning:
      description: Always V(false).
      type: bool
      sample: false
looks:
  description: For each host of a service the options with which M(wandb.onprem.host_info) is to look at it; under V((api host\)) those for the API host, and
    C(images) for M(wandb.onprem.image_info).
  returned: when the inventory passes, without O(observed)
  type: dict
  sample: {db-1: {services: [mysql], ports: [{port: 3306, service: mysql, variable: wandb_mysql_port}]}}
warned:
  description: What is doubtful and not refused, in the same form; V(warning) is V(true).
  returned: always
  type: list
  elements: dict
  sample: []
'''
