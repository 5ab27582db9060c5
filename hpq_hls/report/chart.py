"""The Pareto front as an interactive picture."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hpq_hls.errors import ToolError
from hpq_hls.report import text
from hpq_hls.search.metric import Kind, kind_of

INK, MUTED, ACCENT, GOOD, WARM, GRID = "#1d2733", "#a9b4c2", "#2563eb", "#0f9d6b", "#d97706", "#e6eaf0"


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
    figure = go.Figure()
    scale = 100 if kind_of(search["metric"]) is Kind.SHARE else 1
    _draw_points(figure, search, scale)
    _draw_lines(figure, search, scale)
    loss = kind_of(search["metric"]) is Kind.LOSS
    quality = f"minus {search['metric'].upper()}" if loss else text.metric_name(search["metric"])
    _style(figure, f"{quality} on the validation split", f"cost: {search['objective']}")
    html: str = figure.to_html(full_html=False, include_plotlyjs=True, config={"displayModeBar": False})
    return Markup(html)  # plotly escapes what it is given


def _draw_points(figure: Any, search: dict[str, Any], scale: int) -> None:
    """Everything measured, one width everywhere, the front and the chosen point."""

    def add(points: list[dict[str, Any]], name: str, **style: Any) -> None:
        figure.add_scatter(
            x=[point["cost"] for point in points],
            y=[scale * point["accuracy"] for point in points],
            name=name,
            text=[_hover(point, search) for point in points],
            hovertemplate="%{text}<extra></extra>",
            **style,
        )

    figure.add_scatter(
        x=[cost for _, cost in search["points"]],
        y=[scale * accuracy for accuracy, _ in search["points"]],
        mode="markers",
        name="measured",
        marker={"color": MUTED, "size": 5, "opacity": 0.6},
        hoverinfo="skip",
    )
    if search["uniform"]:
        look = {
            "marker": {"size": 7, "symbol": "square", "color": WARM},
            "line": {"color": WARM, "dash": "dot"},
        }
        add(search["uniform"], "one width everywhere", mode="lines+markers", **look)
    line = {"color": ACCENT, "width": 2, "shape": "hv"}
    add(search["pareto"], "Pareto front", mode="lines+markers", line=line, marker={"size": 7})
    name = "chosen" if search["feasible"] else "closest to the limits"
    add([search["best"]], name, mode="markers", marker={"color": GOOD, "size": 14, "symbol": "star"})


def _draw_lines(figure: Any, search: dict[str, Any], scale: int) -> None:
    """The float accuracy, the least that is allowed, and what the axes show."""
    float_score = scale * search["float_accuracy"]
    rule = {"line_width": 1, "annotation_font_size": 11, "annotation_position": "bottom right"}
    figure.add_hline(y=float_score, line_color=INK, annotation_text="float", **rule)
    limit = float_score - scale * search["max_drop"]
    figure.add_hline(y=limit, line_color=INK, line_dash="dot", annotation_text="allowed", **rule)
    chosen = (*search["pareto"], search["best"])
    accuracies = [scale * point["accuracy"] for point in chosen]
    figure.update_yaxes(range=_range(accuracies, float_score, limit), ticksuffix=" %" if scale == 100 else "")
    costs = [point["cost"] for point in (*chosen, *search["uniform"])]
    figure.update_xaxes(range=[0.97 * min(costs), 1.03 * max(costs)])


def _hover(point: dict[str, Any], search: dict[str, Any]) -> str:
    widths = [
        f"{name}: {bits.get('weight', '-')}/{bits.get('activation', '-')} {bits.get('rounding', '')}".rstrip()
        for name, bits in point["precision"]["layers"].items()
    ]
    quality = text.score(point["accuracy"], search["metric"])
    lost = text.drop(search["float_accuracy"] - point["accuracy"], search["metric"])
    head = f"<b>{search['objective']} {text.count(point['cost'])}, {quality}</b>, drop {lost}"
    return "<br>".join([head, *widths])


def _range(front: list[float], float_score: float, limit: float) -> list[float]:
    """What the accuracy axis shows: around what is allowed; the worst combinations are near chance and would
    squeeze the rest."""
    high = max(*front, float_score)
    low = max(min(*front, limit), limit - 4 * max(high - limit, 1e-9))
    low = min(low, limit)
    margin = 0.08 * (high - low) or 1.0
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
