// Writes lines of text for ever.
#include <unistd.h>

#include <string>

int main() {
  std::string text;
  for (int i = 0; text.size() < 60000; ++i) {
    text +=
        std::to_string(i) + " the quick brown fox jumps over the lazy dog\n";
  }
  while (::write(1, text.data(), text.size()) > 0) {
  }
  return 0;
}
