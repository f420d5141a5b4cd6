"""From rounds to figures: the median of a way's rounds under one load, and its ratio to plain Envoy."""

from collections import defaultdict
from statistics import median

MICRO = 1e6
BASE = "plain"


def connection_costs(rounds, field):
    """CPU seconds of one connection with its one transaction, by way."""
    costs = defaultdict(list)
    for it in rounds:
        if it.mode == "connect" and getattr(it, field) is not None:
            costs[it.way].append(getattr(it, field) / it.transactions)
    return {way: median(values) for way, values in costs.items()}


def cpu_micros(it, field, connecting):
    """CPU microseconds of a transaction, without what opening the round's connections cost."""
    used = getattr(it, field)
    if used is None:
        return None
    if it.mode == "connect":
        return used / it.transactions * MICRO
    # Every client connects once a round; the price of it is known from the rounds that do nothing else.
    share = it.clients * connecting.get(it.way, 0.0)
    return max(used - share, 0.0) / max(it.transactions - it.clients, 1) * MICRO


def figures(rounds):
    """A dictionary for each load and way, in the order measured."""
    connecting = {field: connection_costs(rounds, field) for field in ("proxy_cpu", "sidecar_cpu")}
    groups = defaultdict(list)
    for it in rounds:
        groups[it.mode, it.clients, it.way].append(it)
    found = []
    for (mode, clients, way), group in groups.items():
        row = {"mode": mode, "clients": clients, "way": way, "rounds": len(group)}
        row["tps"] = median(it.tps for it in group)
        row["latency_ms"] = median(1000 / it.tps if mode == "connect" else it.latency_ms for it in group)
        for field, name in (("proxy_cpu", "cpu_us"), ("sidecar_cpu", "sidecar_cpu_us")):
            values = [cpu_micros(it, field, connecting[field]) for it in group]
            row[name] = None if None in values else median(values)
        found.append(row)
    for row in found:
        base = next((it for it in found if it["way"] == BASE and same_load(it, row)), None)
        for name in ("tps", "latency_ms", "cpu_us"):
            comparable = base is not None and row[name] is not None and base[name]
            row[f"{name}_ratio"] = row[name] / base[name] if comparable else None
    return found


def same_load(one, other):
    return (one["mode"], one["clients"]) == (other["mode"], other["clients"])


def title(row):
    if row["mode"] == "connect":
        return "connect + SELECT"
    return f"{row['mode']}, {row['clients']} client{'s' if row['clients'] > 1 else ''}"


def shown(value, form):
    return "–" if value is None else format(value, form)


def table(found, note):
    """Markdown: a row for each load and way. Ratios are to plain Envoy."""
    lines = [
        "| load | way | CPU µs/tx | × plain | sidecar µs/tx | tx/s | × plain | latency ms | × plain |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found:
        cells = [
            title(row),
            row["way"],
            shown(row["cpu_us"], ".1f"),
            shown(row["cpu_us_ratio"], ".2f"),
            shown(row["sidecar_cpu_us"], ".1f"),
            shown(row["tps"], ".0f"),
            shown(row["tps_ratio"], ".2f"),
            shown(row["latency_ms"], ".3f"),
            shown(row["latency_ms_ratio"], ".2f"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", note, ""])
