"""One round of pgbench, and what the processes in between used meanwhile."""

import os
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """CPU time of a process so far: the scheduler's nanoseconds of every thread, or the kernel's ticks without them."""
    try:
        threads = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except (FileNotFoundError, IndexError):
        # The program's name, in parentheses, may hold spaces. utime and stime are the 14th and 15th fields.
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True)
class Way:
    """A way to the database."""

    name: str
    port: int
    user: str
    password: str
    # The process in between, if there is one.
    proxy: int | None
    # Another one that works for it.
    sidecar: int | None = None


@dataclass(frozen=True)
class Load:
    """What the clients do. `mode` is pgbench's protocol, or `connect`: a connection for every transaction."""

    mode: str
    clients: int

    def arguments(self):
        reconnect = ["-C"] if self.mode == "connect" else []
        protocol = "simple" if self.mode == "connect" else self.mode
        return ["-S", "-n", "-M", protocol, "-c", str(self.clients), "-j", str(min(self.clients, 2)), *reconnect]


@dataclass
class Round:
    """What one round gave. CPU is in seconds, of the whole round with its connections."""

    way: str
    mode: str
    clients: int
    transactions: int
    tps: float
    latency_ms: float
    proxy_cpu: float | None
    sidecar_cpu: float | None

    def as_dict(self):
        return asdict(self)


def number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise RuntimeError(f"pgbench printed something unexpected:\n{text}")
    return float(found.group(1))


def run(pgbench, database, way, load, seconds):
    """Runs pgbench for a while through one way."""
    command = [pgbench, "-h", "127.0.0.1", "-p", str(way.port), "-U", way.user, "-T", str(seconds)]
    environment = {**os.environ, "PGPASSWORD": way.password, "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
    watched = [way.proxy, way.sidecar]
    before = [pid and cpu_seconds(pid) for pid in watched]
    done = subprocess.run([*command, *load.arguments(), database], env=environment, capture_output=True, text=True)
    used = [pid and cpu_seconds(pid) - start for pid, start in zip(watched, before)]
    if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench through {way.name} failed:\n{done.stdout}{done.stderr}")
    return Round(
        way=way.name,
        mode=load.mode,
        clients=load.clients,
        transactions=int(number(r"actually processed: (\d+)", done.stdout)),
        tps=number(r"tps = ([\d.]+)", done.stdout),
        latency_ms=number(r"latency average = ([\d.]+)", done.stdout),
        proxy_cpu=used[0],
        sidecar_cpu=used[1],
    )
