/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Multiboot kernel in which mover.S moves: every length around what it moves at a time, at every
 * distance that overlaps in another way, up and down. Each move has a cell of memory of its own,
 * which must be, to its last byte, what a loop over bytes makes of it.
 */
#include <stddef.h>
#include <stdint.h>

#include "pvhboot/handoff.h"

__asm__(".section .text.header, \"ax\"\n"
        ".balign 4\n"
        ".long 0x1badb002, 0, -0x1badb002\n"
        ".globl _start\n"
        "_start: mov $stack + 16384, %esp\n"
        "call begin\n"
        /* Where the mover jumps to: it has its own stack. */
        "again: mov $stack + 16384, %esp\n"
        "pushfl\n"
        "call judge\n"
        ".text\n");

extern const uint8_t mover_start[];
extern const uint8_t mover_parameters[];
extern const uint8_t mover_data_end[];
extern const uint8_t again[];

/* Pages of their own: QEMU is slow where data are written beside code. */
#define PAGE_ALIGNED __attribute__((aligned(4096)))
uint8_t stack[16384] PAGE_ALIGNED;
/* Not where it was linked: it must find everything of its own. */
static uint8_t mover[4096] PAGE_ALIGNED;
static struct {
    uint32_t moves;
    uint32_t wrong;
} counted PAGE_ALIGNED;

#define CELLS ((uint8_t *)0x1000000)
/* Three blocks and some, and clear of the cell's ends by more than one. */
#define LONGEST 400u
#define MARGIN 140u
#define CELL_SIZE 1024u
#define MOVES 0x800000
#define EFLAGS_DF (1u << 10)
#define LISTED(list) (sizeof(list) / sizeof((list)[0]))

static const uint32_t distances[] = {0,  1,  2,  3,  4,   5,   8,   15,  16,  17,  31,  32,
                                     63, 64, 65, 96, 127, 128, 129, 130, 200, 255, 256, 300};

/* What a byte of the cells is before: neither zeros nor a pattern as long as a block. */
static uint8_t before(uint32_t index) {
    uint32_t value = index * 2654435761u;
    return (uint8_t)(value >> 24 ^ value >> 11);
}

static void out(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void print(const char *text) {
    for (; *text; text++)
        out(0x3f8, (uint8_t)*text);
}

static void print_number(uint32_t number) {
    char digits[11];
    char *place = digits + sizeof(digits) - 1;
    *place = '\0';
    do {
        *--place = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(place);
    print(" ");
}

static void add(uint32_t kind, uint32_t size, uint32_t distance, uint32_t offset) {
    struct move *moves = (struct move *)MOVES;
    uint32_t low = (uint32_t)(uintptr_t)CELLS + counted.moves * CELL_SIZE + MARGIN + offset;
    uint32_t high = low + distance;
    moves[counted.moves++] = (struct move){.destination = kind == MOVE_UP ? low : high,
                                           .source = kind == MOVE_DOWN ? low : high,
                                           .size = size,
                                           .kind = kind};
}

static void add_all(void) {
    for (uint32_t size = 0; size <= LONGEST; size++)
        for (uint32_t i = 0; i < LISTED(distances); i++) {
            add(MOVE_UP, size, distances[i], size % 16);
            add(MOVE_DOWN, size, distances[i], (size + i) % 16);
        }
    for (uint32_t size = 0; size <= LONGEST; size++)
        for (uint32_t offset = 0; offset < 4; offset++)
            add(MOVE_ZERO, size, 0, offset);
}

_Noreturn static void move_all(void) {
    size_t at = (size_t)(mover_parameters - mover_start);
    for (size_t i = 0; i < (size_t)(mover_data_end - mover_start); i++)
        mover[i] = mover_start[i];
    *(struct mover_parameters *)(mover + at) =
        (struct mover_parameters){.moves = MOVES,
                                  .move_count = counted.moves,
                                  .entry = (uint32_t)(uintptr_t)again,
                                  .has_sse2 = HAS_SSE2,
                                  .consoles = 1};
    /* CR0.EM and CR0.TS, as a host may leave them: an SSE instruction would fault. */
    __asm__ volatile("movl %%cr0, %%eax\n"
                     "orl $0xc, %%eax\n"
                     "movl %%eax, %%cr0\n"
                     "jmp *%%ebx"
                     :
                     : "b"(mover)
                     : "eax", "memory");
    __builtin_unreachable();
}

_Noreturn void begin(void);
_Noreturn void begin(void) {
    add_all();
    for (uint32_t i = 0; i < counted.moves * CELL_SIZE; i++)
        CELLS[i] = before(i);
    move_all();
}

/* What a byte of a cell must be: each is read before it is overwritten. */
static uint8_t expected(const struct move *move, uint32_t address) {
    uint32_t offset = address - move->destination;
    uint32_t cells = (uint32_t)(uintptr_t)CELLS;
    if (offset >= move->size)
        return before(address - cells);
    return move->kind == MOVE_ZERO ? 0 : before(move->source + offset - cells);
}

static void judge_cell(uint32_t index) {
    const struct move *move = (const struct move *)MOVES + index;
    const uint8_t *cell = CELLS + index * CELL_SIZE;
    for (uint32_t i = 0; i < CELL_SIZE; i++) {
        if (cell[i] == expected(move, (uint32_t)(uintptr_t)(cell + i)))
            continue;
        if (counted.wrong++ == 0) {
            print("wrong: kind, size, source, destination, byte ");
            print_number(move->kind);
            print_number(move->size);
            print_number(move->source);
            print_number(move->destination);
            print_number((uint32_t)(uintptr_t)(cell + i));
            print("\n");
        }
        return;
    }
}

_Noreturn void judge(uint32_t flags);
_Noreturn void judge(uint32_t flags) {
    for (uint32_t i = 0; i < counted.moves; i++)
        judge_cell(i);
    if (flags & EFLAGS_DF)
        print("the direction flag is set ");
    print("moves, wrong ");
    print_number(counted.moves);
    print_number(counted.wrong);
    print("\n");
    out(0xf4, 0x10);
    for (;;)
        __asm__ volatile("cli; hlt");
}
