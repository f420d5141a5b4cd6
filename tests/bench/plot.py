"""A plot of the CPU microseconds, as SVG: a group of bars for each load."""

from summary import title

COLOURS = {"pgbouncer": "#999999", "plain": "#4477aa", "separate": "#cc6677", "fused": "#228833"}
BAR, GAP, HEIGHT, TOP, LEFT, BOTTOM = 26, 30, 260, 50, 50, 40


def ceiling(value):
    """The next of 10, 20, 50, 100, 200 …"""
    step = 10
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10


def text(x, y, words, anchor="middle", size=11):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def plot(found):
    """All loads but connecting, whose figures are of another size."""
    rows = [row for row in found if row["mode"] != "connect" and row["cpu_us"] is not None]
    groups = {}
    for row in rows:
        groups.setdefault(title(row), []).append(row)
    top = ceiling(max((row["cpu_us"] for row in rows), default=1))
    width = LEFT + sum(len(group) * BAR + GAP for group in groups.values()) + GAP
    base = TOP + HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{base + BOTTOM}" font-family="sans-serif">',
        f'<rect width="{width}" height="{base + BOTTOM}" fill="white"/>',
        text(LEFT, 18, "CPU microseconds a transaction of the process in between, and as a ratio to plain Envoy", "start", 13),
    ]
    x = LEFT
    for name, colour in COLOURS.items():
        parts.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{colour}"/>')
        parts.append(text(x + 14, 37, name, "start"))
        x += 90
    for step in range(6):
        y = base - HEIGHT * step / 5
        parts.append(f'<line x1="{LEFT}" x2="{width}" y1="{y:.0f}" y2="{y:.0f}" stroke="#dddddd"/>')
        parts.append(text(LEFT - 6, y + 4, f"{top * step / 5:g}", "end"))
    x = LEFT + GAP / 2
    for name, group in groups.items():
        parts.append(text(x + len(group) * BAR / 2, base + 18, name))
        for row in group:
            height = HEIGHT * row["cpu_us"] / top
            place = f'x="{x:.0f}" y="{base - height:.0f}" width="{BAR - 2}" height="{height:.0f}"'
            parts.append(f'<rect {place} fill="{COLOURS.get(row["way"], "#000000")}"/>')
            ratio = row["cpu_us_ratio"]
            parts.append(text(x + BAR / 2 - 1, base - height - 4, "" if ratio is None else f"{ratio:.1f}×", size=10))
            x += BAR
        x += GAP
    return "\n".join([*parts, "</svg>", ""])
