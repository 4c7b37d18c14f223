# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-ins of the server and the console: env, links, GraphQL, answers."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any

import pytest

from lab import license
from lab.standins import app as server
from lab.standins import console, graphql, links
from lab.standins.kube import ApiError
from lab.standins.s3 import Bucket, reason
from lab.standins.web import Reply

ENV = {
    "MYSQL": "mysql://wandb_local:p%40ss%2Fw@db-1:3307/wandb_local?tls=preferred",
    "REDIS": "redis://:s%20x@rd-1:6379?caCertPath=/etc/ssl/certs/redis_ca.pem&tls=true&ttlInSeconds=60",
    "BUCKET": "s3://AK:S%2BK@s3.lab.test:443/wandb/pre/fix?tls=true",
    "AWS_REGION": "eu-1",
}
KEY = "local-" + "0" * 40


def test_links_are_made_of_the_charts_urls() -> None:
    made = links.Links(ENV)
    assert made.mysql.settings["password"] == "p@ss/w"
    assert (made.mysql.settings["host"], made.mysql.settings["port"], made.mysql.database) == ("db-1", 3307, "wandb_local")
    assert made.redis.lifetime == 60
    assert made.redis.options == {"host": "rd-1", "port": 6379, "password": "s x"}
    assert (made.redis.tls, made.redis.ca) == (True, "/etc/ssl/certs/redis_ca.pem")
    bucket = made.bucket
    assert (bucket.host, bucket.name, bucket.prefix, bucket.region, bucket.tls) == ("s3.lab.test", "wandb", "pre/fix", "eu-1", True)
    assert bucket.secret_key == "S+K"


@pytest.mark.parametrize(
    ("url", "host"), [("s3://a:b@h:9000/x?tls=true", "h:9000"), ("s3://a:b@h:9000/x", "h:9000"), ("s3://a:b@h:443/x", "h:443"), ("s3://a:b@h:80/x/", "h")]
)
def test_the_port_stays_in_the_host_unless_it_is_the_schemes_own(url: str, host: str) -> None:
    assert links.bucket({"BUCKET": url}).host == host


@pytest.mark.parametrize(
    "change",
    [{"REDIS": "redis://:x@rd:26379?master=m"}, {"BUCKET": "s3://a:b@host:9000/?tls=true"}, {"MYSQL": "postgres://x"}, {"MYSQL": "mysql://u:pa/ss@h:3306/db"}],
)
def test_an_unusable_url_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        links.Links({**ENV, **change})


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("key", ["entity/project/run/file.txt", "a b/ü+&=.json"])
def test_presigned_urls_are_those_of_the_minio_library(method: str, key: str) -> None:
    minio = pytest.importorskip("minio")
    from urllib.parse import parse_qs, urlsplit

    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    ours = Bucket("s3.lab.test:9000", "wandb", "", access_key="AK", secret_key="SK", region="us-east-1", tls=True).presign(method, key, 3600, now=when)
    client = minio.Minio("s3.lab.test:9000", access_key="AK", secret_key="SK", secure=True, region="us-east-1")
    theirs = client.get_presigned_url(method, "wandb", key, request_date=when)
    expires = parse_qs(urlsplit(theirs).query)["X-Amz-Expires"][0]
    ours = Bucket("s3.lab.test:9000", "wandb", "", access_key="AK", secret_key="SK", region="us-east-1", tls=True).presign(method, key, int(expires), now=when)
    assert urlsplit(ours)[:3] == urlsplit(theirs)[:3]
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs).query)


def test_an_s3_error_document_is_told() -> None:
    assert reason(b'<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>') == "NoSuchBucket: gone"
    assert reason(b"<html>") == ""


ROOTS: dict[str, Any] = {
    "query": {
        "project": lambda name="", **_: {"name": name, "run": lambda name: {"name": name, "files": [{"name": "a"}, {"name": "b"}]}},
        "none": lambda: None,
    },
    "mutation": {"save": lambda input: {"given": json.dumps(input, sort_keys=True)}, "fail": lambda: (_ for _ in ()).throw(LookupError("no"))},
}


def ask(query: str, variables: Any = None) -> Any:
    return graphql.answer({"query": query, "variables": variables}, ROOTS, lambda error: {"link": "mysql"} if isinstance(error, LookupError) else None)


def test_graphql_gives_what_is_asked_for() -> None:
    query = 'query Q($p: String!, $names: [String!], $n: Int = 3) { it: project(name: $p) { name # said\n run(name: "r\\"x") { files { name } } } none { x } }'
    assert ask(query, {"p": "proj"}) == {"data": {"it": {"name": "proj", "run": {"files": [{"name": "a"}, {"name": "b"}]}}, "none": None}}


def test_graphql_drops_variables_that_are_not_given() -> None:
    query = "mutation M($a: String, $b: String) { save(input: {a: $a, b: $b, c: [1, true, null, ENUM]}) { given } }"
    assert ask(query, {"a": "x"}) == {"data": {"save": {"given": '{"a": "x", "c": [1, true, null, "ENUM"]}'}}}


def test_graphql_names_the_link_of_a_failed_field_and_answers_the_others() -> None:
    found = ask("mutation { fail { x } save(input: {}) { given } }")
    assert found == {"data": {"fail": None, "save": {"given": "{}"}}, "errors": [{"message": "no", "path": ["fail"], "extensions": {"link": "mysql"}}]}


@pytest.mark.parametrize(
    "query", ["{ project { unknown } }", "{ project }", "{ project { name ", "{ nothing }", "{ project(name: $x) { name } }", "subscription { a }", "{ a ~ }"]
)
def test_graphql_refuses_what_a_server_would_refuse(query: str) -> None:
    with pytest.raises(graphql.QueryError):
        ask(query)


class FakeLinks:
    def __init__(self) -> None:
        self.broken = ""
        self.asked = 0

    def state(self) -> dict[str, Any]:
        self.asked += 1
        return {link: {"ok": link != self.broken, "error": "refused" if link == self.broken else ""} for link in ("mysql", "redis", "bucket")}


@pytest.fixture
def made() -> server.App:
    env = {"HOST": "https://wandb.lab.test", "GLOBAL_ADMIN_API_KEY": KEY, "GORILLA_INSECURE_ALLOW_API_KEY_ADMIN_ACCESS": "true"}
    return server.App(env, FakeLinks())  # type: ignore[arg-type]


def call(app: server.App, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    try:
        reply = app.answer(method, path, headers, json.dumps(body).encode() if body is not None else b"")
    except Reply as early:
        reply = early
    return reply.status, json.loads(reply.payload) if reply.content_type == "application/json" else reply.payload.decode()


def login(key: str = KEY) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"api:{key}".encode()).decode()}


def test_ready_is_all_three_links_and_kept_for_a_moment(made: server.App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(made, "GET", "/ready")[0] == 200
    made.links.broken = "redis"  # type: ignore[attr-defined]
    assert call(made, "GET", "/ready")[0] == 200
    assert made.links.asked == 1  # type: ignore[attr-defined]
    monkeypatch.setattr(server, "STATE_KEPT", -1)
    status, body = call(made, "GET", "/ready")
    assert status == 503
    assert body["links"]["redis"] == {"ok": False, "error": "refused"}
    assert call(made, "GET", "/healthz")[0] == 200
    assert 'wandb_lab_link_up{link="redis"} 0' in made.metrics().payload.decode()


def test_who_may_ask(made: server.App) -> None:
    query = {"query": "{ viewer { username } }"}
    assert call(made, "POST", "/graphql", query, **login()) == (200, {"data": {"viewer": {"username": "admin"}}})
    assert call(made, "POST", "/graphql", query)[0] == 401
    assert call(made, "POST", "/graphql", query, **login("local-1"))[0] == 401
    assert call(made, "POST", "/graphql", query, Origin="https://wandb.lab.test", **login())[0] == 200
    assert call(made, "POST", "/graphql", query, Origin="https://other", **login()) == (403, {"errors": [{"message": "request origin not allowed"}]})
    made.env = {**made.env, "GORILLA_INSECURE_ALLOW_API_KEY_ADMIN_ACCESS": ""}
    assert call(made, "POST", "/graphql", query, **login())[0] == 401


def test_a_broken_link_is_named(made: server.App) -> None:
    def broken(**_: Any) -> None:
        raise links.LinkError("mysql", OSError("no route"))

    made.roots["query"]["project"] = broken
    status, body = call(made, "POST", "/graphql", {"query": '{ project(name: "x") { id } }'}, **login())
    assert status == 200
    assert body["errors"] == [{"message": "OSError: no route", "path": ["project"], "extensions": {"link": "mysql"}}]
    made.store.stream = lambda path, body: broken()  # type: ignore[assignment,return-value,method-assign]
    assert call(made, "POST", "/files/e/p/r/file_stream", {}, **login()) == (500, {"error": "OSError: no route", "link": "mysql"})


def test_pages_and_bad_requests(made: server.App) -> None:
    assert call(made, "GET", "/nothing")[0] == 404
    assert call(made, "POST", "/graphql", {"query": "{ x }"}, **login())[0] == 400
    assert call(made, "POST", "/graphql", {}, **login())[0] == 400
    assert "stand-in" in call(made, "GET", "/")[1]


def test_the_labs_licence_is_taken_until_it_ends() -> None:
    text = license.make(now=1000)
    assert server.license_problem(text, now=1000) == ""
    assert "expired" in server.license_problem(text, now=1000 + license.YEAR + 1)
    assert "three parts" in server.license_problem("abc")
    assert "cannot be read" in server.license_problem("a.b.c")


def test_init_db_tells_why_it_waits(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    tried = []

    def select_one(options: dict[str, Any], mode: str, ca: str) -> None:
        tried.append((options["password"], mode, ca))
        if len(tried) < 2:
            raise ConnectionError("certificate verify failed")

    monkeypatch.setattr(server, "select_one", select_one)
    ca = tmp_path / "mysql_ca.pem"
    env = {"MYSQL_HOST": "db-1", "MYSQL_PORT": "3306", "MYSQL_PASSWORD": "a%2Fb", "MYSQL_CA_CERT_PATH": str(ca)}
    assert server.init_db(env, attempts=2, pause=0) == 0
    assert tried == [("a/b", "PREFERRED", str(ca))] * 2
    assert "certificate verify failed" in capsys.readouterr().err
    ca.write_text("PEM")
    tried.clear()
    assert server.init_db(env, attempts=1, pause=0) == 1
    assert tried[0][1] == "VERIFY_CA"


class SecretKube:
    namespace = "ns"

    def __init__(self, status: int = 201) -> None:
        self.status, self.made = status, {}

    def get(self, path: str) -> Any:
        return self.made.get(path)

    def request(self, method: str, path: str, body: Any) -> None:
        if self.status != 201:
            raise ApiError(self.status, "refused")
        self.made[f"{path}/{body['metadata']['name']}"] = body


def test_the_consoles_password_is_made_once() -> None:
    kube = SecretKube()
    assert console.make_password(kube)
    first = dict(kube.made)
    assert not console.make_password(kube)
    assert kube.made == first
    assert len(base64.b64decode(first["/api/v1/namespaces/ns/secrets/wandb-password"]["data"]["password"])) == 24
    assert not console.make_password(SecretKube(409))
    with pytest.raises(ApiError):
        console.make_password(SecretKube(403))
