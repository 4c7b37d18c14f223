# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user of the collection must be permitted to do, from the first namespace to the custom resource."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.access import Permission, Rule, lacking, permissions, review, to_apply
from ansible_collections.wandb.onprem.plugins.module_utils.kube.client import Client

_RBAC = 'rbac.authorization.k8s.io'
# Role platform, in both namespaces.
INPUTS: tuple[Rule, ...] = (('create patch', '', 'secrets'), ('create patch', '', 'configmaps'), ('create patch', '', 'serviceaccounts'))
# What no option asks for any more is looked for in each run; of Routes, too, where the cluster has them.
OPTIONAL: tuple[Rule, ...] = (('list', '', 'services'), ('list', _RBAC, 'rolebindings'))
NODE_PORTS: tuple[Rule, ...] = (('get create patch delete', '', 'services'),)
# A Route with a host name of one's own asks for a right of its own.
ROUTES: tuple[Rule, ...] = (('get list create patch delete', 'route.openshift.io', 'routes'), ('create', 'route.openshift.io', 'routes/custom-host'))
BINDINGS: tuple[Rule, ...] = (('get create patch delete', _RBAC, 'rolebindings'),)
NAMESPACES: tuple[Rule, ...] = (('create patch', '', 'namespaces'),)
# Role operator: Helm keeps its release in Secrets.
RELEASE: tuple[Rule, ...] = (
    ('list create update', '', 'secrets'), ('create patch', 'apps', 'deployments'), ('create patch', '', 'serviceaccounts'),
    ('create patch', _RBAC, 'roles'), ('create patch', _RBAC, 'rolebindings'),
)
CLUSTER_ROLES: tuple[Rule, ...] = (('create patch', _RBAC, 'clusterroles'), ('create patch', _RBAC, 'clusterrolebindings'))
CRDS: tuple[Rule, ...] = (('create patch', 'apiextensions.k8s.io', 'customresourcedefinitions'),)
# Who may do this may do everything.
EVERYTHING = {'verb': '*', 'group': '*', 'resource': '*'}


def to_install(
    namespace: str, operator_namespace: str, isolated: bool = False, crds: bool = True, node_ports: bool = False, routes: bool = False,
    role_bindings: bool = False,
) -> list[Permission]:
    """All of it. ``isolated``: the operator gets Roles instead of ClusterRoles. ``node_ports``, ``routes``, ``role_bindings``: role platform makes
    Services, Routes, bindings of service accounts to SCCs.
    """
    wanted = permissions(NAMESPACES, '')
    for place in dict.fromkeys((namespace, operator_namespace)):
        wanted += permissions(INPUTS, place)
    wanted += permissions(OPTIONAL, namespace)
    for asked, rules in ((node_ports, NODE_PORTS), (routes, ROUTES), (role_bindings, BINDINGS)):
        wanted += permissions(rules, namespace) if asked else []
    wanted += permissions(RELEASE, operator_namespace)
    wanted += permissions(RELEASE[-2:], namespace) if isolated else permissions(CLUSTER_ROLES, '')
    wanted += permissions(CRDS, '') if crds else []
    return list(dict.fromkeys([*wanted, *to_apply(namespace, operator_namespace)]))


def lacking_to_install(client: Client, wanted: t.Sequence[Permission]) -> list[Permission]:
    """Those that the user has not; one request for who may do everything."""
    return [] if review(client, EVERYTHING)[0] else lacking(client, wanted)
