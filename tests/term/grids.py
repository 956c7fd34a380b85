"""What a screen shows, as the differential test compares it.

A screen is a dictionary, as screen_dump prints it:

  rows, cols  its size
  cells       for each row a list of cells: [text, width, style].  The text is a
              character with its marks, "" if the cell was erased or is the
              right half of a wide character, whose width is 0.  The style is
              the parameters of an SGR sequence in one fixed order:
              "1;3;38:5;9;48:2:1:2:3".
  wrapped     for each row whether it goes on in the next; None if unknown
  cursor      [row, column, whether the next character wraps]
  modes       a dictionary of numbers or booleans

The files in recordings/ hold the same with less to read: see dumps() and
loads().
"""

import json
import re

# The order of the attributes in a style.
ATTRIBUTES = {
    "bold": "1", "dim": "2", "italic": "3", "underline": "4", "double": "4:2", "curly": "4:3",
    "dotted": "4:4", "dashed": "4:5", "blink": "5", "reverse": "7", "conceal": "8", "strike": "9",
    "overline": "53"}
NUMBERS = list(ATTRIBUTES.values())
# The modes that recordings/*.xterm have: those that are on.
KEPT_MODES = ("?5", "?6", "?7", "?25", "?45", "?47", "?69", "4", "20")
LINES = ("4", "4:2", "4:3", "4:4", "4:5")
OFF = {"22": ("1", "2"), "23": ("3",), "24": LINES, "25": ("5",), "27": ("7",), "28": ("8",), "29": ("9",),
       "55": ("53",)}


def style(attributes, fg="", bg=""):
    """`attributes` are numbers of ATTRIBUTES; colours are "", "12" or "1:2:3" (red, green, blue)."""
    said = [number for number in NUMBERS if number in attributes]
    for code, color in (("38", fg), ("48", bg)):
        if color:
            said.append(f"{code}:{'2' if ':' in color else '5'}:{color}")
    return ";".join(said)


def parse_sgr(parameters):
    """The style that the parameters of one SGR sequence turn the usual style into."""
    attributes, colors = set(), {"38": "", "48": ""}
    fields = parameters.split(";")
    while fields:
        field = fields.pop(0)
        number, *rest = field.split(":")
        if number in ("", "0"):
            attributes, colors = set(), {"38": "", "48": ""}
        elif number in colors:
            if not rest:
                kind = fields.pop(0)
                rest = [kind] + [fields.pop(0) for _ in range(1 if kind == "5" else 3)]
            colors[number] = rest[1] if rest[0] == "5" else ":".join(rest[-3:])
        elif number == "58":                    # an underline's colour
            if not rest:
                del fields[:2 if fields[0] == "5" else 4]
        elif number == "21":
            attributes.add("4:2")
        elif number in ("39", "49"):
            colors["38" if number == "39" else "48"] = ""
        elif number in OFF:
            attributes -= set(OFF[number])
        elif number == "4":
            attributes.add("4" if rest in ([], ["1"]) else field)
        elif number in NUMBERS:
            attributes.add(number)
        elif re.fullmatch("3[0-7]|4[0-7]|9[0-7]|10[0-7]", number):
            base = int(number)
            colors["48" if base // 10 in (4, 10) else "38"] = str(base % 10 + (8 if base >= 90 else 0))
    if "4:2" in attributes:
        attributes.discard("4")
    return style(attributes, colors["38"], colors["48"])


def visible_style(cell):
    """The style without what nobody sees in a blank."""
    text, _, said = cell
    if text not in ("", " ") or not said:
        return said
    parts = said.split(";")
    lines = [p for p in parts if p.split(":")[0] in ("4", "9", "53")]
    if not lines and "7" not in parts:
        parts = [p for p in parts if not p.startswith("38")]
    return ";".join(p for p in parts if p not in ("1", "2", "3", "5", "8"))


def from_dump(dumped):
    """A screen from what screen_dump prints."""
    cells = [[[cell["text"], cell["width"],
               style({ATTRIBUTES[name] for name in cell["attributes"]}, cell["fg"], cell["bg"])]
              for cell in row] for row in dumped["cells"]]
    return {**dumped, "cells": cells, "wrapped": dumped.get("wrapped")}


def dumps(screen):
    """Compact JSON, a line for a row: text (a list where a cell isn't one narrow character), the
    styles with their counts, and whether the row wraps."""
    lines = []
    for number, row in enumerate(screen["cells"]):
        row = [[text or (" " if width else ""), width, visible_style([text, width, said])]
               for text, width, said in row]
        while row and row[-1] == [" ", 1, ""]:
            row.pop()
        plain = all(width == 1 and len(text) == 1 for text, width, _ in row)
        text = "".join(cell[0] for cell in row) if plain else [
            cell[0] if cell[1] else None for cell in row]
        styles = []
        for _, _, said in row:
            if styles and styles[-1][1] == said:
                styles[-1][0] += 1
            else:
                styles.append([1, said])
        entry = [text, [] if styles and styles == [[len(row), ""]] else styles]
        if screen.get("wrapped") and screen["wrapped"][number]:
            entry.append("wraps")
        lines.append(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
    while lines and lines[-1] == '["",[]]':
        lines.pop()
    head = {key: screen[key] for key in ("name", "rows", "cols", "cursor") if key in screen}
    head["modes"] = [mode for mode in KEPT_MODES if screen["modes"].get(mode)]
    head = json.dumps(head, separators=(",", ":"))
    return "".join(line + "\n" for line in [head, *lines])


def width_of(cells, index):
    if cells[index] is None:
        return 0
    return 2 if index + 1 < len(cells) and cells[index + 1] is None else 1


def loads(text):
    head, *lines = text.rstrip("\n").split("\n")
    screen = json.loads(head)
    screen["modes"] = {mode: mode in screen["modes"] for mode in KEPT_MODES}
    screen["cells"], screen["wrapped"] = [], []
    for line in lines:
        text, styles, *wraps = json.loads(line)
        cells = list(text)
        said = [s for count, s in styles for _ in range(count)] or [""] * len(cells)
        row = [[cells[i] or "", width_of(cells, i), said[i]] for i in range(len(cells))]
        row += [[" ", 1, ""] for _ in range(screen["cols"] - len(row))]
        screen["cells"].append(row)
        screen["wrapped"].append(bool(wraps))
    for _ in range(screen["rows"] - len(lines)):
        screen["cells"].append([[" ", 1, ""] for _ in range(screen["cols"])])
        screen["wrapped"].append(False)
    return screen


def pictured(screen):
    """The rows as text, with marks for whoever reads a report."""
    rows = []
    for number, row in enumerate(screen["cells"]):
        text = "".join(text or (" " if width else "") for text, width, _ in row)
        wraps = screen.get("wrapped") and screen["wrapped"][number]
        rows.append("|" + text + ("|>" if wraps else "|"))
    row, col, pending = screen["cursor"]
    rows.append(f"cursor {row},{col}" + (" wraps" if pending else ""))
    return "\n".join(rows)


def escaped(stream):
    r"""Bytes as text: \e, \n and so on, UTF-8 as itself."""
    out = ""
    for c in stream.decode("utf-8", "backslashreplace"):
        if c == "\x1b":
            out += r"\e"
        elif c == "\\":
            out += "\\\\"
        elif c < " " or c == "\x7f":
            out += {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b"}.get(c, f"\\x{ord(c):02x}")
        else:
            out += c
    return out


ESCAPES = {"e": "\x1b", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a", "\\": "\\"}


def unescaped(text):
    r"""The bytes that text with \e, \n, \xNN, \uNNNN and so on stands for."""
    out = b""
    for part in re.findall(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\.|[^\\]+", text):
        if part.startswith(r"\x"):
            out += bytes([int(part[2:], 16)])
        elif part[:2] in (r"\u", r"\U"):
            out += chr(int(part[2:], 16)).encode("utf-8", "surrogatepass")
        elif part.startswith("\\"):
            out += ESCAPES[part[1]].encode()
        else:
            out += part.encode()
    return out


def brief(screen):
    """A small screen on one line: its rows up to the last that shows something, `>` after one that
    goes on in the next; the styles; the cursor."""
    rows, styles = [], []
    for number, row in enumerate(screen["cells"]):
        text = "".join(text or ("·" if width else "") for text, width, _ in row).rstrip("·")
        if screen.get("wrapped") and screen["wrapped"][number]:
            text += ">"
        rows.append(text)
        begin = 0
        for col in range(len(row) + 1):
            if col == len(row) or visible_style(row[col]) != visible_style(row[begin]):
                if visible_style(row[begin]):
                    styles.append(f"{number},{begin}-{col - 1} {visible_style(row[begin])}")
                begin = col
    while rows and not rows[-1]:
        rows.pop()
    row, col, pending = screen["cursor"]
    said = " ⏎ ".join(rows) + f" @{row},{col}" + ("w" if pending else "")
    return said + (" {" + "; ".join(styles) + "}" if styles else "")
