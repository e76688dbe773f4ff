#include "tests/ir/elements.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ir/element.h"

namespace nestjit::ir {

Elements::Elements(Scalar scalar, int64_t count)
    : scalar_(scalar),
      count_(count),
      memory_(::operator new(static_cast<size_t>(count* byte_size(scalar)) + 64,
                             std::align_val_t{64})) {
  for (int64_t i = 0; i < count; ++i) set(i, std::numeric_limits<double>::quiet_NaN());
}

Elements::Elements(Scalar scalar, std::span<const float> values)
    : Elements(scalar, static_cast<int64_t>(values.size())) {
  for (int64_t i = 0; i < count_; ++i)
    set(i, round_to(scalar, static_cast<double>(values[static_cast<size_t>(i)])));
}

double Elements::at(int64_t i) const { return read_element(scalar_, data(), i); }

void Elements::set(int64_t i, double value) { write_element(scalar_, data(), i, value); }

Argument Elements::argument() const {
  const auto n = static_cast<size_t>(count_);
  switch (scalar_) {
    case Scalar::f32: return Argument(std::span(static_cast<float*>(data()), n));
    case Scalar::pair: return Argument(std::span(static_cast<uint32_t*>(data()), n));
    case Scalar::f64: return Argument(std::span(static_cast<double*>(data()), n));
    default: return Argument(scalar_, std::span(static_cast<uint16_t*>(data()), n));
  }
}

void expect_bits(const Elements& got, const Elements& expected, const std::string& what) {
  ASSERT_EQ(got.scalar(), expected.scalar());
  ASSERT_EQ(got.count(), expected.count());
  const auto size = static_cast<size_t>(byte_size(got.scalar()));
  const auto* a = static_cast<const char*>(got.data());
  const auto* b = static_cast<const char*>(expected.data());
  for (int64_t i = 0; i < got.count(); ++i, a += size, b += size) {
    if (std::memcmp(a, b, size) == 0) continue;
    ASSERT_TRUE(std::isnan(got.at(i)) && std::isnan(expected.at(i)))
        << what << ": element " << i << " is " << got.at(i) << ", the reference has "
        << expected.at(i);
  }
}

}  // namespace nestjit::ir
