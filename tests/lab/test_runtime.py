# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime plays a kubelet: what pods see, how they start, end and are told of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cluster import Cluster, until

SERVE = {
    "image": "lab/python",
    "args": ["-m", "http.server", "8080", "--directory", "/content"],
    "volumeMounts": [{"name": "content", "mountPath": "/content"}],
}
FOREVER = "while :; do sleep 1; done"


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", **container}], "terminationGracePeriodSeconds": 1, **spec}}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    body = {"replicas": 1, "strategy": rolling, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def served(version: str) -> dict[str, Any]:
    readiness = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}
    return deployment("served", {**SERVE, "readinessProbe": readiness}, volumes=[{"name": "content", "configMap": {"name": version}}])


def test_two_pods_of_one_deployment_answer_on_one_port_while_they_roll(cluster: Cluster) -> None:
    cluster.apply(config("v1", version="v1", ready=""), config("v2", version="v2"), served("v1"))
    cluster.kubectl("rollout", "status", "deployment/served", "--timeout=60s")
    cluster.apply(served("v2"))

    def both() -> set[str]:
        addresses = [pod["status"].get("podIP") for pod in cluster.find("pods", "app=served")]
        return {cluster.on_kube("sh", "-c", f"curl -s --max-time 2 http://{address}:8080/version || true") for address in addresses if address}

    until(lambda: both() == {"v1", "v2"}, "the old and the new pod to answer side by side")
    cluster.replace(config("v2", version="v2", ready=""))
    cluster.kubectl("rollout", "status", "deployment/served", "--timeout=60s")
    until(lambda: both() == {"v2"}, "the new pod alone")


def test_a_container_gets_exactly_its_environment(cluster: Cluster) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"PASSWORD": "p$(A)\nq"}}
    env = [
        {"name": "A", "value": "1"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "PASSWORD"}}},
        {"name": "URL", "value": "x://$(USER_NAME):$(PASSWORD)@$(UNKNOWN)/$$(A)"},
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "MIB", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": True}}},
    ]
    limits = {"limits": {"memory": "2Gi"}}
    cluster.apply(secret, config("e", USER_NAME="u", A="0"))
    cluster.pod("env", {"command": ["/usr/bin/env", "-0"], "env": env, "envFrom": [{"configMapRef": {"name": "e"}}], "resources": limits})
    text = cluster.ended("env")
    found = dict(entry.split("=", 1) for entry in text.rstrip("\n").split("\0") if entry)
    pod_ip, host = found.pop("POD_IP"), cluster.lab.address("kube-1")
    assert pod_ip.startswith("10.244.0.")
    assert found == {
        **{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "HOSTNAME": "env"},
        **{
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": "6443",
            "KUBERNETES_SERVICE_PORT_HTTPS": "6443",
            "KUBERNETES_PORT": f"tcp://{host}:6443",
        },
        **{"USER_NAME": "u", "A": "1", "PASSWORD": "p$(A)\nq", "URL": "x://u:p$(A)\nq@$(UNKNOWN)/$(A)", "MIB": "2048"},
    }


def test_init_containers_run_to_their_end_first(cluster: Cluster) -> None:
    mount = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    init = [{"name": f"init-{n}", "image": "lab/sh", "args": ["-c", f"sleep 1; echo {n} >> /shared/order"], **mount} for n in (1, 2)]
    cluster.pod("init", {"args": ["-c", "cat /shared/order"], **mount}, initContainers=init, volumes=[{"name": "shared", "emptyDir": {}}])
    assert cluster.ended("init") == "1\n2\n"


def test_a_failed_init_container_fails_the_pod(cluster: Cluster) -> None:
    cluster.pod("init-fails", {"args": ["-c", "echo ran"]}, initContainers=[{"name": "init", "image": "lab/sh", "args": ["-c", "exit 7"]}])
    until(lambda: cluster.get("pod", "init-fails")["status"]["phase"] == "Failed", "the pod's failure")
    assert cluster.get("pod", "init-fails")["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 7


def job(name: str, script: str, **spec: Any) -> dict[str, Any]:
    template = {
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "alpine/k8s:1.31.12", "command": ["/bin/sh", "-c"], "args": [script]}]}
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template, **spec}}


def test_jobs_end_as_their_program_does(cluster: Cluster) -> None:
    cluster.apply(job("good", "exit 0"), job("bad", "exit 3"))
    cluster.kubectl("wait", "--for=condition=Complete", "job/good", "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Failed", "job/bad", "--timeout=60s")
    pod = cluster.find("pods", "job-name=bad")[0]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_a_cronjob_makes_jobs_that_run(cluster: Cluster) -> None:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job("x", "echo from the cronjob")["spec"]}}
    cluster.apply({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "cron"}, "spec": spec})
    cluster.kubectl("create", "job", "--from=cronjob/cron", "by-hand")
    cluster.kubectl("wait", "--for=condition=Complete", "job/by-hand", "--timeout=60s")
    assert cluster.kubectl("logs", "job/by-hand").stdout == "from the cronjob\n"


def test_a_pod_speaks_to_the_api_as_its_service_account(cluster: Cluster) -> None:
    cluster.pod("whoami", {"image": "alpine/k8s:1.31.12", "command": ["kubectl", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]})
    assert cluster.ended("whoami") == f"system:serviceaccount:{cluster.namespace}:default"


def test_deletion_ends_the_program_and_removes_its_network(cluster: Cluster) -> None:
    cluster.pod("polite", {"args": ["-c", f"trap 'echo bye; exit 0' TERM; echo up; {FOREVER}"]})
    until(lambda: cluster.kubectl("logs", "polite", check=False).stdout == "up\n", "the program's start")
    uid = cluster.get("pod", "polite")["metadata"]["uid"]
    assert f"pod-{uid}" in cluster.on_kube("ip", "netns")
    cluster.kubectl("delete", "pod", "polite", "--timeout=15s")
    assert uid not in cluster.on_kube("ip", "netns") + cluster.on_kube("systemctl", "list-units", "--all", "--no-legend", "lab-pod-*") + cluster.on_kube(
        "ls", "/run/lab/pods"
    )


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(cluster: Cluster) -> None:
    cluster.pod("stubborn", {"args": ["-c", f"trap '' TERM; echo up; {FOREVER}"]}, terminationGracePeriodSeconds=3)
    until(lambda: cluster.kubectl("logs", "stubborn", check=False).stdout == "up\n", "the program's start")
    begin = time.monotonic()
    cluster.kubectl("delete", "pod", "stubborn", "--timeout=20s")
    assert 3 <= time.monotonic() - begin < 10


def test_a_hook_runs_within_the_grace_before_the_program_is_told_to_end(cluster: Cluster) -> None:
    """It takes two of its ten seconds, in which the program still answers; a hook without an end has the whole grace, and says so."""
    serve = {**SERVE, "lifecycle": {"preStop": {"exec": {"command": ["sleep", "2"]}}}}
    cluster.apply(config("pause", it="pause"))
    content = [{"name": "content", "configMap": {"name": "pause"}}]
    cluster.pod("pauses", serve, volumes=content, terminationGracePeriodSeconds=10, securityContext={"runAsUser": 999})
    until(lambda: cluster.container("pauses").get("ready"), "the pod")
    address = cluster.get("pods", "pauses")["status"]["podIP"]
    until(lambda: "pause" in cluster.on_kube("sh", "-c", f"curl -s --max-time 2 http://{address}:8080/it || true"), "its answer")
    begin = time.monotonic()
    cluster.kubectl("delete", "pod", "pauses", "--wait=false")
    until(lambda: cluster.get("pods", "pauses")["metadata"].get("deletionTimestamp"), "its end to begin")
    assert "pause" in cluster.on_kube("curl", "-s", "--max-time", "2", f"http://{address}:8080/it")
    cluster.kubectl("wait", "--for=delete", "pod/pauses", "--timeout=60s")
    assert 2 <= time.monotonic() - begin < 9
    endless = {"args": ["-c", FOREVER], "image": "lab/sh", "lifecycle": {"preStop": {"exec": {"command": ["sleep", "60"]}}}}
    cluster.pod("endless", endless, terminationGracePeriodSeconds=3)
    until(lambda: cluster.container("endless").get("ready"), "the pod")
    begin = time.monotonic()
    cluster.kubectl("delete", "pod", "endless", "--timeout=60s")
    assert 3 <= time.monotonic() - begin < 15
    until(lambda: "did not end within 3 s" in cluster.kubectl("get", "events").stdout, "the Event")


def test_logs_by_the_api(cluster: Cluster) -> None:
    cluster.pod("talks", {"args": ["-c", "echo one; echo two >&2; sleep 3; printf three"]})
    until(lambda: cluster.get("pod", "talks")["status"]["phase"] == "Running", "the pod")
    # Follows until the program has ended.
    assert cluster.kubectl("logs", "-f", "talks").stdout == "one\ntwo\nthree"
    assert cluster.kubectl("logs", "--tail=1", "talks").stdout == "three"
    stamp, text = cluster.kubectl("logs", "--tail=1", "--timestamps", "talks").stdout.split(" ", 1)
    assert text == "three"
    assert cluster.kubectl("logs", f"--since-time={stamp[:19]}Z", "talks").stdout == "three"


def test_a_missing_image_is_told_and_a_new_row_mends_it(cluster: Cluster, images: Callable[[dict[str, Any]], None]) -> None:
    """Another program takes a stand-in's place by a row of the table."""
    cluster.pod("pulls", {"image": "lab-test/new:2", "args": ["arg"]})
    until(lambda: cluster.waiting("pulls") == "ErrImagePull" or cluster.waiting("pulls") == "ImagePullBackOff", "ErrImagePull")
    until(lambda: cluster.waiting("pulls") == "ImagePullBackOff", "ImagePullBackOff")
    events = cluster.kubectl("get", "events", "--field-selector=involvedObject.name=pulls", "-o", "jsonpath={.items[*].message}").stdout
    assert 'Failed to pull image "lab-test/new:2"' in events
    images({"lab-test/new": ["/bin/false"], "lab-test/new:2": ["/bin/echo", "the row with the tag"]})
    assert cluster.ended("pulls") == "the row with the tag arg\n"


def test_a_program_stands_where_the_pods_command_expects_it(cluster: Cluster, images: Callable[[dict[str, Any]], None]) -> None:
    images({"lab-test/manager": {"programs": {"/manager": ["/bin/echo", "it's", "managed"]}, "user": 65532}})
    cluster.pod("manager", {"image": "lab-test/manager", "command": ["/manager"], "args": ["a b"]}, securityContext={"runAsNonRoot": True})
    assert cluster.ended("manager") == "it's managed a b\n"


def test_a_missing_secret_is_told_and_the_pod_goes_on_when_it_comes(cluster: Cluster) -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "late", "key": "x"}}}]
    cluster.pod("waits", {"args": ["-c", "echo $X"], "env": env})
    until(lambda: cluster.waiting("waits") == "CreateContainerConfigError", "CreateContainerConfigError")
    assert cluster.container("waits")["state"]["waiting"]["message"] == 'secret "late" not found'
    cluster.kubectl("create", "secret", "generic", "late", "--from-literal=x=here")
    assert cluster.ended("waits") == "here\n"


def test_a_changed_configmap_is_seen_in_the_mounted_file(cluster: Cluster) -> None:
    cluster.apply(config("live", text="before\n", gone="x"))
    script = "until grep -q after /v/text; do sleep 0.2; done; ls /v; cat /sub"
    mounts = [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/sub", "subPath": "text"}]
    cluster.pod("reads", {"args": ["-c", f"cat /v/text; {script}"], "volumeMounts": mounts}, volumes=[{"name": "v", "configMap": {"name": "live"}}])
    until(lambda: cluster.kubectl("logs", "reads", check=False).stdout == "before\n", "the first look")
    cluster.replace(config("live", text="after\n", new="y"))
    # A subPath keeps what was there at the start, as on a real node.
    assert cluster.ended("reads") == "before\nnew\ntext\nbefore\n"


def test_mounted_files_are_the_pods_own(cluster: Cluster) -> None:
    cluster.apply(config("ca", pem="theirs"))
    path = "/etc/ssl/certs/mysql_ca.pem"
    volume = {"volumes": [{"name": "v", "configMap": {"name": "ca"}}]}
    cluster.pod("has", {"args": ["-c", f"cat {path}; echo mine > /etc/mine"], "volumeMounts": [{"name": "v", "mountPath": path, "subPath": "pem"}]}, **volume)
    assert cluster.ended("has") == "theirs"
    cluster.pod("has-not", {"args": ["-c", f"ls {path} /etc/mine /var/lib/lab"]})
    assert cluster.ended("has-not").count("No such file") == 3
    assert cluster.lab.exec("kube-1", ["ls", path, "/etc/mine"], check=False) == ""


def test_user_and_groups_are_the_pods(cluster: Cluster) -> None:
    cluster.kubectl("create", "secret", "generic", "group-only", "--from-literal=x=readable")
    context = {"runAsUser": 1000650000, "runAsGroup": 0, "fsGroup": 1000650000, "runAsNonRoot": True}
    volumes = [{"name": "s", "secret": {"secretName": "group-only", "defaultMode": 0o400}}, {"name": "e", "emptyDir": {}}]
    mounts = [{"name": "s", "mountPath": "/s"}, {"name": "e", "mountPath": "/e"}]
    cluster.pod(
        "user", {"args": ["-c", "id -u; id -G; cat /s/x; echo; touch /e/x; stat -c %g /e/x"], "volumeMounts": mounts}, securityContext=context, volumes=volumes
    )
    assert cluster.ended("user") == "1000650000\n0 1000650000\nreadable\n1000650000\n"


def test_root_is_refused_where_it_must_not_be(cluster: Cluster) -> None:
    cluster.pod("root", {"args": ["-c", "id"], "securityContext": {"runAsNonRoot": True}})
    until(lambda: cluster.waiting("root") == "CreateContainerConfigError", "CreateContainerConfigError")
    assert "run as root" in cluster.container("root")["state"]["waiting"]["message"]


def test_a_crashing_container_is_restarted_with_growing_pauses(cluster: Cluster) -> None:
    cluster.pod("crash", {"args": ["-c", "echo start; exit 5"]}, restartPolicy="Always")
    until(lambda: cluster.waiting("crash") == "CrashLoopBackOff", "CrashLoopBackOff")
    status = cluster.container("crash")
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 5
    assert cluster.get("pod", "crash")["status"]["phase"] == "Running"
    assert cluster.kubectl("logs", "--previous", "crash", check=False).stdout == "start\n"
    until(lambda: cluster.container("crash")["restartCount"] >= 2, "the next start")


def test_a_program_that_does_not_exist_is_told(cluster: Cluster) -> None:
    cluster.pod("no-program", {"command": ["/nowhere"]})
    until(lambda: "terminated" in cluster.container("no-program")["state"], "the failed start")
    ended = cluster.container("no-program")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "/nowhere" in ended["message"]


def test_probes_decide_readiness_and_restarts(cluster: Cluster) -> None:
    volumes = [{"name": "content", "configMap": {"name": "probed"}}]
    quick = {"periodSeconds": 1, "failureThreshold": 2}
    container = {
        **SERVE,
        "startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}, **quick},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, **quick},
    }
    cluster.apply(config("probed", live="", ready=""), deployment("probed", container, volumes=volumes))
    cluster.kubectl("rollout", "status", "deployment/probed", "--timeout=60s")
    cluster.replace(config("probed", live=""))
    until(lambda: cluster.get("deployment", "probed")["status"].get("unavailableReplicas") == 1, "the pod not to be ready")
    assert cluster.find("pods", "app=probed")[0]["status"]["containerStatuses"][0]["restartCount"] == 0
    cluster.replace(config("probed", ready=""))
    until(lambda: cluster.find("pods", "app=probed")[0]["status"]["containerStatuses"][0]["restartCount"] == 1, "the restart")


def test_pods_outlive_a_restart_of_the_runtime(cluster: Cluster) -> None:
    cluster.apply(config("lives", x="y"))
    cluster.pod("lives", SERVE, volumes=[{"name": "content", "configMap": {"name": "lives"}}], terminationGracePeriodSeconds=1)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/lives", "--timeout=30s")
    before = cluster.container("lives")
    address = cluster.get("pod", "lives")["status"]["podIP"]
    cluster.on_kube("systemctl", "restart", "lab-runtime")
    time.sleep(3)
    assert cluster.container("lives") == before
    assert "y" in cluster.on_kube("curl", "-s", f"http://{address}:8080/x")
    # What ends meanwhile is noticed afterwards.
    cluster.on_kube("systemctl", "stop", "lab-runtime")
    cluster.on_kube("systemctl", "kill", "--signal=KILL", f"lab-pod-{cluster.get('pod', 'lives')['metadata']['uid']}-c-0")
    cluster.on_kube("systemctl", "start", "lab-runtime")
    until(lambda: cluster.get("pod", "lives")["status"]["phase"] == "Failed", "the noticed end")


def test_kwok_plays_the_pods_of_other_namespaces(cluster: Cluster) -> None:
    other = Cluster(cluster.lab, "lab-kwok-test")
    other.kubectl("create", "namespace", other.namespace)
    try:
        other.apply(deployment("played", {"image": "no/such:image"}))
        other.kubectl("rollout", "status", "deployment/played", "--timeout=60s")
        pod = other.find("pods", "app=played")[0]
        assert pod["status"]["podIP"].startswith("10.245.")
        time.sleep(3)
        assert "lab-runtime" not in other.kubectl("get", "events", "-o", "jsonpath={.items[*].source.component}").stdout
    finally:
        other.kubectl("delete", "namespace", other.namespace, "--timeout=60s")


def test_admission_is_real(cluster: Cluster) -> None:
    cluster.kubectl("label", "namespace", cluster.namespace, "pod-security.kubernetes.io/enforce=restricted")
    try:
        refused = cluster.kubectl("run", "refused", "--image=lab/sh", "--restart=Never", check=False)
    finally:
        cluster.kubectl("label", "namespace", cluster.namespace, "pod-security.kubernetes.io/enforce-")
    assert 'violates PodSecurity "restricted' in refused.stderr
