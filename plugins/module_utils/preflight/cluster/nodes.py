# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the cluster's version and nodes. Pure; the arithmetic stands in what they say."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.quantity import quantity
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.demand import GIB, READ, Pods, arithmetic, demand, total
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.hosts.storage import TOLERANCE
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.sizes import PROFILE, in_production, profile
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.seen_rule import CLUSTER, Facts, seen_rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

MIN_KUBERNETES, TODAYS_KUBERNETES = (1, 29), (1, 34)
ARCHITECTURE = 'amd64'
SIZE = 'wandb_server_size'
# Quota on requests -> which of the two sums it limits; the short names are the same.
_QUOTAS = {'requests.cpu': 0, 'cpu': 0, 'requests.memory': 1, 'memory': 1}


@seen_rule(
    'kube-answers', CLUSTER, 'wandb_kubeconfig',
    why='Everything of the cluster goes over its API.',
    mend='correct the kubeconfig, or the network between the API host and the API',
)
def answers(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The Kubernetes API answers."""
    if seen.get('error'):
        yield Found('wandb_kubeconfig', f'the Kubernetes API does not answer: {seen["error"]}')


@seen_rule(
    'kube-version', CLUSTER, 'wandb_kubeconfig',
    why='W&B needs Kubernetes 1.29, and names 1.34 as the oldest that it supports today.',
    mend='upgrade the cluster',
)
def version(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Kubernetes is 1.29 or newer. (Before 1.34 it is warned of.)"""
    if seen.get('version'):
        found = (int(seen['version']['major']), int(seen['version']['minor']))
        if found < TODAYS_KUBERNETES:
            yield Found('wandb_kubeconfig', f'the cluster runs Kubernetes {found[0]}.{found[1]}', warning=found >= MIN_KUBERNETES)


@seen_rule(
    'kube-unreadable', CLUSTER, 'wandb_kubeconfig',
    warning=True,
    why='What the user may not read is not checked.',
    mend='let the user of the kubeconfig read it, or see to it yourself',
)
def unreadable(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """All that is checked may be read."""
    if seen.get('unreadable'):
        yield Found('wandb_kubeconfig', f'its user may not read: {", ".join(seen["unreadable"])}')


def _ours(seen: Facts) -> list[Facts]:
    return [node for node in seen.get('nodes') or () if node['schedulable'] and node['architecture'] == ARCHITECTURE]


def _placed(site: Site) -> bool:
    """Whether pods go to chosen nodes only, or to those that are tainted for them: then the sums are of the wrong nodes."""
    return bool(site.mapping('wandb_server_node_selector') or site.entries('wandb_server_tolerations'))


@seen_rule(
    'node-architecture', CLUSTER, 'wandb_kubeconfig',
    why="W&B's images are for x86-64 (amd64).",
    mend='add nodes of that architecture, or uncordon them',
)
def architecture(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """At least one node of architecture amd64 takes pods."""
    if seen.get('nodes') is None or _ours(seen):
        return
    others = ', '.join(f'{one["name"]} ({one["architecture"]}{"" if one["ready"] else ", not ready"})' for one in seen['nodes'])
    yield Found('wandb_kubeconfig', f'no amd64 node takes pods: {others or "there is none"}', warning=_placed(site))


@seen_rule(
    'node-mixed', CLUSTER, 'wandb_server_node_selector',
    warning=True,
    why='A pod of W&B on a node of another architecture never starts.',
    mend='set wandb_server_node_selector: {kubernetes.io/arch: amd64}',
)
def mixed(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Nodes of other architectures get none of the server's pods."""
    others = [one for one in seen.get('nodes') or () if one['schedulable'] and one['architecture'] != ARCHITECTURE]
    if others and _ours(seen) and 'kubernetes.io/arch' not in site.mapping('wandb_server_node_selector'):
        names = [f'{one["name"]} ({one["architecture"]})' for one in others]
        yield Found('wandb_server_node_selector', f'pods may go to {", ".join(names)}')


@seen_rule(
    'node-spare', CLUSTER, 'wandb_kubeconfig',
    warning=True,
    why='With the only node the site is away, also while it is maintained.',
    mend='add a node',
)
def spare(_site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """Two nodes or more take the server's pods."""
    if len(_ours(seen)) == 1:
        yield Found('wandb_kubeconfig', f'only {_ours(seen)[0]["name"]} takes pods')


def _size(site: Site) -> str:
    size = site.text(SIZE) or 'small'
    return f'size {size} asks for {"" if size in READ else "at least "}'


@seen_rule(
    'node-room', CLUSTER, SIZE, PROFILE,
    why='Pods that find no room stay Pending.',
    mend='add nodes, take larger ones, or take a smaller size (testing is for trials)',
)
def room(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The nodes have room for what the server's size asks for, in sum and for its largest pod. (Before what runs there already. With a node selector or
    tolerations it is warned of.)"""
    nodes, pods = _ours(seen), demand(site)
    if not nodes or not pods:
        return
    cpu, memory = total(pods)
    has = sum(one['cpu'] for one in nodes), sum(one['memory'] for one in nodes)
    if cpu > has[0] or memory > has[1]:
        yield Found(SIZE, f'{_size(site)}{arithmetic(pods)}; {len(nodes)} amd64 node(s) have {has[0]:g} CPU, {has[1] / GIB:.1f} GiB to allocate',
                    warning=_placed(site))
    for one in pods:
        if not any(node['cpu'] >= one.cpu and node['memory'] >= one.memory for node in nodes):
            largest = max(nodes, key=lambda node: (node['memory'], node['cpu']))
            yield Found(SIZE, f'a pod of {one.component} asks for {one.cpu:g} CPU, {one.memory / GIB:g} GiB; the largest amd64 node, {largest["name"]}, has '
                        f'{largest["cpu"]:g} CPU, {largest["memory"] / GIB:.1f} GiB to allocate', warning=_placed(site))


@seen_rule(
    'size-node', CLUSTER, PROFILE,
    why='The guide asks for it, and the sizes that the profile decides are made for it.',
    mend='use larger nodes, or a smaller profile',
)
def node_size(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """At least one node has the cores, memory and disk of the profile, less a tenth. (Of a profile for development it is warned.)"""
    wanted, nodes = profile(site).get('node') or {}, _ours(seen)
    if wanted and nodes and not any(_is_large(one, wanted) for one in nodes):
        asked = f'{wanted["cores"]} cores, {wanted["memory_gb"]} GB and {wanted["disk_gb"]} GB of disk'
        told = [f'{one["name"]} {one["cpu_in_all"]:g}, {one["memory_in_all"] / 1000**3:.0f} and {one["disk_in_all"] / 1000**3:.0f}' for one in nodes]
        yield Found(PROFILE, f'{asked} are wanted of a node in profile {site.text(PROFILE)}; there are {"; ".join(told)}', warning=not in_production(site))


def _is_large(node: Facts, wanted: Facts) -> bool:
    # Some nodes do not tell their disk.
    disk = node['disk_in_all'] or wanted['disk_gb'] * 1000**3
    return bool(node['cpu_in_all'] >= wanted['cores'] and node['memory_in_all'] >= TOLERANCE * wanted['memory_gb'] * 1000**3
                and disk >= TOLERANCE * wanted['disk_gb'] * 1000**3)


@seen_rule(
    'quota', CLUSTER, 'wandb_namespace', SIZE,
    why='The API server refuses pods above the quota, and the Deployment waits in silence.',
    mend='raise the quota, or take a smaller size',
)
def quota(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """The quota of the namespace leaves room for the server. (Where it runs already, it is in what is used.)"""
    name, pods = site.text('wandb_namespace'), demand(site)
    space = (seen.get('namespaces') or {}).get(name) or {}
    if not pods or space.get('custom_resources'):
        return
    sums = total(pods)
    for one in (one for one in space.get('quotas') or () if not one['scoped']):
        for resource, which in _QUOTAS.items():
            if resource in one['hard']:
                left = quantity(one['hard'][resource]) - quantity(one['used'].get(resource, 0))
                if sums[which] > left:
                    yield Found('wandb_namespace', f'quota {one["name"]} leaves {_amount(left, which)} of {resource}; {_size(site)}{arithmetic(pods)}')
        number, most, used = sum(one.number for one in pods), one['hard'].get('pods'), one['used'].get('pods', 0)
        if most is not None and number > quantity(most) - quantity(used):
            yield Found('wandb_namespace', f'quota {one["name"]} allows {most} pods, {used} are there and {number} are to come')


def _amount(number: float, which: int) -> str:
    return f'{number / GIB:.1f} GiB' if which else f'{number:g} CPU'


@seen_rule(
    'limit-range', CLUSTER, 'wandb_namespace', SIZE,
    why='The API server refuses a container above the limit.',
    mend='raise the maximum of the LimitRange, or take a smaller size',
)
def limit_range(site: Site, _host: str, seen: Facts) -> t.Iterator[Found]:
    """No LimitRange of the namespace refuses the server's containers."""
    for one in ((seen.get('namespaces') or {}).get(site.text('wandb_namespace')) or {}).get('limits') or ():
        for pods in demand(site) if one['type'] in ('Container', 'Pod') else ():
            told = _above(pods, one['max'])
            if told:
                yield Found('wandb_namespace', f'LimitRange {one["name"]}: {pods.component} asks for {told}')


def _above(pods: Pods, most: Facts) -> str:
    told = []
    if 'cpu' in most and pods.cpu > quantity(most['cpu']):
        told.append(f'{pods.cpu:g} CPU, at most {most["cpu"]}')
    if 'memory' in most and pods.memory > quantity(most['memory']):
        told.append(f'{pods.memory / GIB:g} GiB, at most {most["memory"]}')
    return ' and '.join(told)


RULES = (answers, version, unreadable, architecture, mixed, spare, room, node_size, quota, limit_range)
