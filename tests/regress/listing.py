"""The table of refused statements: what it says must be what is refused."""

from collections import Counter

HEAD = """# What the gateway refuses of PostgreSQL's regression suite

Written by `UPDATE=1 make regress` and compared by `make regress`: with [a policy that allows everything](policy.yaml) these
statements are refused, and nothing else. README.md says what each reason means here.

| file | statement | reason | the gateway says |
| --- | --- | --- | --- |
"""


def row(name, piece, refusal):
    cells = [name, f"`{piece.short().replace('`', chr(39))}`", refusal.reason, refusal.message]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def read(path):
    """The rows by file."""
    rows = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("| ") and not line.startswith(("| file ", "| --- ")):
            rows.setdefault(line.split(" | ")[0][2:], []).append(line)
    return rows


def check(path, names, refused, update):
    """Compares each way's refusals with the table, for the files that ran; how many rows are wrong."""
    listed = read(path)
    found = {way: {name: [row(name, *pair) for pair in files[name]] for name in names} for way, files in refused.items()}
    if update:
        listed |= next(iter(found.values()))
        path.write_text(HEAD + "".join(line + "\n" for name in sorted(listed) for line in listed[name]))
        print(f"wrote     {path.name}")
    wrong = {}
    for way, files in found.items():
        for name in names:
            known, mine = Counter(listed.get(name, ())), Counter(files[name])
            for what, lines in (("REFUSED", mine - known), ("PASSES", known - mine)):
                for line in lines.elements():
                    wrong.setdefault((what, line), []).append(way)
    for (what, line), ways in wrong.items():
        where = "and not in" if what == "REFUSED" else "and in"
        print(f"{what:<9} {' and '.join(dict.fromkeys(ways))}, {where} {path.name}: {line}")
    return sum(map(len, wrong.values()))
