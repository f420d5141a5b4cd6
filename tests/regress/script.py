"""Cuts a script into what psql sends, and leaves statements of it out without touching anything else.

Texts are bytes read as Latin-1: a place in the text is a place in the file, whatever its encoding.
"""

import re
from dataclasses import dataclass

#: What skips a statement and is taken out of psql's echo again: lines stay where they were. Nobody else writes two spaces there.
SKIP, RESUME = r"\if  off \\ ", r"  \endif  \\"
#: What sends a statement by the extended protocol.
BIND = r" \bind \g"
#: The same in a script, with what parts it from more on its line.
BOUND = re.compile(r"\\bind \\g(?: \\\\)?")


def quoted(plain):
    """A piece of a script in which a semicolon, a backslash or a bracket mean nothing."""
    text = rf"""--[^\n]*
      | [eE]'(?:[^'\\]|\\.|'')*'
      | [uU]&'(?:[^']|'')*'
      | '{plain}*'
      | "(?:[^"]|"")*"
      | (\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$).*?\1
    """
    return re.compile(text, re.VERBOSE | re.DOTALL)


#: By standard_conforming_strings.
QUOTED = {True: quoted("(?:[^']|'')"), False: quoted(r"(?:[^'\\]|\\.|'')")}
CONFORMING = re.compile(
    r"(?:set\s+(?:local\s+|session\s+)?standard_conforming_strings\s*(?:=|to)\s*(\w+)|reset\s+standard_conforming_strings)",
    re.IGNORECASE,
)
WORD = re.compile(r"[A-Za-z_\x80-\xff][\w$\x80-\xff]*")
SPACE = re.compile(r"\s+")
COMMENT_MARK = re.compile(r"/\*|\*/")
COPIES_IN = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
#: psql's commands that send what stands before them.
SENDS = re.compile(r"\\(?:g|gx|gset|gdesc|gexec|crosstabview|watch|bind)\b")


@dataclass(frozen=True)
class Piece:
    """A statement, or a command of psql's alone, with the line on which it ends."""

    start: int
    end: int
    line: int
    text: str

    def short(self, room=100):
        """For a table: one line, without comments."""
        bare = re.sub(r"--[^\n]*", " ", self.text.removesuffix(r" \\").replace(BIND, ";"))
        text = " ".join(bare.encode("latin-1").decode("utf-8", "replace").split())
        return text if len(text) <= room else text[: room - 1] + "…"


def comment_end(text, at):
    """Where the comment that begins at `at` ends; comments nest."""
    depth = 0
    for mark in COMMENT_MARK.finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def uncommented(statement):
    return re.sub(r"--[^\n]*\n", "", statement).strip()


def behind(statement, text, at, conforming, failed):
    """Where the script goes on after a statement, behind data for COPY, and how strings are read from there on."""
    bare = uncommented(statement)
    if change := CONFORMING.match(bare):
        conforming = (change.group(1) or "on").lower() not in ("off", "false", "no", "0")
    if COPIES_IN.match(bare) and not failed:
        end = text.find("\n\\.", at)
        at = len(text) if end < 0 else end + 3
    return at, conforming


def pieces(text, failed=frozenset()):
    """The pieces of a script in their order. Data of COPY FROM STDIN is none, but where the COPY of this line has `failed`."""
    start, at, depth, blocks, words = None, 0, 0, 0, []
    conforming = True

    def piece(end):
        return Piece(start, end, line_of(end), text[start:end])

    def line_of(place):
        return text.count("\n", 0, place) + 1

    while at < len(text):
        letter = text[at]
        if space := SPACE.match(text, at):
            at = space.end()
            continue
        if start is None:
            start, depth, blocks, words = at, 0, 0, []
        if text.startswith("/*", at):
            at = comment_end(text, at)
        elif mark := QUOTED[conforming].match(text, at):
            at = mark.end()
        elif word := WORD.match(text, at):
            words.append(word.group().lower())
            # The body of a function between BEGIN ATOMIC and END holds statements of its own.
            if words[-2:] == ["begin", "atomic"] or (blocks and words[-1] == "case"):
                blocks += 1
            elif blocks and words[-1] == "end":
                blocks -= 1
            at = word.end()
        elif text.startswith("\\;", at):
            at += 2
        elif letter == "\\":
            # A command of psql's takes the rest of the line; in the midst of a statement most do not end it.
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            if bound := BOUND.match(text, at):
                end = bound.end()
            if not words:
                start = at
            sends = words and SENDS.match(text, at)
            if sends or not words:
                yield piece(end)
            if sends:
                end, conforming = behind(text[start:at], text, end, conforming, line_of(end) in failed)
            if sends or not words:
                start = None
            at = end
        elif letter == ";" and depth == 0 and blocks == 0:
            at += 1
            yield piece(at)
            at, conforming = behind(text[start:at], text, at, conforming, line_of(at) in failed)
            start = None
        else:
            depth = max(0, depth + {"(": 1, ")": -1}.get(letter, 0))
            at += 1


def a_line_each(text):
    """The script with the ends of two pieces never on one line, so that an error's line says whose it is."""
    found = list(pieces(text))
    for piece, behind_it in reversed(list(zip(found, found[1:]))):
        if piece.line == behind_it.line:
            text = text[: piece.end] + "\n" + text[piece.end :]
    return text


def extended(text):
    """The script with each statement sent by the extended protocol: Parse, Bind, Describe, Execute, Sync.

    Not a COPY FROM STDIN, of which libpq loses count there: when it fails early it sends a Sync too many.
    """
    for piece in reversed(list(pieces(text))):
        bare = uncommented(piece.text)
        # Nothing at all would send what was sent before.
        if bare.endswith(";") and bare != ";" and not COPIES_IN.match(bare):
            more = "" if text[piece.end : piece.end + 1] in "\n" else r" \\"
            text = text[: piece.end - 1] + BIND + more + text[piece.end :]
    return text


def without(text, refused):
    """The script without these pieces: psql reads and echoes them, and runs them not."""
    for piece in sorted(refused, key=lambda piece: -piece.start):
        text = text[: piece.start] + SKIP + piece.text + RESUME + text[piece.end :]
    return text


def as_written(output):
    """psql's output without what `without` has added."""
    return output.replace(SKIP, "").replace(RESUME, "")
