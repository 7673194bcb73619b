/* fk_pose_sse2.c: pose kernel for every x86-64, four joints at a time. */
#include "simd.h"

#if defined(SOMA_X86)

#include <emmintrin.h>

#define LANES 4
#define LANE_TARGET
#define LANE_FORM soma_pose_sse2
#define LANE_FN SOMA_INLINE

typedef __m128 vec;

LANE_FN vec v_set1(float x) { return _mm_set1_ps(x); }
LANE_FN vec v_load(const float *p) { return _mm_loadu_ps(p); }
LANE_FN void v_store(float *p, vec a) { _mm_storeu_ps(p, a); }
LANE_FN vec v_add(vec a, vec b) { return _mm_add_ps(a, b); }
LANE_FN vec v_sub(vec a, vec b) { return _mm_sub_ps(a, b); }
LANE_FN vec v_mul(vec a, vec b) { return _mm_mul_ps(a, b); }
LANE_FN vec v_div(vec a, vec b) { return _mm_div_ps(a, b); }
LANE_FN vec v_fma(vec a, vec b, vec c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
LANE_FN vec v_sqrt(vec a) { return _mm_sqrt_ps(a); }

LANE_FN int v_all_near_one(vec a) {
  const vec distance = _mm_andnot_ps(_mm_set1_ps(-0.0f), _mm_sub_ps(a, _mm_set1_ps(1.0f)));
  return _mm_movemask_ps(_mm_cmple_ps(distance, _mm_set1_ps(2e-4f))) == 0xf;
}

LANE_FN vec v_flip_if_negative(vec value, vec sign) {
  return _mm_xor_ps(value, _mm_and_ps(_mm_cmplt_ps(sign, _mm_setzero_ps()), _mm_set1_ps(-0.0f)));
}

LANE_FN void v_load_quaternions(vec *q, const float *const *keys) {
  vec a = _mm_loadu_ps(keys[0]), b = _mm_loadu_ps(keys[1]), c = _mm_loadu_ps(keys[2]), d = _mm_loadu_ps(keys[3]);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  q[0] = a;
  q[1] = b;
  q[2] = c;
  q[3] = d;
}

LANE_FN void v_store_matrices(float *const *out, const vec *rows) {
  for (int row = 0; row < 3; row++) {
    vec a = rows[4 * row], b = rows[4 * row + 1], c = rows[4 * row + 2], d = rows[4 * row + 3];
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(out[0] + 4 * row, a);
    _mm_storeu_ps(out[0] + 16 + 4 * row, b);
    _mm_storeu_ps(out[0] + 32 + 4 * row, c);
    _mm_storeu_ps(out[0] + 48 + 4 * row, d);
  }
  for (int lane = 0; lane < LANES; lane++) _mm_storeu_ps(out[0] + 16 * lane + 12, _mm_setr_ps(0.0f, 0.0f, 0.0f, 1.0f));
}

#include "fk_pose_body.h"

#else
typedef int soma_no_sse2;
#endif
