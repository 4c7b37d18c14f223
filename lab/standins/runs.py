# Copyright (c) wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs and their files: rows in MySQL, objects in the bucket, a heartbeat in Redis. Nothing is kept anywhere else."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any
from urllib.parse import unquote

from .links import Links, told_as
from .s3 import READ_FOR, WRITE_FOR
from .web import log

# Forward only; one statement each, for MySQL commits every change of a table at once.
MIGRATIONS = [
    """CREATE TABLE IF NOT EXISTS runs (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        entity VARCHAR(128) NOT NULL, project VARCHAR(128) NOT NULL, name VARCHAR(128) NOT NULL,
        display_name VARCHAR(255) NOT NULL DEFAULT '', config LONGTEXT, summary LONGTEXT, state VARCHAR(32) NOT NULL DEFAULT 'running',
        history_lines INT NOT NULL DEFAULT 0, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        UNIQUE KEY one_run (entity, project, name)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci""",
    """CREATE TABLE IF NOT EXISTS files (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, run_id BIGINT NOT NULL, name VARCHAR(512) NOT NULL,
        UNIQUE KEY one_file (run_id, name)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci""",
]
LOCK = "wandb_migrations"


def migrate(links: Links) -> None:
    """Brings the tables to this program's version; raises on a database that is newer, or was left dirty."""
    with links.mysql.cursor(read_timeout=60) as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 50) AS held", (LOCK,))
        if not cursor.fetchone()["held"]:
            raise RuntimeError("another pod is migrating the database")
        cursor.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, dirty BOOLEAN NOT NULL)")
        cursor.execute("SELECT version, dirty FROM schema_migrations ORDER BY version DESC LIMIT 1")
        row = cursor.fetchone() or {"version": 0, "dirty": 0}
        if row["dirty"]:
            raise RuntimeError(f"Dirty database version {row['version']}. Fix and force version.")
        if row["version"] > len(MIGRATIONS):
            raise RuntimeError(f"no migration found for version {row['version']}: the database is newer than this server")
        for version in range(row["version"] + 1, len(MIGRATIONS) + 1):
            log("info", "migrating the database", version=version)
            cursor.execute("DELETE FROM schema_migrations")
            cursor.execute("INSERT INTO schema_migrations VALUES (%s, TRUE)", (version,))
            cursor.execute(MIGRATIONS[version - 1])
            cursor.execute("UPDATE schema_migrations SET dirty = FALSE")


def encode_id(kind: str, *parts: Any) -> str:
    return base64.b64encode(":".join([kind, *map(str, parts)]).encode()).decode()


def run_number(identifier: str) -> int:
    try:
        kind, number = base64.b64decode(identifier, validate=True).decode().split(":")
        return int(number) if kind == "Run" else 0
    except ValueError:
        return 0


class Store:
    def __init__(self, links: Links) -> None:
        self.links = links

    def folder(self, row: dict[str, Any]) -> str:
        return f"{row['entity']}/{row['project']}/{row['name']}"

    def find(self, entity: str, project: str, name: str) -> dict[str, Any] | None:
        with self.links.mysql.cursor() as cursor:
            cursor.execute("SELECT * FROM runs WHERE entity = %s AND project = %s AND name = %s", (entity, project, name))
            return cursor.fetchone()

    # GraphQL: root fields

    def upsert_bucket(self, input: dict[str, Any]) -> dict[str, Any]:
        entity, project = input.get("entityName") or "admin", input.get("modelName") or "uncategorized"
        name = input.get("name") or secrets.token_hex(4)
        columns = {"displayName": "display_name", "config": "config", "summaryMetrics": "summary", "state": "state"}
        given = {column: as_text(input[key]) for key, column in columns.items() if input.get(key) is not None}
        row = {"entity": entity, "project": project, "name": name, "display_name": name, **given}
        names = ", ".join(row)
        updates = ", ".join(f"{column} = VALUES({column})" for column in given) or "id = id"
        with self.links.mysql.cursor() as cursor:
            changed = cursor.execute(
                f"INSERT INTO runs ({names}) VALUES ({', '.join(['%s'] * len(row))}) ON DUPLICATE KEY UPDATE {updates}", tuple(row.values())
            )
        return {"bucket": self.run(self.find(entity, project, name)), "inserted": changed == 1}

    def create_run_files(self, input: dict[str, Any]) -> dict[str, Any]:
        row = self.find(input.get("entityName") or "admin", input.get("projectName") or "", input.get("runName") or "")
        if row is None:
            raise LookupError("run not found")
        with self.links.mysql.cursor() as cursor:
            cursor.executemany("INSERT IGNORE INTO files (run_id, name) VALUES (%s, %s)", [(row["id"], name) for name in input.get("files") or []])
        key = self.links.bucket.key(self.folder(row))
        urls = [{"name": name, "uploadUrl": self.links.bucket.presign("PUT", f"{key}/{name}", WRITE_FOR)} for name in input.get("files") or []]
        return {"runID": encode_id("Run", row["id"]), "uploadHeaders": [], "files": urls}

    def delete_runs(self, input: dict[str, Any]) -> dict[str, Any]:
        for identifier in input.get("ids") or [input.get("id") or ""]:
            with self.links.mysql.cursor() as cursor:
                cursor.execute("SELECT * FROM runs WHERE id = %s", (run_number(identifier),))
                row = cursor.fetchone()
            if row is None:
                raise LookupError("run not found")
            with told_as("bucket"):
                self.links.bucket.remove_below(self.folder(row) + "/")
            with self.links.redis.client() as client:
                client.delete(f"run:{self.folder(row)}")
            with self.links.mysql.cursor() as cursor:
                cursor.execute("DELETE FROM files WHERE run_id = %s", (row["id"],))
                cursor.execute("DELETE FROM runs WHERE id = %s", (row["id"],))
        return {"clientMutationId": None}

    def project(self, name: str = "", entityName: str = "", entity: str = "") -> dict[str, Any] | None:
        owner = entityName or entity or "admin"
        with self.links.mysql.cursor() as cursor:
            cursor.execute("SELECT 1 FROM runs WHERE entity = %s AND project = %s LIMIT 1", (owner, name))
            if cursor.fetchone() is None:
                return None

        # `desc` is what `wandb verify` fills with 10 MB.
        def run(name: str = "", desc: str = "") -> dict[str, Any] | None:
            return self.run(self.find(owner, project["name"], name))

        project = self.project_of({"entity": owner, "project": name})
        return {**project, "run": run}

    # GraphQL: what hangs below

    def project_of(self, row: dict[str, Any]) -> dict[str, Any]:
        entity = {"id": encode_id("Entity", row["entity"]), "name": row["entity"]}
        return {"id": encode_id("Project", row["entity"], row["project"]), "name": row["project"], "entityName": row["entity"], "entity": entity}

    def run(self, row: dict[str, Any] | None) -> dict[str, Any] | None:
        if row is None:
            return None
        return {
            "id": encode_id("Run", row["id"]),
            "name": row["name"],
            "displayName": row["display_name"],
            "state": row["state"],
            "config": row["config"],
            "summaryMetrics": row["summary"],
            "historyLineCount": row["history_lines"],
            "sweepName": None,
            "createdAt": row["created_at"].isoformat(),
            "project": self.project_of(row),
            "heartbeatAt": lambda: self.heartbeat(row),
            "files": lambda names=None, **_: {"edges": [{"node": node} for node in self.files(row, names)]},
        }

    def heartbeat(self, row: dict[str, Any]) -> float | None:
        with self.links.redis.client() as client:
            beat = client.hget(f"run:{self.folder(row)}", "heartbeat")
        return float(beat) if beat else None

    def files(self, row: dict[str, Any], names: list[str] | None) -> list[dict[str, Any]]:
        with self.links.mysql.cursor() as cursor:
            cursor.execute("SELECT id, name FROM files WHERE run_id = %s ORDER BY name", (row["id"],))
            known = [entry for entry in cursor.fetchall() if not names or entry["name"] in names]
        found = []
        for entry in known:
            path = f"{self.folder(row)}/{entry['name']}"
            with told_as("bucket"):
                there = self.links.bucket.look(path) or {}
            url = self.links.bucket.presign("GET", self.links.bucket.key(path), READ_FOR)
            size = there.get("size")
            found.append(
                {
                    "id": encode_id("File", entry["id"]),
                    "name": entry["name"],
                    "directUrl": url,
                    "url": url,
                    "md5": there.get("md5"),
                    "sizeBytes": None if size is None else str(size),
                }
            )
        return found

    # file_stream

    def stream(self, path: list[str], body: dict[str, Any]) -> bool:
        """False: no such run."""
        entity, project, name = map(unquote, path)
        row = self.find(entity, project, name)
        if row is None:
            return False
        chunk = (body.get("files") or {}).get("wandb-history.jsonl") or {}
        lines = int(chunk.get("offset") or 0) + len(chunk.get("content") or []) if chunk else row["history_lines"]
        with self.links.mysql.cursor() as cursor:
            cursor.execute("UPDATE runs SET history_lines = GREATEST(history_lines, %s) WHERE id = %s", (lines, row["id"]))
            if body.get("complete"):
                cursor.execute("UPDATE runs SET state = %s WHERE id = %s", ("failed" if body.get("exitcode") else "finished", row["id"]))
        key = f"run:{self.folder(row)}"
        with self.links.redis.client() as client:
            client.hset(key, mapping={"heartbeat": str(time.time()), "lines": str(lines)})
            client.expire(key, self.links.redis.lifetime)
        return True


def as_text(value: Any) -> str:
    """A JSONString of the client, or a literal object."""
    return value if isinstance(value, str) else json.dumps(value)
