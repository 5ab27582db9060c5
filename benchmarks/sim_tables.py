"""Results of the simulator benchmark as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sim_networks import NETWORKS

Results = list[dict[str, Any]]


def environment(found: dict[str, str]) -> str:
    """One line on the machine and the versions."""
    return "; ".join(f"{value}" if key == "cpu" else f"{key} {value}" for key, value in found.items())


def speed(results: Results) -> str:
    """Samples per second by thread count."""
    parts = []
    for threads in dict.fromkeys(found["threads"] for found in results):
        chosen = [found for found in results if found["threads"] == threads]
        peers = [peer["backend"] for peer in chosen[0]["peers"]]
        head = ["network", "bits", "ours", "torch (batch)", "ours / torch", "torch at its best"]
        head += ["ours / best"]
        for peer in peers:
            head += [f"hls4ml {peer}", f"ours / {peer}"]
        title = f"Samples per second, {threads} thread{'s' if threads > 1 else ''} for each side"
        parts.append(f"{title}:\n\n{_table(head, (_speed_row(found) for found in chosen))}")
        notes = [_words(found) for found in chosen if found["peers"]]
        parts += [f"Output words of hls4ml that equal ours: {'; '.join(notes)}."] if notes else []
        over = [found for found in chosen if found["ours_cores"] > 1.15 * threads]
        parts += [
            f"Ours used {f['ours_cores']:.1f} cores on {f['network']} at {f['bits']} bit!" for f in over
        ]
    return "\n\n".join(parts)


def _speed_row(found: dict[str, Any]) -> list[str]:
    rate = {side: 1 / seconds for side, seconds in found["seconds_per_sample"].items()}
    best = found["torch_best"]
    row = [NETWORKS[found["network"]].title, str(found["bits"]), _count(rate["ours"])]
    row += [f"{_count(rate['torch'])} ({found['torch_batch']:,})", _spread(found["ratios"]["torch"])]
    row += [f"{_count(rate['torch_best'])} ({best['variant']}, {best['batch']:,})"]
    row += [_spread(found["ratios"]["torch_best"])]
    for peer in found["peers"]:
        row += [_count(rate[peer["backend"]]), _spread(found["ratios"][peer["backend"]])]
    return row


def _words(found: dict[str, Any]) -> str:
    shares = ", ".join(f"{p['words_equal']:,} of {p['words']:,} ({p['backend']})" for p in found["peers"])
    return f"{found['network']} {found['bits']} bit: {shares}"


def combinations(results: Results) -> str:
    """Time per combination: alone, within searches, and hls4ml's."""
    samples = results[0]["samples"]
    strategies = list(dict.fromkeys(item["strategy"] for found in results for item in found["searches"]))
    head = ["network", "who", "prepare", f"predict {samples:,}", "together", "/ ours alone"]
    head += [f"/ ours, {strategy}" for strategy in strategies]
    rows: list[list[str]] = []
    notes: list[str] = []
    for found in results:
        title, alone = NETWORKS[found["network"]].title, found["independent"]
        times = [_time(alone[key]) for key in ("quantize_s", "predict_s", "total_s")]
        rows.append([title, "ours, alone", *times])
        for item in found["searches"]:
            label = f"ours, {item['search']} ({item['evaluations']:,} combinations)"
            rows.append([title, label, "", "", _time(item["per_combination_s"])])
        each = {item["strategy"]: item["per_combination_s"] for item in found["searches"]}
        for peer in found["peers"]:
            prepared, total = peer["convert_s"] + peer["compile_s"], peer["total_s"]
            cells = [_time(prepared), _time(peer["predict_s"]), _time(total)]
            cells.append(f"{total / alone['total_s']:,.0f}")
            cells += [f"{total / each[name]:,.0f}" if name in each else "" for name in strategies]
            rows.append([title, f"hls4ml {peer['backend']}, {peer['io']} {peer['strategy']}", *cells])
            if peer["samples"] < samples:
                notes.append(f"{found['network']} {peer['backend']} {peer['samples']:,}")
    text = f"Time for one precision combination, {samples:,} samples, 1 thread:\n\n{_table(head, rows)}"
    if notes:
        text += f"\n\nhls4ml predicted fewer samples, scaled to {samples:,} linearly: {', '.join(notes)}."
    return text


def memory(results: Results) -> str:
    """Peak resident memory of processes of their own."""
    head = ["network", "what", "processes", "before (MiB)", "peak (MiB)"]
    rows = [
        [
            NETWORKS[found["network"]].title,
            found["what"],
            str(found["jobs"]),
            f"{found['before_mib']:,.0f}",
            f"{found['peak_mib']:,.0f}",
        ]
        for found in results
    ]
    return f"Peak memory, torch and its exporter included ({len(rows)} processes):\n\n{_table(head, rows)}"


def search(results: Results) -> str:
    """Whole searches on LeNet."""
    head = ["search", "combinations", "processes", "wall time", "per 1,000", "float", "best", "peak (MiB)"]
    rows = [
        [
            found["search"],
            f"{found['evaluations']:,}",
            str(found["jobs"]),
            _time(found["wall_s"]),
            _time(1000 * found["per_combination_s"]),
            f"{found['float_accuracy']:.2%}",
            f"{found['best_accuracy']:.2%}",
            f"{found['peak_mib']:,.0f}",
        ]
        for found in results
    ]
    return f"Searches of LeNet on 1,000 images ({results[0]['data']}):\n\n{_table(head, rows)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    filled = [[*cells, *[""] * (len(head) - len(cells))] for cells in rows]
    lines = [head, ["---"] * len(head), *filled]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _spread(ratio: Sequence[float]) -> str:
    """Median, and the least and largest of the rounds."""
    digits = 0 if ratio[1] >= 20 else 2
    low, middle, high = (f"{value:,.{digits}f}" for value in ratio)
    return f"{middle} ({low} to {high})"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:,.2f} ms" if seconds < 0.1 else f"{1000 * seconds:,.0f} ms"
    return f"{seconds:,.1f} s"


TABLES: dict[str, Callable[[Results], str]] = {
    "speed": speed,
    "combinations": combinations,
    "memory": memory,
    "search": search,
}
