#include "tests/ops/gathered.h"

#include "ops/conv/problem.h"

namespace nestjit::ops {

ir::Elements gathered(const ir::Elements& memory, const std::vector<int64_t>& shape,
                      const std::vector<int64_t>& strides, int64_t origin) {
  ir::Elements values(memory.scalar(), element_count(shape));
  for (int64_t n = 0; n < values.count(); ++n) {
    int64_t rest = n, at = origin;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) at += rest % shape[d] * strides[d];
    values.set(n, memory.at(at));
  }
  return values;
}

}  // namespace nestjit::ops
