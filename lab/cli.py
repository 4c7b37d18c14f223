# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of `python -m lab`. LAB=<name> chooses the lab (default: wandb)."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
from collections.abc import Sequence

from lab import hosts, image, openshift, programs, requirements, site, ssh
from lab.cache import HERE, cache_dir, locked
from lab.podman import interactive
from lab.report import LabError, phase, say
from lab.state import HOSTS, Lab, lab_name


def needed_programs(names: Sequence[str]) -> list[str]:
    """The programs without which these hosts are of no use."""
    kinds = {name.split("-", 1)[0] for name in names if name in HOSTS}
    if "kube" in kinds:
        return [program.name for program in programs.all_programs()]
    return [program for kind, program in (("db", "mysql"), ("s3", "minio")) if kind in kinds]


def prepare(names: Sequence[str]) -> tuple[str, str]:
    """Requirements, programs and images for these hosts."""
    needed = needed_programs(names)
    requirements.check(building=any(program.shelf().damage() for program in programs.all_programs() if program.name in needed))
    if needed:
        with phase("programs"):
            programs.make_all(needed)
    with phase("images"):
        return image.ensure(kube="kube-1" in names)


def up(lab: Lab, names: Sequence[str]) -> None:
    for name in names:
        if name not in HOSTS:
            raise LabError(f"the lab has no host {name}", f"it has {' '.join(HOSTS)}; `python -m lab host up {name}` makes an extra one")
    mysql = hosts.mysql_asked()
    images = prepare(names)
    lab.bin_dir = programs.bin_dir(programs.all_programs())
    with locked(f"lab-{lab.name}"), phase("hosts"):
        lab = refreshed(lab)
        hosts.up(lab, names, images, mysql)
    if "kube-1" in names and (HERE / "kube" / "__init__.py").exists():
        kube = importlib.import_module("lab.kube")
        with phase("Kubernetes"):
            kube.start(lab)
    say(f"lab {lab.name} stands: {lab.network}.0/24, inventory in {lab.state_dir / 'inventory'}")


def refreshed(lab: Lab) -> Lab:
    """The state as it is now that we hold the lock: another run may have changed it while we waited."""
    fresh = Lab.load(lab.name)
    fresh.bin_dir = lab.bin_dir
    return fresh


def host_up(lab: Lab, name: str, mysql_97: bool) -> None:
    hosts.valid_extra(name)
    images = prepare([name])
    with locked(f"lab-{lab.name}"), phase("host"):
        lab = refreshed(lab)
        hosts.up(lab, [name], images, "9.7" if mysql_97 else "")
    say(f"{name} stands at {lab.address(name)}")


def status(lab: Lab) -> None:
    for program in programs.all_programs():
        say(f"program {program.name:<11} {program.version:<40} {program.shelf().damage() or 'ready'}")
    for name in image.names():
        say(f"image   {name:<52} {'ready' if image.exists(name) else 'not made'}")
    found = hosts.containers(lab)
    say(f"lab {lab.name}: {lab.network + '.0/24' if lab.network else 'no network'}, folder {lab.state_dir}")
    for host in sorted({*lab.hosts, *(name for name, entry in found.items() if entry["labels"].get("wandb.onprem.lab") == lab.name)}):
        state = found.get(host, {}).get("state", "missing")
        answer = "answers by SSH" if state == "running" and host in lab.hosts and ssh.answers(lab, host) else "does not answer by SSH"
        say(f"  {host:<10} {lab.address(host):<14} {state:<9} {answer}")


def stands(lab: Lab) -> bool:
    """Whether every host of the default lab runs."""
    found = hosts.containers(lab) if lab.hosts else {}
    return all(found.get(name, {}).get("state") == "running" for name in HOSTS)


def clean(lab: Lab, cache: bool) -> None:
    with locked(f"lab-{lab.name}"), phase("down"):
        hosts.down(refreshed(lab))
    if cache:
        with locked("programs"), locked("images"), phase("cache"):
            image.remove_all()
            for folder in ("programs", "bin", "log"):
                shutil.rmtree(cache_dir() / folder, ignore_errors=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="verb")
    verb = verbs.add_parser("programs", help="build what the lab runs, into the cache")
    verb.add_argument("only", nargs="*", metavar="NAME", help="only these")
    verbs.add_parser("image", help="make the images of the hosts")
    verb = verbs.add_parser("up", help="make or start the lab, or some of its hosts")
    verb.add_argument("hosts", nargs="*", metavar="HOST", help=f"default: all of {' '.join(HOSTS)}")
    verbs.add_parser("site", help="the whole lab, and the collection's site playbook run on it")
    verbs.add_parser("inputs", help="what a user brings to the site playbook: charts, licence, vault file")
    verb = verbs.add_parser("openshift", help="a stand-in for what OpenShift adds to the lab's cluster")
    verb.add_argument("switch", choices=["on", "off"])
    verb = verbs.add_parser("host", help="extra bare hosts, to be thrown away; removing a single host")
    host_verbs = verb.add_subparsers(dest="host_verb", required=True)
    extra = host_verbs.add_parser("up", help="make or start an extra host")
    extra.add_argument("name")
    extra.add_argument("--mysql-97", action="store_true", help="with the package source of MySQL 9.7")
    host_verbs.add_parser("down", help="remove one host with all it holds (`up NAME` makes a host of the lab anew)").add_argument("name")
    verbs.add_parser("down", help="remove this lab: hosts, volumes, network, folder")
    verbs.add_parser("clean", help="as down").add_argument("--cache", action="store_true", help="also programs and images")
    verbs.add_parser("status", help="what stands").add_argument("--quiet", action="store_true", help="only the exit code: 0 if every host of the lab runs")
    verb = verbs.add_parser("exec", help="run a command as root on a host")
    verb.add_argument("host")
    verb.add_argument("command", nargs=argparse.REMAINDER)
    return top


def run(args: argparse.Namespace) -> int:
    lab = Lab.load(lab_name())
    if args.verb == "programs":
        requirements.check(building=any(program.shelf().damage() for program in programs.all_programs()))
        with phase("programs"):
            programs.make_all(args.only)
    elif args.verb == "image":
        requirements.check(building=False)
        with phase("images"):
            image.ensure()
    elif args.verb == "up":
        up(lab, args.hosts or list(HOSTS))
    elif args.verb == "site":
        with phase("lab and site"):
            up(lab, list(HOSTS))
            site.make(Lab.load(lab.name))
    elif args.verb == "inputs":
        if not lab.hosts:
            raise LabError(f"the lab {lab.name} does not stand", "`python -m lab up` makes it")
        site.inputs(lab)
    elif args.verb == "openshift":
        with locked(f"lab-{lab.name}"), phase(f"OpenShift {args.switch}"):
            openshift.switch(refreshed(lab), args.switch == "on")
    elif args.verb == "host" and args.host_verb == "up":
        host_up(lab, args.name, args.mysql_97)
    elif args.verb == "host":
        with locked(f"lab-{lab.name}"), phase("host down"):
            hosts.host_down(refreshed(lab), args.name)
    elif args.verb in ("down", "clean"):
        clean(lab, getattr(args, "cache", False))
    elif args.verb == "status" and args.quiet:
        return 0 if stands(lab) else 1
    elif args.verb == "status":
        status(lab)
    elif args.verb == "exec":
        return interactive(["exec", "-it" if sys.stdin.isatty() else "-i", lab.container(args.host), *(args.command or ["bash"])])
    return 0


def main(argv: list[str] | None = None) -> int:
    try:
        return run(parser().parse_args(argv))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; the next run takes up or replaces what stands", file=sys.stderr)
        return 130
