// A place of an element is a row number and a position in the row, in binary. A stage takes rows in
// pairs that differ in one bit of their number and moves that bit into the position; the bit that
// leaves the position for it becomes the row's. What each bit stands for is tracked: with k row
// bits, number i < k is bit i of the row that an element came from, k + i is bit i of its column.
// In the result, bit i of the position is number i.
#include "compiler/codegen/transpose.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace nestjit::compiler::codegen {
namespace {

constexpr unsigned piece_bits = 128;  // of a vector: shuffles within pieces are the cheapest

unsigned log2_of(size_t power) {
  unsigned bits = 0;
  while ((size_t{1} << bits) < power) ++bits;
  if ((size_t{1} << bits) != power)
    base::internal("codegen: {} rows or lanes cannot be transposed", power);
  return bits;
}

/// Where bit `number` is, or the number of bits.
size_t place_of(const std::vector<unsigned>& bits, unsigned number) {
  return static_cast<size_t>(std::find(bits.begin(), bits.end(), number) - bits.begin());
}

/// One vector of several, in order.
llvm::Value* joined(Builder& ir, std::vector<llvm::Value*> parts) {
  for (; parts.size() > 1; parts.resize(parts.size() / 2)) {
    const auto* type = llvm::cast<llvm::FixedVectorType>(parts.front()->getType());
    std::vector<int> all(2 * type->getNumElements());
    std::iota(all.begin(), all.end(), 0);
    for (size_t i = 0; i < parts.size() / 2; ++i)
      parts[i] = ir.CreateShuffleVector(parts[2 * i], parts[2 * i + 1], all);
  }
  return parts.front();
}

class Network {
 public:
  Network(Builder& ir, const std::vector<llvm::Value*>& rows, unsigned lanes) : ir_(ir) {
    const auto* type = llvm::cast<llvm::FixedVectorType>(rows.front()->getType());
    const unsigned row_bits = log2_of(rows.size()), lane_bits = log2_of(lanes);
    const unsigned width_bits = log2_of(type->getNumElements());
    position_.resize(width_bits);
    std::iota(position_.begin(), position_.end(), row_bits);
    // Of rows shorter than a vector, those whose low bits agree stand in one vector.
    row_.resize(row_bits + width_bits - lane_bits);
    std::iota(row_.begin(), row_.end(), 0);
    for (unsigned bit = width_bits; bit < lane_bits; ++bit)
      position_.push_back(row_bits + bit - lane_bits);
    for (size_t i = 0; i < (size_t{1} << row_.size()); ++i) {
      std::vector<llvm::Value*> parts;
      for (size_t k = i; k < rows.size(); k += size_t{1} << row_.size()) parts.push_back(rows[k]);
      rows_.push_back(joined(ir, std::move(parts)));
    }
    piece_ = std::min(log2_of(piece_bits / type->getScalarSizeInBits()), lane_bits);
  }

  std::vector<llvm::Value*> run() {
    if (by_pieces()) {
      interleave(piece_);
      if (position_.back() != lanes() - 1) rotate_pieces();
    } else {
      interleave(lanes());
    }
    return in_order();
  }

 private:
  unsigned lanes() const { return static_cast<unsigned>(position_.size()); }

  /// Whether pieces are interleaved and then rotated, rather than whole vectors interleaved. The
  /// latter takes two instructions a vector where there is no permutation of two vectors, as for
  /// vectors of up to two pieces; with four pieces the number of stages decides.
  bool by_pieces() const {
    const size_t outer = lanes() - piece_;
    if (outer <= 1 || position_.back() == lanes() - 1) return true;
    return std::min<size_t>(row_.size(), piece_) + outer <= row_.size();
  }

  /// All row bits, as far as there is room, become the low bits of the low `width` position bits.
  void interleave(unsigned width) {
    for (size_t bit = std::min<size_t>(row_.size(), width); bit-- > 0;) {
      stage(bit, [&](unsigned p, unsigned side) {
        const unsigned low = p % (1U << width), high = p - low;
        return std::pair(low % 2, high + (side << (width - 1)) + low / 2);
      });
      const unsigned leaving = position_[width - 1];
      std::move_backward(position_.begin(), position_.begin() + width - 1,
                         position_.begin() + width);
      position_[0] = std::exchange(row_[bit], leaving);
    }
  }

  /// The bits that belong above the pieces come there from the rows, lowest first.
  void rotate_pieces() {
    for (unsigned wanted = piece_; wanted < lanes(); ++wanted) {
      const size_t bit = place_of(row_, wanted);
      const unsigned outer = lanes() - piece_;
      stage(bit, [&](unsigned p, unsigned side) {
        const unsigned in_piece = p % (1U << piece_), piece = p >> piece_;
        const unsigned rest = piece % (1U << (outer - 1));
        return std::pair(piece >> (outer - 1), ((rest * 2 + side) << piece_) + in_piece);
      });
      const unsigned leaving = position_[piece_];
      std::move(position_.begin() + piece_ + 1, position_.end(), position_.begin() + piece_);
      position_.back() = std::exchange(row_[bit], leaving);
    }
  }

  /// Two new rows for each pair that differs in the bit; `source` gives the row of the pair (0, 1)
  /// and the position in it for a position of the new row on a side (0, 1).
  template <class Source>
  void stage(size_t bit, const Source& source) {
    std::vector<int> masks[2];
    for (unsigned side = 0; side < 2; ++side)
      for (unsigned p = 0; p < (1U << lanes()); ++p) {
        const auto [row, from] = source(p, side);
        masks[side].push_back(static_cast<int>((row << lanes()) + from));
      }
    for (size_t i = 0; i < rows_.size(); ++i) {
      const size_t partner = i | (size_t{1} << bit);
      if (partner == i) continue;
      llvm::Value *a = rows_[i], *b = rows_[partner];
      rows_[i] = ir_.CreateShuffleVector(a, b, masks[0]);
      rows_[partner] = ir_.CreateShuffleVector(a, b, masks[1]);
    }
  }

  /// The rows by the column bits that their numbers stand for.
  std::vector<llvm::Value*> in_order() const {
    std::vector<llvm::Value*> out(rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
      size_t number = 0;
      for (size_t bit = 0; bit < row_.size(); ++bit)
        if ((i >> bit) % 2 != 0) number |= size_t{1} << (row_[bit] - lanes());
      out[number] = rows_[i];
    }
    return out;
  }

  Builder& ir_;
  std::vector<llvm::Value*> rows_;
  std::vector<unsigned> row_, position_;  // lowest bits first
  unsigned piece_ = 0;                    // position bits within a piece
};

}  // namespace

std::vector<llvm::Value*> transposed(Builder& ir, const std::vector<llvm::Value*>& rows,
                                     int lanes) {
  return Network(ir, rows, static_cast<unsigned>(lanes)).run();
}

}  // namespace nestjit::compiler::codegen
