"""psql itself: its meta-commands, the extended protocol by \\bind and \\parse, COPY by \\copy, Ctrl-C, pipelines."""

import os
import signal
import subprocess
import tempfile
import time

from scenario import CARD, EMAIL, GOVERNED, MASKED, run, same, spoken

TABLE = "work_psql"
FRESH = f"DROP TABLE IF EXISTS {TABLE};\nCREATE TABLE {TABLE} (id integer PRIMARY KEY, name text);\n"


def psql(script, *more):
    """What psql says to a script, both streams in the order in which they come."""
    command = ["psql", "-X", "-q", "-At", "-v", "VERBOSITY=sqlstate", *more]
    return subprocess.run(command, input="SET client_min_messages = warning;\n" + script, text=True, timeout=25,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def connect():
    same(psql("SELECT 1;\n"), "1\n")
    same("You are connected to database" in psql("\\conninfo\n") or "Database" in psql("\\conninfo\n"), True)


def simple():
    same(psql("SELECT 1\\; SELECT 'two'\\; SELECT NULL;\n;\n"), "1\ntwo\n\n")
    same(psql("SELECT 1 AS a \\gset\n\\echo :a\nSELECT 'SELECT 2' \\gexec\n"), "1\n2\n")


def prepared():
    same(psql(FRESH + f"""
PREPARE put AS INSERT INTO {TABLE} VALUES ($1, $2);
EXECUTE put (1, 'one');
EXECUTE put (2, 'two');
DEALLOCATE put;
SELECT name FROM {TABLE} WHERE id = $1 \\bind 2 \\g
SELECT name FROM {TABLE} WHERE id = $1 \\parse get
\\bind_named get 1 \\g
\\bind_named get 2 \\g
\\close_prepared get
"""), "two\none\ntwo\n")


def error():
    same(psql(FRESH + f"""
INSERT INTO {TABLE} VALUES (1, 'one');
SELECT 1/0;
SELEC 1;
SELECT * FROM no_such_table;
SELECT * FROM no_such_table WHERE id = $1 \\bind 1 \\g
INSERT INTO {TABLE} VALUES (1, 'again');
SELECT 1\\; SELECT 1/0\\; SELECT 2;
SELECT 'alive';
"""), "ERROR:  22012\nERROR:  42601\nERROR:  42P01\nERROR:  42P01\nERROR:  23505\n1\nERROR:  22012\nalive\n")


def denied():
    same(psql("""
SELECT * FROM forbidden;
SELECT * FROM forbidden WHERE id = $1 \\bind 1 \\g
SELECT * FROM forbidden \\parse get
BEGIN;
SELECT * FROM forbidden;
SELECT 1;
ROLLBACK;
SELECT 'alive';
\\d forbidden
""").splitlines()[:3], ["ERROR:  42501"] * 3)
    same(psql("SELECT * FROM forbidden;\nSELECT 'alive';\n"), "ERROR:  42501\nalive\n")
    # What a chain denies never reaches the target: its transaction goes on.
    behind = "1\n" if GOVERNED else "ERROR:  25P02\n"
    same(psql("BEGIN;\nSELECT * FROM forbidden;\nSELECT 1;\nROLLBACK;\nSELECT 'alive';\n"), f"ERROR:  42501\n{behind}alive\n")


def transaction():
    same(psql(FRESH + f"""
BEGIN;
INSERT INTO {TABLE} VALUES (1, 'kept');
SAVEPOINT s;
INSERT INTO {TABLE} VALUES (1, 'again');
SELECT 1;
ROLLBACK TO s;
INSERT INTO {TABLE} VALUES (2, 'kept too');
COMMIT;
BEGIN;
DELETE FROM {TABLE};
ROLLBACK;
SELECT count(*) FROM {TABLE};
"""), "ERROR:  23505\nERROR:  25P02\n2\n")


def copy_in():
    rows = "".join(f"{number}\tname {number}\n" for number in range(3000))
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write(rows.replace("name", "file"))
        file.flush()
        same(psql(FRESH + f"COPY {TABLE} FROM STDIN;\n{rows}\\.\nSELECT count(*) FROM {TABLE};\nDELETE FROM {TABLE};\n"
                  f"\\copy {TABLE} from {file.name}\nSELECT count(*), min(name) FROM {TABLE};\n"), "3000\n3000|file 0\n")


def copy_in_failure():
    same(psql(FRESH + f"""COPY {TABLE} FROM STDIN;
one\tname
\\.
COPY no_such_table FROM STDIN;
COPY forbidden FROM STDIN;
SELECT count(*) FROM {TABLE};
"""), "ERROR:  22P02\nERROR:  42P01\nERROR:  42501\n0\n")


def copy_out():
    found = psql("COPY (SELECT n, 'name ' || n FROM generate_series(1, 3000) n) TO STDOUT;\nSELECT 'alive';\n")
    same(found.splitlines()[2999:], ["3000\tname 3000", "alive"])
    same(psql("COPY forbidden TO STDOUT;\n\\copy forbidden to /dev/null\nSELECT 'alive';\n"), "ERROR:  42501\nERROR:  42501\nalive\n")


def copy_out_binary():
    with tempfile.NamedTemporaryFile() as file:
        found = psql(f"\\copy (SELECT 1) to {file.name} (FORMAT binary)\nSELECT 'alive';\n")
        same(found, "ERROR:  42501\nalive\n" if MASKED else "alive\n")


def cancel():
    child = subprocess.Popen(["psql", "-X", "-q", "-At", "-v", "VERBOSITY=sqlstate"], text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, restore_signals=True)
    child.stdin.write("SELECT 'sleeps';\nSELECT pg_sleep(20);\n")
    child.stdin.flush()
    same(child.stdout.readline(), "sleeps\n")
    time.sleep(0.5)
    os.kill(child.pid, signal.SIGINT)
    # Without a terminal psql goes on with what follows, or ends: both only after the server's answer.
    rest, _ = child.communicate(timeout=15)
    same("57014" in rest, True)


def pipeline():
    same(psql(FRESH + f"""
\\startpipeline
INSERT INTO {TABLE} VALUES ($1, 'one') \\bind 1 \\sendpipeline
INSERT INTO {TABLE} VALUES ($1, 'two') \\bind 2 \\sendpipeline
SELECT name FROM {TABLE} WHERE id = $1 \\bind 2 \\sendpipeline
\\flushrequest
\\getresults
\\syncpipeline
SELECT 'behind' \\bind \\sendpipeline
\\endpipeline
SELECT count(*) FROM {TABLE};
"""), "two\nbehind\n2\n")


def pipeline_error():
    for statement, state in (("SELECT 1/0", "22012"), ("SELECT * FROM forbidden", "42501"), ("SELEC", "42601")):
        found = psql(FRESH + f"""
\\startpipeline
INSERT INTO {TABLE} VALUES ($1, 'before') \\bind 1 \\sendpipeline
{statement} \\bind \\sendpipeline
INSERT INTO {TABLE} VALUES ($1, 'behind') \\bind 2 \\sendpipeline
\\syncpipeline
SELECT 'behind the sync' \\bind \\sendpipeline
\\endpipeline
SELECT count(*) FROM {TABLE};
""")
        same([line for line in found.splitlines() if "aborted" not in line], [f"ERROR:  {state}", "behind the sync", "0"])


def cursors():
    same(psql("\\set FETCH_COUNT 100\nSELECT n FROM generate_series(1, 1000) n;\n").splitlines()[-1], "1000")
    same(psql("BEGIN;\nDECLARE c CURSOR FOR SELECT 1;\nFETCH c;\nFETCH c;\nCLOSE c;\nCOMMIT;\n"), "1\n")


def notices():
    script = "SET client_min_messages = notice;\nDROP TABLE IF EXISTS no_such_table;\nCALL public.hello();\n"
    same(psql(script, "-v", "VERBOSITY=terse").splitlines(),
         ['NOTICE:  table "no_such_table" does not exist, skipping', "NOTICE:  hello"])
    found = psql("LISTEN work_psql;\nNOTIFY work_psql, 'news';\nSELECT 1;\n")
    same('payload "[redacted]"' in found if MASKED else "news" in found, True)


def describe():
    """What people type first: psql's own queries over the catalogue."""
    psql(FRESH)
    for command in ("\\d", "\\dt+", f"\\d+ {TABLE}", "\\l", "\\du", "\\dn+", "\\df", "\\dT", "\\dp", "\\sf pg_sleep", "\\dx", "\\dO"):
        found = psql(f"{command}\nSELECT 'alive';\n")
        same(("ERROR" in found, found.splitlines()[-1]), (False, "alive"))


def large():
    # Below the size up to which a statement is understood: what is larger cannot be masked.
    same(psql(f"SELECT length('{'ü' * 400_000}');\n"), "400000\n")
    same(len(psql("SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n;\n").splitlines()), 20000)


def masks():
    same(psql("SELECT * FROM people WHERE id = 1;\n"), f"1|Ada Byron|{EMAIL}|{CARD}\n")
    same(psql("SELECT card AS c, email FROM people WHERE id = $1 \\bind 1 \\g\n"), f"{CARD}|{EMAIL}\n")
    # Once a session has touched a masked column, what any statement says is withheld.
    script = ("SELECT card FROM people WHERE id = 1;\nSET client_min_messages = notice;\nDROP TABLE IF EXISTS no_such_table;\n"
              "CALL public.tell_card();\n")
    notices = (spoken('table "no_such_table" does not exist, skipping'), spoken('it is 4111111111111111'))
    same(psql(script, "-v", "VERBOSITY=terse").splitlines(), [CARD, *(f"NOTICE:  {notice}" for notice in notices)])


run([
    connect, simple, prepared, error, denied, transaction, copy_in, copy_in_failure, copy_out, copy_out_binary, cancel,
    pipeline, pipeline_error, cursors, notices, describe, large, masks,
], without=[("binary", "psql asks for text, always")])
