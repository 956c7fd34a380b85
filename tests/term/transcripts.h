// The output of programs and test suites (vttest) for a terminal of 24x80, by
// what it is about.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace deptyr {

struct Transcript {
  const char* name;
  std::string bytes;
};

inline void PrintTo(const Transcript& transcript, std::ostream* out) {
  *out << transcript.name;
}

inline std::string Repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// Lines "1 ...", "2 ..." that fill the screen, the cursor in the last one.
inline std::string Lines(int count) {
  std::string out;
  for (int i = 1; i <= count; ++i) {
    out += (i > 1 ? "\r\n" : "") + std::to_string(i) + " line";
  }
  return out;
}

inline std::vector<Transcript> Transcripts() {
  const std::string row(80, '*');
  return {
      {"nothing", ""},
      {"text", "hello\r\nworld"},
      {"scrolling", Lines(40)},
      {"index",
       "a\x1b\x44"
       "b\x1b\x45"
       "c\x1b[24;1H\x1b\x44"
       "d"},
      {"many characters", Repeated("é", 600)},
      {"backspace", "abc\b\bX\r\nxyz\b"},
      {"cursor", "\x1b[5;10Ha\x1b[2Ab\x1b[3Bc\x1b[4Cd\x1b[6De\x1b[Ef\x1b[2Fg"},
      {"cursor beyond", "\x1b[99;99Hx\x1b[99A\x1b[99Dy\x1b[0;0Hz"},
      {"columns, rows", "\x1b[20Ga\x1b[10db\x1b[5`c\x1b[3ed\x1b[2ae\x1b[9;9ff"},
      {"tabs", "a\tb\tc\x1b[2Id\x1b[Ze\x1b[3g\tf"},
      {"tab stops", "\x1b[3g\x1b[1;5H\x1bH\x1b[1;30H\x1bH\r\ta\tb\tc"},
      {"a tab stop less", "\x1b[1;9H\x1b[g\ra\tb"},
      {"erase in display", Lines(24) + "\x1b[10;4H\x1b[J\x1b[5;3H\x1b[1J"},
      {"erase in line",
       Lines(3) + "\x1b[2;4H\x1b[K\x1b[1;2H\x1b[1K\x1b[3;1H\x1b[2K"},
      {"erase in colour", "\x1b[44mab\x1b[K\r\n\x1b[7mcd\x1b[K\x1b[5;5H\x1b[J"},
      {"clear", Lines(9) + "\x1b[H\x1b[2J$ "},
      {"insert characters",
       "abcdef\x1b[3G\x1b[2@X\r\nabcdef\x1b[2G\x1b[2P\x1b[3X"},
      {"insert mode", "abcdef\x1b[3G\x1b[4hXY\x1b[4lZ"},
      {"in insert mode", "abcdef\x1b[3G\x1b[4hXY"},
      {"in insert mode, wide", "abcdef\x1b[3G\x1b[4h界X世"},
      {"insert lines", Lines(24) + "\x1b[5;3H\x1b[2L\x1b[10;1H\x1b[3M"},
      {"region", Lines(24) + "\x1b[5;10r\x1b[10;1Ha\nb\nc\x1b[5;1H\x1bMd"},
      {"region of the rest", "\x1b[5r" + Lines(30)},
      {"region scrolled", Lines(24) + "\x1b[3;20r\x1b[2S\x1b[5;1H\x1b[T"},
      {"origin", "\x1b[5;10r\x1b[?6h\x1b[2;3Ha\x1b[99;1Hb"},
      {"origin left", "\x1b[5;10r\x1b[?6h\x1b[2;3Ha\x1b[?6lb\x1b[rc"},
      {"wrap", row + "x\r\n" + row},
      {"about to wrap", row},
      {"about to wrap in colour", "\x1b[42m" + row + "\x1b[41m"},
      {"about to wrap at the end", "\x1b[24;1H" + row},
      {"about to wrap, back", row + "\b"},
      {"about to wrap, wide", row.substr(2) + "界"},
      {"about to wrap, combining", row + "\xcc\x81\xcc\xa3"},
      {"about to wrap, origin", "\x1b[3;5r\x1b[?6h" + row},
      {"about to wrap, no more", row + "\x1b[?7l"},
      {"about to wrap, saved", row + "\x1b\x37\x1b[5;5Hx"},
      {"about to wrap, wide, saved", row.substr(2) + "界\x1b\x37\x1b[5;5Hx"},
      {"about to wrap, other characters", Repeated("q", 80) + "\x1b(0"},
      {"about to wrap, inserting", row + "\x1b[4h"},
      {"no autowrap", "\x1b[?7l" + row + "xyz"},
      {"no autowrap, back on", "\x1b[?7l" + row + "xyz\x1b[?7h"},
      {"wide wraps", row.substr(1) + "界x"},
      {"wide", "世界 한국 ﾊﾝｶｸ\r\n日本語\x1b[2;1Hx\x1b[2;4Hy"},
      {"combining",
       "e\xcc\x81o\xcc\x88 \xe0\xb8\x81\xe0\xb8\xb4\x1b[1;1H\xcc\x82"},
      {"combining, many", "e" + Repeated("\xcc\x81", 10) + "x"},
      {"combining, after a move", "abc\x1b[1;2H\xcc\x81"},
      {"emoji", "a\xf0\x9f\x98\x80z"},
      {"invalid", "a\xff\xc3z\xe2\x82\xed\xa0\x80\xf5\xc2\x85."},
      {"line drawing", "\x1b(0lqqk\x1b(B\r\nx\x1b)0\x0eqx\x0fq"},
      {"in line drawing", "\x1b)0\x0eqé"},
      {"single shifts",
       "\x1b*0\x1b+A\x1bNqq\x1bO##\x1bN界q\x1bN\nq\x1bN\x1b[1mq"},
      {"national", "\x1b(A#\x1b(B#"},
      {"repeat", "-\x1b[10b界\x1b[3bx\x1b[999b"},
      {"SGR",
       "\x1b[1;4;31mab\x1b[22;24mcd\x1b[2;3;5;7;8;9;53mef\x1b[0;97;104mgh"},
      {"SGR, other lines", "\x1b[4:3ma\x1b[4:2mb\x1b[21mc\x1b[4:0md\x1b[4:5me"},
      {"SGR, dim", "\x1b[2ma\x1b[31mb\x1b[1mc\x1b[22md\x1b[6me"},
      {"SGR 256", "\x1b[38;5;208;48;5;17ma\x1b[38:5:3mb\x1b[39mc\x1b[38;5md"},
      {"SGR 24 bits",
       "\x1b[38;2;1;2;3;48;2;255;254;253ma\x1b[38:2::9:8:7mb"
       "\x1b[58;2;1;2;3mc\x1b[58:5:9md\x1b[48:2:4:5:6me"},
      {"SGR, the pen", "a\x1b[1;35;48;5;99m"},
      {"SGR, many", "\x1b[" + Repeated("1;", 100) + "31mx\x1b[38m\x1b[48;2my"},
      {"SGR, unknown", "\x1b[31ma\x1b[10;66mb\x1b[38:6:1mc\x1b[38;3md"},
      {"styles put aside",
       "\x1b[1;4:3;31m\x1b[#{\x1b[0;32ma\x1b[4;31#{\x1b[44mb\x1b[#}c\x1b[#}d"
       "\x1b[#}e\x1b[3m\x1b[30;99#p\x1b[m\x1b[#{"},
      {"styles put aside, many", Repeated("\x1b[7m\x1b[#{\x1b[m", 12)},
      {"saved cursor", "\x1b[3;4H\x1b[31m\x1b\x37\x1b[9;9H\x1b[mabc\x1b\x38x"},
      {"a saved cursor",
       "\x1b[3;4H\x1b[31m\x1b(0\x1b\x37\x1b(B\x1b[9;9H\x1b[mabc"},
      {"a saved cursor, origin", "\x1b[3;9r\x1b[?6h\x1b[2;2H\x1b[s\x1b[?6lx"},
      {"saved cursor 1048",
       "\x1b[3;4H\x1b(0\x1b[?1048h\x1b(B\x1b[9;9Habc\x1b[?1048lq"},
      {"restored, never saved", "\x1b[5;5H\x1b[1mx\x1b[u."},
      {"alternate", "shell$ vi\r\n\x1b[?1049h\x1b[H\x1b[2Jvi\x1b[24;1H~"},
      {"alternate left", "shell$ vi\r\n\x1b[?1049h\x1b[2Jvi\x1b[?1049l$ "},
      {"alternate 47", "\x1b[32mshell\x1b[?47h\x1b[5;5Hx"},
      {"alternate 1047", "shell\x1b[?1047h\x1b[5;5Hx\x1b\x37\x1b[7;7H"},
      {"alternate 47 left", "shell\x1b[?47h\x1b[5;5Hx\x1b[?47ly"},
      {"alternate, all on", row +
                                "\x1b[31m\x1b[?1049h\x1b[3;9r\x1b[?6h\x1b[4h"
                                "\x1b[20h\x1b[?7l\x1b[?25l\x1b)0\x0e\x1b[?5h" +
                                row},
      {"alternate, about to wrap no more", "\x1b[?1049h" + row + "\x1b[?7l"},
      {"alternate twice", "a\x1b[?1049hb\x1b[?1049hc"},
      {"RIS", "\x1b[31m\x1b[5;9r\x1b[?1049h\x1b[?25lx\x1b\x63y"},
      {"DECSTR", "\x1b[31m\x1b[5;9r\x1b[?6h\x1b[4h\x1b(0x\x1b[!py"},
      {"DECALN", "\x1b[5;9r\x1b[31m\x1b#8\x1b[3;3Hx"},
      {"modes",
       "\x1b[?1h\x1b=\x1b[?1000;1006;2004;1004h\x1b[5 q\x1b[?25l"
       "\x1b[20h\x1b]0;title\x07\x1b[>4;2m\x1b[>1u\x1b[?12hx\n"},
      {"strings",
       "a\x1b]8;;http://x\x1b\\b\x1bPq#0~\x1b\\c\x1b_Gx\x1b\\d\x1b^x\x1b\\e"
       "\x1bXx\x1b\\f\x1b]52;c;eA==\x07g"},
      {"aborted",
       "a\x1b[3\x18"
       "b\x1b]0;x\x1a"
       "c\x1b[1\x1b[31md\x1b]2;y\x1b[32me"},
      {"controls inside", "a\x1b[\r3\n1mb\x1b[2\b;3Hc"},
      {"unknown",
       "a\x1b[99z\x1b[?99h\x1b[<1x\x1b[1$q\x1b%Gb\x1b[1:2:3Hc\x1b[?6n\x1b#3d"},
      {"malformed", "a\x1b[1?25lb\x1b[??25lc\x1b[!!pd"},
      {"nearly known",
       "\x1b[9;9Ha\x1b[1;2s\x1b[3;3H\x1b[1;2ub\x1b[1;1;1;1;1Tc\x1b[7h\x1b[1g"
       "\x1b[2 p\x1b[!q\x1b[>1p\x1b[>2;1m\x1b]\x07\x1b]2x\x07."},
      {"selective erasure", "abc\r\ndef\b\x1b[?K\x1b[1;2H\x1b[?1K\x1b[3;1Hx"},
      {"regions that are none", "\x1b[5;5ra\x1b[9;3rb\x1b[20;99rc\n\x1b[9;9Hd"},
      {"wide, inserted at the edge",
       row + "\x1b[4h\x1b[1;80H世\x1b[2;79H世\x1b[3;1H" + row + "世"},
      {"huge numbers",
       "a\x1b[99999999999Cb\x1b[2147483648Ac\x1b[9999999X\x1b[99999L"},
  };
}

}  // namespace deptyr
