"""Draws docs/flow.svg, the README's picture: `python docs/draw_flow.py`."""

from pathlib import Path

WIDTH, BOX, GAP, HEIGHT = 980, 138, 28, 54
ROWS = (
    (
        "From a trained model to hardware",
        40,
        (
            ("model.onnx", "float or QDQ int8"),
            ("front end", "any layout"),
            ("integer graph", "NumPy reference"),
            ("plan", "folding, exact cycles"),
            ("Amaranth", "layers as components"),
            ("Verilog", "core, shell, scripts"),
        ),
    ),
    (
        "One layer, a machine of its own",
        180,
        (
            ("AXI4-Stream in", "pixels, NHWC"),
            ("line buffer", "rows, padding, steps"),
            ("DSP48E2 chains", "2 products a slice"),
            ("serializer", "PE sums → lanes"),
            ("requantizer", "half to even, clip"),
            ("queue", "AXI4-Stream out"),
        ),
    ),
)


def text(x: float, y: float, words: str, size: int, weight: str = "normal", fill: str = "#222") -> str:
    anchor = "middle" if x > 20 else "start"
    style = f'font-family="sans-serif" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    return f'<text x="{x}" y="{y}" {style}>{words}</text>'


def draw() -> str:
    """The SVG text."""
    parts = [
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for title, top, boxes in ROWS:
        parts.append(text(15, top - 12, title, 14, "bold"))
        for n, (name, detail) in enumerate(boxes):
            x = 15 + n * (BOX + GAP - 4)
            fill = "#e3eefb" if top < 100 else "#e9f6e6"
            parts.append(
                f'<rect x="{x}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="6" fill="{fill}" stroke="#567"/>'
            )
            parts.append(text(x + BOX / 2, top + 23, name, 14, "bold"))
            parts.append(text(x + BOX / 2, top + 42, detail, 11, fill="#555"))
            if n:
                y = top + HEIGHT / 2
                parts.append(
                    f'<line x1="{x - GAP + 5}" y1="{y}" x2="{x - 2}" y2="{y}" stroke="#444" marker-end="url(#a)"/>'
                )
    x = 15 + (BOX + GAP - 4) * 5 + BOX / 2
    low, back = 180 + HEIGHT, 15 + (BOX + GAP - 4) + BOX / 2
    parts.append(
        f'<path d="M{x} {low}v22H{back}v-20" fill="none" stroke="#a33" stroke-dasharray="5 3" marker-end="url(#a)"/>'
    )
    parts.append(
        text(
            (x + back) / 2,
            low + 38,
            "credits: a pass starts only when the queue has room for its results",
            11,
            fill="#a33",
        )
    )
    body = "\n".join(parts)
    size = f'viewBox="0 0 {WIDTH} 290" width="{WIDTH}" height="290"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{body}\n</svg>\n'


if __name__ == "__main__":
    Path(__file__).with_name("flow.svg").write_text(draw())
