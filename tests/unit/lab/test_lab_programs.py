# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from lab import programs
from lab.cache import Shelf, cache_dir, digest
from lab.programs import GoProgram, MysqlArchive, ensure
from lab.report import LabError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Fake(GoProgram):
    """A program whose building costs nothing and is counted."""

    built = 0

    def make(self, target: Path, log: Path) -> None:
        self.built += 1
        for binary in self.binaries:
            (target / binary).write_bytes(b"program of build 1")


@pytest.fixture
def fake():
    return Fake(name="tool", version="v1.2.3", packages=["example.org/cmd/tool"])


def test_cache_is_where_the_environment_says():
    assert cache_dir({"WANDB_LAB_CACHE": "/c", "XDG_CACHE_HOME": "/x"}) == Path("/c")
    assert cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/wandb-onprem")
    assert cache_dir({}) == Path.home() / ".cache" / "wandb-onprem"


def test_digest_knows_where_one_part_ends():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a", b"b") == digest(b"a", "b")


def test_built_once_and_folder_names_program_and_version(fake):
    shelf = ensure(fake)
    assert ensure(fake).folder == shelf.folder
    assert fake.built == 1
    assert shelf.folder.name.startswith("tool-v1.2.3-")
    assert shelf.sums() == {"tool": hashlib.sha256(b"program of build 1").hexdigest()}


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "tool").write_bytes(b"program of build 2"), "tool is damaged"),
        (lambda folder: (folder / "tool").unlink(), "tool is missing"),
        (lambda folder: (folder / "built.json").unlink(), "its record is missing"),
        (lambda folder: (folder / "built.json").write_text('{"tool": "12'), "its record is missing"),
    ],
)
def test_a_damaged_program_is_told_and_built_again(fake, capsys, harm, told):
    folder = ensure(fake).folder
    harm(folder)
    assert told in fake.shelf().damage()
    ensure(fake)
    assert fake.built == 2
    assert f"tool v1.2.3: {told}" in capsys.readouterr().out
    assert fake.shelf().damage() == ""


def test_what_a_cut_off_build_left_is_not_taken_for_a_program(cache):
    shelf = Shelf(cache / "programs", "tool", "v1", "k")
    (shelf.begin() / "tool").write_bytes(b"half")
    assert shelf.damage() == "it was never made"
    assert list(shelf.begin().iterdir()) == []


def test_whatever_changes_the_outcome_changes_the_key(fake):
    others = [
        Fake(name="tool", version="v1.2.4", packages=fake.packages),
        Fake(name="tool", version=fake.version, packages=["example.org/cmd/other"]),
        Fake(name="tool", version=fake.version, packages=fake.packages, stamp={"a.b": "c"}),
    ]
    assert len({program.key() for program in [fake, *others]}) == 4


def test_binaries_are_linked_into_one_flat_folder_also_after_a_rebuild(fake, monkeypatch):
    monkeypatch.setattr(programs, "all_programs", lambda pins=None: [fake])
    folder = ensure(fake).folder
    binary = programs.make_all() / "tool"
    assert binary.samefile(folder / "tool")
    (folder / "tool").write_bytes(b"damaged")
    programs.make_all()
    assert binary.samefile(folder / "tool")
    assert binary.read_bytes() == b"program of build 1"


def test_every_failure_is_told_and_none_stops_the_others(fake, monkeypatch, capsys):
    class Broken(Fake):
        def make(self, target, log):
            raise LabError(f"{self.name} is broken", "mend")

    broken = [Broken(name=name, version="v1", packages=[f"example.org/{name}"]) for name in ("one", "two")]
    monkeypatch.setattr(programs, "all_programs", lambda pins=None: [*broken, fake])
    with pytest.raises(LabError, match="not built: one, two"):
        programs.make_all()
    assert "one is broken" in capsys.readouterr().out
    assert fake.shelf().damage() == ""


def test_a_failing_command_shows_the_end_of_its_log_and_what_to_do(tmp_path):
    with pytest.raises(LabError) as caught:
        programs.run_logged("tool", ["sh", "-c", "echo no such module; exit 3"], tmp_path / "log" / "tool.log", cwd=tmp_path)
    assert "ended with 3" in caught.value.what
    assert "no such module" in caught.value.what
    assert "python -m lab programs" in caught.value.mend


def test_mysql_archive_is_taken_out_of_the_jar_only_with_both_sums(tmp_path, monkeypatch):
    inner = b"archive"
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("some/where/mysql.tar.gz", inner)

    def fetch(name, argv, log, *, cwd, env=None):
        folder = Path(next(arg for arg in argv if arg.startswith("-DoutputDirectory=")).split("=", 1)[1])
        folder.mkdir()
        (folder / "x.jar").write_bytes(jar.getvalue())

    monkeypatch.setattr(programs, "run_logged", fetch)
    jar_sum, inner_sum = (hashlib.sha256(data).hexdigest() for data in (jar.getvalue(), inner))
    good = MysqlArchive("8.0.31", "g:a:1", jar_sum, "mysql.tar.gz", inner_sum)
    assert (ensure(good).folder / good.filename).read_bytes() == inner
    for bad in (MysqlArchive("8.0.1", "g:a:1", "0" * 64, "mysql.tar.gz", inner_sum), MysqlArchive("8.0.2", "g:a:1", jar_sum, "mysql.tar.gz", "0" * 64)):
        with pytest.raises(LabError, match="expected 0000"):
            ensure(bad)
        assert not bad.shelf().folder.exists()


def test_the_real_pins_name_what_the_lab_needs():
    known = {program.name: program for program in programs.all_programs()}
    assert list(known) == ["mysql", "helm", "kwok", "kubernetes", "minio", "versitygw"]
    assert known["kubernetes"].binaries == ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    argv, cwd, env = known["kubernetes"].command(Path("/t"))
    assert f"-X k8s.io/component-base/version.gitVersion={known['kubernetes'].version}" in argv[4]
    assert f"k8s.io/kubernetes {known['kubernetes'].version}" in (cwd / "go.mod").read_text()
    assert env["CGO_ENABLED"] == "0"
