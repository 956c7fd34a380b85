// A connection's protocol is known by its first bytes, however they are cut.

#include "lib/wire/protocol_detection.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <gmock/gmock.h>

#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {

void PrintTo(Protocol protocol, std::ostream* out) {
  constexpr const char* kNames[] = {"undecided", "client", "head", "browser"};
  *out << kNames[static_cast<int>(protocol)];
}

namespace {

constexpr bool kTcp = true;
constexpr bool kUnix = false;

template <size_t kSize>
std::string Bytes(const char (&text)[kSize]) {
  return std::string(text, kSize - 1);
}

// However little of it comes first, it is never taken for a client's.
void ExpectInEveryPiece(const std::string& whole, bool tcp, Protocol protocol) {
  EXPECT_EQ(DetectProtocol(whole, tcp), protocol) << whole;
  bool decided = false;
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Protocol now =
        DetectProtocol(absl::string_view(whole).substr(0, size), tcp);
    if (decided || now != Protocol::kUndecided) {
      EXPECT_EQ(now, protocol) << size << " bytes of " << whole;
      decided = true;
    }
  }
}

TEST(ProtocolDetectionTest, FindsEveryFirstMessageOfHeadsProtocol) {
  const std::vector<HeadMessage> messages = {
      Register{.name = "a", .term = "", .argv = {"cat"}}, Attach{},
      Ask{.what = "sessions", .fields = {}},
      Refused{.code = "limit", .text = ""}};
  for (const HeadMessage& message : messages) {
    for (const bool tcp : {kTcp, kUnix}) {
      ExpectInEveryPiece(Encode(message), tcp, Protocol::kHead);
    }
  }
}

TEST(ProtocolDetectionTest, AMessageIsKnownAfterThirteenBytes) {
  const std::string message = Encode(Ask{.what = "head", .fields = {}});
  EXPECT_EQ(DetectProtocol(message.substr(0, 12), kUnix), Protocol::kUndecided);
  EXPECT_EQ(DetectProtocol(message.substr(0, 13), kUnix), Protocol::kHead);
}

TEST(ProtocolDetectionTest, FindsWhatABrowserSays) {
  for (const char* method :
       {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}) {
    for (const char* target : {"/", "/;reboot", "*", "http://127.0.0.1/"}) {
      const std::string line =
          absl::StrCat(method, " ", target, " HTTP/1.1\r\n");
      ExpectInEveryPiece(line, kTcp, Protocol::kBrowser);
      EXPECT_EQ(DetectProtocol(line, kUnix), Protocol::kClient) << line;
    }
  }
  ExpectInEveryPiece("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", kTcp,
                     Protocol::kBrowser);
  ExpectInEveryPiece(Bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
                     kTcp, Protocol::kBrowser);
  ExpectInEveryPiece(Bytes("\x00\x03\x00\x08\x21\x12\xa4\x42 transaction "),
                     kTcp, Protocol::kBrowser);
  ExpectInEveryPiece(
      Bytes("\x00\x54\x00\x01\x00\x40\x21\x12\xa4\x42 transaction"), kTcp,
      Protocol::kBrowser);
}

TEST(ProtocolDetectionTest, ABinaryBeginningIsKnownByItsLastByte) {
  for (const std::string& bytes :
       {Bytes("\x16\x03\x01\x02\x00\x01"),
        Bytes("\x00\x03\x00\x08\x21\x12\xa4\x42"),
        Bytes("\x00\x54\x00\x01\x00\x40\x21\x12\xa4\x42")}) {
    EXPECT_EQ(DetectProtocol(bytes, kTcp), Protocol::kBrowser);
    EXPECT_EQ(DetectProtocol(bytes.substr(0, bytes.size() - 1), kTcp),
              Protocol::kUndecided);
  }
}

// A page can call fetch(url, {method: 'rm'}) once its name was rebound.
TEST(ProtocolDetectionTest, FindsMethodsThatAPageMadeUp) {
  for (const char* method : {"rm", "patch", "PROPFIND", "!", "a-b"}) {
    const std::string line =
        absl::StrCat(method, " /tmp/x;reboot HTTP/1.1\r\n");
    EXPECT_EQ(DetectProtocol(line, kTcp), Protocol::kBrowser) << line;
    // It is found wherever it is cut after the target's beginning.
    const size_t target = line.find('/');
    for (size_t size = target + 1; size < line.size(); ++size) {
      EXPECT_NE(DetectProtocol(line.substr(0, size), kTcp), Protocol::kClient)
          << line.substr(0, size);
    }
  }
  const std::string hidden = absl::StrCat("rm /", std::string(100'000, 'x'));
  EXPECT_EQ(DetectProtocol(hidden, kTcp), Protocol::kBrowser);
  EXPECT_EQ(DetectProtocol(hidden.substr(0, kLongestBeginning), kTcp),
            Protocol::kBrowser);
}

TEST(ProtocolDetectionTest, TypedTextIsAClients) {
  const std::vector<std::string> typed = {
      "x", "\r", "\x03", "\x1b", "say hello\n", "ls /tmp\n",
      "cat /etc/passwd |", "GETTING there\n", "GET lost\n", "HEADS up\n",
      "get\n", "/say hello\n", "echo * HTTP\n", "PUT\n", "\x16\x16",
      "\xde\x80\xde\x81", "\xde\xadx ", "\xdezzz", std::string(100'000, 'x'),
      "\xc3\xa4",
      // These are uwsgi-framed.
      EncodePacket(0, 0, "x"), EncodePacket(0, 0, "!"), EncodePacket(0, 0, ""),
      EncodePacket(0, 2, ""), Bytes("\x00\x18\x00\x64\x00\x50\x00\x65")};
  for (const std::string& bytes : typed) {
    for (const bool tcp : {kTcp, kUnix}) {
      EXPECT_EQ(DetectProtocol(bytes, tcp), Protocol::kClient) << bytes;
    }
  }
}

// A first key that is undecided has to wait for the second one.
TEST(ProtocolDetectionTest, AFirstKeyIsSeldomUndecided) {
  int undecided = 0;
  for (int key = 0; key < 256; ++key) {
    const std::string text(1, static_cast<char>(key));
    const Protocol at_unix = DetectProtocol(text, kUnix);
    EXPECT_EQ(at_unix, key == 0xde ? Protocol::kUndecided : Protocol::kClient);
    const bool may_be_browser =
        key == 0 || key == 0x16 || absl::StrContains("GHPDTO", text);
    EXPECT_EQ(DetectProtocol(text, kTcp),
              key == 0xde || (may_be_browser && !text.empty())
                  ? Protocol::kUndecided
                  : Protocol::kClient)
        << key;
    undecided += DetectProtocol(text, kTcp) == Protocol::kUndecided ? 1 : 0;
  }
  EXPECT_EQ(undecided, 9);
}

}  // namespace
}  // namespace deptyr
