// Says that it runs, on descriptor 9, and ends; see start.cc.
#include <unistd.h>

int main() {
  return ::write(9, "!", 1) == 1 ? 0 : 1;
}
