// A uwsgi-framed client is understood however its bytes are cut into reads.

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>

#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Writes each input as one word, and keystrokes that follow each other as one.
class Meaning {
 public:
  void Feed(absl::string_view bytes) {
    while (const auto input = decoder_.Take(bytes)) Note(*input);
    EXPECT_TRUE(bytes.empty());
  }
  void GoOnInAnother() {
    const std::string pending = decoder_.Pending();
    decoder_ = FramedDecoder();
    const size_t before = words_.size();
    Feed(pending);
    // Another decoder reports once more a payload that is being skipped, and a
    // foreign packet.
    if (words_.size() > before && (words_.back() == "other 255" ||
                                   words_.back().starts_with("foreign"))) {
      words_.pop_back();
    }
  }
  const std::vector<std::string>& words() const { return words_; }

 private:
  void Note(const FramedInput& input) {
    if (const auto* keys = std::get_if<FramedKeys>(&input)) {
      if (!typing_) words_.emplace_back("keys ");
      words_.back().append(keys->bytes.data(), keys->bytes.size());
      typing_ = true;
      return;
    }
    typing_ = false;
    if (const auto* rows = std::get_if<FramedRows>(&input)) {
      words_.push_back(absl::StrCat("rows ", rows->rows));
    } else if (const auto* cols = std::get_if<FramedCols>(&input)) {
      words_.push_back(absl::StrCat("cols ", cols->cols));
    } else if (const auto* signal = std::get_if<FramedSignal>(&input)) {
      words_.push_back(absl::StrCat("signal ", signal->number));
    } else if (const auto* other = std::get_if<FramedOther>(&input)) {
      words_.push_back(absl::StrCat("other ", other->modifier2));
    } else {
      words_.push_back(
          absl::StrCat("foreign ", std::get<FramedForeign>(input).modifier1));
    }
  }

  FramedDecoder decoder_;
  bool typing_ = false;
  std::vector<std::string> words_;
};

std::vector<std::string> MeaningOf(absl::string_view stream) {
  Meaning meaning;
  meaning.Feed(stream);
  return meaning.words();
}

std::string Keys(absl::string_view text) {
  return EncodePacket(0, 0, text);
}
// A header alone; `size` is the value, or a payload's length.
std::string Header(uint8_t modifier2, uint16_t size, uint8_t modifier1 = 0) {
  std::string packet = EncodePacket(modifier1, modifier2, "");
  packet[1] = static_cast<char>(size & 0xff);
  packet[2] = static_cast<char>(size >> 8);
  return packet;
}
std::string Signal(uint8_t number) {
  return Header(number, 0);
}
std::string Rows(uint16_t rows) {
  return Header(100, rows);
}
std::string Cols(uint16_t cols) {
  return Header(101, cols);
}

std::string RandomBytes(std::mt19937& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string RandomPacket(std::mt19937& random) {
  const auto number = [&](uint32_t most) { return random() % (most + 1); };
  const auto payload = static_cast<uint16_t>(number(40));
  // A few packets are foreign.
  const auto modifier1 =
      static_cast<uint8_t>(number(30) == 0 ? number(255) : 0);
  switch (number(3)) {
    case 0:
      return Header(0, payload, modifier1) + RandomBytes(random, payload);
    case 1:
      return Header(static_cast<uint8_t>(100 + number(1)),
                    static_cast<uint16_t>(number(65535)), modifier1);
    default: {
      uint8_t kind = 0;
      while (kind == 0 || kind == 100 || kind == 101) {
        kind = static_cast<uint8_t>(number(255));
      }
      return Header(kind, payload, modifier1) + RandomBytes(random, payload);
    }
  }
}

TEST(FramedDecoderTest, OneTypedCharacterCostsFiveBytes) {
  EXPECT_EQ(Keys("x"), std::string("\x00\x01\x00\x00x", 5));
  EXPECT_THAT(MeaningOf(Keys("x")), ElementsAre("keys x"));
}

TEST(FramedDecoderTest, UwsgisOwnClientBeginsWithItsSize) {
  const std::string sent("\x00\x18\x00\x64\x00\x50\x00\x65", 8);
  EXPECT_THAT(MeaningOf(sent), ElementsAre("rows 24", "cols 80"));
}

TEST(FramedDecoderTest, SizesFillSixteenBits) {
  EXPECT_THAT(MeaningOf(Rows(65535) + Cols(256) + Rows(0)),
              ElementsAre("rows 65535", "cols 256", "rows 0"));
}

TEST(FramedDecoderTest, PacketsThatArriveTogetherAreAllTaken) {
  EXPECT_THAT(MeaningOf(Keys("ab") + Keys("cd") + Rows(5) + Keys("ef")),
              ElementsAre("keys abcd", "rows 5", "keys ef"));
}

TEST(FramedDecoderTest, ASignalIsTakenWhateverFollows) {
  EXPECT_THAT(MeaningOf(Signal(2) + Keys("after")),
              ElementsAre("signal 2", "keys after"));
  EXPECT_THAT(MeaningOf(Signal(10) + Signal(12)),
              ElementsAre("signal 10", "signal 12"));
  EXPECT_THAT(MeaningOf(Signal(1) + Rows(40)),
              ElementsAre("signal 1", "rows 40"));
}

TEST(FramedDecoderTest, SignalsEndAt64) {
  for (int kind = 1; kind < 256; ++kind) {
    if (kind == 100 || kind == 101) continue;
    const std::string wanted =
        absl::StrCat(kind <= 64 ? "signal " : "other ", kind);
    EXPECT_THAT(MeaningOf(Header(static_cast<uint8_t>(kind), 0)),
                ElementsAre(wanted));
  }
}

TEST(FramedDecoderTest, APayloadOfAnUnknownKindIsSkipped) {
  EXPECT_THAT(MeaningOf(EncodePacket(0, 200, "payload") + Keys("x")),
              ElementsAre("other 200", "keys x"));
}

TEST(FramedDecoderTest, ASignalWithAPayloadIsNoSignal) {
  EXPECT_THAT(MeaningOf(EncodePacket(0, 15, "payload") + Keys("x")),
              ElementsAre("other 15", "keys x"));
}

TEST(FramedDecoderTest, AnotherModifier1IsTheEndAtItsFirstByte) {
  for (int modifier1 = 1; modifier1 < 256; ++modifier1) {
    const auto byte = static_cast<uint8_t>(modifier1);
    const std::string foreign = absl::StrCat("foreign ", modifier1);
    EXPECT_THAT(MeaningOf(Keys("k") + EncodePacket(byte, 0, "k") + Signal(2)),
                ElementsAre("keys k", foreign));
    EXPECT_THAT(MeaningOf(std::string(1, static_cast<char>(byte))),
                ElementsAre(foreign));
  }
}

// If modifier1 didn't count, one such connection in four would send a signal;
// if only that counted, one in 256.
TEST(FramedDecoderTest, GarbageIsNoSignal) {
  std::mt19937 random(7);
  for (int i = 0; i < 100'000; ++i) {
    for (const std::string& word : MeaningOf(RandomBytes(random, 64))) {
      ASSERT_THAT(word, testing::Not(testing::StartsWith("signal")))
          << "the " << i << "th";
    }
  }
}

TEST(FramedDecoderTest, AnEmptyPayloadIsNoInput) {
  EXPECT_THAT(MeaningOf(Keys("")), IsEmpty());
  EXPECT_THAT(MeaningOf(Keys("") + Keys("a") + Keys("") + Signal(2)),
              ElementsAre("keys a", "signal 2"));
}

TEST(FramedDecoderTest, PayloadsOfEverySizeComeWhole) {
  std::mt19937 random(1);
  for (const size_t size : {size_t{4091}, size_t{4092}, size_t{4093},
                            size_t{8192}, kLongestPayload}) {
    const std::string payload = RandomBytes(random, size);
    EXPECT_THAT(MeaningOf(Keys(payload) + Signal(2)),
                ElementsAre("keys " + payload, "signal 2"))
        << size;
  }
}

TEST(FramedDecoderTest, APayloadIsPassedOnAsItComes) {
  Meaning meaning;
  meaning.Feed(Header(0, kLongestPayload) + "begin");
  EXPECT_THAT(meaning.words(), ElementsAre("keys begin"));
}

TEST(FramedDecoderTest, EveryCutOfEverythingMeansTheSame) {
  const std::string stream =
      Rows(24) + Cols(80) + Keys("ls\n") + Signal(2) + Keys("") +
      EncodePacket(0, 15, "passed over") + Keys("a\x1b[A") + Signal(9) +
      EncodePacket(0, 255, std::string(300, '\0')) + Keys(std::string(300, 0)) +
      Cols(0) + Header(99, 0) + Rows(65535) + EncodePacket(77, 0, "no more");
  const std::vector<std::string> whole = MeaningOf(stream);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    Meaning meaning;
    meaning.Feed(absl::string_view(stream).substr(0, cut));
    meaning.Feed(absl::string_view(stream).substr(cut));
    EXPECT_EQ(meaning.words(), whole) << "cut at " << cut;
  }
  Meaning bytewise;
  for (const char& byte : stream) bytewise.Feed({&byte, 1});
  EXPECT_EQ(bytewise.words(), whole);
}

TEST(FramedDecoderTest, AnySequenceMeansTheSameInAnyPieces) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    std::string stream;
    for (size_t packets = random() % 30; packets > 0; --packets) {
      stream += RandomPacket(random);
    }
    const std::vector<std::string> whole = MeaningOf(stream);
    for (int round = 0; round < 20; ++round) {
      Meaning meaning;
      const size_t longest = 1 + random() % (round < 10 ? 9 : 100);
      for (absl::string_view rest = stream; !rest.empty();) {
        const absl::string_view piece = rest.substr(0, 1 + random() % longest);
        meaning.Feed(piece);
        rest.remove_prefix(piece.size());
      }
      ASSERT_EQ(meaning.words(), whole) << "seed " << seed;
    }
  }
}

// The pending bytes are all that another decoder needs, wherever the stream was
// cut.
TEST(FramedDecoderTest, AnotherDecoderGoesOnFromThePendingBytes) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    std::string stream;
    for (size_t packets = 1 + random() % 6; packets > 0; --packets) {
      stream += RandomPacket(random).substr(0, 300);
    }
    const std::vector<std::string> whole = MeaningOf(stream);
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      Meaning meaning;
      meaning.Feed(stream.substr(0, cut));
      meaning.GoOnInAnother();
      meaning.Feed(stream.substr(cut));
      ASSERT_EQ(meaning.words(), whole) << "seed " << seed << " cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace deptyr
