/* What every step begins with: products, sums, softmax and functions of one run.

   VECTOR is how many numbers a register takes, LANES how many runs lie side by side, MODE how MKL's
   functions round. Where a kernel of torch's takes whole registers first, what is left is computed
   one by one. Source: SumKernel.cpp, SoftMaxKernel.cpp, UnaryOpsKernel.cpp, Activation.cpp in
   ATen/native/cpu. */

#if defined(__clang__)
#define EACH _Pragma("clang loop vectorize(assume_safety)")
#else
#define EACH _Pragma("GCC ivdep")
#endif

float fmaf(float, float, float), fabsf(float), sqrtf(float), expf(float), expm1f(float);
void *memcpy(void *, const void *, unsigned long), *memset(void *, int, unsigned long);
typedef float vec __attribute__((vector_size(4 * VECTOR), aligned(4), may_alias));
typedef float whole __attribute__((vector_size(4 * VECTOR)));
typedef int mask __attribute__((vector_size(4 * VECTOR), aligned(4), may_alias));
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef float lane __attribute__((vector_size(64), aligned(4), may_alias));

struct given {
    long runs, steps;         /* how many */
    float *weights, *state[3]; /* of all runs; they are changed */
    const float *table_x;     /* all rows */
    const void *table_y;
    const long *rows;         /* the numbers of those in each batch, (runs, steps, batch) */
    long rows_of_run;         /* from one run's to the next's; 0 if all take the same */
    const long *starts;       /* what is added to the numbers of each run */
    const float *numbers;     /* the optimizer's, (steps, names, runs) */
    float *losses;            /* (steps, runs) */
    float *scratch;           /* memory for what is made on the way */
    /* MKL's and Sleef's functions, as torch has them */
    void (*gemm)(int, const int *, const int *, const int *, const int *, const int *,
                 const float *, const float **, const int *, const float **, const int *,
                 const float *, float **, const int *, int, const int *);
    whole (*exp)(whole), (*log)(whole), (*expm1)(whole);
    void (*tanh)(int, const float *, float *, long);
    void (*sqrt)(int, const float *, float *, long);
};

/* right^T left^T by MKL, which counts by columns. */
static inline void multiply(const struct given *given, int turned_a, int turned_b, int m, int n,
                            int k, const float *a, int step_a, const float *b, int step_b,
                            float *c, int step_c, int times) {
    const int by_a = turned_a ? 112 : 111, by_b = turned_b ? 112 : 111;
    const float one = 1, zero = 0;
    const float *as[2] = {a, a}, *bs[2] = {b, b};
    float *cs[2] = {c, c};
    given->gemm(102, &by_a, &by_b, &m, &n, &k, &one, as, &step_a, bs, &step_b, &zero, cs, &step_c,
                1, &times);
}

/* A product of a few numbers. */
static inline void small_product(float *out, const float *left, const float *right, long rows,
                                 long inner, long columns, long down, long along, long right_down,
                                 long right_along) {
    for (long i = 0; i < rows; i++) {
        for (long j = 0; j < columns; j++) out[i * columns + j] = 0;
        for (long k = 0; k < inner; k++)
            EACH for (long j = 0; j < columns; j++)
                out[i * columns + j] +=
                    left[i * down + k * along] * right[k * right_down + j * right_along];
    }
}

/* Sums of sums of 16 or more, so that numbers of a size meet. */
#define CASCADE(name, type)                                                         \
    static inline type name(const float *in, long step, long size) {                \
        long log = 0, i = 0;                                                        \
        while ((1L << log) < size) log++;                                           \
        const long power = log / 4 > 4 ? log / 4 : 4, count = 1L << power;          \
        type sums[4];                                                               \
        memset(sums, 0, sizeof sums);                                               \
        while (i + count <= size) {                                                 \
            for (long j = 0; j < count; j++, i++) sums[0] += *(type *)(in + i * step); \
            for (int j = 1; j < 4; j++) {                                           \
                sums[j] += sums[j - 1];                                             \
                memset(&sums[j - 1], 0, sizeof(type));                              \
                if (i & ((count - 1) << (j * power))) break;                        \
            }                                                                       \
        }                                                                           \
        for (; i < size; i++) sums[0] += *(type *)(in + i * step);                  \
        for (int j = 1; j < 4; j++) sums[0] += sums[j];                             \
        return sums[0];                                                             \
    }                                                                               \
    static inline type name##_of_four(const float *in, long step, long size) {      \
        type sums[4];                                                               \
        for (int k = 0; k < 4; k++) sums[k] = name(in + k * step, 4 * step, size / 4); \
        for (long i = size / 4 * 4; i < size; i++) sums[0] += *(type *)(in + i * step); \
        for (int k = 1; k < 4; k++) sums[0] += sums[k];                             \
        return sums[0];                                                             \
    }
typedef float scalar __attribute__((may_alias));
CASCADE(by_number, scalar)
CASCADE(by_eight, eight)
CASCADE(by_lane, lane)

/* The sum of numbers that lie `step` apart. */
static inline float sum_apart(const float *in, long step, long size) {
    return by_number_of_four(in, step, size);
}

/* The sum of numbers that lie one after the other; torch takes eight at a time. */
static inline float sum_inner(const float *in, long size) {
    if (size < 8) return sum_apart(in, 1, size);
    const eight sums = by_eight_of_four(in, 8, size / 8);
    float sum = 0;
    for (long i = size / 8 * 8; i < size; i++) sum += in[i];
    for (int i = 0; i < 8; i++) sum += sums[i];
    return sum;
}

/* The same of runs that lie side by side. */
static inline void sum_lanes(float *out, const float *in, long step, long size) {
    *(lane *)out = by_lane(in, step, size);
}

static inline float huber(float x) {
    x = fabsf(x);
    return x < 1 ? 0.5f * x * x : x - 0.5f;
}

static inline float huber_slope(float x, float gradient) {
    return x <= -1 ? -gradient : x >= 1 ? gradient : x * gradient;
}

static inline void map_tanh(const struct given *given, float *out, const float *in, long size) {
    given->tanh((int)size, in, out, MODE);
}

static inline void map_sqrt(const struct given *given, float *out, const float *in, long size) {
    given->sqrt((int)size, in, out, MODE);
}

/* How many of `size` numbers torch takes by registers, two at a time; the rest one by one. Of runs
   side by side it takes all so. */
static inline long by_registers(long size) {
    const long at_once = LANES > 1 ? VECTOR : 2 * VECTOR;
    return size / at_once * at_once;
}

static inline void map_sigmoid(const struct given *given, float *out, const float *in, long size) {
    long i = 0;
    for (; i < by_registers(size); i += VECTOR)
        *(vec *)(out + i) = 1 / (1 + given->exp(-*(vec *)(in + i)));
    for (; i < size; i++) out[i] = 1 / (1 + expf(-in[i]));
}

static inline void map_silu(const struct given *given, float *out, const float *in, long size) {
    long i = 0;
    for (; i < by_registers(size); i += VECTOR) {
        const vec x = *(vec *)(in + i);
        *(vec *)(out + i) = x / (1 + given->exp(-x));
    }
    for (; i < size; i++) out[i] = in[i] / (1 + expf(-in[i]));
}

static inline float silu_slope(float gradient, float x, float sigmoid) {
    return gradient * sigmoid * fmaf(x, 1 - sigmoid, 1);
}

static inline void map_silu_backward(const struct given *given, float *out, const float *gradient,
                                     const float *in, long size) {
    long i = 0;
    for (; i < by_registers(size); i += VECTOR) {
        const vec sigmoid = 1 / (1 + given->exp(-*(vec *)(in + i)));
        for (long j = 0; j < VECTOR; j++)
            out[i + j] = silu_slope(gradient[i + j], in[i + j], sigmoid[j]);
    }
    for (; i < size; i++) out[i] = silu_slope(gradient[i], in[i], 1 / (1 + expf(-in[i])));
}

static inline void map_elu(const struct given *given, float *out, const float *in, long size) {
    long i = 0;
    for (; i < by_registers(size); i += VECTOR) {
        const vec x = *(vec *)(in + i), low = given->expm1(x);
        for (long j = 0; j < VECTOR; j++) out[i + j] = x[j] > 0 ? x[j] : low[j];
    }
    for (; i < size; i++) out[i] = in[i] < 0 ? expm1f(in[i]) : in[i];
}

static inline void map_elu_backward(const struct given *given, float *out, const float *gradient,
                                    const float *in, long size) {
    long i = 0;
    for (; i < by_registers(size); i += VECTOR) {
        const vec x = *(vec *)(in + i), low = given->exp(x);
        for (long j = 0; j < VECTOR; j++)
            out[i + j] = x[j] > 0 ? gradient[i + j] : gradient[i + j] * low[j];
    }
    for (; i < size; i++) out[i] = in[i] <= 0 ? gradient[i] * expf(in[i]) : gradient[i];
}

/* Of classes by rows, (classes, inner); rows are computed as many at a time as fit a register. */
static inline void log_softmax(const struct given *given, float *out, const float *in,
                               long classes, long inner) {
    long j = 0;
    for (; j + VECTOR <= inner; j += VECTOR) {
        vec most = *(vec *)(in + j), sum = {0};
        for (long c = 1; c < classes; c++) {
            const vec x = *(vec *)(in + c * inner + j);
            const mask more = x > most;
            most = (vec)((more & (mask)x) | (~more & (mask)most));
        }
        for (long c = 0; c < classes; c++) sum += given->exp(*(vec *)(in + c * inner + j) - most);
        sum = given->log(sum);
        for (long c = 0; c < classes; c++)
            *(vec *)(out + c * inner + j) = *(vec *)(in + c * inner + j) - most - sum;
    }
    if (j < inner) {
        float most[VECTOR] = {0}, sum[VECTOR];
        for (long i = 0; i < VECTOR; i++) sum[i] = 1;
        for (long i = 0; i < inner - j; i++) {
            most[i] = in[j + i];
            sum[i] = 0;
            for (long c = 1; c < classes; c++) {
                const float x = in[c * inner + j + i];
                most[i] = x > most[i] ? x : most[i];
            }
            for (long c = 0; c < classes; c++) sum[i] += expf(in[c * inner + j + i] - most[i]);
        }
        const vec logs = given->log(*(vec *)sum);
        for (long i = 0; i < inner - j; i++)
            for (long c = 0; c < classes; c++)
                out[c * inner + j + i] = in[c * inner + j + i] - most[i] - logs[i];
    }
}

static inline void log_softmax_backward(const struct given *given, float *out,
                                        const float *gradient, const float *output, long classes,
                                        long inner) {
    long j = 0;
    for (; j + VECTOR <= inner; j += VECTOR) {
        vec sum = {0};
        for (long c = 0; c < classes; c++) sum += *(vec *)(gradient + c * inner + j);
        for (long c = 0; c < classes; c++) {
            const vec e = given->exp(*(vec *)(output + c * inner + j));
            const vec g = *(vec *)(gradient + c * inner + j);
            vec found;
            for (int i = 0; i < VECTOR; i++) found[i] = fmaf(-e[i], sum[i], g[i]);
            *(vec *)(out + c * inner + j) = found;
        }
    }
    for (; j < inner; j++) {
        float sum = 0;
        for (long c = 0; c < classes; c++) sum += gradient[c * inner + j];
        for (long c = 0; c < classes; c++) {
            const long at = c * inner + j;
            out[at] = fmaf(-expf(output[at]), sum, gradient[at]);
        }
    }
}
