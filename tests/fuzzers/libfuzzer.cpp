// One target (NESTJIT_FUZZ_TARGET) for libFuzzer.
#include "tests/fuzzers/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nestjit::fuzzers::NESTJIT_FUZZ_TARGET({data, size});
  return 0;
}
