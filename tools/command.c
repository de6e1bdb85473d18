/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subcommands share: complaints, files, arguments. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quoting.h"

/* Names of files come from anywhere: a terminal is not to obey them. */
static void complain_with(const char *format, va_list values) {
    char *text = NULL;
    if (vasprintf(&text, format, values) < 0)
        text = NULL;
    fputs("pvhboot: ", stderr);
    quote_plain(stderr, text ? text : format);
    fputc('\n', stderr);
    free(text);
}

void complain(const char *format, ...) {
    va_list values;
    va_start(values, format);
    complain_with(format, values);
    va_end(values);
}

int complain_usage(const struct command *command, const char *format, ...) {
    va_list values;
    va_start(values, format);
    complain_with(format, values);
    va_end(values);
    fprintf(stderr, "Try: pvhboot %s --help\n", command->name);
    return COMMAND_USAGE;
}

/* Letters that share a dash: getopt_long is behind their word only after the last one. */
static int complain_letter(const struct command *command, char letter, char **argv) {
    const char *word = argv[optind - 1];
    if (*word != '-' || word[1] == '-' || word[strlen(word) - 1] != letter)
        word = argv[optind];
    if (!word || *word != '-' || !strchr(word, letter) || strlen(word) == 2)
        return complain_usage(command, "there is no option -%c", letter);
    return complain_usage(command, "there is no option -%c, as in %s%s", letter, word,
                          strcmp(command->name, "run") == 0 ? ": QEMU's stand behind --" : "");
}

int complain_option(const struct command *command, int option, char **argv) {
    const char *word = argv[optind - 1];
    if (option == ':')
        return complain_usage(command, "%s wants a value", word);
    if (optopt && (strncmp(word, "--", 2) != 0 || !strchr(word, '=')))
        return complain_letter(command, (char)optopt, argv);
    if (optopt)
        return complain_usage(command, "%s: this option takes no value", word);
    if (strstr(command->help, word))
        return complain_usage(command, "several options begin with %s", word);
    return complain_usage(command, "there is no option %s", word);
}

static void write_to_file(void *context, const char *text, size_t size) {
    fwrite(text, 1, size, context);
}

struct output output_to_file(void *stdio_file) {
    return (struct output){write_to_file, stdio_file};
}

int complain_error(const struct error *error) {
    error_print(output_to_file(stderr), error);
    return COMMAND_DOES_NOT_BOOT;
}

bool stream_is_terminal(void *stdio_file) {
    return isatty(fileno(stdio_file)) && !getenv("NO_COLOR");
}

/* A temporary file that has a name: for the handlers of signals, who cannot be passed anything. */
static const char *volatile unfinished;

/* --- Files that are read ---------------------------------------------------------------------- */

#define FIRST_PIECE 65536u

/* Of pipes the system does not tell the size. More than a guest's low memory nobody could use. */
static bool read_to_end(int descriptor, struct file *file) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    size_t room = 0;
    for (;;) {
        if (size == LOW_MEMORY_END) {
            errno = EFBIG;
            break;
        }
        if (size == room) {
            room = room ? room * 2 : FIRST_PIECE;
            uint8_t *more = realloc(bytes, room);
            if (!more)
                break;
            bytes = more;
        }
        const size_t most = room < LOW_MEMORY_END ? room : LOW_MEMORY_END;
        ssize_t got = read(descriptor, bytes + size, most - size);
        if (got == 0) {
            file->bytes = bytes;
            file->size = size;
            return true;
        }
        if (got < 0 && errno != EINTR)
            break;
        size += got > 0 ? (size_t)got : 0;
    }
    free(bytes);
    return false;
}

/* A file that gets shorter while it is mapped: what is written has no name yet, or loses it. */
static void on_bus_error(int number) {
    static const char text[] = "pvhboot: a file became shorter while it was read\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(COMMAND_TROUBLE);
    if (unfinished)
        unlink(unfinished);
    _exit(COMMAND_TROUBLE);
}

static bool map_file(int descriptor, size_t size, struct file *file) {
    signal(SIGBUS, on_bus_error);
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED)
        return false;
    file->bytes = bytes;
    file->size = size;
    file->mapped = true;
    return true;
}

bool file_open(const char *name, struct file *file) {
    struct stat about;
    const bool is_input = strcmp(name, "-") == 0;
    const int descriptor = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    *file = (struct file){.name = name};
    bool good = descriptor >= 0 && fstat(descriptor, &about) == 0;
    if (good && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        good = false;
    } else if (good && S_ISREG(about.st_mode) && about.st_size > 0) {
        good = map_file(descriptor, (size_t)about.st_size, file);
    } else if (good) {
        good = read_to_end(descriptor, file);
    }
    if (!good)
        complain("%s: %s", name, strerror(errno));
    file->device = good ? about.st_dev : 0;
    file->inode = good ? about.st_ino : 0;
    if (descriptor >= 0 && !is_input)
        close(descriptor);
    return good;
}

void file_close(struct file *file) {
    if (file->mapped)
        munmap((void *)(uintptr_t)file->bytes, file->size);
    else
        free((void *)(uintptr_t)file->bytes);
    *file = (struct file){.name = file->name};
}

bool file_is_one_of(const char *name, const struct file *files, size_t count) {
    struct stat about;
    if (stat(name, &about) || !S_ISREG(about.st_mode))
        return false;
    for (size_t i = 0; i < count; i++)
        if (files[i].device == about.st_dev && files[i].inode == about.st_ino)
            return true;
    return false;
}

/* --- Files that are written ------------------------------------------------------------------- */

/* EFAULT: what is written was mapped, and is not there any more (on_bus_error). */
static void writing_failed(struct file_writer *writer) {
    if (!writer->failed && errno == EFAULT)
        complain("%s: a file became shorter while it was read", writer->name);
    else if (!writer->failed)
        complain("%s: %s", writer->name, strerror(errno));
    writer->failed = true;
}

/* What cannot be replaced by a new file of that name. */
static bool is_pipe_or_device(const char *name) {
    struct stat about;
    return stat(name, &about) == 0 && !S_ISREG(about.st_mode);
}

/* Where a process finds its open files; also the way by which one without a name gets one. */
#define DESCRIPTORS "/proc/self/fd/"

/*
 * The number of a file that is open already, by "-" or a name in /dev or /proc; -1 for others. What
 * `>>` opened must not be opened anew, which would begin at its beginning.
 */
static int open_already(const char *name) {
    static const struct {
        const char *name;
        int descriptor;
    } names[] = {{"-", STDOUT_FILENO},
                 {"/dev/stdin", STDIN_FILENO},
                 {"/dev/stdout", STDOUT_FILENO},
                 {"/dev/stderr", STDERR_FILENO}};
    static const char *const folders[] = {DESCRIPTORS, "/dev/fd/"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].descriptor;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const size_t size = strlen(folders[i]);
        char *end;
        if (strncmp(name, folders[i], size) != 0)
            continue;
        const long number = strtol(name + size, &end, 10);
        if (end > name + size && !*end && number >= 0 && number <= INT_MAX)
            return (int)number;
    }
    return -1;
}

/*
 * Where the file itself is, at the end of all links; the caller's to free. stat as well, which is
 * not allowed to follow some links of others' that realpath reads.
 */
static char *follow_links(const char *name) {
    struct stat about;
    if (lstat(name, &about))
        return strdup(name);
    return stat(name, &about) == 0 ? realpath(name, NULL) : NULL;
}

/* Without a name until it is whole, where the system can do that: nothing is left behind. */
static int create_unnamed(const char *name) {
    char *path = access(DESCRIPTORS, F_OK) == 0 ? strdup(name) : NULL;
    const int descriptor = path ? open(dirname(path), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    free(path);
    return descriptor;
}

/* What a new file of the user's has: mkostemp gives 0600. */
static mode_t usual_mode(void) {
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static void on_end(int number) {
    if (unfinished)
        unlink(unfinished);
    signal(number, SIG_DFL);
    raise(number);
}

static int create_named(char *temporary) {
    const int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    if (fchmod(descriptor, usual_mode())) {
        close(descriptor);
        unlink(temporary);
        return -1;
    }
    unfinished = temporary;
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (signal(ends[i], on_end) == SIG_IGN)
            signal(ends[i], SIG_IGN);
    return descriptor;
}

bool file_create(struct file_writer *writer, const char *name) {
    *writer = (struct file_writer){.name = name, .descriptor = -1};
    writer->target = follow_links(name);
    const int open_one = open_already(name);
    if (open_one >= 0) {
        writer->descriptor = fcntl(open_one, F_DUPFD_CLOEXEC, 0);
    } else if (is_pipe_or_device(name)) {
        writer->descriptor = open(name, O_WRONLY | O_CLOEXEC);
    } else if (!writer->target || asprintf(&writer->temporary, "%s.XXXXXX", writer->target) < 0) {
        writer->temporary = NULL;
    } else {
        writer->descriptor = create_unnamed(writer->target);
        writer->unnamed = writer->descriptor >= 0;
        if (!writer->unnamed)
            writer->descriptor = create_named(writer->temporary);
    }
    if (writer->descriptor >= 0)
        return true;
    writing_failed(writer);
    free(writer->temporary);
    free(writer->target);
    return false;
}

void file_write(struct file_writer *writer, const void *bytes, size_t size) {
    const uint8_t *next = bytes;
    while (size && !writer->failed) {
        ssize_t written = write(writer->descriptor, next, size);
        if (written < 0 && errno != EINTR)
            writing_failed(writer);
        if (written > 0) {
            next += written;
            size -= (size_t)written;
        }
    }
}

/* Gives an unnamed file the temporary name; a link cannot replace a file, a rename can. */
static bool give_name(const struct file_writer *writer) {
    char path[sizeof DESCRIPTORS + 3 * sizeof(int)];
    snprintf(path, sizeof path, DESCRIPTORS "%d", writer->descriptor);
    const int reserved = writer->temporary ? mkostemp(writer->temporary, O_CLOEXEC) : -1;
    if (reserved < 0)
        return false;
    close(reserved);
    return unlink(writer->temporary) == 0 &&
           linkat(AT_FDCWD, path, AT_FDCWD, writer->temporary, AT_SYMLINK_FOLLOW) == 0;
}

bool file_finish(struct file_writer *writer, bool keep) {
    bool named = writer->temporary && !writer->unnamed;
    if (keep && !writer->failed && writer->unnamed) {
        named = give_name(writer);
        if (!named)
            writing_failed(writer);
    }
    if (close(writer->descriptor))
        writing_failed(writer);
    if (keep && !writer->failed && named) {
        named = rename(writer->temporary, writer->target) != 0;
        if (named)
            writing_failed(writer);
    }
    if (named)
        unlink(writer->temporary);
    unfinished = NULL;
    free(writer->temporary);
    free(writer->target);
    return keep && !writer->failed;
}

/* --- Arguments -------------------------------------------------------------------------------- */

struct named_payload named_payload_parse(char *text) {
    struct named_payload payload = {.path = text};
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == ',' && from[1] != ',') {
            payload.arguments = from + 1;
            break;
        }
        if (*from == ',')
            from++;
        *to++ = *from;
    }
    *to = 0;
    return payload;
}
