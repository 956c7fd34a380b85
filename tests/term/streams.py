"""Streams for the differential test: cut into tokens, and made at random.

A token is a character, a control, or a whole escape sequence, as bytes.  One
more sequence isn't for the terminal: CSI 8 ; ROWS ; COLS t stands for a change of
its size there.
"""

import random
import re

TOKEN = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"                     # CSI
    rb"|\x1b[\]P_^X](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\)"     # OSC, DCS, APC, PM, SOS
    rb"|\x1b[ -/]+[0-~]|\x1b[0-~]"
    rb"|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}"
    rb"|.", re.DOTALL)

CSI_NAMES = {
    "@": "ICH", "A": "CUU", "B": "CUD", "C": "CUF", "D": "CUB", "E": "CNL", "F": "CPL", "G": "CHA", "H": "CUP",
    "I": "CHT", "J": "ED", "K": "EL", "L": "IL", "M": "DL", "P": "DCH", "S": "SU", "T": "SD", "X": "ECH",
    "Z": "CBT", "`": "HPA", "a": "HPR", "b": "REP", "d": "VPA", "e": "VPR", "f": "HVP", "g": "TBC", "m": "SGR",
    "r": "DECSTBM", "s": "SCOSC", "u": "SCORC", "h": "SM", "l": "RM", "?J": "DECSED", "?K": "DECSEL", "!p": "DECSTR",
    '"q': "DECSCA", "$z": "DECERA", "$x": "DECFRA", "$v": "DECCRA", "$r": "DECCARA", "$t": "DECRARA", "${": "DECSERA",
    "*x": "DECSACE", "'}": "DECIC", "'~": "DECDC", " @": "SL", " A": "SR", "#{": "XTPUSHSGR", "#}": "XTPOPSGR",
    "?s": "XTSAVE", "?r": "XTRESTORE", " q": "DECSCUSR", "n": "DSR", "c": "DA"}
ESC_NAMES = {"7": "DECSC", "8": "DECRC", "D": "IND", "E": "NEL", "H": "HTS", "M": "RI", "c": "RIS", "#8": "DECALN",
             "6": "DECBI", "9": "DECFI", "V": "SPA", "W": "EPA", "n": "LS2", "o": "LS3", "N": "SS2", "O": "SS3"}
CONTROLS = {"\b": "BS", "\t": "HT", "\n": "LF", "\v": "VT", "\f": "FF", "\r": "CR", "\x0e": "SO", "\x0f": "SI",
            "\x07": "BEL", "\0": "NUL", "\x05": "ENQ", "\x7f": "DEL", "\x18": "CAN", "\x1a": "SUB"}


def tokens(stream):
    return TOKEN.findall(stream)


RESIZE = re.compile(rb"\x1b\[8;(\d+);(\d+)t")


def split_resizes(stream):
    """The stream without its changes of size, and these as (offset, rows, cols)."""
    resizes, written, at = [], b"", 0
    for match in RESIZE.finditer(stream):
        written += stream[at:match.start()]
        at = match.end()
        resizes.append((len(written), int(match[1]), int(match[2])))
    return written + stream[at:], resizes


def kind(token):
    """What a token is, as one word: text, wide, mark, SGR, DECSET-6."""
    said = token.decode("utf-8", "replace")
    if RESIZE.fullmatch(token):
        return "resize"
    csi = re.fullmatch(r"\x1b\[([<-?]?)([\d;:]*)([ -/]*)(.)", said, re.DOTALL)
    if csi:
        prefix, parameters, between, final = csi.groups()
        if prefix == "?" and final in "hl" and not between:
            return ("DECSET-" if final == "h" else "DECRST-") + parameters
        if not prefix and final in "hl":
            return CSI_NAMES[final] + "-" + parameters
        if final == "m" and ":" in parameters:
            return "SGR-colon"
        name = CSI_NAMES.get(prefix + between + final, "CSI" + prefix + between + final)
        return name + parameters if name in ("ED", "EL") else name
    if said[0] == "\x1b":
        return ESC_NAMES.get(said[1:], "SCS" if said[1:2] in tuple("()*+") else "ESC" + said[1:2])
    if said in CONTROLS:
        return CONTROLS[said]
    if len(token) == 1:
        return "text" if " " <= said <= "~" else "byte"
    if said in WIDE:
        return "wide"
    if said in MARKS:
        return "mark"
    return "unicode"


WIDE = "漢字語한😀🚀"
MARKS = "\u0301\u0308\u0323"

# Those that tmux 3.3a doesn't know: it ignores them, and comparing says nothing.
TMUX_LACKS = re.compile(
    r"DECSET-(45|69|47|1047|1048|5|4;20)|DECRST-(45|69|47|1047|1048|5)|DECERA|DECFRA|DECCRA|DECCARA|DECRARA|DECSERA|"
    r"DECSACE|DECIC|DECDC|SL|SR|DECFI|DECBI|DECSED|DECSEL|DECSCA|SPA|EPA|XT.*|SM-20|RM-20|LS2|LS3|SS2|SS3|HPR|VPR|CHT|"
    r"SCS.*")


class Grammar:
    """Makes streams: sizes and numbers are mostly small, so that things meet."""

    def __init__(self, seed, rows, cols):
        self.random = random.Random(seed)
        self.rows, self.cols = rows, cols
        r = self.random
        self.makers = [
            (30, self.text), (6, self.wide), (3, self.mark), (4, self.long_text),
            (6, lambda: r.choice([b"\r\n", b"\n", b"\r", b"\b", b"\t", b"\x0b"])),
            (8, self.position), (8, self.move), (8, self.erase), (6, self.insert_delete),
            (3, self.region), (2, self.margins), (6, self.sgr), (4, self.mode), (3, self.save),
            (2, self.screens), (2, lambda: r.choice([b"\x1bD", b"\x1bM", b"\x1bE"])),
            (2, self.scroll), (2, self.tabs), (2, self.rectangle), (2, self.protect), (2, self.repeat),
            (1, self.charset), (0.3, lambda: b"\x1b#8"), (0.3, lambda: b"\x1b[!p"), (0.1, lambda: b"\x1bc"),
            (1, self.columns), (0.5, lambda: r.choice([b"\x07", b"\0", b"\x7f", b"\x1b[6n", b"\x1b]0;title\x07"])),
        ]
        self.weights = [weight for weight, _ in self.makers]

    def stream(self, length):
        """A list of tokens."""
        made = b""
        for _ in range(length):
            made += self.random.choices(self.makers, self.weights)[0][1]()
        return tokens(made)

    def csi(self, final, *numbers):
        parameters = ";".join("" if n is None else str(n) for n in numbers)
        return f"\x1b[{parameters}{final}".encode()

    def few(self):
        return self.random.choice([None, None, 0, 1, 1, 2, 3, 99])

    def row(self):
        return self.random.choice([1, self.rows, self.rows + 1, *range(1, self.rows + 1)])

    def col(self):
        return self.random.choice([1, 2, self.cols - 1, self.cols, self.cols + 3, *range(1, self.cols + 1)])

    def text(self):
        return bytes(self.random.choice(b"abcdefghijklmnopqrstuvwxyz  ") for _ in range(self.random.randint(1, 4)))

    def long_text(self):
        return bytes(self.random.choice(b"ABCDEFGH ") for _ in range(self.random.randint(self.cols - 2, 2 * self.cols)))

    def wide(self):
        return self.random.choice(WIDE).encode() * self.random.randint(1, 2)

    def mark(self):
        return self.random.choice("aeo").encode() + self.random.choice(MARKS).encode()

    def position(self):
        return self.csi(self.random.choice("HHHf"), self.row(), self.col())

    def move(self):
        final = self.random.choice("ABCDEFG`adeIZ")
        return self.csi(final, self.col() if final in "G`" else self.row() if final == "d" else self.few())

    def erase(self):
        return self.random.choice([
            self.csi("K", self.random.choice([None, 0, 1, 2])), self.csi("J", self.random.choice([None, 0, 1, 2])),
            self.csi("X", self.few())])

    def insert_delete(self):
        return self.csi(self.random.choice("@PLM"), self.few())

    def region(self):
        return self.random.choice([
            self.csi("r", self.row(), self.row()), self.csi("r"),
            self.csi("r", self.random.randint(1, 2), self.random.randint(3, self.rows))])

    def margins(self):
        return self.random.choice([
            b"\x1b[?69h", b"\x1b[?69h" + self.csi("s", self.random.randint(1, self.cols // 2),
                                                 self.random.randint(self.cols // 2, self.cols)),
            self.csi("s", self.col(), self.col()), b"\x1b[?69l"])

    def sgr(self):
        r = self.random
        return self.csi("m", *r.choice([
            (), (0,), (1,), (3,), (4,), (7,), (22,), (24,), (27,), (31,), (44,), (39,), (49,), (1, 32), (95,), (103,),
            (38, 5, 200), (48, 5, 30), (38, 2, 1, 2, 3), (48, 2, 9, 8, 7), (2,), (9,), (5,)])) + r.choice(
                [b""] * 8 + [b"\x1b[#{", b"\x1b[1;30#{", b"\x1b[#}", b"\x1b[#}"])

    def mode(self):
        r = self.random
        return r.choice([b"\x1b[4", b"\x1b[4", b"\x1b[20", b"\x1b[?6", b"\x1b[?7", b"\x1b[?7", b"\x1b[?45", b"\x1b[?5",
                         b"\x1b[?25"]) + r.choice([b"h", b"l"])

    def save(self):
        return self.random.choice([b"\x1b7", b"\x1b8", b"\x1b[s", b"\x1b[u", b"\x1b[?1048h", b"\x1b[?1048l"])

    def screens(self):
        return self.random.choice([b"\x1b[?1049", b"\x1b[?1049", b"\x1b[?1047", b"\x1b[?47"]) + self.random.choice(
            [b"h", b"l"])

    def scroll(self):
        return self.csi(self.random.choice("ST"), self.random.choice([None, 0, 1, 2]))

    def tabs(self):
        return self.random.choice([b"\x1bH", b"\x1b[g", b"\x1b[3g", b"\t", b"\x1b[Z"])

    def area(self):
        r = self.random
        top, left = r.randint(1, self.rows), r.randint(1, self.cols)
        return top, left, r.randint(top, self.rows), r.randint(left, self.cols)

    def rectangle(self):
        r = self.random
        return r.choice([
            self.csi("$z", *self.area()), self.csi("$x", r.choice([88, 42, 233]), *self.area()),
            self.csi("$v", *self.area(), 1, self.row(), self.col(), 1), self.csi("${", *self.area()),
            self.csi("$r", *self.area(), r.choice([1, 4, 7, 0])), self.csi("$t", *self.area(), r.choice([1, 4, 7])),
            self.csi("*x", r.choice([1, 2]))])

    def protect(self):
        return self.random.choice([b'\x1b[1"q', b'\x1b[1"q', b'\x1b[0"q', b"\x1b[?K", b"\x1b[?1K", b"\x1b[?2K",
                                   b"\x1b[?J", b"\x1b[?1J", b"\x1b[?2J", b"\x1bV", b"\x1bW"])

    def repeat(self):
        return self.random.choice([b"", b"x", "漢".encode()]) + self.csi("b", self.random.choice([None, 1, 2, 7]))

    def charset(self):
        return self.random.choice([b"\x1b(0", b"\x1b(B", b"\x1b(B", b"\x1b)0", b"\x0e", b"\x0f"])

    def columns(self):
        return self.random.choice([self.csi("'}", self.few()), self.csi("'~", self.few()), self.csi(" @", self.few()),
                                   self.csi(" A", self.few()), b"\x1b6", b"\x1b9"])


class ResizeGrammar(Grammar):
    """Lines, as shells and compilers write them, and changes of size."""

    def __init__(self, seed, rows, cols):
        super().__init__(seed, rows, cols)
        r = self.random
        self.makers = [
            (20, self.text), (10, self.long_text), (12, lambda: b"\r\n"), (2, self.wide), (2, self.sgr),
            (1, lambda: self.csi("K")), (1, lambda: self.csi("A", r.choice([None, 2]))), (1, self.position), (1, lambda: b"\r"),
            (6, lambda: self.csi("t", 8, r.choice([rows, rows, r.randint(2, 2 * rows)]), r.randint(4, 2 * cols))),
        ]
        self.weights = [weight for weight, _ in self.makers]
