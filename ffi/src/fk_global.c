/* fk_global.c: global matrices from local ones, one joint after another since each needs its parent's result. Every form
 * computes rows of the product as sums of the local rows weighted by one row of the parent; the last local row is 0 0 0 1, so its
 * share is the parent's last column. The SIMD forms keep the last result in registers: along a chain of joints, reading it back from
 * memory is what takes the time. */
#include "fk.h"
#include "simd.h"

#include <stddef.h>

#if defined(SOMA_X86)
#include <immintrin.h>
#elif defined(SOMA_NEON)
#include <arm_neon.h>
#endif

SOMA_INLINE int is_parent(int32_t parent, uint32_t joint) { return parent >= -1 && parent < (int32_t)joint; }

int32_t soma_global_portable(float *out, const float *local, const int32_t *parents, uint32_t joint_count) {
  for (uint32_t joint = 0; joint < joint_count; joint++, local += 16) {
    const int32_t parent = parents[joint];
    if (!is_parent(parent, joint)) return SOMA_BAD_PARENT;
    float *o = out + (uint64_t)joint * 16;
    if (parent < 0) {
      for (int i = 0; i < 16; i++) o[i] = local[i];
      continue;
    }
    float l[16]; /* out may be the same memory as local */
    for (int i = 0; i < 16; i++) l[i] = local[i];
    const float *p = out + (uint64_t)parent * 16;
    for (int row = 0; row < 4; row++, p += 4, o += 4) {
      for (int column = 0; column < 4; column++) {
        o[column] = p[0] * l[column] + p[1] * l[4 + column] + p[2] * l[8 + column] + p[3] * l[12 + column];
      }
    }
  }
  return SOMA_OK;
}

#if defined(SOMA_X86)

int32_t soma_global_sse2(float *out, const float *local, const int32_t *parents, uint32_t joint_count) {
  const __m128 last_column = _mm_castsi128_ps(_mm_setr_epi32(0, 0, 0, -1));
  __m128 rows[4] = {last_column, last_column, last_column, last_column};
  for (uint32_t joint = 0; joint < joint_count; joint++, local += 16) {
    const int32_t parent = parents[joint];
    if (!is_parent(parent, joint)) return SOMA_BAD_PARENT;
    const __m128 l0 = _mm_loadu_ps(local), l1 = _mm_loadu_ps(local + 4), l2 = _mm_loadu_ps(local + 8);
    if (parent < 0) {
      rows[0] = l0;
      rows[1] = l1;
      rows[2] = l2;
      rows[3] = _mm_loadu_ps(local + 12);
    } else {
      if (parent != (int32_t)joint - 1) {
        for (int row = 0; row < 4; row++) rows[row] = _mm_loadu_ps(out + (uint64_t)parent * 16 + row * 4);
      }
      for (int row = 0; row < 4; row++) {
        const __m128 r = rows[row];
        const __m128 xy =
            _mm_add_ps(_mm_mul_ps(_mm_shuffle_ps(r, r, 0x00), l0), _mm_mul_ps(_mm_shuffle_ps(r, r, 0x55), l1));
        const __m128 zw = _mm_add_ps(_mm_mul_ps(_mm_shuffle_ps(r, r, 0xaa), l2), _mm_and_ps(r, last_column));
        rows[row] = _mm_add_ps(xy, zw);
      }
    }
    for (int row = 0; row < 4; row++) _mm_storeu_ps(out + (uint64_t)joint * 16 + row * 4, rows[row]);
  }
  return SOMA_OK;
}

SOMA_TARGET_AVX2 SOMA_INLINE __m256 two_rows(__m256 p, __m256 l0, __m256 l1, __m256 l2, __m256 last_column) {
  const __m256 xy = _mm256_fmadd_ps(_mm256_permute_ps(p, 0x00), l0, _mm256_mul_ps(_mm256_permute_ps(p, 0x55), l1));
  const __m256 zw = _mm256_fmadd_ps(_mm256_permute_ps(p, 0xaa), l2, _mm256_and_ps(p, last_column));
  return _mm256_add_ps(xy, zw);
}

SOMA_TARGET_AVX2
int32_t soma_global_avx2(float *out, const float *local, const int32_t *parents, uint32_t joint_count) {
  const __m256 last_column = _mm256_castsi256_ps(_mm256_setr_epi32(0, 0, 0, -1, 0, 0, 0, -1));
  __m256 upper = last_column, lower = last_column;
  for (uint32_t joint = 0; joint < joint_count; joint++, local += 16) {
    const int32_t parent = parents[joint];
    if (!is_parent(parent, joint)) return SOMA_BAD_PARENT;
    if (parent < 0) {
      upper = _mm256_loadu_ps(local);
      lower = _mm256_loadu_ps(local + 8);
    } else {
      const __m256 l0 = _mm256_broadcast_ps((const __m128 *)(const void *)local);
      const __m256 l1 = _mm256_broadcast_ps((const __m128 *)(const void *)(local + 4));
      const __m256 l2 = _mm256_broadcast_ps((const __m128 *)(const void *)(local + 8));
      if (parent != (int32_t)joint - 1) {
        upper = _mm256_loadu_ps(out + (uint64_t)parent * 16);
        lower = _mm256_loadu_ps(out + (uint64_t)parent * 16 + 8);
      }
      upper = two_rows(upper, l0, l1, l2, last_column);
      lower = two_rows(lower, l0, l1, l2, last_column);
    }
    _mm256_storeu_ps(out + (uint64_t)joint * 16, upper);
    _mm256_storeu_ps(out + (uint64_t)joint * 16 + 8, lower);
  }
  return SOMA_OK;
}

#elif defined(SOMA_NEON)

int32_t soma_global_neon(float *out, const float *local, const int32_t *parents, uint32_t joint_count) {
  const uint32x4_t last_column = vsetq_lane_u32(0xffffffffu, vdupq_n_u32(0), 3);
  float32x4_t rows[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  for (uint32_t joint = 0; joint < joint_count; joint++, local += 16) {
    const int32_t parent = parents[joint];
    if (!is_parent(parent, joint)) return SOMA_BAD_PARENT;
    const float32x4_t l0 = vld1q_f32(local), l1 = vld1q_f32(local + 4), l2 = vld1q_f32(local + 8);
    if (parent < 0) {
      rows[0] = l0;
      rows[1] = l1;
      rows[2] = l2;
      rows[3] = vld1q_f32(local + 12);
    } else {
      if (parent != (int32_t)joint - 1) {
        for (int row = 0; row < 4; row++) rows[row] = vld1q_f32(out + (uint64_t)parent * 16 + row * 4);
      }
      for (int row = 0; row < 4; row++) {
        const float32x4_t r = rows[row];
        const float32x4_t w = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(r), last_column));
        const float32x4_t xy = vfmaq_laneq_f32(vmulq_laneq_f32(l0, r, 0), l1, r, 1);
        rows[row] = vaddq_f32(xy, vfmaq_laneq_f32(w, l2, r, 2));
      }
    }
    for (int row = 0; row < 4; row++) vst1q_f32(out + (uint64_t)joint * 16 + row * 4, rows[row]);
  }
  return SOMA_OK;
}

#endif

int32_t soma_fk_global(float *global_out, const float *local, const int32_t *parents, uint32_t joint_count) {
  if (global_out == NULL || local == NULL || parents == NULL) return SOMA_BAD_ARGUMENT;
  if (joint_count == 0 || joint_count > SOMA_MAX_JOINTS) return SOMA_BAD_ARGUMENT;
#if defined(SOMA_X86)
  /* No AVX-512 form: a matrix a register saves instructions, but each waits longer for the one before it. */
  if (soma_level() >= SOMA_LEVEL_AVX2) return soma_global_avx2(global_out, local, parents, joint_count);
  return soma_global_sse2(global_out, local, parents, joint_count);
#elif defined(SOMA_NEON)
  return soma_global_neon(global_out, local, parents, joint_count);
#else
  return soma_global_portable(global_out, local, parents, joint_count);
#endif
}
