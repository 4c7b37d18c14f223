# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the builder of `wandb_server` writes, rendered by the lab's chart (a stand-in): does it reach the app's container, and in an order
in which Kubernetes expands `$(NAME)`?"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.wandb.onprem.plugins.module_utils.server.builder import build
from test_charts import env, helm, render  # noqa: F401  # helm is a fixture

STORE = {"provider": "s3", "host": "s3.example.com", "port": 9000, "name": "wandb", "region": "us-east-1", "tls": True,
         "secret": {"name": "store-in", "access_key_key": "AK", "secret_key_key": "SK"}}  # fmt: skip
OPTIONS: dict[str, Any] = {
    "name": "wandb", "namespace": "ns", "wandb_host": "https://wandb.example.com", "license_secret": {"name": "license-in", "key": "license"},
    "chart": {"path": "/charts/operator-wandb"}, "chart_version": "0.43.8", "image_tag": "0.83.0", "console_tag": "2.18.12",
    "security_context": {"preset": "restricted"},
    "mysql": {"host": "db", "port": 3306, "database": "w", "user": "w", "password_secret": {"name": "mysql-in", "key": "P"}},
    "redis": {"host": "rd", "port": 6379, "tls": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def app(helm: str):  # noqa: F811
    """env(options) of the app's container."""

    def of(**options: Any) -> dict[str, Any]:
        values = build({**OPTIONS, **options}).spec["values"]
        return env(render(helm, "operator-wandb", "wandb", values)["Deployment", "wandb-app-bc"])

    return of


def test_the_default_bucket_has_its_keys(app) -> None:
    found = app(default_bucket=STORE)
    assert found["BUCKET_ACCESS_KEY"] == {"secretKeyRef": {"name": "store-in", "key": "AK"}}
    assert found["BUCKET_SECRET_KEY"] == {"secretKeyRef": {"name": "store-in", "key": "SK"}}


def test_the_queue_replaces_the_charts_own(app) -> None:
    assert app(bucket={**STORE, "queue": "sqs://queue"})["BUCKET_QUEUE"] == "sqs://queue"
    assert app(bucket=STORE)["BUCKET_QUEUE"] == "internal://"


def test_team_buckets_are_composed_of_what_stands_before(app) -> None:
    found = app(bucket=STORE, team_buckets=[STORE, {**STORE, "name": "other"}])
    names = list(found)
    stores = found["GORILLA_SUPPORTED_FILE_STORES"]
    used = [part.split(")")[0] for part in stores.split("$(")[1:]]
    assert len(used) == 4
    for name in used:
        assert found[name]["secretKeyRef"]["name"] == "store-in"
        assert names.index(name) < names.index("GORILLA_SUPPORTED_FILE_STORES")


def test_mail_and_directory_take_their_passwords_by_reference(app) -> None:
    found = app(
        bucket=STORE,
        smtp={"host": "mail.example.com", "port": 587, "user": "w@example.com", "password_secret": {"name": "smtp-in", "key": "P"}},
        ldap={"host": "ldaps://ldap.example.com", "base_dn": "dc=x", "bind_dn": "cn=w", "bind_password_secret": {"name": "ldap-in", "key": "P"}},
    )
    assert (found["SMTP_USER"], found["SMTP_PASSWORD"]) == ("w%40example.com", {"secretKeyRef": {"name": "smtp-in", "key": "P"}})
    assert found["GORILLA_EMAIL_SINK"] == "smtp://$(SMTP_USER):$(SMTP_PASSWORD)@$(SMTP_HOST):$(SMTP_PORT)"
    for family in ("LDAP_", "LOCAL_LDAP_"):
        assert found[f"{family}BIND_PW"] == {"secretKeyRef": {"name": "ldap-in", "key": "P"}}
        assert found[f"{family}ADDRESS"] == "ldaps://ldap.example.com"
