"""What is measured: the stack with the bench's policy, and a pgbouncer before the same database."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure import Way

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "target/run"
DATABASE = "shop"
OWNER = "shop_app"
NOBODY = 65534


class Trouble(Exception):
    """Something that the person at the terminal can do something about."""


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def tool(name):
    directory = Path(os.environ.get("CHAPERONE_BIN", ROOT / "target/tools/chaperone")).parent
    path = directory / name
    if not path.exists():
        raise Trouble(f"`{path}` is missing: run `make build wasm`")
    return str(path)


def pgbench():
    """The one of the same installation as the server."""
    found = sorted((ROOT / ".cache/venv/lib").glob("python*/site-packages/*/pginstall18/bin/pgbench"))
    if not found:
        raise Trouble("pgbench is missing: run `make setup`")
    return str(found[0])


def settings():
    """What `chaperone-stack up` tells clients, as a dictionary."""
    lines = (RUN / "env").read_text().splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export CHAPERONE_"))
    return {name: "".join(shlex.split(value)) for name, value in pairs}


def process_ids():
    """The parts' process ids, as `chaperone-stack up` has written them down."""
    lines = (RUN / "up/parts").read_text().splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines}


def database_password(envoy):
    """The database's password, from the only place that has it: Envoy's environment."""
    variables = Path(f"/proc/{envoy}/environ").read_bytes().split(b"\0")
    return next(it.split(b"=", 1)[1].decode() for it in variables if it.startswith(b"SHOP_APP_PASSWORD="))


@contextmanager
def stack(policy, workers):
    """The stack with this policy; ended in the end."""
    if (RUN / "env").exists():
        raise Trouble("a stack is up already: end it with `make down` first")
    environment = {**os.environ, "CHAPERONE_POLICY": str(policy), "CHAPERONE_ENVOY_WORKERS": str(workers)}
    program = tool("chaperone-stack")
    try:
        if subprocess.run([program, "up"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL).returncode:
            raise Trouble("the stack did not start")
        yield
    finally:
        subprocess.run([program, "down"], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)


def token(env):
    """A token for the whole run."""
    command = [tool("chaperone"), "dev", "token", "--subject", "bench", "--group", "analysts", "--ttl", "2h"]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"no token: {done.stderr.strip()}")
    return done.stdout.strip()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def pgbouncer(target_port, password):
    """A pgbouncer that keeps a server connection for each client, as Envoy does; yields its port and process id."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        say("no pgbouncer here: goes on without its column")
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="chaperone-bench-") as name:
        home = Path(name)
        (home / "users").write_text(f'"{OWNER}" "{password}"\n')
        (home / "ini").write_text(
            f"[databases]\n{DATABASE} = host=127.0.0.1 port={target_port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = session\n"
            f"auth_type = scram-sha-256\nauth_file = {home}/users\ndefault_pool_size = 100\n"
            "log_connections = 0\nlog_disconnections = 0\nignore_startup_parameters = extra_float_digits\n"
        )
        command = [program, "-q", str(home / "ini")]
        if os.getuid() == 0:
            # It refuses to be root.
            for path in (home, home / "users", home / "ini"):
                os.chown(path, NOBODY, NOBODY)
            command[1:1] = ["-u", "nobody"]
        with open(home / "log", "w+") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                wait_for(port, process, home / "log")
                yield port, process.pid
            finally:
                process.terminate()
                process.wait()


def wait_for(port, process, log):
    for _ in range(100):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Trouble(f"pgbouncer did not start: {log.read_text().strip()}")


def fill(password, port, scale):
    """Makes pgbench's tables, past Envoy."""
    command = [pgbench(), "-i", "-q", "-s", str(scale), "-h", "127.0.0.1", "-p", str(port), "-U", OWNER, DATABASE]
    done = subprocess.run(command, env={**os.environ, "PGPASSWORD": password}, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"pgbench -i failed: {done.stderr.strip()}")


@contextmanager
def ways(policy, workers, scale):
    """Every way to the database, by name."""
    with ExitStack() as parts:
        parts.enter_context(stack(policy, workers))
        env, ids = settings(), process_ids()
        envoy, sidecar = ids["envoy"], ids["sidecar"]
        password, bearer = database_password(envoy), token(env)
        direct = int(env["CHAPERONE_PG_PORT_DIRECT"])
        say(f"filling pgbench's tables, scale {scale}")
        fill(password, direct, scale)
        bouncer = parts.enter_context(pgbouncer(direct, password))
        all_ways = [
            Way("direct", direct, OWNER, password, None),
            *([Way("pgbouncer", bouncer[0], OWNER, password, bouncer[1])] if bouncer else []),
            Way("plain", int(env["CHAPERONE_PG_PORT_PLAIN"]), OWNER, password, envoy),
            Way("separate", int(env["CHAPERONE_PG_PORT_SEPARATE"]), "analyst", bearer, envoy, sidecar),
            Way("fused", int(env["CHAPERONE_PG_PORT"]), "analyst", bearer, envoy, sidecar),
        ]
        yield {way.name: way for way in all_ways}
