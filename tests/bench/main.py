"""`make bench`: what Chaperone costs. See README.md beside this file."""

import argparse
import json
import os
import sys
from pathlib import Path

import parts
from measure import Load, run
from plot import plot
from summary import figures, shown, table, title

MODES = ("simple", "prepared")
CLIENTS = (1, 8, 64)
WAYS = ("direct", "pgbouncer", "plain", "separate", "fused")
HERE = Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a second each: is it all there?")
    parser.add_argument("--seconds", type=int, help="how long a round is (3)")
    parser.add_argument("--rounds", type=int, help="how many rounds (3)")
    parser.add_argument("--warm-up", type=int, help="seconds each way runs before, under each protocol (5)")
    parser.add_argument("--workers", type=int, default=1, help="Envoy's worker threads (1)")
    parser.add_argument("--scale", type=int, default=1, help="pgbench's scale (1: 100,000 rows)")
    parser.add_argument("--policy", type=Path, default=HERE / "policy.yaml", help="another policy, to see what a part of it costs")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--clients", nargs="+", type=int, default=CLIENTS)
    parser.add_argument("--out", type=Path, default=parts.ROOT / "target/bench", help="where the results go")
    chosen = parser.parse_args()
    chosen.seconds = chosen.seconds or (1 if chosen.quick else 3)
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    if chosen.warm_up is None:
        chosen.warm_up = 2 if chosen.quick else 5
    return chosen


def measure(chosen, ways):
    """Interleaved: every round visits every load, every load every way, each time beginning with another one."""
    loads = [Load("connect", 1), *(Load(mode, clients) for mode in chosen.modes for clients in chosen.clients)]
    names = [name for name in WAYS if name in chosen.ways and name in ways]
    for name in names:
        # The first connection fetches keys, the first queries make V8 optimise the code: neither belongs to a round.
        for mode in chosen.modes:
            run(parts.pgbench(), parts.DATABASE, ways[name], Load(mode, 8), chosen.warm_up)
    rounds = []
    for number in range(chosen.rounds):
        for load in loads:
            turn = (number + len(rounds)) % len(names)
            for name in names[turn:] + names[:turn]:
                it = run(parts.pgbench(), parts.DATABASE, ways[name], load, chosen.seconds)
                rounds.append(it)
                used = None if it.proxy_cpu is None else it.proxy_cpu / it.transactions * 1e6
                parts.say(
                    f"round {number + 1}/{chosen.rounds}  {title(it.as_dict()):<20} {name:<10} "
                    f"{it.tps:>8.0f} tx/s  {shown(used, '.1f'):>8} µs CPU/tx"
                )
    return rounds


def in_order(found, names):
    """Ways side by side, in the order that tables show them, whatever the order measured."""
    loads = list(dict.fromkeys((row["mode"], row["clients"]) for row in found))
    return sorted(found, key=lambda row: (loads.index((row["mode"], row["clients"])), names.index(row["way"])))


def main():
    chosen = arguments()
    try:
        with parts.ways(chosen.policy.resolve(), chosen.workers, chosen.scale) as ways:
            rounds = measure(chosen, ways)
    except (parts.Trouble, RuntimeError) as problem:
        sys.exit(f"bench: {problem}")
    found = in_order(figures(rounds), list(WAYS))
    note = (
        f"pgbench -S, {chosen.rounds} interleaved rounds of {chosen.seconds} s, medians; Envoy with {chosen.workers} "
        f"worker{'s' if chosen.workers > 1 else ''}, {os.cpu_count()} CPUs for everything. CPU is of Envoy (pgbouncer in its row), without the connections."
    )
    chosen.out.mkdir(parents=True, exist_ok=True)
    results = {"note": note, "figures": found, "rounds": [it.as_dict() for it in rounds]}
    (chosen.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (chosen.out / "plot.svg").write_text(plot(found))
    text = table(found, note)
    (chosen.out / "table.md").write_text(text)
    print(text)
    parts.say(f"results.json, table.md and plot.svg are in {chosen.out}")


main()
