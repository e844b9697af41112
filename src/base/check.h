// Assertions for bugs, on in every build: a crash is better than a corrupt backup.
#pragma once

#include <cstdio>
#include <cstdlib>

// Aborts with the condition and its place when `condition` is false. Never for bad input.
#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
