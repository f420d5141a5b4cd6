"""Runs the suites directly and through the chains, and compares.

scripts/conformance calls it with a running stack: the ports come from the stack's environment, the target's password and the
token from CONFORMANCE_PASSWORD and CONFORMANCE_TOKEN.
"""

import argparse
import difflib
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PORTS = {
    "direct": "CHAPERONE_PG_PORT_DIRECT",
    "plain": "CHAPERONE_PG_PORT_PLAIN",
    "separate": "CHAPERONE_PG_PORT_SEPARATE",
    "fused": "CHAPERONE_PG_PORT",
}
GOVERNED = ("separate", "fused")
# Tests that name the database that they run in. Only one chain at a time runs a test, so they may share it.
DATABASES = {"intra-grant-inplace-db": "isolation_regression"}
# A test takes seconds; a chain that swallows an answer would keep it for ever.
TEST_LIMIT = 150
# The tester cancels a step that takes longer, and gives up after twice as long.
STEP_LIMIT = 45


@dataclass
class Chain:
    """One way to the target, with a database of its own so that chains run side by side."""

    name: str
    port: str

    @property
    def database(self):
        return f"conformance_{self.name}"

    def environment(self, source):
        secret = "CONFORMANCE_TOKEN" if self.name in GOVERNED else "CONFORMANCE_PASSWORD"
        return {
            "PATH": os.environ["PATH"],
            "LD_LIBRARY_PATH": str(source / "src/interfaces/libpq"),
            "PGHOST": os.environ["CHAPERONE_PG_HOST"],
            "PGPORT": self.port,
            "PGUSER": "postgres",
            "PGPASSWORD": os.environ[secret],
            "PGDATABASE": self.database,
            "PGISOLATIONTIMEOUT": str(STEP_LIMIT),
            # As pg_regress sets them; they go into the StartupMessage.
            "PGTZ": "PST8PDT",
            "PGDATESTYLE": "Postgres, MDY",
            "PGOPTIONS": "-c intervalstyle=postgres_verbose",
        }


@dataclass(frozen=True)
class Test:
    suite: str
    name: str

    def __str__(self):
        return f"{self.suite}/{self.name}"


@dataclass
class Outcomes:
    """What has been found out so far, and the line that says how far we are."""

    total: int
    failures: dict = field(default_factory=dict)
    again: list = field(default_factory=list)
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    told: float = field(default_factory=time.monotonic)

    def add(self, chain, test, problem):
        with self.lock:
            self.done += 1
            if problem:
                self.failures[chain.name, test] = problem
            now = time.monotonic()
            every = 0.2 if sys.stderr.isatty() else 15
            if now - self.told > every:
                self.told = now
                self.say()

    def say(self):
        line = f"    {self.done} of {self.total} runs, {len(self.failures)} to look at again"
        if sys.stderr.isatty():
            print(f"\r{line}", end="\r" if self.done == self.total else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


class Isolation:
    """src/test/isolation: several sessions, their steps interleaved, what each sees compared with a file."""

    def __init__(self, source):
        self.home = source / "src/test/isolation"

    def tests(self):
        return sorted(spec.stem for spec in (self.home / "specs").glob("*.spec"))

    def run(self, test, environment, out):
        # Views of the server show the name; the tests look for their sessions by it.
        environment = environment | {"PGAPPNAME": f"isolation/{test.name}"}
        database = DATABASES.get(test.name, environment["PGDATABASE"])
        with open(self.home / "specs" / f"{test.name}.spec") as spec, open(out, "w") as output:
            command = [self.home / "isolationtester", f"dbname={database}"]
            result = subprocess.run(
                command, stdin=spec, stdout=output, stderr=subprocess.STDOUT, env=environment, timeout=TEST_LIMIT
            )
        expected = [self.home / "expected" / f"{test.name}.out"]
        expected += sorted((self.home / "expected").glob(f"{test.name}_[0-9].out"))
        problem = difference(expected, out)
        return problem or (result.returncode and f"isolationtester ended with {result.returncode}")


class Pipeline:
    """src/test/modules/libpq_pipeline: pipelines of the extended protocol, with the messages that libpq saw compared."""

    ROWS = "700"

    def __init__(self, source):
        self.home = source / "src/test/modules/libpq_pipeline"
        self.program = self.home / "libpq_pipeline"
        self.library = {"LD_LIBRARY_PATH": str(source / "src/interfaces/libpq")}

    def tests(self):
        return subprocess.check_output([self.program, "tests"], text=True, env=self.library).split()

    def run(self, test, environment, out):
        trace = out.with_suffix(".trace")
        expected = self.home / "traces" / f"{test.name}.trace"
        command = [self.program, "-r", self.ROWS]
        if expected.exists():
            command += ["-t", trace]
        command += [test.name, f"dbname={environment['PGDATABASE']}"]
        with open(out, "w") as output:
            result = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, timeout=TEST_LIMIT
            )
        if result.returncode:
            # Its own complaint is the last thing that it prints, over several lines.
            _, _, said = out.read_text(errors="replace").rpartition("libpq_pipeline:")
            return f"ended with {result.returncode}: line {' '.join(said.split())[:200]}"
        return difference([expected], trace) if expected.exists() else None


SUITES = {"libpq_pipeline": Pipeline, "isolation": Isolation}


def difference(expected, out):
    """None when `out` is one of the expected files; otherwise the nearest difference, kept in a file beside it."""
    result = out.read_text(errors="replace").splitlines(keepends=True)
    nearest = None
    for path in expected:
        wanted = path.read_text(errors="replace").splitlines(keepends=True)
        if wanted == result:
            return None
        lines = list(difflib.unified_diff(wanted, result, str(path.name), out.name))
        if nearest is None or len(lines) < len(nearest):
            nearest = lines
    diff = out.with_suffix(".diff")
    diff.write_text("".join(nearest))
    changed = [line for line in nearest if line[0] in "+-" and line[:3] not in ("+++", "---")]
    return f"{len(changed)} lines differ, see {diff}"


def run_one(chain, test, suite, options):
    directory = options.results / chain.name / test.suite
    directory.mkdir(parents=True, exist_ok=True)
    out = directory / f"{test.name}.out"
    for stale in (out, out.with_suffix(".diff"), out.with_suffix(".trace")):
        stale.unlink(missing_ok=True)
    try:
        return suite.run(test, chain.environment(options.source), out)
    except subprocess.TimeoutExpired:
        return f"not done after {TEST_LIMIT} s, see {out}"


def run_chain(position, chains, tests, suites, locks, options, outcomes):
    """One chain's tests. A test that makes roles must not meet itself, so the chains begin at different places."""
    chain = chains[position]
    # libpq_pipeline's tests find what the one before has left, so they keep their order.
    mine = [test for test in tests if test.suite == "libpq_pipeline"]
    others = tests[len(mine) :]
    start = len(others) * position // len(chains)
    for test in mine + others[start:] + others[:start]:
        with locks[test]:
            outcomes.add(chain, test, run_one(chain, test, suites[test.suite], options))


def create_database(direct, source, name):
    environment = direct.environment(source) | {"PGDATABASE": "postgres"}
    # The installed psql needs the installed library.
    del environment["LD_LIBRARY_PATH"]
    for statement in (f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE template0"):
        command = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-c", "SET client_min_messages = warning", "-c", statement]
        subprocess.run(command, env=environment, check=True)


def known_differences():
    """What tests/conformance/known.txt lists."""
    known = {}
    for line in (HERE / "known.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            chain, test, why = line.split(maxsplit=2)
            known[chain, test] = why
    return known


def report(chains, tests, outcomes):
    """Prints what failed and a line for each chain and suite; how many failures nobody expects."""
    known = known_differences()
    unexpected = 0
    base = {test for chain, test in outcomes.failures if chain == "direct"}
    for test in sorted(base, key=str):
        print(f"left out  {test} fails directly too: {outcomes.failures['direct', test]}")
    for chain in chains:
        for suite in SUITES:
            mine = [test for test in tests if test.suite == suite and test not in base]
            passed, excused, failed, late = 0, 0, 0, []
            for test in mine:
                problem = outcomes.failures.get((chain.name, test))
                why = known.get((chain.name, str(test)))
                if problem and why:
                    excused += 1
                    print(f"known     {chain.name} {test}: {why}")
                elif problem:
                    failed += 1
                    print(f"FAILED    {chain.name} {test}: {problem}")
                elif why:
                    failed += 1
                    print(f"FAILED    {chain.name} {test} passes: take it out of tests/conformance/known.txt")
                else:
                    passed += 1
                    if (chain.name, test) in outcomes.again:
                        late.append(test.name)
            unexpected += failed
            if mine:
                line = f"{chain.name:<9} {suite:<15} {passed} passed, {failed} failed"
                line += f", {excused} known" if excused else ""
                line += f"; at the second try: {', '.join(late)}" if late else ""
                print(line)
    return unexpected


def main():
    parser = argparse.ArgumentParser(prog="conformance")
    parser.add_argument("--source", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--chain", action="append", choices=list(PORTS)[1:])
    parser.add_argument("--suite", choices=list(SUITES))
    parser.add_argument("test", nargs="*")
    options = parser.parse_args()

    wanted = ["direct"] + (options.chain or list(PORTS)[1:])
    chains = [Chain(name, os.environ[PORTS[name]]) for name in PORTS if name in wanted]
    suites = {name: make(options.source) for name, make in SUITES.items() if options.suite in (None, name)}
    tests = [Test(suite, name) for suite in suites for name in suites[suite].tests()]
    if options.test:
        tests = [test for test in tests if test.name in options.test]
        unknown = set(options.test) - {test.name for test in tests}
        if unknown:
            sys.exit(f"conformance: no test `{'`, `'.join(sorted(unknown))}`")
    for name in [chain.database for chain in chains] + list(DATABASES.values()):
        create_database(chains[0], options.source, name)

    start = time.monotonic()
    print(f"==> {len(tests)} tests, {' and '.join(chain.name for chain in chains)}", file=sys.stderr)
    outcomes = Outcomes(len(tests) * len(chains))
    locks = {test: threading.Lock() for test in tests}
    threads = [
        threading.Thread(target=run_chain, args=(position, chains, tests, suites, locks, options, outcomes))
        for position in range(len(chains))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes.say()

    # Many tests are about who waits for how long: on a busy machine they get a second try, alone.
    outcomes.again = list(outcomes.failures)
    by_name = {chain.name: chain for chain in chains}
    for name, test in outcomes.again:
        create_database(chains[0], options.source, DATABASES.get(test.name, by_name[name].database))
        if not run_one(by_name[name], test, suites[test.suite], options):
            del outcomes.failures[name, test]
    bad = report(chains, tests, outcomes)
    print(f"==> {'passed' if not bad else f'{bad} failures'} in {time.monotonic() - start:.0f} s", file=sys.stderr)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
