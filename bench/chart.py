#!/usr/bin/env python3
"""Draws a bench run: the fraction of the FMA peak of every problem, beside the peers.

usage: chart.py RUN.json [-o FILE.svg]

RUN.json is what nestjit-bench --json wrote. Two pictures are made, for light pages (FILE.svg) and
for dark ones (FILE-dark.svg).
"""
import argparse
import json
import pathlib
import sys
import textwrap

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  (after the choice of a back end)

OPERATION = "conv_transpose1d "
WIDTH = 9.6              # inches; 72 points each
ROW = 0.205              # inches a problem
ABOVE, AXIS = 0.5, 0.55  # inches for the legend, and for the numbers below the rows
CAPTION_LINE = 0.145     # inches
LIST_GAP = 1.5           # rows between two lists
MARKERS = ["D", "s", "^", "v", "P"]  # of the peers, in their order

# Colours that stay apart for colour-blind eyes (after Okabe and Ito), tuned to each background.
THEMES = {
    "light": {"page": "#ffffff", "ink": "#1f2328", "faint": "#59636e", "grid": "#d8dee4",
              "band": "#f3f6f9", "ours": "#0a5fb4",
              "peers": ["#d97706", "#b0478f", "#0f8a68", "#8a6d00", "#5b5bd6"]},
    "dark": {"page": "#0d1117", "ink": "#e6edf3", "faint": "#9198a1", "grid": "#30363d",
             "band": "#151b23", "ours": "#58a6ff",
             "peers": ["#f0a33a", "#e08bc7", "#3fc79a", "#d6b93c", "#a5a5ff"]},
}


def fail(text):
    print(f"chart: {text}", file=sys.stderr)
    sys.exit(2)


def read_run(path):
    try:
        run = json.loads(pathlib.Path(path).read_text())
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except ValueError as error:
        fail(f"{path}: not JSON: {error}")
    if not isinstance(run, dict) or "context" not in run or not run.get("results"):
        fail(f"{path}: no results of nestjit-bench --json in it")
    if run["context"]["compile_only"]:
        fail(f"{path}: a run of compiles only; there are no rates to draw")
    return run


def rows_of(results):
    """(y, result) from the top down, and the y of each list's heading."""
    rows, headings, y, previous = [], [], 0.0, None
    for result in results:
        if result["list"] != previous:
            y += LIST_GAP if rows else 0
            headings.append((y - 0.95, result["list"] or "problems"))
            previous = result["list"]
        rows.append((y, result))
        y += 1
    return rows, headings


def fraction_of(result, peer):
    """Percent of the peak; of one of the peers, or ours (None). None where there is no figure."""
    if peer is None:
        return 100 * result["peak_fraction"]
    for entry in result["peers"]:
        if entry["name"] == peer and "peak_fraction" in entry:
            return 100 * entry["peak_fraction"]
    return None


def draw_points(axes, rows, context, theme):
    for y, result in rows:
        values = [fraction_of(result, peer) for peer in [None, *context["peers"]]]
        known = [v for v in values if v is not None]
        axes.plot([min(known), max(known)], [y, y], color=theme["grid"], lw=2.2, zorder=2,
                  solid_capstyle="round")
    for index, peer in enumerate(context["peers"]):
        points = [(fraction_of(r, peer), y) for y, r in rows if fraction_of(r, peer) is not None]
        axes.scatter(*zip(*points), s=22, marker=MARKERS[index % len(MARKERS)], zorder=3,
                     color=theme["peers"][index % len(theme["peers"])], linewidths=0, label=peer,
                     clip_on=False)
    axes.scatter([fraction_of(r, None) for _, r in rows], [y for y, _ in rows], s=46, marker="o",
                 color=theme["ours"], edgecolors=theme["page"], linewidths=0.7, zorder=4,
                 label="nestjit")


def draw_labels(axes, rows, headings, theme):
    for y, result in rows:
        name = result["problem"].removeprefix(OPERATION)
        axes.text(-1.5, y, name, ha="right", va="center", family="monospace", fontsize=7.6,
                  color=theme["ink"] if result["compute_bound"] else theme["faint"])
        axes.text(110.5, y, f"{result['median_ms']:.3g}", ha="right", va="center", fontsize=7.6,
                  color=theme["faint"])
        axes.text(122, y, f"{result['memory']['times_memory']:.1f}", ha="right", va="center",
                  fontsize=7.6,
                  color=theme["faint"] if result["compute_bound"] else theme["ink"])
    for y, heading in headings:
        axes.text(-1.5, y, f"{heading}: {OPERATION}...", ha="right", va="center", fontsize=8.2,
                  fontweight="bold", color=theme["ink"])
    top = headings[0][0]
    axes.text(110.5, top, "ms", ha="right", va="center", fontsize=7.6, color=theme["faint"])
    axes.text(122, top, "× memory", ha="right", va="center", fontsize=7.6, color=theme["ink"])


def style(axes, rows, context, theme):
    axes.set_xlim(0, 102)
    axes.set_ylim(rows[-1][0] + 0.8, -1.6)
    axes.set_xticks(range(0, 101, 10))
    axes.set_yticks([])
    axes.tick_params(colors=theme["faint"], labelsize=8, length=0)
    axes.tick_params(top=False, labeltop=False)
    for edge in axes.spines.values():
        edge.set_visible(False)
    axes.grid(axis="x", color=theme["grid"], lw=0.6, zorder=0)
    for index, (y, _) in enumerate(rows):
        if index % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color=theme["band"], zorder=0, lw=0)
    threads = f"{context['threads']} thread" + ("s" if context["threads"] > 1 else "")
    axes.set_xlabel("rate, in percent of the FMA peak measured in the same rounds "
                    f"({threads}, f32)",
                    color=theme["ink"], fontsize=8.6, labelpad=5)


def caption_of(context):
    peers = "; ".join(context["peer_versions"])
    lines = [f"{context['machine']}, {context['cores']} cores, {context['caches']}; "
             f"target {context['target']}; {context['date']} UTC",
             f"nestjit {context['nestjit']}, LLVM {context['llvm']}; weights packed beforehand; "
             f"median of up to {context['rounds']} interleaved rounds"]
    if peers:
        lines.append(peers)
    lines.append("× memory: time over that of a loop that only moves the needed bytes; grey: at "
                 "most 40 positions, fewer than 8 output channels or depthwise, not in the means")
    return lines


def wrapped(lines, width=140):
    return "\n".join(part for line in lines for part in textwrap.wrap(line, width))


def draw(run, theme, path):
    # The same run gives the same bytes; glyphs as outlines look the same on every page.
    pyplot.rcParams.update({"svg.hashsalt": "nestjit", "svg.fonttype": "path"})
    context = run["context"]
    rows, headings = rows_of(run["results"])
    caption = wrapped(caption_of(context))
    below = AXIS + CAPTION_LINE * (caption.count("\n") + 1)
    height = ABOVE + ROW * (rows[-1][0] + 2.4) + below
    figure = pyplot.figure(figsize=(WIDTH, height), facecolor=theme["page"])
    axes = figure.add_axes([0.315, below / height, 0.565, 1 - (ABOVE + below) / height],
                           facecolor=theme["page"])
    style(axes, rows, context, theme)
    draw_points(axes, rows, context, theme)
    draw_labels(axes, rows, headings, theme)
    handles, labels = axes.get_legend_handles_labels()
    order = [len(handles) - 1, *range(len(handles) - 1)]
    figure.legend([handles[i] for i in order], [labels[i] for i in order], loc="upper center",
                  bbox_to_anchor=(0.5975, 1 - 0.08 / height), ncol=len(handles), frameon=False,
                  fontsize=9, labelcolor=theme["ink"], handletextpad=0.1, columnspacing=1.6)
    figure.text(0.02, 0.06 / height, caption, fontsize=7.2, va="bottom",
                color=theme["faint"], linespacing=1.45)
    try:
        figure.savefig(path, facecolor=theme["page"], metadata={"Date": None})
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    pyplot.close(figure)
    print(f"chart: wrote {path}")


def main():
    parser = argparse.ArgumentParser(prog="chart", description=__doc__.splitlines()[0])
    parser.add_argument("run", help="what nestjit-bench --json wrote")
    parser.add_argument("-o", "--output", default="bench.svg", help="the light picture")
    arguments = parser.parse_args()
    run = read_run(arguments.run)
    light = pathlib.Path(arguments.output)
    draw(run, THEMES["light"], light)
    draw(run, THEMES["dark"], light.with_name(light.stem + "-dark" + light.suffix))


if __name__ == "__main__":
    main()
