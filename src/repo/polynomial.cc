#include "repo/polynomial.h"

#include <bit>

namespace breakwater::repo {
namespace {

constexpr int kDegree = 53;

int degree(uint64_t p) { return std::bit_width(p) - 1; }

}  // namespace

uint64_t reduce_polynomial(uint64_t p, uint64_t modulus) {
  while (degree(p) >= degree(modulus)) p ^= modulus << (degree(p) - degree(modulus));
  return p;
}

namespace {

uint64_t multiply(uint64_t a, uint64_t b, uint64_t modulus) {
  uint64_t product = 0;
  for (; b != 0; b >>= 1) {
    if (b & 1) product ^= a;
    a = reduce_polynomial(a << 1, modulus);
  }
  return product;
}

uint64_t common_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    const uint64_t rest = reduce_polynomial(a, b);
    a = b;
    b = rest;
  }
  return a;
}

}  // namespace

bool is_irreducible(uint64_t polynomial) {
  uint64_t power = reduce_polynomial(2, polynomial);  // x^(2^i)
  for (int i = 1; i <= degree(polynomial) / 2; ++i) {
    power = multiply(power, power, polynomial);
    if (common_divisor(polynomial, power ^ reduce_polynomial(2, polynomial)) != 1) return false;
  }
  return true;
}

uint64_t random_polynomial(Random& random) {
  constexpr uint64_t kTop = uint64_t{1} << kDegree;
  while (true) {  // about every 27th is irreducible
    const uint64_t candidate = (random.next() & (kTop - 1)) | kTop | 1;
    if (is_irreducible(candidate)) return candidate;
  }
}

}  // namespace breakwater::repo
