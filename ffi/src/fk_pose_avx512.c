/* fk_pose_avx512.c: pose kernel for x86-64 with AVX-512, sixteen joints at a time. */
#include "simd.h"

#if defined(SOMA_X86)

#include <immintrin.h>

#define LANES 16
#define LANE_TARGET SOMA_TARGET_AVX512
#define LANE_FORM soma_pose_avx512
#define LANE_FN SOMA_TARGET_AVX512 SOMA_INLINE

typedef __m512 vec;

LANE_FN vec v_set1(float x) { return _mm512_set1_ps(x); }
LANE_FN vec v_load(const float *p) { return _mm512_loadu_ps(p); }
LANE_FN vec v_load_halves(const float *low, const float *high) {
  const __m512d half = _mm512_castps_pd(_mm512_castps256_ps512(_mm256_loadu_ps(low)));
  return _mm512_castpd_ps(_mm512_insertf64x4(half, _mm256_castps_pd(_mm256_loadu_ps(high)), 1));
}
LANE_FN void v_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
LANE_FN vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
LANE_FN vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
LANE_FN vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
LANE_FN vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
LANE_FN vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
LANE_FN vec v_sqrt(vec a) { return _mm512_sqrt_ps(a); }

LANE_FN int v_all_near_one(vec a) {
  const vec distance = _mm512_abs_ps(_mm512_sub_ps(a, _mm512_set1_ps(1.0f)));
  return _mm512_cmp_ps_mask(distance, _mm512_set1_ps(2e-4f), _CMP_LE_OQ) == 0xffff;
}

LANE_FN vec v_flip_if_negative(vec value, vec sign) {
  const __mmask16 negative = _mm512_cmp_ps_mask(sign, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_sub_ps(value, negative, _mm512_setzero_ps(), value);
}

/* Transposes a 4 × 4 block in each 128-bit quarter. */
LANE_FN void transpose_quarters(vec *r) {
  const vec t0 = _mm512_unpacklo_ps(r[0], r[1]), t1 = _mm512_unpackhi_ps(r[0], r[1]);
  const vec t2 = _mm512_unpacklo_ps(r[2], r[3]), t3 = _mm512_unpackhi_ps(r[2], r[3]);
  r[0] = _mm512_shuffle_ps(t0, t2, 0x44);
  r[1] = _mm512_shuffle_ps(t0, t2, 0xee);
  r[2] = _mm512_shuffle_ps(t1, t3, 0x44);
  r[3] = _mm512_shuffle_ps(t1, t3, 0xee);
}

LANE_FN void v_load_quaternions(vec *q, const float *const *keys) {
  for (int i = 0; i < 4; i++) {
    vec row = _mm512_castps128_ps512(_mm_loadu_ps(keys[i]));
    row = _mm512_insertf32x4(row, _mm_loadu_ps(keys[i + 4]), 1);
    row = _mm512_insertf32x4(row, _mm_loadu_ps(keys[i + 8]), 2);
    q[i] = _mm512_insertf32x4(row, _mm_loadu_ps(keys[i + 12]), 3);
  }
  transpose_quarters(q);
}

LANE_FN void v_store_matrices(float *const *out, const vec *rows) {
  vec r[16];
  for (int i = 0; i < 12; i++) r[i] = rows[i];
  transpose_quarters(r);
  transpose_quarters(r + 4);
  transpose_quarters(r + 8);
  const vec last = _mm512_broadcast_f32x4(_mm_setr_ps(0.0f, 0.0f, 0.0f, 1.0f));
  for (int i = 0; i < 4; i++) {
    const vec low01 = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x44), high01 = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xee);
    const vec low23 = _mm512_shuffle_f32x4(r[i + 8], last, 0x44), high23 = _mm512_shuffle_f32x4(r[i + 8], last, 0xee);
    _mm512_storeu_ps(out[0] + 16 * i, _mm512_shuffle_f32x4(low01, low23, 0x88));
    _mm512_storeu_ps(out[0] + 16 * (i + 4), _mm512_shuffle_f32x4(low01, low23, 0xdd));
    _mm512_storeu_ps(out[1] + 16 * i, _mm512_shuffle_f32x4(high01, high23, 0x88));
    _mm512_storeu_ps(out[1] + 16 * (i + 4), _mm512_shuffle_f32x4(high01, high23, 0xdd));
  }
}

#include "fk_pose_body.h"

#else
typedef int soma_no_avx512;
#endif
