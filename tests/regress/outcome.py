"""What came out of a file: refusals in it, and how it compares with what plain Envoy gives."""

import difflib
import re
from dataclasses import dataclass

REFUSED = re.compile(r"psql:sql/[^:\n]*:(\d+): (?:ERROR|FATAL):  chaperone: (.*)")
REASON = re.compile(r"DETAIL:  (?:.*, r|R)eason ([A-Z]{2}\d{3}): ")
FAILED = re.compile(r"psql:sql/[^:\n]*:(\d+): (?:ERROR|FATAL):  ")
#: Where psql says that it is. While it sends data of a COPY that is another place from run to run.
PLACE = re.compile(r"psql:sql/[^:\n]*:\d+: ")
#: How busy the parallel workers were: EXPLAIN ANALYZE tells it unasked since PostgreSQL 18.
BUFFERS = re.compile(r"\bBuffers: [a-z].*")
#: What belongs to the error above it.
MORE = re.compile(r"(DETAIL|HINT|CONTEXT|LOCATION):  ")


@dataclass(frozen=True)
class Refusal:
    """The gateway's own error: where in the script, why, and in what words."""

    line: int
    reason: str
    message: str


def lines_of(output):
    """What is compared, as if the script had come from standard input."""
    return BUFFERS.sub("Buffers: ...", PLACE.sub("", output)).split("\n")


def failed(output):
    """The lines on which something failed."""
    return {int(line) for line in FAILED.findall(output)}


def refusals(output):
    """The gateway's refusals, and the output without them."""
    found, kept = [], []
    lines = output.split("\n")
    at = 0
    while at < len(lines):
        refused = REFUSED.search(lines[at])
        if not refused:
            kept.append(lines[at])
            at += 1
            continue
        if refused.start():
            # Behind something without an end of line.
            kept.append(lines[at][: refused.start()])
        at += 1
        reason = "none told"
        while at < len(lines) and MORE.match(lines[at]):
            if told := REASON.match(lines[at]):
                reason = told.group(1)
            at += 1
        found.append(Refusal(int(refused.group(1)), reason, refused.group(2)))
    return found, "\n".join(kept)


def hunks(one, other):
    """Where two outputs differ, as ranges of the first's lines and of the other's."""
    if one == other:
        return []
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return [(i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]


def differences(plain, direct, governed):
    """Where `governed` differs from `plain`, but for what differs from run to run: there `direct` differs from it too."""
    if governed == direct:
        return []
    wavers = hunks(plain, direct)
    found = hunks(plain, governed)
    return [hunk for hunk in found if not any(w[0] <= hunk[0] and hunk[1] <= w[1] for w in wavers)]


def diff(plain, governed, name):
    """For people."""
    lines = difflib.unified_diff(plain, governed, f"plain/{name}", f"governed/{name}", lineterm="")
    return "\n".join(lines) + "\n"
