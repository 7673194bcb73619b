/* fk_pose_avx2.c: pose kernel for x86-64 with AVX2 and FMA, eight joints at a time. */
#include "simd.h"

#if defined(SOMA_X86)

#include <immintrin.h>

#define LANES 8
#define LANE_TARGET SOMA_TARGET_AVX2
#define LANE_FORM soma_pose_avx2
#define LANE_FN SOMA_TARGET_AVX2 SOMA_INLINE

typedef __m256 vec;

LANE_FN vec v_set1(float x) { return _mm256_set1_ps(x); }
LANE_FN vec v_load(const float *p) { return _mm256_loadu_ps(p); }
LANE_FN void v_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
LANE_FN vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
LANE_FN vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
LANE_FN vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
LANE_FN vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }
LANE_FN vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
LANE_FN vec v_sqrt(vec a) { return _mm256_sqrt_ps(a); }

LANE_FN int v_all_near_one(vec a) {
  const vec distance = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_sub_ps(a, _mm256_set1_ps(1.0f)));
  return _mm256_movemask_ps(_mm256_cmp_ps(distance, _mm256_set1_ps(2e-4f), _CMP_LE_OQ)) == 0xff;
}

LANE_FN vec v_flip_if_negative(vec value, vec sign) {
  const vec negative = _mm256_cmp_ps(sign, _mm256_setzero_ps(), _CMP_LT_OQ);
  return _mm256_xor_ps(value, _mm256_and_ps(negative, _mm256_set1_ps(-0.0f)));
}

/* Transposes a 4 × 4 block in each 128-bit half. */
LANE_FN void transpose_halves(vec *r) {
  const vec t0 = _mm256_unpacklo_ps(r[0], r[1]), t1 = _mm256_unpackhi_ps(r[0], r[1]);
  const vec t2 = _mm256_unpacklo_ps(r[2], r[3]), t3 = _mm256_unpackhi_ps(r[2], r[3]);
  r[0] = _mm256_shuffle_ps(t0, t2, 0x44);
  r[1] = _mm256_shuffle_ps(t0, t2, 0xee);
  r[2] = _mm256_shuffle_ps(t1, t3, 0x44);
  r[3] = _mm256_shuffle_ps(t1, t3, 0xee);
}

LANE_FN void v_load_quaternions(vec *q, const float *const *keys) {
  for (int i = 0; i < 4; i++) {
    q[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(keys[i])), _mm_loadu_ps(keys[i + 4]), 1);
  }
  transpose_halves(q);
}

/* Two rows a store: stores are what this machine has fewest of. */
LANE_FN void v_store_matrices(float *const *out, const vec *rows) {
  vec a[4] = {rows[0], rows[1], rows[2], rows[3]}, b[4] = {rows[4], rows[5], rows[6], rows[7]};
  vec c[4] = {rows[8], rows[9], rows[10], rows[11]};
  transpose_halves(a);
  transpose_halves(b);
  transpose_halves(c);
  const vec last = _mm256_setr_ps(0.0f, 0.0f, 0.0f, 1.0f, 0.0f, 0.0f, 0.0f, 1.0f);
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(out[0] + 16 * i, _mm256_permute2f128_ps(a[i], b[i], 0x20));
    _mm256_storeu_ps(out[0] + 16 * i + 8, _mm256_blend_ps(c[i], last, 0xf0));
    _mm256_storeu_ps(out[0] + 16 * (i + 4), _mm256_permute2f128_ps(a[i], b[i], 0x31));
    _mm256_storeu_ps(out[0] + 16 * (i + 4) + 8, _mm256_permute2f128_ps(c[i], last, 0x31));
  }
}

#include "fk_pose_body.h"

#else
typedef int soma_no_avx2;
#endif
