# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the proxy. Pure. Rules for a pair of proxies belong here, too."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.cluster import has_ingress
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import address_of, is_loopback
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

GROUP = 'wandb_nginx'
_UPSTREAM = re.compile(r'([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})')


@rule(
    'nginx-upstreams', 'wandb_nginx_ingress_upstreams',
    why='Nginx needs to know where the ingress is.',
    mend='write each as host:port, such as 10.0.0.10:443',
)
def upstreams(site: Site) -> t.Iterator[Found]:
    """The ingress is listed as host:port, each once, no URL."""
    for host in site.members(GROUP):
        seen = set()
        for number, upstream in enumerate(site.entries('wandb_nginx_ingress_upstreams', host), 1):
            text = str(upstream)
            match = _UPSTREAM.fullmatch(text)
            if not match or not 1 <= int(match.group(3)) <= 65535:
                yield Found('wandb_nginx_ingress_upstreams', f'entry {number} is no host:port', where=host)
            elif text in seen:
                yield Found('wandb_nginx_ingress_upstreams', f'entry {number} is there already', f'list {text} once', host)
            seen.add(text)


@rule(
    'nginx-behind', 'wandb_nginx_ingress_upstreams', 'wandb_nginx_node_addresses', 'wandb_node_ports',
    why='One of the two would do nothing.',
    mend='leave one of them out',
)
def behind(site: Site) -> t.Iterator[Found]:
    """Behind the proxy is either the cluster's ingress, or node ports."""
    for host in site.members(GROUP):
        if site.has('wandb_node_ports') and site.has('wandb_nginx_ingress_upstreams', host):
            yield Found('wandb_nginx_ingress_upstreams', 'is given, and there is wandb_node_ports', where=host)
        elif not site.has('wandb_node_ports') and site.has('wandb_nginx_node_addresses', host):
            yield Found('wandb_nginx_node_addresses', 'is given, and wandb_node_ports is empty', 'give the ports in wandb_node_ports, or remove it', host)


@rule(
    'nginx-address', 'wandb_nginx_virtual_address', 'wandb_nginx_balanced_elsewhere',
    why='DNS with the addresses of several hosts goes on to send clients to one that is dead.',
    mend='set it to a free address of their network, such as 10.0.0.10/24; or wandb_nginx_balanced_elsewhere: true, where your own load balancer has them',
)
def address(site: Site) -> t.Iterator[Found]:
    """Several proxies have one address, or a load balancer of the user's own before them."""
    elsewhere = site.flag('wandb_nginx_balanced_elsewhere')
    if len(site.members(GROUP)) > 1 and not site.has('wandb_nginx_virtual_address') and not elsewhere:
        yield Found('wandb_nginx_virtual_address', 'is missing: clients of several proxies need one address')
    elif elsewhere and site.has('wandb_nginx_virtual_address'):
        yield Found('wandb_nginx_balanced_elsewhere', 'is true, and there is wandb_nginx_virtual_address', 'leave one of them out')


@rule(
    'nginx-loop', 'wandb_nginx_ingress_upstreams',
    why='Requests would go in a circle until they are refused.',
    mend="list the addresses of the cluster's ingress",
)
def loop(site: Site) -> t.Iterator[Found]:
    """No proxy stands behind itself or behind another one."""
    virtual = site.text('wandb_nginx_virtual_address').partition('/')[0]
    proxies = {(name, site.number('wandb_nginx_https_port', host)) for host in site.members(GROUP) for name in (*site.known_as([host]), virtual)}
    for host in site.members(GROUP):
        for upstream in site.entries('wandb_nginx_ingress_upstreams', host):
            match = _UPSTREAM.fullmatch(str(upstream))
            if match and ((match.group(1), int(match.group(3))) in proxies or
                          (is_loopback(match.group(1)) and int(match.group(3)) == site.number('wandb_nginx_https_port', host))):
                yield Found('wandb_nginx_ingress_upstreams', f'{upstream} is a proxy itself', where=host)


@rule(
    'nginx-plain-upstream', 'wandb_nginx_ingress_upstreams',
    warning=True,
    why='Nginx speaks HTTPS to what is behind it.',
    mend='take the port of the ingress that speaks HTTPS, most often 443',
)
def plain_upstream(site: Site) -> t.Iterator[Found]:
    """The ingress is not listed with a port that commonly speaks HTTP."""
    for host in site.members(GROUP):
        for upstream in site.entries('wandb_nginx_ingress_upstreams', host):
            if str(upstream).endswith((':80', ':8080')):
                yield Found('wandb_nginx_ingress_upstreams', f'{upstream} is most probably HTTP', where=host)


@rule(
    'nginx-ports', 'wandb_nginx_http_port', 'wandb_nginx_https_port',
    why='One of them could not listen.',
    mend='give them different ports',
)
def ports(site: Site) -> t.Iterator[Found]:
    """HTTP and HTTPS have ports of their own."""
    for host in site.members(GROUP):
        port = site.number('wandb_nginx_http_port', host)
        if port is not None and port == site.number('wandb_nginx_https_port', host):
            yield Found('wandb_nginx_http_port', f'is {port}, as wandb_nginx_https_port', where=host)


@rule(
    'nginx-ciphers', 'wandb_nginx_ciphers',
    why='They can be broken, or show the server to nobody in particular.',
    mend='leave the default, or take ECDHE suites with GCM or CHACHA20',
)
def ciphers(site: Site) -> t.Iterator[Found]:
    """The ciphers of TLS 1.2 hold none that is broken."""
    for host in site.members(GROUP):
        text = site.text('wandb_nginx_ciphers', host)
        words = [word for word in re.split(r'[:, ]+', text) if word and word[0] not in '!-']
        bad = sorted({word for word in words if re.search(r'NULL|RC4|DES|MD5|EXP|\bLOW\b|ADH|AECDH', word, re.I)})
        if bad:
            yield Found('wandb_nginx_ciphers', f'holds {", ".join(bad)}', where=host)
        elif not words and site.gives('wandb_nginx_ciphers', host):
            yield Found('wandb_nginx_ciphers', 'is empty', where=host)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


@rule(
    'nginx-allowed', 'wandb_nginx_allowed_networks',
    why='Nginx would refuse its configuration, or let in others than are meant.',
    mend='write networks such as 10.0.0.0/8, no bits beyond their length, or single addresses',
)
def allowed(site: Site) -> t.Iterator[Found]:
    """Each network that is let in is one."""
    for host in site.members(GROUP):
        for number, entry in enumerate(site.entries('wandb_nginx_allowed_networks', host), 1):
            if isinstance(entry, str) and _network(entry) is None:
                yield Found('wandb_nginx_allowed_networks', f'entry {number} is no network', where=host)


@rule(
    'nginx-allowed-behind', 'wandb_nginx_allowed_networks', 'wandb_nginx_balanced_elsewhere',
    why='All that Nginx sees of a client is the address of the load balancer before it.',
    mend='remove it, and have the load balancer refuse the others',
)
def allowed_behind(site: Site) -> t.Iterator[Found]:
    """Clients are told apart by the first that they reach."""
    for host in site.members(GROUP) if site.flag('wandb_nginx_balanced_elsewhere') else ():
        if site.entries('wandb_nginx_allowed_networks', host):
            yield Found('wandb_nginx_allowed_networks', 'is given, and wandb_nginx_balanced_elsewhere is true', where=host)


@rule(
    'nginx-allowed-nodes', 'wandb_nginx_allowed_networks',
    warning=True,
    why='Pods reach the object store by its public name, most often with the address of their node.',
    mend="add the cluster's nodes",
)
def allowed_nodes(site: Site) -> t.Iterator[Found]:
    """Where the object store is made here, the nodes are let in."""
    for host in site.members(GROUP) if site.members('wandb_minio') else ():
        networks = [network for network in map(_network, map(str, site.entries('wandb_nginx_allowed_networks', host))) if network]
        upstreams = [(str(one).rpartition(':')[0], 'wandb_nginx_ingress_upstreams') for one in site.entries('wandb_nginx_ingress_upstreams', host)]
        nodes = [(str(one), 'wandb_nginx_node_addresses') for one in site.entries('wandb_nginx_node_addresses', host)]
        for name, variable in [*upstreams, *nodes] if networks else ():
            node = address_of(name)
            if node and not any(node in network for network in networks):
                yield Found('wandb_nginx_allowed_networks', f'does not hold {node} ({variable})', where=host)


@rule(
    'nginx-ingress-tls', 'wandb_server_ingress_tls_secret', GROUP,
    why='Nginx checks the certificate of the ingress for the name in wandb_host.',
    mend='leave the default, or name a Secret of your own with such a certificate',
)
def ingress_tls(site: Site) -> t.Iterator[Found]:
    """Behind the proxy the ingress speaks TLS."""
    if site.members(GROUP) and has_ingress(site) and site.value('wandb_server_ingress_tls_secret') == '':
        yield Found('wandb_server_ingress_tls_secret', 'is empty, and group wandb_nginx has hosts')


RULES = (
    upstreams, behind, address, loop, plain_upstream, ports, ciphers, allowed, allowed_behind, allowed_nodes, ingress_tls,
)
