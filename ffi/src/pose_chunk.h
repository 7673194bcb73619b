/* pose_chunk.h: the hand-over between the two halves of sampling. The first half (fk_sample.c) looks up keys and needs
 * branches; the second (fk_pose_*.c) blends and composes matrices and needs none, so it runs joints side by side. A chunk
 * lives on the stack; the halves are far enough apart that no load waits for a store in flight. */
#ifndef SOMA_POSE_CHUNK_H
#define SOMA_POSE_CHUNK_H

#include <stdint.h>

/* Joints a chunk holds: a multiple of every lane count. */
#define SOMA_CHUNK 64

typedef struct soma_pose_chunk {
  const float *rotation_from[SOMA_CHUNK]; /* two keys (x, y, z, w) of any length, never zero */
  const float *rotation_to[SOMA_CHUNK];
  float blend[SOMA_CHUNK]; /* 0 … 1 from rotation_from to rotation_to */
  float translation[3][SOMA_CHUNK];
  float scale[3][SOMA_CHUNK];
  float evaluated[SOMA_CHUNK][4]; /* rotations that had to be computed, for the pointers above */
} soma_pose_chunk;

/* local_out: count × 16 float32. Entries of the chunk up to the next multiple of 16 are readable and harmless. */
typedef void soma_pose_kernel(float *local_out, const soma_pose_chunk *chunk, uint32_t count);

soma_pose_kernel soma_pose_portable;
soma_pose_kernel soma_pose_sse2;
soma_pose_kernel soma_pose_neon;
soma_pose_kernel soma_pose_avx2;
soma_pose_kernel soma_pose_avx512;

#endif
