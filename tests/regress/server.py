"""A PostgreSQL whose data is new for each way: the same files find the same roles, numbers and statistics."""

import os
import secrets
import shutil
import socket
import subprocess

#: As pg_regress has it, and quick; no autovacuum, so that plans do not depend on when it came by.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_prepared_transactions = 2
fsync = off
autovacuum = off
log_line_prefix = '%m [%p] %q%a '
"""
DATABASE = "regression"
#: As pg_regress gives them to the database.
DATABASE_SETTINGS = {
    "lc_messages": "C",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "bytea_output": "hex",
    "timezone_abbreviations": "Default",
}


class Failure(Exception):
    """Something that people have to see to."""


class Server:
    """One address, and behind it a new database cluster whenever it is asked for."""

    def __init__(self, programs, home, results):
        self.programs, self.home, self.log = programs, home, results / "postgres.log"
        self.results = results
        self.password = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.running = False
        home.mkdir()
        self.own(home)
        self.initialise()

    def own(self, path):
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)

    def command(self, program, *arguments):
        """A program of PostgreSQL's, which refuses to run as root."""
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] if os.getuid() == 0 else []
        return [*prefix, self.programs / program, *arguments]

    def run(self, log, program, *arguments):
        with open(self.results / log, "a") as out:
            done = subprocess.run(
                self.command(program, *arguments), stdout=out, stderr=subprocess.STDOUT, cwd="/", stdin=subprocess.DEVNULL
            )
        if done.returncode:
            tail = (self.results / log).read_text(errors="replace").splitlines()[-10:]
            raise Failure(f"{program} failed:\n" + "\n".join(tail))

    def initialise(self):
        template, password = self.home / "template", self.home / "password"
        password.write_text(self.password)
        password.chmod(0o600)
        self.own(password)
        self.run(
            "initdb.log", "initdb", "-D", template, "-U", "postgres", "-A", "scram-sha-256",
            "-E", "UTF8", "--no-locale", "--no-sync", f"--pwfile={password}",
        )  # fmt: skip
        with open(template / "postgresql.conf", "a") as conf:
            conf.write(f"{SETTINGS}port = {self.port}\n")

    def fresh(self):
        """The server anew, with nothing in it but an empty database."""
        self.stop()
        shutil.rmtree(self.home / "data", ignore_errors=True)
        subprocess.run(["cp", "-a", self.home / "template", self.home / "data"], check=True)
        self.run("pg_ctl.log", "pg_ctl", "-D", self.home / "data", "-l", self.home / "log", "-w", "-s", "start")
        self.running = True
        statements = [f"CREATE DATABASE {DATABASE} TEMPLATE template0"]
        statements += [f"ALTER DATABASE {DATABASE} SET {name} TO '{value}'" for name, value in DATABASE_SETTINGS.items()]
        environment = {
            "PATH": os.environ["PATH"],
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.password,
        }
        psql = [self.programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
        for statement in statements:
            subprocess.run([*psql, "-c", statement], env=environment, check=True)

    def stop(self):
        if self.running:
            self.running = False
            self.run("pg_ctl.log", "pg_ctl", "-D", self.home / "data", "-m", "immediate", "-s", "stop")
            shutil.copyfile(self.home / "log", self.log)
