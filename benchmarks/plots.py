"""The plots: what the table tells, to be seen at a glance."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import rows
from benchmarks.plans import CLIENTS, LOADS, ROOMS, Plan
from benchmarks.results import Results, spread
from benchmarks.servers import Kind
from benchmarks.targets import Row

# After Okabe and Ito: told apart by nearly everyone.
COLOURS = {
    "piehub": "#D55E00",
    "original": "#0072B2",
    "logging": "#E69F00",
    "publish": "#56B4E9",
    "node": "#009E73",
    "socketio": "#CC79A7",
    "naive": "#666666",
}
STYLES = {20: ":", 50: "--", 80: "-"}
PERCENTILES = {"p50": "50 %", "p90": "90 %", "p99": "99 %", "p999": "99.9 %", "max": "all"}

mpl.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text: small files
        "svg.hashsalt": "piehub",  # the same figures, the same file
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e4e4e4",
        "axes.axisbelow": True,
    }
)


def draw(plan: Plan, results: Results, folder: Path, ending: str = "svg") -> list[Path]:
    """Write each plot for which there are figures, and leave none of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    plots: dict[str, Callable[[Plan, Results], Figure | None]] = {
        "deliveries": _deliveries,
        "latency": _latency,
        "growth": _growth,
    }
    for name, plot in plots.items():
        path = folder / f"benchmarks-{name}.{ending}"
        path.unlink(missing_ok=True)
        if figure := plot(plan, results):
            figure.savefig(path, metadata={"Date": None} if ending == "svg" else None)
            drawn.append(path)
    return drawn


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _deliveries(plan: Plan, results: Results) -> Figure | None:
    """Each row a line, each server a dot: how many times the original."""
    names = {exercise.name for exercise in plan.exercises}
    shown = [row for row in rows.DELIVERIES if row.exercise in names][::-1]
    if not any(results.ratios(row.exercise, "piehub", "original", row.figure) for row in shown):
        return None
    figure = _figure(9, 0.6 * len(shown) + 1.6)
    axes = figure.add_subplot()
    others = [kind for kind in plan.kinds if kind.key != "original"]
    for place, kind in enumerate(others):
        # Side by side within the row, so that no spread hides another.
        shift = 0.5 * ((len(others) - 1) / 2 - place) / len(others)
        _ratios(axes, results, shown, kind, shift)
    axes.axvline(1, color=COLOURS["original"], label="WebsocketPie on Bun")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
    axes.set_yticks(range(len(shown)), [row.title for row in shown])
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("deliveries a second, as a ratio to WebsocketPie on Bun (median, least, most)")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def _ratios(axes: Axes, results: Results, shown: Sequence[Row], kind: Kind, shift: float) -> None:
    found = [
        (at + shift, spread(results.ratios(row.exercise, kind.key, "original", row.figure)))
        for at, row in enumerate(shown)
    ]
    points = [(at, one) for at, one in found if one]
    if not points:
        return
    axes.errorbar(
        [one.median for _, one in points],
        [at for at, _ in points],
        xerr=[
            [one.median - one.least for _, one in points],
            [one.most - one.median for _, one in points],
        ],
        fmt="D" if kind.key == "piehub" else "o",
        color=COLOURS[kind.key],
        label=kind.title,
        markersize=7 if kind.key == "piehub" else 5,
        elinewidth=1.5,
    )


def _latency(_plan: Plan, results: Results) -> Figure | None:
    """A panel for each hub at shares of its own maximum, and one for both at the same rate."""
    if not any(results.values(f"latency-{load}", "piehub", "p50") for load in LOADS):
        return None
    figure = _figure(11, 4)
    own, its, same = figure.subplots(1, 3, sharey=True)
    for load in LOADS:
        _latency_line(own, results, f"latency-{load}", "piehub", STYLES[load], f"{load} %")
        _latency_line(its, results, f"latency-{load}", "original", STYLES[load], f"{load} %")
    for key, title in (("piehub", "piehub"), ("original", "the original")):
        _latency_line(same, results, "latency-50-same", key, "-", title)
    own.set_title("piehub, of its own maximum")
    its.set_title("WebsocketPie on Bun, of its own")
    same.set_title("both, 50 % of the latter's")
    for axes in (own, its, same):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("share of deliveries")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, loc="upper left", fontsize=9)
    own.set_ylabel("latency, at most (ms)")
    # Room for the legends, which would else lie on the lines.
    least, most = own.get_ylim()
    own.set_ylim(least, most * (most / least) ** 0.4)
    return figure


def _latency_line(
    axes: Axes, results: Results, exercise: str, key: str, style: str, label: str
) -> None:
    found = {
        percentile: spread(results.values(exercise, key, figure))
        for figure, percentile in PERCENTILES.items()
    }
    points = {percentile: one for percentile, one in found.items() if one}
    rate = spread(results.values(exercise, key, "rate"))
    if not points or not rate:
        return
    axes.plot(
        list(points),
        [one.median / 1000 for one in points.values()],
        style,
        marker="o",
        color=COLOURS[key],
        label=f"{label}: {rate.median:,.0f} messages/s",
    )


def _growth(plan: Plan, results: Results) -> Figure | None:
    """CPU time for each delivery, by clients in a room and by rooms."""
    panels = (("clients-{}", CLIENTS, "clients in one room"), ("rooms-{}", ROOMS, "rooms of 4"))
    if not any(
        results.values(name.format(size), "piehub", "cpu_us")
        for name, sizes, _ in panels
        for size in sizes
    ):
        return None
    figure = _figure(9, 4)
    for axes, (name, sizes, label) in zip(figure.subplots(1, 2), panels, strict=True):
        for kind in plan.kinds:
            _growth_line(axes, results, name, sizes, kind.key, kind.title)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel(label)
        axes.margins(x=0.08)
    figure.axes[0].set_ylabel("server CPU for a delivery (µs)")
    handles, labels = figure.axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _growth_line(
    axes: Axes, results: Results, name: str, sizes: Sequence[int], key: str, title: str
) -> None:
    found = {size: spread(results.values(name.format(size), key, "cpu_us")) for size in sizes}
    points = {size: one for size, one in found.items() if one}
    if points:
        medians = [one.median for one in points.values()]
        axes.plot(list(points), medians, marker="o", color=COLOURS[key], label=title)
        least = [one.least for one in points.values()]
        most = [one.most for one in points.values()]
        axes.fill_between(list(points), least, most, color=COLOURS[key], alpha=0.15, linewidth=0)
