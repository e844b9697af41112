// The polynomial over GF(2) that the chunker of a repository uses (chunker.h); bit i is the
// coefficient of x^i. One is made at init: irreducible and of degree 53, or restic rejects it.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace breakwater::repo {

// A random irreducible polynomial of degree 53.
uint64_t random_polynomial(Random& random);
// Ben-Or's test. `polynomial` has a degree from 1 to 62.
bool is_irreducible(uint64_t polynomial);
// The rest of `p` divided by `modulus`, which is not 0.
uint64_t reduce_polynomial(uint64_t p, uint64_t modulus);

}  // namespace breakwater::repo
