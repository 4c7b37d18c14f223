# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml

from lab import hosts, image, inventory, ssh
from lab.podman import needed_conf, raises_limits
from lab.report import LabError
from lab.requirements import missing_packages, wanted_packages
from lab.state import HOSTS, Lab, free_network, lab_name, valid_name


@pytest.fixture
def lab(tmp_path):
    return Lab("wandb", tmp_path / ".lab" / "wandb", network="10.89.41", hosts={"lb-1": {"suffix": 11, "id": "aaa"}})


def test_addresses():
    lab = Lab("x", None, network="10.89.7")
    assert {host: lab.address(host) for host in HOSTS} == {
        "lb-1": "10.89.7.11",
        "lb-2": "10.89.7.12",
        "db-1": "10.89.7.21",
        "db-2": "10.89.7.22",
        "s3-1": "10.89.7.31",
        "s3-2": "10.89.7.32",
        "s3-3": "10.89.7.33",
        "s3-4": "10.89.7.34",
        "rd-1": "10.89.7.41",
        "rd-2": "10.89.7.42",
        "rd-3": "10.89.7.43",
        "kube-1": "10.89.7.51",
    }


def test_extra_hosts_take_the_first_free_address_and_keep_it(lab):
    lab.hosts |= {"one": {"suffix": 200}, "three": {"suffix": 202}}
    assert lab.suffix("two") == 201
    assert lab.suffix("three") == 202


@pytest.mark.parametrize("name", ["wandb", "a", "lab-2", "a123456789012345"])
def test_good_names(name):
    assert valid_name(name) == name


@pytest.mark.parametrize("name", ["2lab", "Lab", "-a", "a_b", "a b", "a1234567890123456", "a\n", "../a"])
def test_bad_names_are_refused(name):
    with pytest.raises(LabError, match="is no name"):
        lab_name({"LAB": name})


def test_name_without_the_variable():
    assert lab_name({}) == lab_name({"LAB": ""}) == "wandb"


def test_free_network_avoids_networks_and_routes_and_keeps_its_own():
    assert free_network([]) == "10.89.40"
    assert free_network(["10.89.40.0/24", "10.89.41.128/25", "fd00::/64", "192.0.2.1"]) == "10.89.42"
    assert free_network(["10.89.40.0/24"], preferred="10.89.77") == "10.89.77"
    assert free_network(["10.89.77.0/24"], preferred="10.89.77") == "10.89.40"
    with pytest.raises(LabError, match="no free network"):
        free_network(["10.0.0.0/8"])


def found(lab, **changes):
    entry = {"id": "aaa", "state": "running", "labels": dict(lab.labels)}
    entry["labels"] |= changes.pop("labels", {})
    return entry | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "keep"),
        ({"state": "exited"}, "start"),
        ({"state": "created"}, "start"),
        ({"id": "bbb"}, "replace"),
        # Another checkout's, which is still there ("/" always is), or was removed with its state.
        ({"labels": {"wandb.onprem.checkout": "other", "wandb.onprem.path": "/"}}, "refuse"),
        ({"labels": {"wandb.onprem.checkout": "other", "wandb.onprem.path": "/no/such/checkout"}, "id": "bbb"}, "replace"),
        ({"labels": {"wandb.onprem.lab": "other"}}, "refuse"),
        ({"labels": {"wandb.onprem.lab": ""}}, "refuse"),
    ],
)
def test_what_to_do_with_a_container_of_that_name(lab, changes, expected):
    assert hosts.decide(lab, "lb-1", found(lab, **changes)) == expected


def test_no_container_is_created_and_an_unfinished_one_replaced(lab):
    assert hosts.decide(lab, "lb-1", None) == "create"
    # In the state since `up` began, but without the id that is written at its end.
    lab.hosts["lb-2"] = {"suffix": 12}
    assert hosts.decide(lab, "lb-2", found(lab)) == "replace"
    assert hosts.decide(lab, "lb-3", found(lab)) == "replace"


def test_containers_of_a_lab_whose_name_begins_alike_are_told_apart(lab, monkeypatch):
    rows = [
        {"Names": ["wandb-lb-1"], "Id": "aaa", "State": "running", "Labels": lab.labels, "Image": "i"},
        {"Names": ["wandb-2-lb-1"], "Id": "bbb", "State": "running", "Labels": {"wandb.onprem.lab": "wandb-2"}, "Image": "i"},
    ]
    removed = []
    monkeypatch.setattr(hosts, "listed", lambda *args: rows)
    monkeypatch.setattr(hosts, "podman", lambda *args, **kwargs: removed.append(args))
    hosts.remove_hosts(lab, list(hosts.containers(lab)))
    assert [args[-1] for args in removed if args[0] == "rm"] == ["wandb-lb-1"]


def test_a_container_that_stops_while_it_is_removed_is_removed_at_the_second_try(monkeypatch):
    tries = []

    def podman(*args, **kwargs):
        tries.append(args)
        if len(tries) == 1:
            raise LabError("container state improper: stopped", "")

    monkeypatch.setattr(hosts, "podman", podman)
    hosts.removed("wandb-lb-1")
    assert tries == [("rm", "-f", "-t", "2", "wandb-lb-1")] * 2


def test_mysql_of_a_database_host(lab):
    assert hosts.wanted_mysql(lab, "db-1", "") == "8.0"
    assert hosts.wanted_mysql(lab, "db-1", "9.7") == "9.7"
    assert hosts.wanted_mysql(lab, "lb-1", "9.7") == ""
    assert hosts.wanted_mysql(lab, "extra", "9.7") == "9.7"
    assert hosts.wanted_mysql(lab, "extra", "") == ""
    lab.hosts["db-1"] = {"suffix": 21, "mysql": "9.7"}
    assert hosts.wanted_mysql(lab, "db-1", "") == "9.7"
    with pytest.raises(LabError, match=r"was made for MySQL 9\.7"):
        hosts.wanted_mysql(lab, "db-1", "8.0")
    with pytest.raises(LabError, match="LAB_MYSQL='9'"):
        hosts.mysql_asked({"LAB_MYSQL": "9"})


def test_run_arguments(lab):
    lab.bin_dir = "/cache/bin"
    line = " ".join(hosts.run_arguments(lab, "s3-2", "image"))
    for part in ("--ip 10.89.41.32", "--hostname s3-2", "--network-alias s3-2", "--cap-add=SYS_ADMIN"):
        assert part in line
    assert "--volume wandb-s3-2-data:/data/1" in line
    assert "--add-host s3.lab.test:10.89.41.10" in line
    assert "/opt/lab" not in line
    assert "--volume /cache/bin:/opt/lab/bin:ro" in " ".join(hosts.run_arguments(lab, "kube-1", "image"))


def test_inventory_of_what_stands(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_LAB_CACHE", str(tmp_path / "cache"))
    lab.hosts["db-1"] = {"suffix": 21, "mysql": "9.7"}
    inventory.write(lab)
    folder = lab.state_dir / "inventory"
    assert yaml.safe_load((folder / "hosts.yml").read_text()) == {
        "all": {"hosts": {"lb-1": {"ansible_host": "10.89.41.11"}, "db-1": {"ansible_host": "10.89.41.21", "lab_mysql": "9.7"}}}
    }
    facts = yaml.safe_load((folder / "group_vars" / "all" / "lab.yml").read_text())
    assert facts["lab_mysql"] == "9.7"
    assert facts["lab_network"] == "10.89.41"
    assert "StrictHostKeyChecking=yes" in facts["ansible_ssh_common_args"]
    assert not {"lab_minio_binary", "lab_mysql_archive", "lab_helm"} & set(facts), "nothing is built in this cache"


def test_known_hosts_replaces_and_forgets(lab):
    ssh.learn(lab, {"lb-1": ["lb-1,10.89.41.11 ssh-ed25519 OLD"], "lb-10": ["lb-10,10.89.41.200 ssh-ed25519 X"]})
    ssh.learn(lab, {"lb-1": ["lb-1,10.89.41.11 ssh-ed25519 NEW"]})
    assert ssh.known_hosts(lab).read_text() == "lb-1,10.89.41.11 ssh-ed25519 NEW\nlb-10,10.89.41.200 ssh-ed25519 X\n"
    ssh.learn(lab, {}, forget={"lb-10"})
    assert "lb-10" not in ssh.known_hosts(lab).read_text()


def test_state_survives_and_a_broken_one_counts_as_lost(lab, monkeypatch):
    monkeypatch.setattr("lab.state.CHECKOUT", lab.state_dir.parent.parent)
    lab.save()
    assert Lab.load("wandb") == lab
    lab.state_file.write_text('{"network": "10.')
    assert Lab.load("wandb").hosts == {}


def test_image_keys_follow_what_goes_in(tmp_path):
    base = image.base_key("trixie", "http://m/debian", "")
    others = [("sid", "http://m/debian", ""), ("trixie", "http://n/debian", ""), ("trixie", "http://m/debian", "x")]
    assert len({base, *(image.base_key(*other) for other in others)}) == 4
    assert len({image.kube_key(base, ["a", "b"]), image.kube_key(base, ["a"]), image.kube_key("other", ["a"])}) == 3
    packages = tmp_path / "packages.txt"
    assert "etcd-server" in image.kube_packages(packages)
    packages.write_text("# why\nnginx  # web\n\netcd-server\nnginx\n")
    assert image.kube_packages(packages) == ["etcd-server", "nginx"]


def test_podman_configuration_only_where_the_machine_needs_it():
    assert needed_conf(hybrid_cgroups=False, raises_limits=True, nofile=1, nproc=1) == ""
    assert needed_conf(hybrid_cgroups=True, raises_limits=True, nofile=1, nproc=1) == '[engine]\nruntime = "runc"\n'
    assert '["nofile=20000:20000", "nproc=300:300"]' in needed_conf(hybrid_cgroups=False, raises_limits=False, nofile=20000, nproc=300)
    assert raises_limits("Name:\tx\nCapEff:\t000001ffffffffff\n")
    assert not raises_limits("CapEff:\t000001fffeffffff\n")


def test_missing_packages_are_named(tmp_path):
    here, away = tmp_path / "here", tmp_path / "away"
    here.touch()
    assert missing_packages({"a": [str(away), str(here)], "b": [str(away)]}) == ["b"]
    assert {"runc", "maven"} <= set(wanted_packages(hybrid=True, maven=True))
    assert not {"runc", "maven"} & set(wanted_packages(hybrid=False, maven=False))


def test_a_host_has_the_same_hardware_address_after_each_start(lab):
    assert lab.hardware_address("lb-1") == "02:00:0a:59:29:0b"
