/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a program, and keeps the terminal from harm. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* What a shell gives for a program that a signal ended. */
#define SIGNAL_STATUS 128

#define STREAMS 3 /* standard input, output, error */

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* --- The terminal ----------------------------------------------------------------------------- */

struct terminal {
    bool present;
    struct termios settings;
    int flags[STREAMS]; /* QEMU makes them non-blocking, for all who share them */
};

static struct terminal terminal_save(void) {
    struct terminal terminal;
    terminal.present = tcgetattr(STDIN_FILENO, &terminal.settings) == 0;
    for (int i = 0; i < STREAMS; i++)
        terminal.flags[i] = fcntl(i, F_GETFL);
    return terminal;
}

/* To set a terminal from the background would stop us, hence the blocked SIGTTOU. */
static void terminal_restore(const struct terminal *terminal) {
    sigset_t background;
    sigset_t before;
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    sigprocmask(SIG_BLOCK, &background, &before);
    if (terminal->present)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->settings);
    for (int i = 0; i < STREAMS; i++)
        if (terminal->flags[i] >= 0)
            fcntl(i, F_SETFL, terminal->flags[i]);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* --- The program's log ------------------------------------------------------------------------ */

bool child_open_log(struct child *child) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return false;
    child->log_reader = ends[0];
    child->log_writer = ends[1];
    /* Only ours: a writer that may not block would lose lines. */
    return fcntl(child->log_reader, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(child->log_writer, F_SETFD, 0) == 0;
}

/* Keeps the end of what there is. False when nobody writes any more. */
static bool read_log(struct child *child) {
    char piece[CHILD_LOG_SIZE / 2];
    for (;;) {
        const ssize_t got = read(child->log_reader, piece, sizeof piece);
        if (got <= 0)
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        const size_t size = (size_t)got;
        const size_t kept =
            child->log_size + size > CHILD_LOG_SIZE ? CHILD_LOG_SIZE - size : child->log_size;
        memmove(child->log, child->log + child->log_size - kept, kept);
        memcpy(child->log + kept, piece, size);
        child->log_size = kept + size;
        child->log[child->log_size] = 0;
    }
}

/* --- The program ------------------------------------------------------------------------------ */

/* Does not return. The parent's errno pipe is closed by a successful exec. */
static void become(char *const *words, const sigset_t *signals, pid_t parent, int error_writer) {
    sigprocmask(SIG_SETMASK, signals, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        execvp(words[0], words);
    const int error = errno;
    if (write(error_writer, &error, sizeof error) < 0)
        _exit(SIGNAL_STATUS);
    _exit(SIGNAL_STATUS - 1);
}

/* Gives its process, or -1 with child->error. */
static pid_t start(struct child *child, char *const *words, const sigset_t *signals) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        child->error = errno;
        return -1;
    }
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process == 0)
        become(words, signals, parent, ends[1]);
    if (process < 0)
        child->error = errno;
    close(ends[1]);
    ssize_t got;
    do {
        got = read(ends[0], &child->error, sizeof child->error);
    } while (got < 0 && errno == EINTR);
    close(ends[0]);
    if (process > 0 && got > 0) {
        waitpid(process, NULL, 0);
        return -1;
    }
    return process;
}

/* As by nohup. A signal that is blocked, as it will be here, is told all the same. */
static bool is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* True when the program has ended. */
static bool take_signal(struct child *child, int signals, pid_t process) {
    struct signalfd_siginfo signal;
    if (read(signals, &signal, sizeof signal) != sizeof signal)
        return false;
    if (signal.ssi_signo != SIGCHLD) {
        child->ended_by_us = (int)signal.ssi_signo;
        kill(process, child->ended_by_us);
        return false;
    }
    int status = 0;
    if (waitpid(process, &status, WNOHANG) != process)
        return false;
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_STATUS + WTERMSIG(status);
    return true;
}

static void wait_for(struct child *child, int signals, pid_t process) {
    struct pollfd waiting[] = {{.fd = signals, .events = POLLIN},
                               {.fd = child->log_reader, .events = POLLIN}};
    for (;;) {
        if (poll(waiting, sizeof waiting / sizeof *waiting, -1) < 0)
            continue;
        if (waiting[1].revents && !read_log(child))
            waiting[1].fd = -1;
        if (waiting[0].revents && take_signal(child, signals, process))
            break;
    }
    if (waiting[1].fd >= 0)
        read_log(child);
}

void child_run(struct child *child, char *const *words) {
    sigset_t handled;
    sigset_t before;
    sigemptyset(&handled);
    sigaddset(&handled, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        if (!is_ignored(passed_on[i]))
            sigaddset(&handled, passed_on[i]);
    /* Who ignores it has no children to wait for; and that is inherited. */
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &handled, &before);
    const int signals = signalfd(-1, &handled, SFD_CLOEXEC);
    if (signals < 0) {
        child->error = errno;
    } else {
        const struct terminal terminal = terminal_save();
        const pid_t process = start(child, words, &before);
        if (child->log_writer >= 0)
            close(child->log_writer);
        if (process > 0) {
            wait_for(child, signals, process);
            terminal_restore(&terminal);
        }
        close(signals);
    }
    if (child->log_reader >= 0)
        close(child->log_reader);
    sigprocmask(SIG_SETMASK, &before, NULL);
}
