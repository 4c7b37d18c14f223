# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for `wandb/local`. `init-db` waits for MySQL as the chart's init container does; without it, the server."""

from __future__ import annotations

import base64
import hmac
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from . import graphql
from .links import LinkError, Links, Mysql, verifying
from .runs import Store, migrate
from .web import Reply, log, serve, until_told

STATE_KEPT = 2
VERSION = "0.0.0-lab-stand-in"


def license_problem(text: str, now: float | None = None) -> str:
    """Why the licence is not taken, or ''."""
    parts = text.split(".")
    if len(parts) != 3:
        return "square/go-jose: compact JWS format must have three parts"
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        expires = float(claims["exp"])
    except (ValueError, KeyError, TypeError) as error:
        return f"the licence cannot be read: {error}"
    return "the licence has expired" if expires < (time.time() if now is None else now) else ""


class App:
    def __init__(self, env: Mapping[str, str], links: Links) -> None:
        self.env = env
        self.links = links
        self.store = Store(links)
        self.lock = threading.Lock()
        self.looked = (0.0, dict[str, dict[str, Any]]())
        self.roots = {
            "query": {"project": self.store.project, "model": self.store.project, "viewer": self.viewer, "serverInfo": self.server_info},
            "mutation": {
                "upsertBucket": self.store.upsert_bucket,
                "createRunFiles": self.store.create_run_files,
                "deleteRun": self.store.delete_runs,
                "deleteRuns": self.store.delete_runs,
            },
        }

    def viewer(self) -> dict[str, Any]:
        entity = {"id": "RW50aXR5OmFkbWlu", "name": "admin"}
        teams = {"edges": [{"node": entity}]}
        return {"id": "VXNlcjox", "username": "admin", "email": "admin@lab.test", "entity": "admin", "admin": True, "flags": "{}", "teams": teams}

    def server_info(self) -> dict[str, Any]:
        return {
            "cliVersionInfo": json.dumps({"min_cli_version": "0.0.0", "max_cli_version": "99.0.0"}),
            "latestLocalVersionInfo": {"outOfDate": False, "latestVersionString": VERSION, "versionOnThisInstanceString": VERSION},
        }

    def state(self) -> dict[str, dict[str, Any]]:
        with self.lock:
            when, found = self.looked
            if not found or time.monotonic() - when > STATE_KEPT:
                before, found = found, self.links.state()
                self.looked = (time.monotonic(), found)
                for link, one in found.items():
                    if one != before.get(link):
                        log("info" if one["ok"] else "error", f"{link}: {'works' if one['ok'] else 'broken'}", error=one["error"])
            return found

    def admit(self, headers: Mapping[str, str]) -> None:
        """Raises the refusal."""
        allowed = {self.env.get("HOST", "").rstrip("/"), *filter(None, self.env.get("GORILLA_CORS_ORIGINS", "").split(","))}
        if headers.get("Origin") and headers["Origin"] not in allowed:
            raise Reply(403, {"errors": [{"message": "request origin not allowed"}]})
        key = self.env.get("GLOBAL_ADMIN_API_KEY", "")
        if not key or self.env.get("GORILLA_INSECURE_ALLOW_API_KEY_ADMIN_ACCESS") != "true":
            why = "this server has no API key: GLOBAL_ADMIN_API_KEY and GORILLA_INSECURE_ALLOW_API_KEY_ADMIN_ACCESS=true are not both set"
            raise Reply(401, {"errors": [{"message": why}]})
        wanted = "Basic " + base64.b64encode(f"api:{key}".encode()).decode()
        if not hmac.compare_digest(headers.get("Authorization", "").encode(), wanted.encode()):
            raise Reply(401, {"errors": [{"message": "user is not logged in"}]})

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        path = urlsplit(target).path
        parts = path.strip("/").split("/")
        if method in ("GET", "HEAD"):
            if path == "/healthz":
                return Reply(200, {"status": "ok"})
            if path == "/ready":
                links = self.state()
                ready = all(link["ok"] for link in links.values())
                return Reply(200 if ready else 503, {"ready": ready, "links": links})
            if path == "/":
                return Reply(200, "<!doctype html><title>lab</title><p>A stand-in of the lab for W&amp;B Server.</p>\n", "text/html; charset=utf-8")
        if method == "POST" and path == "/graphql":
            self.admit(headers)
            return self.graphql(body)
        if method == "POST" and len(parts) == 5 and (parts[0], parts[4]) == ("files", "file_stream"):
            self.admit(headers)
            return self.file_stream(parts[1:4], body)
        return Reply(404, {"error": f"no such page: {method} {path}"})

    def graphql(self, body: bytes) -> Reply:
        try:
            return Reply(200, graphql.answer(json.loads(body), self.roots, failed_field))
        except (graphql.QueryError, ValueError, TypeError) as error:
            return Reply(400, {"errors": [{"message": str(error)}]})

    def file_stream(self, path: list[str], body: bytes) -> Reply:
        try:
            known = self.store.stream(path, json.loads(body or b"{}"))
        except LinkError as error:
            return Reply(500, {"error": str(error), "link": error.link})
        except ValueError as error:
            return Reply(400, {"error": str(error)})
        return Reply(200, {}) if known else Reply(404, {"error": f"run {'/'.join(map(unquote, path))} not found"})

    def metrics(self, *_: Any) -> Reply:
        lines = ["# TYPE wandb_lab_link_up gauge", *(f'wandb_lab_link_up{{link="{link}"}} {int(one["ok"])}' for link, one in self.state().items())]
        return Reply(200, "\n".join(lines) + "\n", "text/plain; version=0.0.4")


def failed_field(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, LinkError):
        return {"link": error.link}
    return {} if isinstance(error, LookupError) else None


def init_db(env: Mapping[str, str], *, attempts: int = 0, pause: float = 2) -> int:
    """Until `SELECT 1` works: over verified TLS when the CA's file is there, else preferring TLS. `attempts` 0 = for ever."""
    ca = env.get("MYSQL_CA_CERT_PATH", "")
    mode = "VERIFY_CA" if ca and Path(ca).is_file() else "PREFERRED"
    target = {"host": env.get("MYSQL_HOST", ""), "port": int(env.get("MYSQL_PORT") or 3306), "database": env.get("MYSQL_DATABASE", "")}
    login = {"user": env.get("MYSQL_USER", ""), "password": unquote(env.get("MYSQL_PASSWORD", ""))}
    tried = 0
    while True:
        tried += 1
        try:
            select_one({**target, **login}, mode, ca)
        except Exception as error:
            log("error", "init-db: MySQL is not to be reached", **target, ssl_mode=mode, error=f"{type(error).__name__}: {error}")
            if tried == attempts:
                return 1
            time.sleep(pause)
            continue
        log("info", "init-db: SELECT 1 works", **target, ssl_mode=mode)
        return 0


def select_one(options: dict[str, Any], mode: str, ca: str) -> None:
    if mode == "VERIFY_CA":
        verified = verifying(ca)
        # VERIFY_CA is about who signed, not for which name.
        verified.check_hostname = False
        options["ssl"] = verified
    mysql = Mysql("mysql://unused/unused")
    connection = mysql.connect(**options)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            if mode == "VERIFY_CA" and not cursor.fetchone()["Value"]:
                raise ConnectionError("SSL connection error: SSL is required but the server doesn't support it")
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def main(argv: list[str]) -> int:
    if "init-db" in argv:
        return init_db(os.environ)
    log("info", "a stand-in of the lab for wandb/local", version=VERSION)
    problem = license_problem(os.environ.get("LICENSE", ""))
    if problem:
        log("error", "license", error=problem)
    try:
        links = Links()
    except (KeyError, ValueError) as error:
        log("fatal", "the environment cannot be used", error=f"{type(error).__name__}: {error}")
        return 1
    app = App(os.environ, links)
    serve(8080, app.answer)
    serve(8181, app.metrics)
    threading.Thread(target=migrate_until_done, args=(links,), daemon=True).start()
    until_told()
    return 0


def migrate_until_done(links: Links, pause: float = 2) -> None:
    while True:
        try:
            migrate(links)
        except Exception as error:
            log("error", "migrations", error=str(error))
            time.sleep(pause)
        else:
            log("info", "migrations done")
            return
