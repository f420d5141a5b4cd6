"""Runs named scenarios one after the other: `ok NAME`, `FAILED NAME why` or `skipped NAME why`, and an exit code."""

import asyncio
import inspect
import os
import sys
import traceback

# A scenario that hangs is a failure like any other.
LIMIT_SECONDS = 30

# Whether a chain is on the way.
GOVERNED = os.environ.get("CLIENTS_GOVERNED") == "1"
# Whether the policy in force masks: then `people.card` and what looks like an address come back hidden.
MASKED = os.environ.get("CLIENTS_MASKED") == "1"
CARD = "*" * 12 + "1111" if MASKED else "4111111111111111"
EMAIL = "[redacted]" if MASKED else "ada@example.com"


def spoken(text):
    """What a NOTICE says in a session that has touched a masked column."""
    return "[redacted]: the server's message may quote a masked column" if MASKED else text


# SQLSTATEs that the scenarios provoke.
DENIED = "42501"
CANCELLED = "57014"
DIVISION_BY_ZERO = "22012"
IN_FAILED_TRANSACTION = "25P02"
SYNTAX = "42601"
UNDEFINED_TABLE = "42P01"
UNIQUE = "23505"


def same(found, wanted):
    """Like `assert ==`, and says what was found."""
    if found != wanted:
        raise AssertionError(f"wanted {wanted!r}, found {found!r}")


def brief(error):
    """The error in one line, with the line of the scenario that it comes from."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if "run_" in frame.filename]
    where = f" (line {lines[-1].lineno})" if lines else ""
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {state or ''} {' | '.join(str(error).split(chr(10)))}{where}"


def only():
    """The scenarios that the command line names; all when none."""
    return sys.argv[1:]


def run(scenarios, without=()):
    """Runs functions, asynchronous ones too, says what the client cannot do, `(name, why)`, and ends the program."""
    failed = False
    for scenario in scenarios:
        if only() and scenario.__name__ not in only():
            continue
        try:
            if inspect.iscoroutinefunction(scenario):
                asyncio.run(asyncio.wait_for(scenario(), LIMIT_SECONDS))
            else:
                scenario()
            print(f"ok {scenario.__name__}", flush=True)
        except Exception as error:  # noqa: BLE001 a failure of any kind is what is reported
            failed = True
            print(f"FAILED {scenario.__name__} {brief(error)}", flush=True)
    for name, why in without:
        if not only() or name in only():
            print(f"skipped {name} {why}", flush=True)
    sys.exit(1 if failed else 0)
