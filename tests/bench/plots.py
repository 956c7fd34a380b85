"""Draws plots as SVG without a library."""

import math

from scenarios import Bar

FONT = 'font-family="sans-serif" font-size="12"'
OURS, THEIRS, BARE = '#1f6fb4', '#9aa5b1', '#c0392b'
COLORS = ['#1f6fb4', '#c0392b', '#2e8b57', '#8e44ad']


def escape(text: str) -> str:
    return text.replace('&', '&amp;').replace('<', '&lt;')


def text(x: float, y: float, words: str, anchor: str = 'start', color: str = '#222') -> str:
    # With a rim of white: lines cross it.
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{color}" '
            f'stroke="white" stroke-width="3" paint-order="stroke" {FONT}>'
            f'{escape(words)}</text>')


def line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{color}"/>')


def picture(width: int, height: int, parts: list[str]) -> str:
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" fill="white"/>', *parts, '</svg>', ''])


def bars(of: list[Bar]) -> str:
    """Plots deptyr and the best peer as multiples of the bare loop."""
    left, width, row = 370, 940, 46
    top = max([1.0, *(max(bar.deptyr, bar.best) for bar in of)])
    scale = (width - left - 170) / top
    parts = [text(10, 20, 'Times the bare loop (the red line); longer is better')]
    y = 40
    for bar in of:
        parts += [line(left + scale, y - 6, left + scale, y + row, BARE),
                  text(left - 8, y + 20, bar.scenario, 'end')]
        rows = [(bar.deptyr, 'deptyr', OURS)]
        if bar.best_name:
            rows.append((bar.best, bar.best_name, THEIRS))
        for i, (value, name, color) in enumerate(rows):
            parts.append(f'<rect x="{left}" y="{y + i * 18}" width="{value * scale:.1f}" '
                         f'height="15" fill="{color}"/>')
            parts.append(text(left + value * scale + 6, y + 12 + i * 18, f'{value:.2f} {name}'))
        y += row
    return picture(width, y + 10, parts)


def growth(of: dict[str, dict[str, list[tuple[int, float]]]]) -> str:
    """Plots costs as multiples of their first point; a flat line is best."""
    width, height, gap = 470, 300, 50
    parts = []
    for i, (what, series) in enumerate(of.items()):
        x0, y0, plot_width, plot_height = i * width + gap, 40, width - gap - 40, height - 90
        most = max((points[0][0] for values in series.values()
                    for points in [values[-1:]] if points), default=1)
        ratios = {name: [(n, value / values[0][1]) for n, value in values]
                  for name, values in series.items() if values and values[0][1]}
        top = max([2.0, *(value for values in ratios.values() for _, value in values)])

        def x(n: int, x0: int = x0, most: int = most, plot_width: int = plot_width) -> float:
            return x0 + math.log10(n) / max(math.log10(most), 1e-9) * plot_width

        def y(value: float, y0: int = y0, top: float = top, plot_height: int = plot_height) -> float:
            return y0 + plot_height * (1 - value / top)
        parts += [text(x0, 20, f'Cost by number of {what}, times that of one'),
                  line(x0, y0 + plot_height, x0 + plot_width, y0 + plot_height, '#222'),
                  line(x0, y0, x0, y0 + plot_height, '#222'),
                  text(x0 - 6, y(top) + 4, f'{top:.1f}', 'end'), text(x0 - 6, y(1) + 4, '1', 'end'),
                  line(x0, y(1), x0 + plot_width, y(1), '#ddd')]
        numbers = sorted({n for values in ratios.values() for n, _ in values})
        parts += [text(x(n), y0 + plot_height + 16, f'{n:,}', 'middle') for n in numbers]
        for j, (name, values) in enumerate(ratios.items()):
            points = ' '.join(f'{x(n):.1f},{y(value):.1f}' for n, value in values)
            parts.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[j % 4]}" '
                         'stroke-width="2"/>')
            parts.append(text(x0 + (j % 2) * 200, y0 + plot_height + 34 + (j // 2) * 15, name,
                              color=COLORS[j % 4]))
    return picture(width * max(len(of), 1), height + 10, parts)
