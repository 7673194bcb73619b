/* fk.h: the forms of each forward-kinematics kernel, for their dispatch and for tests that compare them. */
#ifndef SOMA_FK_H
#define SOMA_FK_H

#include "pose_chunk.h"
#include "soma.h"

void soma_clip_sample_with(const soma_pose_form *form, float *local_out, const soma_clip *clip, double time_s);

/* As soma_fk_global, arguments already checked. */
typedef int32_t soma_global_kernel(float *out, const float *local, const int32_t *parents, uint32_t joint_count);

soma_global_kernel soma_global_portable;
soma_global_kernel soma_global_sse2;
soma_global_kernel soma_global_avx2;
soma_global_kernel soma_global_neon;

#endif
