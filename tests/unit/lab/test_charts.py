# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's charts render what the facts tell of the real ones (2, 3, 9, 10)."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import charts, programs
from lab.state import Lab

RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SITE: dict[str, Any] = {
    "global": {
        "host": "https://wandb.example.com",
        "licenseSecret": {"name": "wandb-license-in", "key": "license"},
        "size": "small",
        "repositoryPrefix": "registry.example.com/mirror",
        "imagePullSecrets": [{"name": "regcred"}, "plain"],
        "caCertsConfigMap": "wandb-custom-ca",
        "pod": {"annotations": {"checksum": "abc"}},
        "bucket": {
            "provider": "s3",
            "name": "minio.example.com:9000",
            "path": "wandb?tls=true",
            "region": "us-east-1",
            "secret": {"secretName": "wandb-bucket-in", "accessKeyName": "AK", "secretKeyName": "SK"},
        },
        "mysql": {
            "host": "db.example.com",
            "port": 3306,
            "database": "wandb_local",
            "user": "wandb_local",
            "passwordSecret": {"name": "wandb-mysql-in", "passwordKey": "MYSQL_PASSWORD"},
            "caCert": "PEM",
        },
        "redis": {
            "host": "rd.example.com",
            "port": 6379,
            "secret": {"secretName": "wandb-redis-in", "secretKey": "REDIS_PASSWORD"},
            "caCert": "PEM",
            "params": {"poolSize": 5, "ttlInSeconds": 1},
        },
        "env": {"BUCKET_QUEUE": "not-read://", "PLAIN": "x"},
        "extraEnv": {"GLOBAL_ADMIN_API_KEY": {"valueFrom": {"secretKeyRef": {"name": "wandb-verify-in", "key": "GLOBAL_ADMIN_API_KEY"}}}},
    },
    "redis": {"install": False},
    "mysql": {"install": False},
    "otel": {"install": False},
    "ingress": {
        "class": "nginx",
        "annotations": {"a": "b"},
        "tls": [{"secretName": "t", "hosts": ["wandb.example.com"]}],
        "additionalHosts": ["second.example.com"],
    },
    "app": {"image": {"tag": "0.83.0"}},
}
COMPONENTS = ("app", "console", "parquet", "weave", "appRenamePreHook", "appRenamePostHook")


@pytest.fixture(scope="session")
def helm() -> str:
    shelf = next(program for program in programs.all_programs() if program.name == "helm").shelf()
    if shelf.damage():
        pytest.skip("helm is not in the lab's cache yet: python -m lab programs helm")
    return str(shelf.folder / "helm")


def merged(changes: dict[str, Any], base: dict[str, Any] = SITE) -> dict[str, Any]:
    found = copy.deepcopy(base)
    for key, value in changes.items():
        found[key] = merged(value, found.get(key, {})) if isinstance(value, dict) and isinstance(found.get(key), dict) else value
    return found


def run(helm: str, chart: str, release: str, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    argv = [helm, "template", release, str(charts.SOURCE / chart), "--namespace", "ns", "--values", "-"]
    return subprocess.run(argv, input=yaml.safe_dump(values), capture_output=True, text=True, check=False)


def render(helm: str, chart: str, release: str, values: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    done = run(helm, chart, release, values)
    assert done.returncode == 0, done.stderr
    return {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(done.stdout) if item}


def refusal(helm: str, chart: str, values: dict[str, Any]) -> str:
    done = run(helm, chart, "wandb", values)
    assert done.returncode != 0
    return done.stderr


def pod(item: dict[str, Any]) -> dict[str, Any]:
    spec = item["spec"]
    return (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]


def env(item: dict[str, Any]) -> dict[str, Any]:
    entries = pod(item)["spec"]["containers"][0]["env"]
    assert len({entry["name"] for entry in entries}) == len(entries), "server-side apply refuses a name twice"
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


@pytest.fixture(scope="module")
def site(helm: str) -> dict[tuple[str, str], dict[str, Any]]:
    return render(helm, "operator-wandb", "wandb", SITE)


def test_workloads_services_and_names(site: dict[tuple[str, str], Any]) -> None:
    kinds: dict[str, set[str]] = {}
    for kind, name in site:
        kinds.setdefault(kind, set()).add(name)
    assert kinds["Deployment"] == {"wandb-app-bc", "wandb-console-bc", "wandb-parquet-bc", "wandb-weave-bc"}
    assert kinds["HorizontalPodAutoscaler"] == {"wandb-parquet-bc", "wandb-weave-bc"}
    assert kinds["CronJob"] == {"wandb-parquet-backfill"}
    assert kinds["Job"] == {"wandb-app-rename-pre-hook", "wandb-app-rename-post-hook"}
    assert kinds["Service"] == {"wandb-app", "wandb-console", "wandb-parquet", "wandb-parquet-grpc", "wandb-weave"}
    assert kinds["Ingress"] == {"wandb"}
    assert kinds["ClusterRoleBinding"] == {"wandb-console", "wandb-oidc-reviewer"}
    assert [port["port"] for port in site["Service", "wandb-app"]["spec"]["ports"]] == [8080, 8181, 8082, 8083]
    hpa = site["HorizontalPodAutoscaler", "wandb-weave-bc"]["spec"]
    assert hpa["minReplicas"] == 2
    assert "replicas" not in site["Deployment", "wandb-weave-bc"]["spec"]
    assert site["Deployment", "wandb-app-bc"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    hooks = [item["metadata"]["annotations"]["helm.sh/hook"] for (kind, _), item in sorted(site.items()) if kind == "Job"]
    assert hooks == ["post-upgrade", "pre-upgrade"]


def test_labels_and_what_outlives_the_release(site: dict[tuple[str, str], Any]) -> None:
    wanted = {"app.kubernetes.io/name": "app", "app.kubernetes.io/instance": "wandb", "app.kubernetes.io/managed-by": "Helm"}
    app = site["Deployment", "wandb-app-bc"]
    assert app["metadata"]["labels"] == wanted
    assert pod(app)["metadata"]["labels"] == wanted
    secrets = {name: item["metadata"] for (kind, name), item in site.items() if kind == "Secret"}
    assert not any("app.kubernetes.io/instance" in meta["labels"] for meta in secrets.values())
    kept = {name for name, meta in secrets.items() if (meta.get("annotations") or {}).get("helm.sh/resource-policy") == "keep"}
    assert kept == {"wandb-license", "wandb-mysql", "wandb-clickhouse", "wandb-gorilla-session-key"}
    assert set(secrets) - kept == {"wandb-bucket", "wandb-redis-secret", "wandb-smtp-secret"}


def test_the_apps_env(site: dict[tuple[str, str], Any]) -> None:
    found = env(site["Deployment", "wandb-app-bc"])
    mysql = "mysql://$(MYSQL_USER):$(MYSQL_PASSWORD)@$(MYSQL_HOST):$(MYSQL_PORT)/$(MYSQL_DATABASE)?tls=preferred"
    assert (found["MYSQL_HOST"], found["MYSQL_PORT"], found["MYSQL_USER"]) == ("db.example.com", "3306", "wandb_local")
    assert found["MYSQL_PASSWORD"] == {"secretKeyRef": {"name": "wandb-mysql-in", "key": "MYSQL_PASSWORD"}}
    assert {found[name] for name in ("MYSQL", "GORILLA_METADATA_STORE", "GORILLA_RUN_STORE", "GORILLA_USAGE_STORE", "GORILLA_ANALYTICS_SINK")} == {mysql}
    assert found["REDIS"] == "redis://:$(REDIS_PASSWORD)@$(REDIS_HOST):$(REDIS_PORT)$(REDIS_PARAMS)"
    assert found["BUCKET"] == "s3://$(BUCKET_ACCESS_KEY):$(BUCKET_SECRET_KEY)@$(BUCKET_NAME)/$(BUCKET_PATH)"
    assert found["BUCKET_ACCESS_KEY"] == {"secretKeyRef": {"name": "wandb-bucket-in", "key": "AK"}}
    assert found["LICENSE"] == {"secretKeyRef": {"name": "wandb-license-in", "key": "license"}}
    assert found["HOST"] == {"configMapKeyRef": {"name": "wandb-local-configmap", "key": "HOST"}}
    assert found["GLOBAL_ADMIN_API_KEY"] == {"secretKeyRef": {"name": "wandb-verify-in", "key": "GLOBAL_ADMIN_API_KEY"}}
    assert (found["BUCKET_QUEUE"], found["PLAIN"]) == ("internal://", "x")
    names = list(found)
    for name, value in found.items():
        for used in (one.split(")")[0] for one in str(value).split("$(")[1:]):
            assert names.index(used) < names.index(name), f"{name} needs {used} before it"
    assert site["ConfigMap", "wandb-redis-configmap"]["data"] == {
        "REDIS_HOST": "rd.example.com",
        "REDIS_PORT": "6379",
        "REDIS_PARAMS": "?caCertPath=/etc/ssl/certs/redis_ca.pem&poolSize=5&tls=true&ttlInSeconds=604800",
    }
    assert site["ConfigMap", "wandb-bucket-configmap"]["data"]["BUCKET_NAME"] == "minio.example.com:9000"
    assert site["ConfigMap", "wandb-bucket-configmap"]["data"]["AWS_S3_KMS_ID"] == ""


def test_the_apps_pod(site: dict[tuple[str, str], Any]) -> None:
    template = pod(site["Deployment", "wandb-app-bc"])
    spec = template["spec"]
    container, init = spec["containers"][0], spec["initContainers"][0]
    assert template["metadata"]["annotations"] == {"checksum": "abc"}
    assert container["image"] == init["image"] == "registry.example.com/mirror/wandb/local:0.83.0"
    assert spec["imagePullSecrets"] == [{"name": "regcred"}, {"name": "plain"}]
    assert [port["containerPort"] for port in container["ports"]] == [8080, 8181, 8082, 8083, 8125]
    assert (container["startupProbe"]["failureThreshold"], container["startupProbe"]["periodSeconds"]) == (120, 5)
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/ready"
    assert (init["name"], init["args"], "ports" in init, "readinessProbe" in init) == ("init-db", ["init-db"], False, False)
    assert init["env"] == container["env"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"/etc/ssl/certs/mysql_ca.pem", "/etc/ssl/certs/redis_ca.pem", "/usr/local/share/ca-certificates/configmap"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
    assert container["resources"] == {"requests": {"cpu": "1", "memory": "2Gi"}}


def test_ingress(site: dict[tuple[str, str], Any]) -> None:
    spec = site["Ingress", "wandb"]["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert [rule["host"] for rule in spec["rules"]] == ["wandb.example.com", "second.example.com"]
    paths = {path["path"]: path["backend"]["service"] for path in spec["rules"][0]["http"]["paths"]}
    assert paths == {"/": {"name": "wandb-app", "port": {"number": 8080}}, "/console": {"name": "wandb-console", "port": {"number": 8082}}}
    assert spec["tls"] == [{"secretName": "t", "hosts": ["wandb.example.com"]}]


def test_by_default_no_pod_is_restricted(site: dict[tuple[str, str], Any]) -> None:
    spec = pod(site["Deployment", "wandb-app-bc"])["spec"]
    expected = {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "runAsGroup": 0,
        "fsGroup": 0,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["securityContext"] == expected
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": []}}


def test_security_contexts_reach_pods_containers_and_init_containers_of_every_component(helm: str) -> None:
    context = {"podSecurityContext": {"runAsUser": 1000650000, "fsGroup": 1000650000}, "securityContext": {"capabilities": {"drop": ["ALL"]}}}
    found = render(helm, "operator-wandb", "wandb", merged({key: {**context, "pod": {"securityContext": {"runAsUser": 5}}} for key in COMPONENTS}))
    pods = {name: pod(item)["spec"] for (kind, name), item in found.items() if kind in ("Deployment", "Job", "CronJob")}
    assert len(pods) == 7
    for name, spec in pods.items():
        assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (1000650000, 0), name
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == RESTRICTED, name


def test_sizes(helm: str) -> None:
    def requests(changes: dict[str, Any]) -> Any:
        found = render(helm, "operator-wandb", "wandb", merged(changes))
        return pod(found["Deployment", "wandb-app-bc"])["spec"]["containers"][0]["resources"]

    assert requests({"global": {"size": "medium"}}) == {"requests": {"cpu": "4", "memory": "8Gi"}}
    assert requests({"global": {"size": "testing"}})["requests"]["cpu"] == "50m"
    assert requests({"global": {"size": "nobody-knows"}}) == {}
    assert requests({"app": {"resources": {"limits": {"cpu": "2"}}}}) == {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "2"}}


def test_what_fails_to_render(helm: str) -> None:
    assert "no bundled Redis" in refusal(helm, "operator-wandb", merged({"redis": {"install": True}}))
    assert "no bundled MySQL" in refusal(helm, "operator-wandb", merged({"mysql": {"install": True}}))
    by_reference = {"valueFrom": {"secretKeyRef": {"name": "ca", "key": "ca.pem"}}}
    assert "incompatible types for comparison" in refusal(
        helm, "operator-wandb", merged({"global": {"mysql": {"caCert": by_reference}}, "otel": {"install": True}})
    )
    assert refusal(helm, "operator-wandb", merged({"app": {"image": "text"}}))
    found = render(helm, "operator-wandb", "wandb", merged({"global": {"mysql": {"caCert": by_reference}}}))
    volumes = {volume["name"]: volume for volume in pod(found["Deployment", "wandb-app-bc"])["spec"]["volumes"]}
    assert volumes["mysql-ca"]["secret"]["secretName"] == "ca"


def test_switches(helm: str) -> None:
    found = render(
        helm,
        "operator-wandb",
        "wandb",
        merged({"otel": {"install": True}, "console": {"role": {"type": "Role"}}, "app": {"internalJWTMap": []}, "ingress": {"create": False}}),
    )
    assert ("DaemonSet", "wandb-otel-daemonset") in found
    assert ("Role", "wandb-console") in found
    assert {name for kind, name in found if kind == "ClusterRoleBinding"} == {"wandb-otel-daemonset"}
    assert not any(kind == "Ingress" for kind, _ in found)
    ports = {port["hostPort"] for port in pod(found["DaemonSet", "wandb-otel-daemonset"])["spec"]["containers"][0]["ports"]}
    assert ports == {4317, 4318, 9109, 8125}


def test_own_secrets_and_credentials_in_the_values(helm: str) -> None:
    plain = {
        "mysql": {"password": "m", "passwordSecret": {"name": ""}},
        "redis": {"password": "r", "secret": {"secretName": ""}},
        "license": "a.b.c",
        "licenseSecret": {"name": "", "key": ""},
    }
    found = render(helm, "operator-wandb", "wandb", merged({"global": {**plain, "customCACerts": ["PEM1", "PEM2"]}}))
    names = env(found["Deployment", "wandb-app-bc"])
    assert names["MYSQL_PASSWORD"]["secretKeyRef"]["name"] == "wandb-mysql"
    assert found["Secret", "wandb-mysql"]["data"]["MYSQL_PASSWORD"] == "bQ=="
    assert names["REDIS_PASSWORD"]["secretKeyRef"]["name"] == "wandb-redis-secret"
    assert names["LICENSE"]["secretKeyRef"] == {"name": "wandb-license", "key": "license"}
    assert set(found["ConfigMap", "wandb-ca-certs"]["data"]) == {"customCA0.crt", "customCA1.crt"}


def test_the_operators_chart(helm: str) -> None:
    found = render(
        helm,
        "operator",
        "operator",
        {"airgapped": True, "extraEnv": [{"name": "A", "value": "b"}], "caCertsConfigMap": "own", "customCACerts": ["PEM"], "podAnnotations": {"x": "y"}},
    )
    names = {
        ("ServiceAccount", "wandb-manager"),
        ("Deployment", "wandb-controller-manager"),
        ("ClusterRole", "wandb-manager-role"),
        ("ClusterRoleBinding", "wandb-manager-rolebinding"),
    }
    names |= {("Role", "wandb-leader-election-role"), ("RoleBinding", "wandb-leader-election-rolebinding"), ("ConfigMap", "operator-wandb-ca-certs")}
    assert set(found) == names
    deployment = found["Deployment", "wandb-controller-manager"]
    assert deployment["spec"]["selector"]["matchLabels"] == {"control-plane": "controller-manager"}
    spec = pod(deployment)["spec"]
    container = spec["containers"][0]
    assert (container["name"], container["command"], container["args"]) == ("manager", ["/manager"], ["--leader-elect", "--zap-devel=false"])
    assert env(deployment) == {
        "WANDB_MANAGER_SERVICE_ACCOUNT": "wandb-manager",
        "OPERATOR_NAMESPACE": "ns",
        "SERVICE_ACCOUNT_NAME": "wandb-manager",
        "AIRGAPPED": "true",
        "SSL_CERT_DIR": "/certs/",
        "A": "b",
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/helm", "/charts", "/certs/"}
    assert (spec["securityContext"], container["securityContext"]) == ({"seccompProfile": {"type": "RuntimeDefault"}}, {})
    assert (container["readinessProbe"]["httpGet"]["path"], container["livenessProbe"]["httpGet"]["port"]) == ("/readyz", 8081)


def test_an_isolated_operator_has_no_rights_in_the_cluster(helm: str) -> None:
    found = render(helm, "operator", "operator", {"namespaceIsolation": {"enabled": True, "additionalNamespaces": ["wandb"]}})
    assert not any(kind.startswith("Cluster") for kind, _ in found)
    assert "--isolation-namespaces=ns,wandb" in pod(found["Deployment", "wandb-controller-manager"])["spec"]["containers"][0]["args"]


def test_the_definition_of_the_custom_resource() -> None:
    crd = yaml.safe_load((charts.SOURCE / "operator" / "crds" / "wandb.yaml").read_text())
    names = crd["spec"]["names"]
    assert (crd["metadata"]["name"], crd["spec"]["scope"]) == ("weightsandbiases.apps.wandb.com", "Namespaced")
    assert (names["kind"], names["plural"], names["singular"], names["shortNames"]) == ("WeightsAndBiases", "weightsandbiases", "weightsandbiases", ["wandb"])
    (version,) = crd["spec"]["versions"]
    assert (version["name"], version["storage"], version["subresources"]) == ("v1", True, {"status": {}})
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    assert all(schema["spec"]["properties"][key]["x-kubernetes-preserve-unknown-fields"] for key in ("chart", "values"))
    assert set(schema["status"]["properties"]) == {"phase", "version"}


def test_archives_are_made_once(helm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab("x", tmp_path)
    made = charts.package(lab)
    assert {path.name for path in made.values()} == {"operator-1.4.8.tgz", "operator-wandb-0.43.8.tgz"}
    assert made["operator-wandb"].stat().st_size * 4 / 3 < 1024 * 1024, "as base64 it must fit into a ConfigMap"
    before = {path: path.stat().st_mtime_ns for path in made.values()}
    charts.package(lab)
    assert {path: path.stat().st_mtime_ns for path in made.values()} == before
    monkeypatch.setattr(charts, "fingerprint", lambda name: "changed")
    charts.package(lab)
    assert {path: path.stat().st_mtime_ns for path in made.values()} != before
