# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from lab.debian import apt_conf, deb822_entries, mirror, one_line_entries, pick_mirror
from lab.report import LabError

DEB822 = """\
Types: deb
# a comment in the stanza
URIs: http://one.example/debian-security
Suites: bookworm-security
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb deb-src
URIs: http://two.example/debian/
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def test_deb822_gives_enabled_binary_stanzas_in_order():
    assert list(deb822_entries(DEB822)) == [
        ("http://one.example/debian-security", "bookworm-security", ["main"]),
        ("http://two.example/debian/", "bookworm", ["main", "contrib"]),
        ("http://two.example/debian/", "bookworm-updates", ["main", "contrib"]),
    ]


def test_one_line_form_with_options_and_comments():
    text = "# deb http://off.example/debian trixie main\ndeb [arch=amd64 signed-by=/x.gpg] https://a.example/debian trixie main contrib # why\n"
    text += "deb-src http://s.example/debian trixie main\n"
    assert list(one_line_entries(text)) == [("https://a.example/debian", "trixie", ["main", "contrib"])]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("http://s/debian-security", "bookworm-security", ["main"]), ("http://d/debian/", "bookworm", ["main"])], "http://d/debian"),
        ([("http://n/node", "nodistro", ["main"]), ("http://c/apt", "cloud-sdk-bookworm", ["main"])], ""),
        ([("cdrom:[Debian]/", "trixie", ["main"])], ""),
        ([("http://u/ubuntu", "noble", ["main"])], ""),
    ],
)
def test_only_debian_itself_is_a_mirror(entries, expected):
    assert pick_mirror(entries) == expected


def test_mirror_reads_both_forms_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.delenv("LAB_DEBIAN_MIRROR", raising=False)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert mirror(tmp_path) == "http://two.example/debian"
    (tmp_path / "sources.list").write_text("deb http://three.example/debian bookworm main\n")
    assert mirror(tmp_path) == "http://three.example/debian"
    monkeypatch.setenv("LAB_DEBIAN_MIRROR", "http://given.example/debian/")
    assert mirror(tmp_path) == "http://given.example/debian"


def test_no_mirror_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.delenv("LAB_DEBIAN_MIRROR", raising=False)
    with pytest.raises(LabError, match="LAB_DEBIAN_MIRROR"):
        mirror(tmp_path)


def test_only_proxy_and_clock_settings_are_carried_into_the_image():
    dump = 'APT::Architecture "amd64";\nAcquire::http::Proxy "http://p.example:3128";\nAcquire::Languages "none";\n'
    dump += 'Acquire::Check-Valid-Until "false";\nDPkg::Post-Invoke:: "rm x";\n'
    assert apt_conf(dump) == 'Acquire::http::Proxy "http://p.example:3128";\nAcquire::Check-Valid-Until "false";\n'
