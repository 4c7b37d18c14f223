# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of the lab's Kubernetes: one CA, server certificates with their addresses, a client certificate for each program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

DAYS = "3650"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
# File name -> subject. Groups (O) and users (CN) are those that Kubernetes' own role bindings name, but for the lab's three.
CLIENTS = {
    "admin": "/O=system:masters/CN=lab-admin",
    "apiserver-etcd": "/CN=kube-apiserver-etcd-client",
    "apiserver-kubelet": "/CN=kube-apiserver-kubelet-client",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "kwok": "/O=lab/CN=kwok",
    "runtime": "/O=lab/CN=lab-runtime",
    "ingress": "/O=lab/CN=lab-ingress",
}
SERVICE_NAMES = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"]


def servers(address: str, name: str) -> dict[str, list[str]]:
    """File name -> subjectAltName entries."""
    return {
        "apiserver": [*(f"DNS:{entry}" for entry in [name, *SERVICE_NAMES]), f"IP:{address}", "IP:10.96.0.1", "IP:127.0.0.1"],
        "etcd": ["DNS:localhost", "IP:127.0.0.1"],
        "kubelet": [f"DNS:{name}", f"IP:{address}"],
        "ingress-default": ["DNS:ingress.local"],
    }


def openssl(*argv: str) -> str:
    return subprocess.run(["openssl", *argv], capture_output=True, text=True, check=True).stdout


def names_in(certificate: Path) -> set[str]:
    shown = openssl("x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName").splitlines()
    return {entry.strip().replace("IP Address:", "IP:") for entry in shown[1].split(",")} if len(shown) > 1 else set()


def make(folder: Path, address: str, name: str) -> list[str]:
    """Makes what is missing and what carries other names than wanted; returns the names of what was made."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    os.umask(0o077)
    made = []
    if not (folder / "ca.crt").exists():
        request = ["-x509", *KEY, "-keyout", str(folder / "ca.key"), "-days", DAYS, "-subj", "/CN=wandb-lab-kubernetes-ca"]
        openssl("req", *request, "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature", "-out", str(folder / "ca.crt"))
        made.append("ca")
    for entry, subject in CLIENTS.items():
        if not (folder / f"{entry}.crt").exists():
            issue(folder, entry, subject, ["extendedKeyUsage=clientAuth"])
            made.append(entry)
    for entry, alternatives in servers(address, name).items():
        if not (folder / f"{entry}.crt").exists() or names_in(folder / f"{entry}.crt") != set(alternatives):
            issue(folder, entry, f"/CN={entry}", [f"subjectAltName={','.join(alternatives)}", "extendedKeyUsage=serverAuth,clientAuth"])
            made.append(entry)
    if not (folder / "service-accounts.key").exists():
        openssl("genrsa", "-out", str(folder / "service-accounts.key"), "2048")
        made.append("service-accounts")
    return made


def issue(folder: Path, name: str, subject: str, extensions: Sequence[str]) -> None:
    signer = ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"), "-days", DAYS]
    added = [word for extension in ["basicConstraints=critical,CA:false", *extensions] for word in ("-addext", extension)]
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    openssl("req", "-x509", *KEY, *signer, "-subj", subject, *added, "-keyout", f"{key}.new", "-out", f"{certificate}.new")
    Path(f"{key}.new").replace(key)
    Path(f"{certificate}.new").replace(certificate)
