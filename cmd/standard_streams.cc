// A program that includes <iostream> anywhere, as absl/status/status.h does,
// makes std::cout and its like when it starts: that takes 40 us, and 350 KiB of
// head's code.  Nothing here uses them (tests/layering.sh), so the linker calls
// these instead (--wrap, ld(1)).
extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming):
// std::ios_base::Init's, as mangled.
void __wrap__ZNSt8ios_base4InitC1Ev(void* /*self*/) {}
void __wrap__ZNSt8ios_base4InitD1Ev(void* /*self*/) {}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

}  // extern "C"
