/* Columns as inputs of float32 by NumPy's arithmetic, one by one; then each row at its place.

   WIDTH inputs and TARGET bytes of targets a row; TILE rows are made at a time, in the cache. */
#include <stdint.h>
#include <string.h>

enum { AHEAD = 64 }; /* rows, of which memory is asked for before they are written */

/* GCC takes a call of what only asks for memory to have no effect, and leaves it out. */
#define INLINED static inline __attribute__((always_inline))

struct column {
    const float *numbers; /* of numbers, as `standardize` makes them */
    const int32_t *names; /* of names, the number of each row's, -1 for none; NULL of numbers */
    const int64_t *inputs; /* which input is 1, of no name and of each; -1 for none of them */
    long first, width; /* its inputs */
};

/* Numbers as inputs; whether all are finite. */
int standardize(const double *from, long rows, double mean, double subtracted, double scale,
                float *to)
{
    union { float number; uint32_t bits; } made;
    uint32_t wrong = 0;
    for (long r = 0; r < rows; r++) {
        double value = from[r] != from[r] ? mean : from[r];
        made.number = (float)((value - subtracted) / scale);
        wrong |= (made.bits & 0x7f800000u) == 0x7f800000u;
        to[r] = made.number;
    }
    return !wrong;
}

static void put_names(const struct column *of, long row, long rows, float *tile)
{
    for (long r = 0; r < rows; r++, tile += WIDTH) {
        for (long i = 0; i < of->width; i++) tile[i] = 0.0f;
        int64_t input = of->inputs[of->names[row + r] + 1];
        if (input >= 0) tile[input] = 1.0f;
    }
}

static void put_numbers(const float *from, long rows, float *tile)
{
    for (long r = 0; r < rows; r++) tile[r * WIDTH] = from[r];
}

/* Has the numbers of the next rows in the cache by the time that they are read. What the processor
   fetches by itself ends with each tile, as every column lies elsewhere. */
INLINED void fetch_numbers(const float *from, long rows)
{
    for (long r = 0; r < rows; r += 64 / (long)sizeof *from) __builtin_prefetch(from + r, 0);
}

/* Has the place of a row in the cache by the time that it is written. */
INLINED void fetch(int64_t place, const float *x, const char *y)
{
    if (place < 0) return;
    const char *to = (const char *)(x + place * WIDTH);
    for (long at = 0; at < 4 * WIDTH; at += 64) __builtin_prefetch(to + at, 1);
    __builtin_prefetch(to + 4 * WIDTH - 1, 1);
    __builtin_prefetch(y + place * TARGET, 1);
}

/* Places rows. The place of a row that is left out is -1. */
void place(const struct column *columns, long many, long rows, const int64_t *places,
           const char *targets, float *x, char *y)
{
    float tile[TILE * WIDTH];
    for (long row = 0; row < rows; row += TILE) {
        long some = rows - row < TILE ? rows - row : TILE;
        long next = rows - row - some < TILE ? rows - row - some : TILE;
        for (const struct column *one = columns; one < columns + many; one++) {
            if (one->names) {
                put_names(one, row, some, tile + one->first);
            } else {
                fetch_numbers(one->numbers + row + some, next);
                put_numbers(one->numbers + row, some, tile + one->first);
            }
        }
        for (long r = 0; r < some; r++) {
            int64_t to = places[row + r];
            if (row + r + AHEAD < rows) fetch(places[row + r + AHEAD], x, y);
            if (to < 0) continue;
            memcpy(x + to * WIDTH, tile + r * WIDTH, 4 * WIDTH);
            memcpy(y + to * TARGET, targets + (row + r) * TARGET, TARGET);
        }
    }
}
