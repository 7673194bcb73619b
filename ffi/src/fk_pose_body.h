/* fk_pose_body.h: the second half of sampling, written once over the lanes that the including file chose:
 * normalise two rotation keys, slerp, compose T·R·S, store row-major. Included by each fk_pose_*.c. */
#include "pose_chunk.h"

/* Slerp without trigonometric functions or a special case for close keys. With u = |a - b|²/4 = sin²(θ/2), where θ is the angle
 * between the unit quaternions, θ² = 4u·A(u) with A(u) = asin²(√u)/u, and sin(kθ)/sin(θ) = k·S(k²θ²)/S(θ²) with
 * S(y) = sin(√y)/√y. A and S are analytic, so polynomials do: relative error 3.2e-9 on u <= 1/2 and 1.1e-10 on y <= (π/2)²,
 * Chebyshev fits made with 50 digits. As θ goes to 0 the weights go to 1 - t and t by themselves. */
LANE_FN vec lane_line(float a, float b, vec x) { return v_fma(v_set1(b), x, v_set1(a)); }

/* Estrin's scheme: short chains of dependent steps, so that the processor works on several groups of joints at once. */
LANE_FN vec lane_asin_squared(vec u) {
  const vec u2 = v_mul(u, u), u4 = v_mul(u2, u2);
  const vec p0 = v_fma(lane_line(0.1777763907f, 0.114358637f, u), u2, lane_line(1.0f, 0.3333333376f, u));
  const vec p4 = v_fma(lane_line(-0.02883415324f, 0.2769891171f, u), u2, lane_line(0.07981279663f, 0.07591560003f, u));
  const vec p8 = lane_line(-0.3605859908f, 0.3222441701f, u);
  return v_fma(v_fma(p8, u4, p4), u4, p0);
}

LANE_FN vec lane_sinc_root(vec y) {
  const vec y2 = v_mul(y, y);
  const vec p0 = v_fma(lane_line(0.008333332768f, -0.0001984108632f, y), y2, lane_line(1.0f, -0.1666666666f, y));
  return v_fma(v_mul(lane_line(2.753644522e-6f, -2.40797658e-8f, y), y2), y2, p0);
}

LANE_FN vec lane_square_length(const vec *q) {
  return v_fma(q[0], q[0], v_fma(q[1], q[1], v_fma(q[2], q[2], v_mul(q[3], q[3]))));
}

/* 1/√n. Keys are almost always unit already; there the tangent at 1 is exact to 3/8·(2e-4)² = 1.5e-8 and costs no root. */
LANE_FN vec lane_inverse_length(vec square_length) {
  if (v_all_near_one(square_length)) return v_fma(square_length, v_set1(-0.5f), v_set1(1.5f));
  return v_div(v_set1(1.0f), v_sqrt(square_length));
}

LANE_FN void lane_slerp(vec *q, const vec *from, const vec *to, vec t) {
  /* The sign decides which arc is taken, so every form, this one and the TypeScript one, must round it alike: no fma here. */
  const vec xy = v_add(v_mul(from[0], to[0]), v_mul(from[1], to[1]));
  const vec dot = v_add(v_add(xy, v_mul(from[2], to[2])), v_mul(from[3], to[3]));
  const vec from_scale = lane_inverse_length(lane_square_length(from));
  const vec to_scale = v_flip_if_negative(lane_inverse_length(lane_square_length(to)), dot);
  vec a[4], b[4], d[4];
  for (int i = 0; i < 4; i++) {
    a[i] = v_mul(from[i], from_scale);
    b[i] = v_mul(to[i], to_scale);
    d[i] = v_sub(a[i], b[i]);
  }
  const vec u = v_mul(lane_square_length(d), v_set1(0.25f));
  const vec angle_squared = v_mul(v_mul(u, v_set1(4.0f)), lane_asin_squared(u));
  const vec s = v_sub(v_set1(1.0f), t);
  const vec inverse = v_div(v_set1(1.0f), lane_sinc_root(angle_squared));
  const vec b_weight = v_mul(v_mul(t, inverse), lane_sinc_root(v_mul(v_mul(t, t), angle_squared)));
  const vec a_weight = v_mul(v_mul(s, inverse), lane_sinc_root(v_mul(v_mul(s, s), angle_squared)));
  for (int i = 0; i < 4; i++) q[i] = v_fma(a[i], a_weight, v_mul(b[i], b_weight));
}

LANE_FN void lane_compose(float *out, const vec *q, const soma_pose_chunk *chunk, uint32_t first) {
  /* 2/n with n = 1 + rounding, to first order: keeps the matrix orthogonal to the last bit or two. */
  const vec two = v_fma(lane_square_length(q), v_set1(-2.0f), v_set1(4.0f));
  const vec x2 = v_mul(q[0], two), y2 = v_mul(q[1], two), z2 = v_mul(q[2], two), one = v_set1(1.0f);
  const vec xx = v_mul(q[0], x2), yy = v_mul(q[1], y2), zz = v_mul(q[2], z2);
  const vec xy = v_mul(q[0], y2), xz = v_mul(q[0], z2), yz = v_mul(q[1], z2);
  const vec wx = v_mul(q[3], x2), wy = v_mul(q[3], y2), wz = v_mul(q[3], z2);
  const vec sx = v_load(&chunk->scale[0][first]), sy = v_load(&chunk->scale[1][first]);
  const vec sz = v_load(&chunk->scale[2][first]);
  v_store_rows(out, v_mul(v_sub(one, v_add(yy, zz)), sx), v_mul(v_sub(xy, wz), sy), v_mul(v_add(xz, wy), sz),
               v_load(&chunk->translation[0][first]));
  v_store_rows(out + 4, v_mul(v_add(xy, wz), sx), v_mul(v_sub(one, v_add(xx, zz)), sy), v_mul(v_sub(yz, wx), sz),
               v_load(&chunk->translation[1][first]));
  v_store_rows(out + 8, v_mul(v_sub(xz, wy), sx), v_mul(v_add(yz, wx), sy), v_mul(v_sub(one, v_add(xx, yy)), sz),
               v_load(&chunk->translation[2][first]));
  v_store_last_rows(out + 12);
}

LANE_FN void lane_pose(float *out, const soma_pose_chunk *chunk, uint32_t first) {
  vec from[4], to[4], q[4];
  v_load_quaternions(from, &chunk->rotation_from[first]);
  v_load_quaternions(to, &chunk->rotation_to[first]);
  lane_slerp(q, from, to, v_load(&chunk->blend[first]));
  lane_compose(out, q, chunk, first);
}

LANE_TARGET void LANE_KERNEL(float *local_out, const soma_pose_chunk *chunk, uint32_t count) {
  uint32_t joint = 0;
  for (; joint + LANES <= count; joint += LANES) lane_pose(local_out + (uint64_t)joint * 16, chunk, joint);
  if (joint == count) return;
  float rest[LANES * 16];
  lane_pose(rest, chunk, joint);
  for (uint32_t i = 0; i < (count - joint) * 16; i++) local_out[(uint64_t)joint * 16 + i] = rest[i];
}
