# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for certificates. Pure; what is in a certificate that was given is looked at on the controller beforehand. Rules for renewal belong here."""

from __future__ import annotations

import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import SERVICE_GROUPS, Site

# Browsers take no certificate that is valid for longer.
LONGEST_DAYS = 398
INGRESS = 'ingress'


def hosts(site: Site) -> list[str]:
    """Every host that gets a certificate, once."""
    return list(dict.fromkeys(host for group in SERVICE_GROUPS for host in site.members(group)))


def _given_file(site: Site, variable: str, host: str) -> str:
    """The path in a variable, or nothing where it holds the text itself."""
    value = site.text(variable, host)
    return '' if '-----BEGIN' in value else value.strip()


@rule(
    'pki-provided', 'wandb_pki_mode', 'wandb_pki_certificate', 'wandb_pki_private_key',
    why='The host would have no certificate.',
    mend='give both for every host (a path on the controller, or PEM text), or wandb_pki_mode: private_ca',
)
def provided(site: Site) -> t.Iterator[Found]:
    """Where certificates are provided, every host has one, and its key; where they are made, none is given."""
    for host in hosts(site):
        mode = site.text('wandb_pki_mode', host)
        for name in ('wandb_pki_certificate', 'wandb_pki_private_key'):
            if mode == 'provided' and not site.text(name, host):
                yield Found(name, 'is missing, and wandb_pki_mode is provided', where=host)
            elif mode == 'private_ca' and site.text(name, host):
                yield Found(name, 'does nothing with wandb_pki_mode: private_ca', 'set wandb_pki_mode: provided, or remove it', host)


@rule(
    'pki-file', 'wandb_pki_certificate', 'wandb_pki_private_key', 'wandb_pki_ingress_certificate', 'wandb_pki_ingress_private_key', 'wandb_ca_file',
    why='It is read on the controller.',
    mend='correct the path, or put the file there',
)
def files(site: Site) -> t.Iterator[Found]:
    """A certificate, key or CA that is named by its path is there."""
    wanted = [(name, '') for name in ('wandb_pki_ingress_certificate', 'wandb_pki_ingress_private_key')]
    bringing = [host for host in hosts(site) if site.text('wandb_pki_mode', host) == 'provided']
    wanted += [(name, host) for host in bringing for name in ('wandb_pki_certificate', 'wandb_pki_private_key')]
    if bringing:
        wanted.append(('wandb_ca_file', ''))
    for name, host in wanted:
        path = _given_file(site, name, host)
        if path and not site.controller.is_file(path):
            yield Found(name, 'is no file on the controller', where=host or 'site')


@rule(
    'pki-ingress', 'wandb_pki_ingress_certificate', 'wandb_pki_ingress_private_key',
    why='One is nothing without the other.',
    mend='give both, or neither',
)
def ingress(site: Site) -> t.Iterator[Found]:
    """The certificate of the ingress comes with its key."""
    given = [name for name in ('wandb_pki_ingress_certificate', 'wandb_pki_ingress_private_key') if site.text(name)]
    if len(given) == 1:
        missing = 'wandb_pki_ingress_private_key' if given[0].endswith('certificate') else 'wandb_pki_ingress_certificate'
        yield Found(missing, f'is missing, and {given[0]} is given')


@rule(
    'pki-certificate', 'wandb_pki_certificate', 'wandb_pki_ingress_certificate',
    why='Clients would refuse it.',
    mend='get one for these names, from a CA in wandb_ca_file, with the key that belongs to it',
)
def certificate(site: Site) -> t.Iterator[Found]:
    """A certificate that was given is valid for the names of its host, is signed by a CA of the site, belongs to its key, and does not end soon."""
    for host, problems in sorted(site.certificates.items()):
        name = 'wandb_pki_ingress_certificate' if host == INGRESS else 'wandb_pki_certificate'
        for problem in problems:
            yield Found(name, problem, where='site' if host == INGRESS else host)


@rule(
    'pki-times', 'wandb_pki_renew_before', 'wandb_pki_valid_days', 'wandb_pki_ca_valid_days',
    why='Every run would issue certificates again, or the CA would end before they do.',
    mend='let certificates live longer than wandb_pki_renew_before, and the CA longer than those',
)
def times(site: Site) -> t.Iterator[Found]:
    """Certificates live longer than the time before their end at which they are renewed, and the CA lives longer than they do."""
    for host in hosts(site):
        if site.text('wandb_pki_mode', host) != 'private_ca':
            continue
        before, valid, ca = (site.number(name, host) for name in ('wandb_pki_renew_before', 'wandb_pki_valid_days', 'wandb_pki_ca_valid_days'))
        if before is not None and valid is not None and before >= valid:
            yield Found('wandb_pki_renew_before', f'is {before} days, and certificates are valid for {valid}', where=host)
        if ca is not None and valid is not None and ca <= valid:
            yield Found('wandb_pki_ca_valid_days', f'is {ca} days, and certificates are valid for {valid}', where=host)


@rule(
    'pki-long', 'wandb_pki_valid_days',
    warning=True,
    why='Browsers refuse certificates of public CAs that are valid for more than 398 days, and some refuse any.',
    mend='take 397 days; each run renews what ends soon',
)
def long(site: Site) -> t.Iterator[Found]:
    """Certificates are valid for no longer than browsers take."""
    for host in hosts(site):
        days = site.number('wandb_pki_valid_days', host)
        if days is not None and days > LONGEST_DAYS and site.text('wandb_pki_mode', host) == 'private_ca':
            yield Found('wandb_pki_valid_days', f'is {days}', where=host)


@rule(
    'pki-one-mode', 'wandb_pki_mode', 'wandb_ca_file',
    warning=True,
    why='Hosts trust one file: it has to hold both CAs.',
    mend='put both CAs into wandb_ca_file',
)
def one_mode(site: Site) -> t.Iterator[Found]:
    """All certificates are provided, or all are made here."""
    modes = {site.text('wandb_pki_mode', host) for host in hosts(site)} - {''}
    if len(modes) > 1:
        yield Found('wandb_pki_mode', 'is provided for some hosts and private_ca for others')


RULES = (
    provided, files, ingress, certificate, times, long, one_mode,
)
