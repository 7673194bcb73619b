/* check.h: the few macros of the C tests. A test file has one main() that ends with `return check_report("name");`.
 * A failed check prints where and what, and the program ends with 1; the count shows that something was looked at. */
#ifndef SOMA_CHECK_H
#define SOMA_CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long check_count, check_failures;

#define CHECK(condition)                                                      \
  do {                                                                        \
    check_count++;                                                            \
    if (!(condition) && check_failures++ < 20) {                              \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                         \
  } while (0)

#define CHECK_EQUAL(actual, expected)                                                                              \
  do {                                                                                                             \
    const long long check_actual = (long long)(actual), check_expected = (long long)(expected);                    \
    check_count++;                                                                                                 \
    if (check_actual != check_expected && check_failures++ < 20) {                                                 \
      fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, check_actual, check_expected); \
    }                                                                                                              \
  } while (0)

#define CHECK_NEAR(actual, expected, tolerance)                                                                    \
  do {                                                                                                             \
    const double check_actual = (actual), check_expected = (expected);                                             \
    check_count++;                                                                                                 \
    if (!(fabs(check_actual - check_expected) <= (tolerance)) && check_failures++ < 20) {                          \
      fprintf(stderr, "%s:%d: %s is %.9g, not %.9g\n", __FILE__, __LINE__, #actual, check_actual, check_expected); \
    }                                                                                                              \
  } while (0)

static inline int check_report(const char *name) {
  printf("%s: %lu checks, %lu failed\n", name, check_count, check_failures);
  return check_failures == 0 ? 0 : 1;
}

/* xorshift64*: the same numbers on every machine. */
static uint64_t check_seed = 0x9e3779b97f4a7c15u;

static inline uint32_t random_u32(void) {
  check_seed ^= check_seed >> 12;
  check_seed ^= check_seed << 25;
  check_seed ^= check_seed >> 27;
  return (uint32_t)((check_seed * 0x2545f4914f6cdd1du) >> 32);
}

static inline uint32_t random_below(uint32_t limit) { return (uint32_t)(((uint64_t)random_u32() * limit) >> 32); }
static inline double random_unit(void) { return (double)random_u32() / 4294967296.0; }
static inline double random_between(double low, double high) { return low + (high - low) * random_unit(); }

/* Exactly as large as asked for, so that the address sanitizer sees the byte behind the end. */
static inline void *exact_memory(size_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL) abort();
  return memory;
}

#endif
