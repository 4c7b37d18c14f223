# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the object store that is made here. Pure. Rules for layouts of several pools and for upgrades belong here, too."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.preflight.inventory.names import address_of
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.rule import Found, rule
from ansible_collections.wandb.onprem.plugins.module_utils.preflight.site import Site

GROUP = 'wandb_minio'
FEWEST_DRIVES = 4
# The longest time for which W&B's upload URLs are good.
UPLOAD_HOURS = 24
_HOURS = {'h': 1.0, 'm': 1 / 60, 's': 1 / 3600, 'ms': 1 / 3600000}
_HOST_NAME = re.compile(r'[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*')


def hours(duration: str) -> float:
    """A Go duration in hours; 0 for what is none."""
    return sum(float(number) * _HOURS[unit] for number, unit in re.findall(r'([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)', duration))


@rule(
    'minio-quorum', GROUP, 'wandb_minio_drives', 'wandb_minio_allow_single',
    why='Erasure coding over fewer drives cannot survive the loss of one.',
    mend='use at least four drives in all (hosts in wandb_minio times wandb_minio_drives); for a trial on one host with one drive set wandb_minio_allow_single',
)
def quorum(site: Site) -> t.Iterator[Found]:
    """There are at least four drives in all, or, for a trial, exactly one."""
    hosts = site.members(GROUP)
    if not hosts:
        return
    drives = sum(len(site.entries('wandb_minio_drives', host)) for host in hosts)
    if drives < FEWEST_DRIVES and not (drives == 1 and site.flag('wandb_minio_allow_single', hosts[0])):
        yield Found(GROUP if len(hosts) > 1 else 'wandb_minio_drives', f'has {drives} drives in all: they cannot be a distributed pool')


@rule(
    'minio-single', 'wandb_minio_allow_single',
    why='It is for one host with one drive, and says that data may be lost.',
    mend='remove it',
)
def single(site: Site) -> t.Iterator[Found]:
    """A deployment of several drives is not allowed to be single."""
    several = sum(len(site.entries('wandb_minio_drives', host)) for host in site.members(GROUP)) > 1
    for host in site.members(GROUP) if several else ():
        if site.gives('wandb_minio_allow_single', host) and site.flag('wandb_minio_allow_single', host):
            yield Found('wandb_minio_allow_single', 'is true, and there are several drives', where=host)


@rule(
    'minio-drives', 'wandb_minio_drives',
    why='MinIO is started with one list of volumes, the same on every host; a drive that is listed twice counts once.',
    mend='give every host the same drives, each once',
)
def drives_alike(site: Site) -> t.Iterator[Found]:
    """Every host gives the same drives, none of them twice or inside of another."""
    hosts = site.members(GROUP)
    for host in hosts:
        drives = [str(drive).rstrip('/') for drive in site.entries('wandb_minio_drives', host)]
        if len(set(drives)) < len(drives):
            yield Found('wandb_minio_drives', 'lists a drive twice', 'list each drive once', host)
        for drive in drives:
            if any(drive.startswith(f'{other}/') for other in drives):
                yield Found('wandb_minio_drives', f'{drive} lies inside of another drive', 'give each drive a mounted filesystem of its own', host)
        if sorted(drives) != sorted(str(drive).rstrip('/') for drive in site.entries('wandb_minio_drives', hosts[0])):
            yield Found('wandb_minio_drives', f'are others than on {hosts[0]}', where=host)


@rule(
    'minio-host-name', GROUP,
    why='The servers reach each other at https://<name in the inventory>, by the certificate of that name.',
    mend='call the host by its name in DNS (letters, digits, - and .), and put its address into ansible_host if need be',
)
def host_name(site: Site) -> t.Iterator[Found]:
    """Hosts of the object store are named by what the others reach them at."""
    for host in site.members(GROUP):
        if not _HOST_NAME.fullmatch(host) and not address_of(host):
            yield Found(GROUP, f'{host} is no name of a host')
        elif host == 'localhost' and len(site.members(GROUP)) > 1:
            yield Found(GROUP, 'localhost is another host on each server')


@rule(
    'minio-binary', 'wandb_minio_binary',
    why='It is copied to every host and run there.',
    mend='correct the path, or put the file there',
)
def binary(site: Site) -> t.Iterator[Found]:
    """The minio program is a file on the controller, or is fetched by TLS."""
    for host in site.members(GROUP):
        source = site.text('wandb_minio_binary', host)
        if source.startswith('http://'):
            yield Found('wandb_minio_binary', 'is fetched without TLS', 'write https://', host)
        elif source and not source.startswith('https://') and not site.controller.is_file(source):
            yield Found('wandb_minio_binary', f'{source} is not there', where=host)


@rule(
    'minio-ports', 'wandb_minio_port', 'wandb_minio_console', 'wandb_minio_console_port',
    why='One of them could not listen.',
    mend='give the console another port',
)
def console_port(site: Site) -> t.Iterator[Found]:
    """The console listens elsewhere than the store."""
    for host in site.members(GROUP):
        port = site.number('wandb_minio_port', host)
        if site.flag('wandb_minio_console', host) and port is not None and port == site.number('wandb_minio_console_port', host):
            yield Found('wandb_minio_console_port', f'is {port}, as wandb_minio_port', where=host)


@rule(
    'minio-one-port', 'wandb_minio_port',
    why='MinIO is started with one list of volumes for all, and the port stands in it.',
    mend='give all hosts the same port',
)
def one_port(site: Site) -> t.Iterator[Found]:
    """All servers of the store listen on one port."""
    hosts = site.members(GROUP)
    for host in hosts:
        if site.number('wandb_minio_port', host) != site.number('wandb_minio_port', hosts[0]):
            yield Found('wandb_minio_port', f'is another than on {hosts[0]}', where=host)


@rule(
    'minio-cors', 'wandb_minio_cors_origins', 'wandb_host',
    why='Browsers would refuse to load objects of the site.',
    mend='add "{{ wandb_host }}" to the list',
)
def cors(site: Site) -> t.Iterator[Found]:
    """Pages of the site itself may use presigned URLs."""
    for host in site.members(GROUP)[:1]:
        origins = site.entries('wandb_minio_cors_origins', host)
        if '*' not in origins and site.text('wandb_host') and site.text('wandb_host') not in origins:
            yield Found('wandb_minio_cors_origins', 'does not list wandb_host', where=host)


@rule(
    'minio-uploads', 'wandb_minio_stale_uploads_expiry',
    why="W&B's upload URLs live 24 hours: a slow upload would be thrown away under way.",
    mend='take 24h or more, such as 72h',
)
def uploads(site: Site) -> t.Iterator[Found]:
    """Unfinished uploads are kept for as long as their URLs live."""
    for host in site.members(GROUP):
        text = site.text('wandb_minio_stale_uploads_expiry', host)
        if 0 < hours(text) < UPLOAD_HOURS:
            yield Found('wandb_minio_stale_uploads_expiry', f'is less than {UPLOAD_HOURS} hours', where=host)


@rule(
    'minio-root-drive', 'wandb_minio_allow_root_drive',
    warning=True,
    why='An upload can fill the root filesystem of the host.',
    mend='mount a filesystem for each drive, and remove it',
)
def root_drive(site: Site) -> t.Iterator[Found]:
    """Drives are filesystems of their own."""
    for host in site.members(GROUP):
        if site.flag('wandb_minio_allow_root_drive', host):
            yield Found('wandb_minio_allow_root_drive', 'is true', where=host)


@rule(
    'minio-point', 'wandb_minio_address',
    warning=True,
    why='With that host the whole store is out of reach, though the others serve on.',
    mend='let the name lead to a proxy (group wandb_nginx), or to something that follows the servers',
)
def single_point(site: Site) -> t.Iterator[Found]:
    """The name of a store of several hosts is not that of one of them."""
    hosts = site.members(GROUP)
    if len(hosts) > 1 and site.text('wandb_minio_address') in site.known_as(hosts):
        yield Found('wandb_minio_address', 'is one of the hosts')


@rule(
    'minio-bucket-name', 'wandb_minio_bucket',
    why='S3 refuses it, and its URL would be another thing.',
    mend='take another name, such as wandb',
)
def bucket_name(site: Site) -> t.Iterator[Found]:
    """The bucket's name has no two dots side by side and is no address."""
    name = site.text('wandb_minio_bucket')
    if site.members(GROUP) and ('..' in name or '.-' in name or '-.' in name or address_of(name)):
        yield Found('wandb_minio_bucket', 'is no name that S3 takes')


RULES = (
    quorum, single, drives_alike, host_name, binary, console_port, one_port, cors, uploads, root_drive, single_point, bucket_name,
)
