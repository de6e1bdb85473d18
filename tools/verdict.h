/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a file boots: what the image's own code says on a roomy machine (guest.h). */
#ifndef PVHBOOT_TOOLS_VERDICT_H
#define PVHBOOT_TOOLS_VERDICT_H

#include <stdbool.h>

#include "pvhboot/error.h"
#include "pvhboot/plan.h"

/* Larger files are not tried: below 4 GiB there would be too little left, bytes. */
#define VERDICT_LARGEST_FILE ((size_t)1024 * MIB)

/* What is unpacked has no more room than this beside the file, bytes: so that none takes for ever.
 */
#define VERDICT_ROOM ((size_t)1024 * MIB)

#define VERDICT_LINE_SIZE 256u

struct verdict {
    bool boots;
    const char *protocol; /* a literal, of what boots; NULL for what does not */
    enum handoff_mode mode;
    enum error_number error;      /* of what does not; ERROR_NONE when it was not tried */
    char line[VERDICT_LINE_SIZE]; /* then: the error as the image prints it, or why not tried */
};

/* What a host gives. */
struct verdict_question {
    struct span file;         /* module 0 */
    struct span module;       /* behind it; of size 0: none */
    const char *command_line; /* NULL: none */
};

/* False, and it has been complained of, when there is no memory to try it. */
bool verdict_ask(const struct verdict_question *question, struct verdict *verdict);

/* What is refused for that error, without having been tried. */
struct verdict verdict_refusal(const struct error *error);

/* What docs/errors.md advises for that error; NULL for none. */
const char *verdict_advice(enum error_number error);

/* Whether the error is one whose cause hints_find may know. */
bool verdict_is_hinted_at(enum error_number error);

/* Prints on standard error what to do about it, in lines that do not end in the middle of a word.
 */
void verdict_print_advice(const char *text, enum error_number error);

/*
 * Prints on standard error what to do about that error of the image's, in lines that do not end in
 * the middle of a word: what is wrong with that very file, as inspect says it, else what is
 * advised for all. Nothing where there is neither.
 */
void verdict_advise(struct span file, enum error_number error);

#endif
