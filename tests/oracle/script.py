"""Cuts a script into statements as psql does, and leaves out what is psql's alone."""

import re

#: A piece of a script in which a semicolon, a backslash or a colon mean nothing.
QUOTED = re.compile(
    r"""--[^\n]*
      | '(?:[^']|'')*'
      | [eE]'(?:[^'\\]|\\.|'')*'
      | "(?:[^"]|"")*"
      | (\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$).*?\1
    """,
    re.VERBOSE | re.DOTALL,
)
WORD = re.compile(r"[A-Za-z_][\w$]*")
COPIES_IN = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)


def comment_end(text, at):
    """Where the comment that begins at `at` ends; comments nest."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def statements(text):
    """The statements of a script. A statement with a variable of psql's (`:name`) is left out."""
    start = at = depth = blocks = 0
    words = []
    known = True
    while at < len(text):
        letter = text[at]
        if text.startswith("/*", at):
            at = comment_end(text, at)
        elif quoted := QUOTED.match(text, at):
            at = quoted.end()
        elif word := WORD.match(text, at):
            words.append(word.group().lower())
            # The body of a function between BEGIN ATOMIC and END holds statements of its own.
            if words[-2:] == ["begin", "atomic"] or (blocks and words[-1] == "case"):
                blocks += 1
            elif blocks and words[-1] == "end":
                blocks -= 1
            at = word.end()
        elif letter == "\\":
            # A command of psql's takes the rest of the line; what stands before it is sent by \\g and its like.
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            command = text[at:end]
            if known and command.startswith(("\\g", "\\;")) and text[start:at].strip():
                yield text[start:at].strip()
            start = at = end if not command.startswith("\\;") else at + 2
            words, depth, known = [], 0, True
        elif letter == ":" and re.match(r":['\"]?[A-Za-z_{]", text[at:]) and text[at - 1] != ":":
            known = False
            at += 1
        elif letter == ";" and depth == 0 and blocks == 0:
            piece = text[start:at].strip()
            if known and piece:
                yield piece
            at += 1
            if COPIES_IN.match(re.sub(r"--[^\n]*\n", "", piece)):
                end = text.find("\n\\.", at)
                at = len(text) if end < 0 else end + 3
            start, words, known = at, [], True
        else:
            depth = max(0, depth + {"(": 1, ")": -1}.get(letter, 0))
            at += 1
    if known and text[start:].strip():
        yield text[start:].strip()
