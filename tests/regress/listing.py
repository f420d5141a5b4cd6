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
    listed, wrong = read(path), 0
    for way, files in refused.items():
        for name in names:
            found = [row(name, piece, refusal) for piece, refusal in files[name]]
            if update:
                if way == next(iter(refused)):
                    listed[name] = found
                    continue
            known = Counter(listed.get(name, ()))
            for line in (Counter(found) - known).elements():
                wrong += 1
                print(f"REFUSED   {way} and not in {path.name}: {line}")
            for line in (known - Counter(found)).elements():
                wrong += 1
                print(f"PASSES    {way} and in {path.name}: {line}")
    if update:
        path.write_text(HEAD + "".join(line + "\n" for name in sorted(listed) for line in listed[name]))
        print(f"wrote     {path.name}")
    return wrong
