"""Runs PostgreSQL's regression suite through the gateway and compares it with what plain Envoy gives.

scripts/regress calls it. The governed ways come first, since they tell which statements are refused; then the ways past the
filters run the same files without those. See README.md.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import listing
import outcome
import script
from server import DATABASE, Failure, Server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PORTS = {
    "separate": "CHAPERONE_PG_PORT_SEPARATE",
    "fused": "CHAPERONE_PG_PORT",
    "plain": "CHAPERONE_PG_PORT_PLAIN",
    "direct": "CHAPERONE_PG_PORT_DIRECT",
}
GOVERNED = ("separate", "fused")
#: What a file may take; the longest takes a tenth of it.
FILE_LIMIT = 150
#: What others need: it always runs.
FIRST = "test_setup"
SCHEDULED = re.compile(r"^test:\s*(.*)", re.MULTILINE)


@dataclass
class Run:
    """What came out of the files, one way."""

    way: str
    outputs: dict = field(default_factory=dict)
    #: Files that were not done in time.
    late: set = field(default_factory=set)
    seconds: float = 0.0


class Stack:
    """The stack before our server, in a directory of its own, so that one that is up is not disturbed."""

    def __init__(self, work):
        self.work, self.program = work, Path(os.environ["CHAPERONE_BIN"]).parent / "chaperone-stack"
        self.settings = {}

    def up(self, results, server, policy):
        for name in ("envoy", "examples", ".cache"):
            (self.work / name).symlink_to(ROOT / name)
        environment = os.environ | {
            "CHAPERONE_POLICY": str(policy),
            "CHAPERONE_UPSTREAM_PG": f"postgres://postgres:{server.password}@127.0.0.1:{server.port}/postgres",
        }
        done = subprocess.run([self.program, "up"], cwd=self.work, env=environment, stderr=subprocess.PIPE, text=True)
        (results / "up.log").write_text(done.stderr)
        if done.returncode:
            raise Failure(f"the stack does not start:\n{done.stderr}")
        lines = (self.work / "target/run/env").read_text().splitlines()
        words = [shlex.split(line)[1].partition("=") for line in lines if line.startswith("export CHAPERONE_")]
        self.settings = {name: value for name, _, value in words}

    def token(self):
        command = [os.environ["CHAPERONE_BIN"], "dev", "token", "--subject", "regress", "--group", "testers", "--ttl", "8h"]
        return subprocess.check_output(command, env=os.environ | self.settings, text=True).strip()

    def down(self, results):
        subprocess.run([self.program, "down"], cwd=self.work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for log in (self.work / "target/run/up").glob("*.log"):
            shutil.copyfile(log, results / log.name)


class Suite:
    """The files, where server and psql find them, and psql as pg_regress runs it."""

    def __init__(self, options, work, results, server, stack):
        source = options.source.resolve()
        self.source, self.work, self.results, self.server, self.stack = source, work, results, server, stack
        self.psql, self.extended = options.psql.resolve(), options.extended
        self.token = stack.token()
        self.made = work / "made"
        shutil.copytree(source / "data", work / "source/data")
        (work / "lib").mkdir()
        for library in options.libraries:
            shutil.copy(library, work / "lib")
        subprocess.run(["chmod", "-R", "a+rX", work / "source", work / "lib"], check=True)

    def text(self, name):
        text = script.a_line_each((self.source / "sql" / f"{name}.sql").read_bytes().decode("latin-1"))
        return script.extended(text) if self.extended else text

    def environment(self, way, name):
        return {
            "PATH": os.environ["PATH"],
            "PGHOST": self.stack.settings["CHAPERONE_PG_HOST"],
            "PGPORT": self.stack.settings[PORTS[way]],
            "PGUSER": "postgres",
            "PGPASSWORD": self.token if way in GOVERNED else self.server.password,
            "PGPASSFILE": "/dev/null",
            "PSQL_HISTORY": "/dev/null",
            # As pg_regress sets them; the first four go into the StartupMessage.
            "PGAPPNAME": f"pg_regress/{name}",
            "PGTZ": "America/Los_Angeles",
            "PGDATESTYLE": "Postgres, MDY",
            "PGOPTIONS": "-c intervalstyle=postgres_verbose",
            "LANG": "C",
            "LC_MESSAGES": "C",
            "PG_ABS_SRCDIR": str(self.work / "source"),
            "PG_ABS_BUILDDIR": str(self.made),
            "PG_LIBDIR": str(self.work / "lib"),
            "PG_DLSUFFIX": ".so",
        }

    def run(self, way, names, refused, progress):
        """All files, one after the other, in a database that nobody has seen before."""
        self.server.fresh()
        shutil.rmtree(self.made, ignore_errors=True)
        (self.made / "results").mkdir(parents=True)
        # Both the server and psql write there, and may be different users.
        (self.made / "results").chmod(0o777)
        here = self.work / way / "sql"
        here.mkdir(parents=True)
        out = self.results / way
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        run, start = Run(way), time.monotonic()
        for position, name in enumerate(names):
            progress(way, position, name)
            text = script.without(self.text(name), refused.get(name, ()))
            assert script.as_written(text) == self.text(name), name
            (here / f"{name}.sql").write_bytes(text.encode("latin-1"))
            # From a file and not from standard input, so that errors come with the line.
            command = [self.psql, "-X", "-a", "-q", "-v", "HIDE_TABLEAM=on", "-v", "HIDE_TOAST_COMPRESSION=on"]
            command += ["-d", DATABASE, "-f", f"sql/{name}.sql"]
            with open(out / f"{name}.out", "wb") as output:
                try:
                    subprocess.run(
                        command, cwd=here.parent, env=self.environment(way, name), stdin=subprocess.DEVNULL,
                        stdout=output, stderr=subprocess.STDOUT, timeout=FILE_LIMIT,
                    )  # fmt: skip
                except subprocess.TimeoutExpired:
                    run.late.add(name)
            run.outputs[name] = script.as_written((out / f"{name}.out").read_bytes().decode("latin-1"))
        run.seconds = time.monotonic() - start
        progress(way, len(names), f"done in {run.seconds:.0f} s")
        return run


def progress(total):
    """A line that says how far we are: the same one on a terminal, one every 15 s elsewhere."""
    told = 0.0

    def say(way, done, what):
        nonlocal told
        line = f"    {way}: {done} of {total} files, {what}"
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done == total or time.monotonic() - told > 15:
            told = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    return say


def named(suite, name, output):
    """The statements that were refused, with the refusals, and refusals whose statement cannot be told."""
    found, _ = outcome.refusals(output)
    by_line = {piece.line: piece for piece in script.pieces(suite.text(name), outcome.failed(output))}
    statements, lost = {}, []
    for refusal in found:
        piece = by_line.get(refusal.line)
        # Of several refusals of one piece, as of \gexec, it is not known what else it has done.
        if piece and piece not in statements:
            statements[piece] = refusal
        else:
            lost.append(refusal)
    return list(statements.items()), lost


def compare(name, governed, plain, direct):
    """Where one file's governed output differs from the plain one; the rest of it is the gateway's refusals."""
    _, kept = outcome.refusals(governed.outputs[name])
    base, other, mine = (outcome.lines_of(text) for text in (plain.outputs[name], direct.outputs[name], kept))
    return outcome.differences(base, other, mine), base, mine


def judge(suite, names, runs, refused, lost, options):
    """Prints the table and all that is wrong; how much that is."""
    wrong = 0
    plain, direct = runs["plain"], runs["direct"]
    for way in options.way:
        differ = []
        for name in names:
            found, base, kept = compare(name, runs[way], plain, direct)
            if not found:
                continue
            differ.append(name)
            path = suite.results / way / f"{name}.diff"
            path.write_bytes(outcome.diff(base, kept, name).encode("latin-1"))
            print(f"DIFFERS   {way} {name}: {len(found)} places, see {path.relative_to(ROOT)}")
        for name in sorted(runs[way].late - plain.late):
            print(f"LATE      {way} {name}: not done after {FILE_LIMIT} s")
            wrong += name not in differ
        for name, refusal in lost[way]:
            print(f"UNKNOWN   {way} {name} line {refusal.line}: which statement was refused? {refusal.reason}: {refusal.message}")
        wrong += len(differ) + len(lost[way])
        reasons = Counter(refusal.reason for pairs in refused[way].values() for _, refusal in pairs)
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none"
        print(
            f"{way:<9} {len(names) - len(differ)} files the same, {len(differ)} differ; "
            f"statements refused: {told}; {runs[way].seconds:.0f} s (plain {plain.seconds:.0f} s)"
        )
    waver = [name for name in names if outcome.lines_of(plain.outputs[name]) != outcome.lines_of(direct.outputs[name])]
    if waver:
        print(f"plain     differs from direct, as from run to run, in: {', '.join(waver)}")
    if plain.late:
        print(f"plain     not done after {FILE_LIMIT} s either: {', '.join(sorted(plain.late))}")
    return wrong


def chosen(source, wanted):
    """The files in the schedule's order."""
    schedule = (source / "parallel_schedule").read_text()
    names = [name for line in SCHEDULED.findall(schedule) for name in line.split()]
    if not wanted:
        return names
    unknown = set(wanted) - set(names)
    if unknown:
        raise Failure(f"no file `{'`, `'.join(sorted(unknown))}` in parallel_schedule")
    return [name for name in names if name in wanted or name == FIRST]


def main():
    parser = argparse.ArgumentParser(prog="scripts/regress", description="PostgreSQL's regression suite through the gateway.")
    parser.add_argument("--files", nargs="+", metavar="NAME", help="only these files, such as `select`, after test_setup")
    parser.add_argument("--way", action="append", choices=GOVERNED, help="only this chain")
    parser.add_argument("--extended", action="store_true", help="send each statement by the extended protocol")
    parser.add_argument(
        "--policy", type=Path, default=HERE / "policy.yaml", help="another policy; its refusals are not compared with refused.md"
    )
    parser.add_argument("--source", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--programs", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--psql", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--libraries", type=Path, nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.way = options.way or list(GOVERNED)
    results = options.results.resolve()
    results.mkdir(parents=True, exist_ok=True)

    # So that the parts are ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    start = time.monotonic()
    names = chosen(options.source, options.files)
    work = Path(tempfile.mkdtemp(prefix="regress-"))
    work.chmod(0o755)
    server = stack = None
    try:
        version = subprocess.check_output([options.programs / "postgres", "--version"], text=True).strip()
        print(f"==> {len(names)} files, {', '.join(options.way)}, plain and direct, before {version}", file=sys.stderr)
        server = Server(options.programs.resolve(), work / "server", results)
        server.fresh()
        stack = Stack(work)
        stack.up(results, server, options.policy.resolve())
        suite = Suite(options, work, results, server, stack)
        say = progress(len(names))
        runs, refused, lost = {}, {}, {}
        for way in options.way:
            runs[way] = suite.run(way, names, {}, say)
            refused[way], lost[way] = {}, []
            for name, output in runs[way].outputs.items():
                refused[way][name], unknown = named(suite, name, output)
                lost[way] += [(name, refusal) for refusal in unknown]
        one = options.way[0]
        left_out = {name: [piece for piece, _ in pairs] for name, pairs in refused[one].items()}
        for way in ("plain", "direct"):
            runs[way] = suite.run(way, names, left_out, say)
        wrong = judge(suite, names, runs, refused, lost, options)
        if options.policy == HERE / "policy.yaml":
            wrong += listing.check(HERE / "refused.md", names, refused, update=os.environ.get("UPDATE") == "1")
    finally:
        if stack:
            stack.down(results)
        if server:
            server.stop()
        shutil.rmtree(work, ignore_errors=True)
    print(f"==> {'passed' if not wrong else f'{wrong} failures'} in {time.monotonic() - start:.0f} s", file=sys.stderr)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"regress: {failure}")
