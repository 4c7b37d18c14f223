# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for ports of the cluster's nodes, which take the ingress's place. Pure. That a component is one of the table says its argument_spec."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.demand import active, server_options
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site, whole

PORTS = 'wandb_node_ports'
# What the API server gives out unless it was started with another --service-node-port-range.
LOWEST, HIGHEST = 30000, 32767


def _numbers(site: Site) -> dict[str, int]:
    """Component -> port, of those that are numbers; others are another rule's."""
    found = {str(component): whole(port) for component, port in site.mapping(PORTS).items()}
    return {component: port for component, port in found.items() if port is not None}


@rule(
    'node-port-range', PORTS,
    why='Kubernetes gives out no others.',
    mend=f'take ports from {LOWEST} to {HIGHEST}',
)
def in_range(site: Site) -> t.Iterator[Found]:
    """A node port lies in Kubernetes' own range."""
    for component, port in _numbers(site).items():
        if not LOWEST <= port <= HIGHEST:
            yield Found(PORTS, f'{component} is {port}, which is not between {LOWEST} and {HIGHEST}')


@rule(
    'node-port-twice', PORTS,
    why='A node hands a port to one Service.',
    mend='give each component a port of its own',
)
def once(site: Site) -> t.Iterator[Found]:
    """Each component has a node port of its own."""
    owners: dict[int, str] = {}
    for component, port in _numbers(site).items():
        owner = owners.setdefault(port, component)
        if owner != component:
            yield Found(PORTS, f'{component} is {port}, as {owner}')


@rule(
    'node-port-app', PORTS,
    why='It takes all requests that no other component does; they would go nowhere.',
    mend='add a port for app, such as app: 30080',
)
def rest(site: Site) -> t.Iterator[Found]:
    """The app is among the components with a node port."""
    if site.mapping(PORTS) and not site.mapping(PORTS).get('app'):
        yield Found(PORTS, 'has no app')


@rule(
    'node-port-component', PORTS, 'wandb_server_install',
    why='Nothing would answer at its port, and Nginx would lead requests there.',
    mend='install it (wandb_server_install), or take it out',
)
def installed(site: Site) -> t.Iterator[Found]:
    """A component with a node port is installed."""
    given = server_options(site)
    for component in sorted(set(map(str, site.mapping(PORTS))) - set(active(given))) if given else ():
        if component in (site.specs.get(PORTS, {}).get('options') or {}):
            yield Found(PORTS, f'{component} is not installed')


@rule(
    'node-port-plain', PORTS,
    warning=True,
    why="The pods speak no TLS: passwords and API keys are in clear text between the proxy and the cluster's nodes.",
    mend='let nobody else into that network, or use an ingress (wandb_nginx_ingress_upstreams), to which Nginx speaks HTTPS',
)
def plain(site: Site) -> t.Iterator[Found]:
    """What is behind the proxy is reached by HTTPS."""
    if site.mapping(PORTS):
        yield Found(PORTS, 'is reached by HTTP')


RULES = (in_range, once, rest, installed, plain)
