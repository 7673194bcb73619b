/* pose_chunk.h: the hand-over between the two halves of sampling. The first half (fk_sample.c) looks up keys and needs
 * branches; the second (fk_pose_*.c) blends and composes matrices and needs none, so it runs joints side by side. What comes from
 * single tracks is gathered into a chunk; what lies in lanes is read in place. A chunk lives on the stack; the halves are far
 * enough apart that no load waits for a store in flight. */
#ifndef SOMA_POSE_CHUNK_H
#define SOMA_POSE_CHUNK_H

#include "soma.h"

#include <stdint.h>

/* Joints a chunk holds: a multiple of every lane count. */
#define SOMA_CHUNK 64

/* Groups of lanes done at once: enough that the two loops over them are long, few enough for the first-level cache. */
#define SOMA_BATCH 16

typedef struct soma_pose_chunk {
  const float *rotation_from[SOMA_CHUNK]; /* two keys (x, y, z, w) of any length, never zero */
  const float *rotation_to[SOMA_CHUNK];
  float blend[SOMA_CHUNK]; /* 0 … 1 from rotation_from to rotation_to */
  float translation[3][SOMA_CHUNK];
  float scale[3][SOMA_CHUNK];
  float evaluated[SOMA_CHUNK][4]; /* rotations that had to be computed, for the pointers above */
} soma_pose_chunk;

/* Two keys of every lane, and the place between them. */
typedef struct soma_lane_keys {
  const uint8_t *block;
  const soma_lane_group *groups;
  uint32_t group_count;
  float blend;         /* 0 … 1 */
  uint64_t from_bytes; /* distance of the two keys from the first one */
  uint64_t to_bytes;
} soma_lane_keys;

/* One form of the second half. */
typedef struct soma_pose_form {
  /* local_out: count × 16 float32. Entries of the chunk up to the next multiple of 16 are readable and harmless. */
  void (*chunk)(float *local_out, const soma_pose_chunk *chunk, uint32_t count);
  /* local_out: the whole pose; the matrices of the groups' joints are written, with the translation lanes whatever `apart` says. */
  void (*lanes)(float *local_out, const soma_lane_keys *keys);
} soma_pose_form;

extern const soma_pose_form soma_pose_portable;
extern const soma_pose_form soma_pose_sse2;
extern const soma_pose_form soma_pose_neon;
extern const soma_pose_form soma_pose_avx2;
extern const soma_pose_form soma_pose_avx512;

#endif
