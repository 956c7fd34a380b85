#!/usr/bin/env python3
"""tests/fragments.py: comments and texts are sentences.

No pattern finds every fragment.  These are found:
  - a sentence of a comment or text that begins with a bare "Of", "Who", "Whose",
    "One that" or "But for"; in comments of C++ one that begins with "What", too: the noun
    it stands for is the better word.  Questions may begin so;
  - a few turns of phrase that have to be read twice, in code as well, where
    messages are.
"""

import pathlib
import re
import sys

SKIPPED = re.compile(r"tests/(fuzz/corpus|data)/|\.(svg|pyc)$|tests/fragments\.py$")
PHRASES = re.compile(
    r"\b([Bb]ut for (?!the first time)|[Ii]s no deptyr|[Ii]t takes Linux|"
    r"one word too many|nobody is meant|find back by|leave[sd]? (\w+ )+away\b)")
SENTENCE = re.compile(r"[^.:;!?]+(?:[.:;!?](?!\s|$)[^.:;!?]*)*[.:;!?]?")


def comments(path, lines):
    """(first line, text) of every block of comment or paragraph of prose."""
    kind = path.suffix
    if kind in (".cc", ".h"):
        mark = re.compile(r"^\s*//( |$)|(?<=[;{,)] ) *// ")
    elif kind in (".md", ".1"):
        mark = re.compile("^(?![.|#`])")
    else:
        mark = re.compile(r"^\s*#( |$)")
    block, begin = [], 0
    for number, line in enumerate([*lines, ""], 1):
        match = mark.search(line)
        text = line[match.end():] if match else ""
        trails = match and line[:match.start()].strip()
        indented = text.startswith("  ")        # an example or a table
        if block and (not text.strip() or trails or indented):
            yield begin, " ".join(block)
            block = []
        if not text.strip() or indented:
            continue
        if not block:
            begin = number
        block.append(text.strip())
        if trails:
            yield begin, " ".join(block)
            block = []


def fragments(path):
    lines = path.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if PHRASES.search(line):
            yield number, line.strip()
    bare = "Of|Who|Whose" + ("|What" if path.suffix in (".cc", ".h") else "")
    bare = re.compile(rf"({bare}|One that|But for) (?!the \d)[a-z`\"]")
    for number, text in comments(path, lines):
        for sentence in SENTENCE.findall(text):
            sentence = sentence.strip()
            if bare.match(sentence) and not sentence.endswith("?"):
                yield number, sentence


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    files = [root / "README.md"]
    for folder in ("cmd", "lib", "docs", "s6", "systemd", "tests"):
        files += sorted((root / folder).rglob("*"))
    found = False
    for path in files:
        name = str(path.relative_to(root))
        if SKIPPED.search(name) or not path.is_file():
            continue
        for number, text in sorted(fragments(path)):
            print(f"{name}:{number}: {text}")
            found = True
    sys.exit(found)


main()
