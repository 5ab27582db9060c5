"""The Pareto front as an interactive picture."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hpq_hls.errors import ToolError
from hpq_hls.report import text

INK, MUTED, ACCENT, GOOD, GRID = "#1d2733", "#a9b4c2", "#2563eb", "#0f9d6b", "#e6eaf0"


def pareto_chart(search: dict[str, Any]) -> Markup:
    """Cost against accuracy of everything a search measured, as HTML with its program inside.

    search: the plain form of a SearchOutcome.

    Raises:
        ToolError: plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise ToolError("plotly is not installed; get it with `pip install hpq_hls[report]`") from None
    metric, objective, front = search["metric"], search["objective"], search["pareto"]
    figure = go.Figure()
    scale = 100 if metric == "top1" else 1
    figure.add_scatter(
        x=[cost for _, cost in search["points"]],
        y=[scale * accuracy for accuracy, _ in search["points"]],
        mode="markers",
        name="measured",
        marker={"color": MUTED, "size": 5, "opacity": 0.6},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[point["cost"] for point in front],
        y=[scale * point["accuracy"] for point in front],
        mode="lines+markers",
        name="Pareto front",
        line={"color": ACCENT, "width": 2, "shape": "hv"},
        marker={"size": 7},
        text=[_hover(point, search) for point in front],
        hovertemplate="%{text}<extra></extra>",
    )
    best = search["best"]
    figure.add_scatter(
        x=[best["cost"]],
        y=[scale * best["accuracy"]],
        mode="markers",
        name="chosen" if search["feasible"] else "most accurate",
        marker={"color": GOOD, "size": 14, "symbol": "star"},
        text=[_hover(best, search)],
        hovertemplate="%{text}<extra></extra>",
    )
    float_score = scale * search["float_accuracy"]
    line = {"line_width": 1, "annotation_font_size": 11, "annotation_position": "bottom right"}
    figure.add_hline(y=float_score, line_color=INK, annotation_text="float", **line)
    limit = float_score - scale * search["max_drop"]
    figure.add_hline(y=limit, line_color=INK, line_dash="dot", annotation_text="allowed", **line)
    scores = [*(scale * point["accuracy"] for point in front), float_score]
    _style(figure, f"{text.metric_name(metric)} on the validation split", f"cost: {objective}")
    figure.update_yaxes(range=_range(scores, metric), ticksuffix=" %" if metric == "top1" else "")
    html: str = figure.to_html(full_html=False, include_plotlyjs=True, config={"displayModeBar": False})
    return Markup(html)  # plotly escapes what it is given


def _hover(point: dict[str, Any], search: dict[str, Any]) -> str:
    widths = [
        f"{name}: {bits.get('weight', '-')}/{bits.get('activation', '-')}"
        for name, bits in point["precision"]["layers"].items()
    ]
    quality = text.score(point["accuracy"], search["metric"])
    return "<br>".join([f"<b>{search['objective']} {text.count(point['cost'])}, {quality}</b>", *widths])


def _range(scores: list[float], metric: str) -> list[float]:
    """What the accuracy axis shows: the worst combinations are near chance and would squeeze the rest."""
    high = max(scores)
    low = max(min(scores), high - 30) if metric == "top1" else min(scores)
    margin = 0.06 * (high - low) or 1.0
    return [low - margin, high + margin]


def _style(figure: Any, quality: str, cost: str) -> None:
    axis = {"gridcolor": GRID, "linecolor": GRID, "zeroline": False}
    figure.update_layout(
        height=430,
        margin={"l": 60, "r": 20, "t": 10, "b": 50},
        plot_bgcolor="white",
        paper_bgcolor="white",
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        legend={"orientation": "h", "y": 1.08, "x": 0},
        xaxis={"title": cost, **axis},
        yaxis={"title": quality, **axis},
    )
