// The polynomial over GF(2) that restic's chunker of this repository uses; bit i is the coefficient
// of x^i. We only have to make one at init that restic accepts: irreducible and of degree 53.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace breakwater::repo {

// A random irreducible polynomial of degree 53.
uint64_t random_polynomial(Random& random);
// Ben-Or's test. `polynomial` has a degree from 1 to 62.
bool is_irreducible(uint64_t polynomial);

}  // namespace breakwater::repo
