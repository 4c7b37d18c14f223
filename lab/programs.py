# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds what the lab runs and no package archive carries: Helm, kwok, Kubernetes, MinIO (Go) and MySQL's archive (Maven)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.cache import HERE, Shelf, cache_dir, digest, locked, versions
from lab.report import LabError, duration, say


@dataclass
class GoProgram:
    """One entry of `go:` in versions.yml. `packages` become binaries named after their last part."""

    name: str
    version: str
    packages: list[str]
    stamp: dict[str, str] = field(default_factory=dict)
    module: str = ""
    minutes: int = 1

    @property
    def binaries(self) -> list[str]:
        return [package.rsplit("/", 1)[1] for package in self.packages]

    @property
    def module_dir(self) -> Path:
        return HERE / "programs" / self.module

    def ldflags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in self.stamp.items())])

    def key(self) -> str:
        """Whatever changes the outcome changes the folder's name."""
        parts = [self.version, *self.packages, self.ldflags()]
        if self.module:
            parts += [(self.module_dir / name).read_text() for name in ("go.mod", "go.sum", "tools.go")]
        return digest(*parts)

    def shelf(self) -> Shelf:
        return Shelf(cache_dir() / "programs", self.name, self.version, self.key())

    def command(self, target: Path) -> tuple[list[str], Path, dict[str, str]]:
        """(argv, working directory, additional environment) that build into `target`."""
        flags = ["-trimpath", f"-ldflags={self.ldflags()}"]
        env = {"CGO_ENABLED": "0"}
        if self.module:
            return ["go", "build", "-mod=readonly", *flags, "-o", f"{target}/", *self.packages], self.module_dir, env
        return ["go", "install", *flags, *(f"{package}@{self.version}" for package in self.packages)], target, {**env, "GOBIN": str(target)}

    def make(self, target: Path, log: Path) -> None:
        argv, cwd, env = self.command(target)
        run_logged(self.name, argv, log, cwd=cwd, env=env)


@dataclass
class MysqlArchive:
    """The inner archive of a jar, both with the sha256 of versions.yml."""

    version: str
    artifact: str
    jar_sha256: str
    member: str
    member_sha256: str
    name: str = "mysql"
    minutes: int = 1

    @property
    def filename(self) -> str:
        return f"mysql-{self.version}-linux-x86_64.tar.gz"

    def key(self) -> str:
        return self.member_sha256[:10]

    def shelf(self) -> Shelf:
        return Shelf(cache_dir() / "programs", self.name, self.version, self.key())

    def make(self, target: Path, log: Path) -> None:
        # Outside `target`: whatever lies there is recorded as a result.
        download = target.with_name(target.name + ".jar")
        shutil.rmtree(download, ignore_errors=True)
        try:
            run_logged(
                self.name,
                ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={self.artifact}", f"-DoutputDirectory={download}", "-Dtransitive=false"],
                log,
                cwd=target,
            )
            jar = next(download.glob("*.jar"))
            check_sum(jar.read_bytes(), self.jar_sha256, f"the jar {self.artifact}")
            with zipfile.ZipFile(jar) as archive:
                names = [name for name in archive.namelist() if name.rsplit("/", 1)[-1] == self.member]
                data = archive.read(names[0])
            check_sum(data, self.member_sha256, f"{self.member} in {self.artifact}")
            (target / self.filename).write_bytes(data)
        finally:
            shutil.rmtree(download, ignore_errors=True)


Program = GoProgram | MysqlArchive


def check_sum(data: bytes, expected: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise LabError(
            f"{what} has sha256 {found}, expected {expected}",
            "do not use it: either the download was damaged (remove it from ~/.m2 and try again) or somebody changed it at its source",
        )


def run_logged(name: str, argv: Sequence[str], log: Path, *, cwd: Path, env: dict[str, str] | None = None) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as stream:
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})}, stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-15:])
        raise LabError(
            f"building {name} failed ({argv[0]} ended with {done.returncode}); the end of {log}:\n{tail}",
            "is the package source reachable (`go env GOPROXY`, Maven's settings.xml) and the disk not full? then run `python -m lab programs` again: "
            "what is already built stays",
        )


def all_programs(pins: dict[str, Any] | None = None) -> list[Program]:
    pins = pins or versions()
    return [MysqlArchive(**pins["mysql"]), *(GoProgram(name=name, **entry) for name, entry in pins["go"].items())]


def ensure(program: Program) -> Shelf:
    """The shelf with whole files, made now if it is not there or was damaged."""
    shelf = program.shelf()
    damage = shelf.damage()
    if not damage:
        return shelf
    with locked("programs"):
        damage = shelf.damage()
        if not damage:
            return shelf
        if shelf.folder.exists():
            say(f"{program.name} {program.version}: {damage}; making it again")
        say(f"building {program.name} {program.version} ... (about {program.minutes} min the first time)")
        begin = time.monotonic()
        work = shelf.begin()
        program.make(work, cache_dir() / "log" / f"{program.name}.log")
        shelf.finish(work)
        say(f"building {program.name}: done in {duration(time.monotonic() - begin)}")
    return shelf


def bin_dir(programs: Sequence[Program]) -> Path:
    """One flat folder with every binary of this set of versions (hard links: a container that mounts it sees no other folder)."""
    go = [program for program in programs if isinstance(program, GoProgram)]
    return cache_dir() / "bin" / digest(*(program.shelf().folder.name for program in go))


def link(programs: Sequence[Program]) -> Path:
    folder = bin_dir(all_programs())
    folder.mkdir(parents=True, exist_ok=True)
    for program in programs:
        if not isinstance(program, GoProgram):
            continue
        for binary in program.binaries:
            source, target = program.shelf().folder / binary, folder / binary
            if target.exists() and target.samefile(source):
                continue
            part = target.with_name(f".{binary}.{os.getpid()}")
            part.unlink(missing_ok=True)
            os.link(source, part)
            part.replace(target)
    return folder


def make_all(only: Sequence[str] = ()) -> Path:
    """Builds what is missing, in order; every failure is told, the first one does not stop the others. Returns the folder of binaries."""
    programs = all_programs()
    known = {program.name for program in programs}
    for name in only:
        if name not in known:
            raise LabError(f"no program is called {name}", f"the lab knows {', '.join(sorted(known))}")
    wanted = [program for program in programs if not only or program.name in only]
    failures = []
    for program in wanted:
        try:
            ensure(program)
        except LabError as error:
            say(str(error))
            failures.append(program.name)
    if failures:
        raise LabError(f"not built: {', '.join(failures)}", "see above; what is already built stays")
    return link(wanted)


def inventory_facts() -> dict[str, str]:
    """Where the made programs are, for lab.yml. What is not built yet is left out rather than promised."""
    programs = all_programs()
    folder = bin_dir(programs)
    facts = {"lab_bin": str(folder)}
    if (folder / "helm").exists():
        facts["lab_helm"] = str(folder / "helm")
    for program in programs:
        sums = program.shelf().sums()
        if isinstance(program, MysqlArchive) and sums:
            facts["lab_mysql_archive"] = str(program.shelf().folder / program.filename)
            facts["lab_mysql_archive_sha256"] = program.member_sha256
        elif program.name == "minio" and (folder / "minio").exists():
            facts["lab_minio_binary"] = str(folder / "minio")
            facts["lab_minio_binary_sha256"] = sums["minio"]
    return facts
