/* simd.h: which instruction sets a kernel may be written for, and which one runs.
 * Kernels of a level above the target's baseline carry SOMA_TARGET_…; only a dispatch on soma_level() may call them. */
#ifndef SOMA_SIMD_H
#define SOMA_SIMD_H

#include <stdint.h>

#if defined(__x86_64__)
#define SOMA_X86 1
#define SOMA_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define SOMA_TARGET_AVX512 __attribute__((target("avx512f,avx2,fma")))
#elif defined(__aarch64__)
#define SOMA_NEON 1
#endif

#define SOMA_INLINE static inline __attribute__((always_inline))

enum { SOMA_LEVEL_PORTABLE = 0, SOMA_LEVEL_BASE = 1, SOMA_LEVEL_AVX2 = 2, SOMA_LEVEL_AVX512 = 3 };

/* The highest level this machine and its operating system run. A few loads, cheap enough for every call. */
SOMA_INLINE int32_t soma_level(void) {
#if defined(SOMA_X86)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return SOMA_LEVEL_BASE;
  return __builtin_cpu_supports("avx512f") ? SOMA_LEVEL_AVX512 : SOMA_LEVEL_AVX2;
#elif defined(SOMA_NEON)
  return SOMA_LEVEL_BASE;
#else
  return SOMA_LEVEL_PORTABLE;
#endif
}

#endif
