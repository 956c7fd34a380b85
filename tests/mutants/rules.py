"""Makes small faults by rule: a condition is flipped, a comparison or a logical
operator is another one, a statement is dropped, a constant is one more.

  for mutant in mutants_of(Path('lib/session/ring.cc')): print(mutant)

Each changes one line."""

import re
from pathlib import Path
from typing import Iterator, NamedTuple

# Where a fault changes nothing that a test should see: declarations, what people
# read, room that is reserved.
LEFT_ALONE = re.compile(r'^\s*(//|#|\*|case |default:|using |namespace |public:|private:)|static_assert|Log\(|LogOf\(|'
                        r'StrCat|Error\(|FaultPoint|constexpr char|^\s*"|__|reserve\(|absl::(Format|StrAppend)')
COMPARISONS = {'==': '!=', '!=': '==', '<=': '<', '>=': '>', '&&': '||', '||': '&&'}
CONDITION = re.compile(r'^(\s*(?:\} else )?if \()((?:[^()]|\([^()]*\))*)(\).*)$')
# A call or an assignment that stands alone on its line, and declares nothing.
STATEMENT = re.compile(r'^\s+(?!return|break|continue|const |auto |static |using |goto |delete |throw |else|if|for|while|do\b)'
                       r'(?:[a-z_]+(?:\.|->)|\+\+|--|\*|\(void\))?[\w.>\[\]:()*-]+(?:\(.*\)| [-+|&^*]?= .*|\+\+|--)?;$')
DECLARATION = re.compile(r'^\s+(?:[\w:]+(?:<.*>)?[&*]?\s+)+[&*]?\w+(?:\[.*\])?(?:\{.*\}|\(.*\)| = .*)?;$')
NUMBER = re.compile(r'(?<![\w.\'"<])(\d+)(?![\w.\'">])')


class Generated(NamedTuple):
    file: Path
    line: int  # from 1 on
    kind: str
    text: str  # what the line becomes

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: {self.kind}: {(self.text or self.lines()[self.line - 1]).strip()}'

    def lines(self) -> list[str]:
        return self.file.read_text().splitlines(keepends=True)

    def changed(self) -> str:
        lines = self.lines()
        lines[self.line - 1] = self.text + '\n'
        return ''.join(lines)


def mutants_of(file: Path) -> Iterator[Generated]:
    for at, line in enumerate(file.read_text().splitlines(), 1):
        code = re.sub(r'\s*//.*', '', line)
        if not code.strip() or LEFT_ALONE.search(code):
            continue
        if found := CONDITION.match(code):
            yield Generated(file, at, 'flip', f'{found[1]}!({found[2]}){found[3]}')
        for found in re.finditer(r' (==|!=|<=|>=|&&|\|\|) ', code):
            yield Generated(file, at, 'compare', f'{code[:found.start(1)]}{COMPARISONS[found[1]]}{code[found.end(1):]}')
        if STATEMENT.match(code) and not DECLARATION.match(code):
            yield Generated(file, at, 'drop', '')
        for found in NUMBER.finditer(code):
            octal = len(found[1]) > 1 and found[1][0] == '0'
            more = f'0{int(found[1], 8) + 1:o}' if octal else int(found[1]) + 1
            if found[1] != '0' or 'return' in code or ' = ' in code:
                yield Generated(file, at, 'shift', f'{code[:found.start()]}{more}{code[found.end():]}')
