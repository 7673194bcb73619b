/* soma.h: the public interface of libsoma, the native kernels of Soma.
 *
 * Conventions, for every function here:
 *   - The caller owns all memory. Nothing is allocated, nothing is kept, there are no globals and no I/O.
 *   - The destination comes first. Counts are element counts; sizes in bytes say so in their name.
 *   - Every function returns SOMA_OK (0) or a negative soma_status, and then the destination is unspecified.
 *   - Functions touch their arguments only, so they may run on any number of threads at once.
 *   - Pointers must be aligned to their element. Pointers never alias unless a comment allows it. The target is 64-bit, little-endian.
 *   - Where a function has SIMD forms, they are chosen at run time and agree to 1e-6 relative.
 */
#ifndef SOMA_H
#define SOMA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOMA_API __attribute__((visibility("default")))

/* Rises whenever a function, a struct or a meaning here changes; checked when the library is loaded. */
#define SOMA_ABI_VERSION 2u

typedef enum soma_status {
  SOMA_OK = 0,
  SOMA_BAD_ARGUMENT = -1, /* a null pointer, a zero or too large count, an unknown code */
  SOMA_BAD_CLIP = -2,     /* a clip whose header, offsets, parents or keys are not consistent */
  SOMA_BAD_PARENT = -3,   /* parent index not smaller than the joint's own */
  SOMA_BAD_SIZE = -4,     /* sizes or strides that do not fit each other */
  SOMA_BAD_IMAGE = -5     /* encoded image data that is not what it claims to be */
} soma_status;

/* ---- the library itself ------------------------------------------------------------------------------- */

/* ABI table, compared with the TypeScript side when the library is loaded.
 *   out        at most capacity u32: SOMA_ABI_VERSION, then the sizes in bytes of soma_clip, soma_track, soma_lanes,
 *              soma_lane_group, soma_image, soma_png_info, soma_rect, soma_skin, soma_sums, soma_process_plan
 *   returns    number of entries written, or SOMA_BAD_ARGUMENT when capacity is too small for all of them */
SOMA_API int32_t soma_abi(uint32_t *out, uint32_t capacity);

/* SIMD level this machine runs: 0 portable C, 1 SSE2 or NEON, 2 AVX2 + FMA, 3 AVX-512. */
SOMA_API int32_t soma_simd_level(void);

/* ---- clips and forward kinematics (clip.c, fk_*.c) ---------------------------------------------------- */

/* A clip is one relocatable block of memory, little-endian, 8-byte aligned, immutable once built, shared by all sessions:
 *   soma_clip header | int32 parents[joint_count] | soma_track tracks[joint_count * 3] | float32 times | float32 values
 * and, where many tracks share their key times, the lanes that hold those tracks (soma_lanes). All offsets are in bytes from the start of the block. Joints are breadth-first: a parent precedes its children,
 * the root has parent -1 (several roots are allowed). */
typedef struct soma_clip {
  uint32_t magic;          /* SOMA_CLIP_MAGIC */
  uint32_t version;        /* SOMA_CLIP_VERSION */
  uint32_t joint_count;    /* 1 … SOMA_MAX_JOINTS */
  uint32_t flags;          /* 0 */
  uint64_t byte_length;    /* of the whole block */
  uint32_t parents_offset; /* int32[joint_count] */
  uint32_t tracks_offset; /* soma_track[joint_count * 3]: translation, rotation, scale of joint 0, then of joint 1, … */
  double start_s;         /* first media time that is defined, seconds */
  double end_s;  /* last media time that is defined; the pose is held outside [start_s, end_s] unless a track wraps */
  double wrap_s; /* period after which wrapping tracks repeat, >= end_s - start_s, seconds; 0 when the clip has none */
  uint32_t lanes_offset; /* soma_lanes; 0 when the clip has none */
  uint32_t reserved;     /* 0 */
} soma_clip;

#define SOMA_CLIP_MAGIC 0x50494c43u /* "CLIP" */
#define SOMA_CLIP_VERSION 2u
#define SOMA_MAX_JOINTS 4096u

typedef enum soma_track_kind {
  SOMA_TRACK_CONSTANT = 0, /* one value */
  SOMA_TRACK_STEP = 1,     /* the value of the last key at or before the time */
  SOMA_TRACK_LINEAR = 2,   /* translation, scale: linear; rotation: spherical linear along the shorter arc */
  SOMA_TRACK_CUBIC =
      3 /* glTF 2.0 cubic Hermite: three values a key (in-tangent, value, out-tangent); rotations normalised after */
} soma_track_kind;

/* One animated property of one joint. Values are float32: 3 per key for translation and scale, 4 (x, y, z, w) for rotation;
 * three times that for SOMA_TRACK_CUBIC. Keys rise strictly in time. Rotation keys need not be unit: their direction counts.
 * A constant has no times: times_offset, start_s and step_s are ignored, and it does not wrap. */
typedef struct soma_track {
  uint32_t kind;          /* soma_track_kind */
  uint32_t key_count;     /* 1 for a constant */
  uint32_t times_offset;  /* float32[key_count], seconds; 0 when the keys are uniform */
  uint32_t values_offset; /* float32 values; of a track in lanes its first one, see SOMA_TRACK_IN_LANES */
  double start_s;         /* time of the first key when uniform */
  double step_s;          /* distance of uniform keys, > 0; ignored otherwise */
  uint32_t flags;         /* SOMA_TRACK_WRAPS | SOMA_TRACK_IN_LANES */
  uint32_t reserved;      /* 0 */
} soma_track;

/* The last key of a uniform track blends into the first within one more step: its period is key_count * step_s.
 * Only for uniform tracks of a clip with wrap_s > 0. */
#define SOMA_TRACK_WRAPS 1u

/* The values lie in a lane of a soma_lane_group: the next component 32 bytes further on, the next key soma_lanes.key_bytes. */
#define SOMA_TRACK_IN_LANES 2u

/* Tracks side by side, so that eight joints are read by whole vectors and no track is looked up: one key after another, and of each key
 * the groups' lanes, component by component, float32 [3 or 4][SOMA_LANES]. The tracks of a joint in a group are constant or
 * linear, and all linear ones have the key times of `timing`. Joints that do not fit are listed, and sampled track by track. */
typedef struct soma_lanes {
  soma_track timing;      /* SOMA_TRACK_LINEAR with values_offset 0: when the keys are, and whether they wrap */
  uint32_t key_bytes;     /* distance of a lane's keys, a multiple of 4 */
  uint32_t group_count;   /* 1 … joint_count */
  uint32_t groups_offset; /* soma_lane_group[group_count] */
  uint32_t rest_count;    /* joints in no group */
  uint32_t rest_offset;   /* uint32[rest_count], their indices; ignored when there are none */
  uint32_t reserved;      /* 0 */
} soma_lanes;

#define SOMA_LANES 8u

/* Up to eight joints. Each of their tracks is in a lane of the group, a constant where the property does not move, except
 * translations marked as apart, which are sampled as any other track, and scales where all are 1. Rotations in lanes are unit to
 * float32 rounding: their square length is 1 ± SOMA_UNIT_TOLERANCE. Lanes in no use take room and hold anything. */
typedef struct soma_lane_group {
  uint32_t joints[8];       /* of lanes 0 … lane_count - 1, rising; each joint is in one group or among the rest */
  uint32_t lane_count;      /* 1 … SOMA_LANES */
  uint32_t moving;          /* bit p: property p (0 translation, 1 rotation, 2 scale) has keys; else one value a lane */
  uint32_t apart;           /* bit i: the translation of lane i is not in lanes; then bit 0 of moving is not set */
  uint32_t lanes_offset[3]; /* first lanes of each property, float32 [3, 4, 3][SOMA_LANES]; 0 for scales that are 1 */
} soma_lane_group;

#define SOMA_UNIT_TOLERANCE 3e-7

/* Checks everything that the other clip functions rely on: magic, version, bounds and alignment of every offset, parents before
 * children, kinds, key counts, flags, rising times, and values that keep every intermediate result finite: times within
 * ±1e9 s, translations, scales and tangents within ±1e18, rotation keys of length 1e-6 … 1e6 (components within ±1e18), unit in lanes;
 * and that the lanes say what the tracks say.
 * Call it once before a clip is used.
 *   clip       byte_length bytes, 8-byte aligned; byte_length is that of the header
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT (null or not aligned), SOMA_BAD_CLIP or SOMA_BAD_PARENT */
SOMA_API int32_t soma_clip_validate(const void *clip, uint64_t byte_length);

/* Local matrices T·R·S of every joint at one time.
 *   local_out  joint_count × 16 float32, row-major (translation at 3, 7, 11; last row 0 0 0 1), clip axes and units
 *   clip       a block that soma_clip_validate accepted
 *   time_s     finite; outside [start_s, end_s] the nearest end is held, except that for a wrapping track times in
 *              (end_s, start_s + wrap_s) blend the last key into the first
 *   returns    SOMA_OK or SOMA_BAD_ARGUMENT (null, or a time that is not finite)
 * Rotations agree with exact slerp to 1e-6. Keys half a turn apart have two shortest arcs; the one without a sign change of the
 * second key is taken, decided by the float32 sum ((x·x + y·y) + z·z) + w·w, so that every form decides alike. */
SOMA_API int32_t soma_clip_sample(float *local_out, const void *clip, double time_s);

/* Global matrices from local ones: global[i] = global[parent[i]] · local[i].
 *   global_out joint_count × 16 float32, row-major; may be the same memory as local
 *   local      joint_count × 16 float32, row-major, affine (last row 0 0 0 1)
 *   parents    joint_count × int32, -1 for a root, otherwise smaller than the joint's own index
 *   joint_count 1 … SOMA_MAX_JOINTS
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT or SOMA_BAD_PARENT */
SOMA_API int32_t soma_fk_global(float *global_out, const float *local, const int32_t *parents, uint32_t joint_count);

typedef enum soma_dtype { SOMA_F32 = 0, SOMA_F64 = 1, SOMA_F16 = 2 } soma_dtype;
typedef enum soma_order { SOMA_ROW_MAJOR = 0, SOMA_COLUMN_MAJOR = 1 } soma_order;

/* Rewrites matrices in another element type and memory order. float16 rounds to nearest even; overflow becomes infinity.
 *   out        matrix_count × 16 elements of dtype; must not alias pose
 *   pose       matrix_count × 16 float32, row-major
 *   returns    SOMA_OK or SOMA_BAD_ARGUMENT */
SOMA_API int32_t soma_pose_convert(void *out, const float *pose, uint32_t matrix_count, uint32_t dtype, uint32_t order);

/* ---- images (image_*.c) ------------------------------------------------------------------------------- */

typedef enum soma_format {
  SOMA_GREY = 0, /* 1 plane, 1 byte a pixel */
  SOMA_RGB = 1,  /* 1 plane, 3 bytes a pixel: R, G, B */
  SOMA_RGBA = 2, /* 1 plane, 4 bytes a pixel: R, G, B, A (not premultiplied) */
  SOMA_I420 = 3, /* 3 planes: Y, then Cb and Cr at half width and height, rounded up */
  SOMA_NV12 = 4  /* 2 planes: Y, then Cb Cr interleaved at half width and height, rounded up */
} soma_format;

/* How Y'CbCr samples of I420 and NV12 relate to R'G'B'. Ignored for the other formats. Limited: Y' 16 … 235, Cb Cr 16 … 240. */
typedef enum soma_colour {
  SOMA_BT601_LIMITED = 0, /* what WebRTC codecs carry unless they say otherwise */
  SOMA_BT601_FULL = 1,
  SOMA_BT709_LIMITED = 2,
  SOMA_BT709_FULL = 3
} soma_colour;

/* A view of pixels that the caller owns. Rows run from top to bottom, 8 bits a sample. A stride is the distance of rows in
 * bytes, at least the bytes of a row. Planes that the format does not have are ignored. A view is checked by every function:
 * width and height 1 … SOMA_MAX_IMAGE_SIDE, planes not null, strides long enough, known codes; otherwise SOMA_BAD_ARGUMENT
 * or SOMA_BAD_SIZE. Views with a rectangle inside a larger picture are made by moving the plane pointers. */
typedef struct soma_image {
  uint8_t *planes[3];
  uint32_t stride_bytes[3];
  uint32_t width;
  uint32_t height;
  uint32_t format;   /* soma_format */
  uint32_t colour;   /* soma_colour */
  uint32_t reserved; /* 0 */
} soma_image;

#define SOMA_MAX_IMAGE_SIDE 32768u

/* What the header of a PNG says. */
typedef struct soma_png_info {
  uint32_t width;
  uint32_t height;
  uint32_t format;   /* SOMA_GREY, SOMA_RGB or SOMA_RGBA */
  uint32_t reserved; /* 0 */
} soma_png_info;

/* Reads the header of a PNG (W3C PNG, third edition) that soma_png_strip can unpack: 8 bits a sample, grey, RGB or RGBA, not
 * interlaced.
 *   png        png_bytes bytes
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT or SOMA_BAD_IMAGE */
SOMA_API int32_t soma_png_header(soma_png_info *out, const uint8_t *png, uint64_t png_bytes);

/* Unpacks a PNG whose deflate stream has stored blocks only (an encoder at compression level 0). It is how decoded pixels are taken
 * from an encoder in the same process: checksums (CRC-32, Adler-32) are not verified, ancillary chunks are ignored.
 *   dst        same width, height and format as the PNG
 *   png        png_bytes bytes
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT, SOMA_BAD_SIZE, or SOMA_BAD_IMAGE (also for compressed blocks) */
SOMA_API int32_t soma_png_strip(const soma_image *dst, const uint8_t *png, uint64_t png_bytes);

/* Converts pixels. Between Y'CbCr images of one colour code samples are moved, not computed. Grey is luma: full-range Y' of the image's
 * own matrix (BT.601 for RGB and RGBA). To Y'CbCr, chroma is the mean of each 2 × 2 block; from it, each pixel takes its block's chroma.
 * Missing alpha is 255. Results are rounded to nearest (±1 at ties of fixed-point arithmetic with 16 bits) and clamped.
 *   dst, src   same width and height; any two formats
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT or SOMA_BAD_SIZE */
SOMA_API int32_t soma_image_convert(const soma_image *dst, const soma_image *src);

typedef enum soma_filter {
  SOMA_FILTER_NONE = 0, /* in a plan: nothing to resize */
  SOMA_AREA = 1,        /* mean over the covered area; only where neither side grows */
  SOMA_LINEAR = 2,      /* bilinear, no antialiasing */
  SOMA_CUBIC = 3        /* bicubic convolution with a = -0.75, no antialiasing */
} soma_filter;

/* Resizes with OpenCV's conventions (INTER_AREA, INTER_LINEAR, INTER_CUBIC): pixel centres at half integers, edge pixels repeated.
 * Computed in float32 and rounded to nearest; OpenCV's fixed-point forms differ by at most 1. Each plane on its own.
 *   dst, src   same format and colour, any sizes
 *   filter     SOMA_AREA, SOMA_LINEAR or SOMA_CUBIC
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT, or SOMA_BAD_SIZE when SOMA_AREA would have to enlarge */
SOMA_API int32_t soma_image_resize(const soma_image *dst, const soma_image *src, uint32_t filter);

/* Copies the rectangle of src that has its top left corner at (x, y) and the size of dst.
 *   dst, src   same format and colour
 *   x, y       pixels; even for I420 and NV12
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT, or SOMA_BAD_SIZE when the rectangle is not inside src */
SOMA_API int32_t soma_image_crop(const soma_image *dst, const soma_image *src, uint32_t x, uint32_t y);

/* The eight flips and quarter turns, with the numbers of the EXIF orientation tag: what must be done to a stored image to show it
 * upright. */
typedef enum soma_orientation {
  SOMA_UPRIGHT = 1,
  SOMA_FLIP_HORIZONTAL = 2, /* left and right change places */
  SOMA_ROTATE_180 = 3,
  SOMA_FLIP_VERTICAL = 4,
  SOMA_TRANSPOSE = 5,  /* rows become columns */
  SOMA_ROTATE_90 = 6,  /* clockwise */
  SOMA_TRANSVERSE = 7, /* transposed and rotated by 180° */
  SOMA_ROTATE_270 = 8  /* clockwise */
} soma_orientation;

/* Flips or rotates.
 *   dst        same format and colour as src; width and height exchanged for SOMA_TRANSPOSE … SOMA_ROTATE_270.
 *   src        even width and height for I420 and NV12
 *   returns    SOMA_OK, SOMA_BAD_ARGUMENT or SOMA_BAD_SIZE */
SOMA_API int32_t soma_image_orient(const soma_image *dst, const soma_image *src, uint32_t orientation);

/* Normalised channel planes for neural networks: out[c][y][x] = (src[y][x][c] / 255 - mean[c]) / deviation[c].
 *   out        channels × height × width float32, channels first; 1 channel for grey, 3 for RGB and RGBA (alpha is left out)
 *   src        SOMA_GREY, SOMA_RGB or SOMA_RGBA
 *   mean, deviation  one float32 a channel; deviation > 0
 *   returns    SOMA_OK or SOMA_BAD_ARGUMENT */
SOMA_API int32_t soma_image_to_chw(float *out, const soma_image *src, const float *mean, const float *deviation);

/* A rectangle in pixels. It may lie partly or wholly outside the image: only the part inside counts. */
typedef struct soma_rect {
  int32_t x;
  int32_t y;
  uint32_t width;
  uint32_t height;
} soma_rect;

/* Which pixels count as skin; bounds are inclusive. I420 and NV12 samples are compared as they are, RGB is converted to limited BT.601
 * first, of grey only the Y' bounds count, against the value itself. */
typedef struct soma_skin {
  uint8_t y_min;
  uint8_t y_max;
  uint8_t cb_min;
  uint8_t cb_max;
  uint8_t cr_min;
  uint8_t cr_max;
  uint8_t
      clipped_from; /* first-channel value from which a counted pixel is reported as clipped; RGB: any channel. 0 counts none */
  uint8_t reserved; /* 0 */
} soma_skin;

/* Sums over the pixels that count. Means are sum / count for every channel: a chroma sample counts once for each of its pixels. */
typedef struct soma_sums {
  uint32_t count;
  uint32_t clipped;
  uint64_t sum[3]; /* Y' Cb Cr for I420 and NV12; R G B for RGB and RGBA; the value, 0, 0 for grey */
} soma_sums;

/* Sums over regions of interest.
 *   out        rect_count sums
 *   src        any format
 *   rects      rect_count rectangles; those of one picture may overlap
 *   skin       null: every pixel counts, clipped is 0
 *   returns    SOMA_OK or SOMA_BAD_ARGUMENT */
SOMA_API int32_t soma_image_roi_sums(soma_sums *out, const soma_image *src, const soma_rect *rects, uint32_t rect_count,
                                     const soma_skin *skin);

/* Sums over a grid of square tiles; the last column and row may be smaller.
 *   out        ceil(width / tile) × ceil(height / tile) sums, row by row
 *   tile       side in pixels, 2 … 4096, even
 *   skin       null: every pixel counts, clipped is 0
 *   returns    SOMA_OK or SOMA_BAD_ARGUMENT */
SOMA_API int32_t soma_image_tile_sums(soma_sums *out, const soma_image *src, uint32_t tile, const soma_skin *skin);

typedef enum soma_process_method {
  SOMA_UPPER_BOUND_RESIZE =
      0, /* longest side to the resolution, then each side to the nearest multiple by a second resize */
  SOMA_UPPER_BOUND_CROP = 1,   /* longest side to the resolution, then each side down to a multiple by a centre crop */
  SOMA_LOWER_BOUND_RESIZE = 2, /* shortest side … */
  SOMA_LOWER_BOUND_CROP = 3
} soma_process_method;

/* How an image becomes a network's input: resize to bound (bound_filter), then either resize to final (final_filter) or, when that is
 * SOMA_FILTER_NONE, crop final out of bound at (crop_x, crop_y). */
typedef struct soma_process_plan {
  uint32_t bound_width;
  uint32_t bound_height;
  uint32_t bound_filter; /* SOMA_FILTER_NONE when the image has that size already */
  uint32_t crop_x;
  uint32_t crop_y;
  uint32_t final_width;
  uint32_t final_height;
  uint32_t final_filter;
} soma_process_plan;

/* Plans the preprocessing of Depth Anything 3. Bound sizes round half to even, at least 1; nearest multiples round ties up, at least one
 * multiple. Filters are SOMA_CUBIC where a side grows, otherwise SOMA_AREA.
 *   width, height  of the image, 1 … SOMA_MAX_IMAGE_SIDE
 *   resolution     1 … SOMA_MAX_IMAGE_SIDE
 *   multiple       patch size of the network, 1 … 1024 (14 for DINOv2)
 *   method         soma_process_method
 *   returns        SOMA_OK, SOMA_BAD_ARGUMENT, or SOMA_BAD_SIZE when a side would be cropped to nothing or exceed the maximum */
SOMA_API int32_t soma_process_plan_make(soma_process_plan *out, uint32_t width, uint32_t height, uint32_t resolution,
                                        uint32_t multiple, uint32_t method);

#ifdef __cplusplus
}
#endif

#endif /* SOMA_H */
