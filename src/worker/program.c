/* SPDX-License-Identifier: MIT */
/*
 * A program that a run starts and waits for.
 *
 * It leads a process group of its own, which ends with the run, whatever the run ends of: this file kills
 * the group when the program is done or the run is over, and main does when the worker is gone (the page
 * they share names the group, written by the child itself before it becomes the program). That is why it is
 * forked here: between posix_spawn() and its return nobody would know of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/child.h"
#include "worker/inside.h"

#define OUTPUT_MAX (16 * 1024 * 1024)
#define LINES_MAX  1000 /* of standard error that are logged */
#define LINE_MAX   2000
#define LOOK_MS    200  /* between two looks at whether the run is over */
#define GRACE_MS   2000 /* from TERM to KILL */
#define LINGER_MS  100  /* for output that others hold open when the program is done */
#define CHUNK      65536

struct running {
	struct run *run;
	pid_t pid;
	int in, out, err; /* -1: closed */
	const char *input;
	size_t input_left;
	struct buf output, line;
	char last_line[LINE_MAX + 1];
	size_t lines;
	bool ended;
	int status;
};

/* -- what the program gets -------------------------------------------------------------------------- */

/* The daemon's own environment may hold secrets: of it only what says where and in which language. */
static bool is_passed_on(const char *variable)
{
	static const char *const names[] = {
	    "PATH=", "HOME=", "USER=", "LOGNAME=", "LANG=", "LC_", "TZ=", "TMPDIR=", NULL};

	for (size_t i = 0; names[i]; i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return true;
	return false;
}

static char **environment(struct run *run, const struct json *own)
{
	size_t count = 0;
	char slot[TIME_TEXT];

	for (char **at = environ; *at; at++)
		count++;
	char **all = arena_alloc(&run->arena, (count + json_length(own) + 4) * sizeof(*all));
	count = 0;
	for (char **at = environ; *at; at++)
		if (is_passed_on(*at))
			all[count++] = *at;
	all[count++] = arena_format(&run->arena, "BMAD_JOB=%s", run->job->name);
	all[count++] = arena_format(&run->arena, "BMAD_SLOT=%s", utc_format(run->order->slot, slot));
	all[count++] = arena_format(&run->arena, "BMAD_DRY_RUN=%d", run->order->dry_run);
	for (const struct json *item = json_first(own); item; item = json_next(item))
		all[count++] = arena_format(&run->arena, "%s=%s", json_key(item), json_text(item));
	return all;
}

/* In the child, which has only system calls left: the program, or its errno to whoever waits for it. */
static _Noreturn void become(struct run *run, const int fds[3], char *const *argv, char *const *env, int told)
{
	struct rlimit memory;
	int fault;

	setpgid(0, 0);
	run->tools->page->program = getpid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!getrlimit(RLIMIT_DATA, &memory)) { /* the worker's own is not the program's */
		memory.rlim_cur = memory.rlim_max;
		setrlimit(RLIMIT_DATA, &memory);
	}
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(1);
	if (told != 3)
		dup3(told, 3, O_CLOEXEC);
	close_range(4, ~0U, 0);
	execvpe(argv[0], argv, env);
	fault = errno;
	if (write(3, &fault, sizeof(fault)) < 0)
		_exit(1);
	_exit(127);
}

/* Three pairs of sockets rather than pipes: to write to one whose other end is gone is no signal. */
static struct err *open_ends(int ours[4], int theirs[4])
{
	for (int i = 0; i < 4; i++) {
		int pair[2];

		/* Above the standard descriptors, so that none is trodden on in the child. */
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return ERR(ERR_TEMPORARY, "open a socket pair: %s", strerror(errno));
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	return NULL;
}

static void close_all(int fds[4])
{
	for (int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Whether the program began: it holds the other end until it does. */
static struct err *began(int told, const char *name)
{
	int fault = 0;
	ssize_t got;

	do
		got = read(told, &fault, sizeof(fault));
	while (got < 0 && errno == EINTR);
	return got == sizeof(fault) ? ERR(ERR_CONFIG, "cannot run %s: %s", name, strerror(fault)) : NULL;
}

static struct err *start(struct running *p, const struct program *program)
{
	int ours[4] = {-1, -1, -1, -1}, theirs[4] = {-1, -1, -1, -1};
	struct run *run = p->run;
	char **argv = arena_alloc(&run->arena, (program->argv.count + 1) * sizeof(*argv));
	char **env = environment(run, program->env);
	struct err *e = open_ends(ours, theirs);

	for (size_t i = 0; i < program->argv.count; i++)
		argv[i] = arena_copy(&run->arena, program->argv.items[i]);
	p->pid = e ? -1 : fork();
	if (!p->pid)
		become(run, theirs, argv, env, theirs[3]);
	if (!e && p->pid < 0)
		e = ERR(ERR_TEMPORARY, "start a process: %s", strerror(errno));
	close_all(theirs);
	if (!e)
		e = began(ours[3], argv[0]);
	if (ours[3] >= 0)
		close(ours[3]);
	p->in = ours[0], p->out = ours[1], p->err = ours[2];
	return e;
}

/* -- while it runs ---------------------------------------------------------------------------------- */

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void feed(struct running *p)
{
	ssize_t sent = send(p->in, p->input, p->input_left, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent > 0) {
		p->input += sent;
		p->input_left -= (size_t)sent;
	}
	if (!p->input_left || (sent < 0 && errno != EAGAIN && errno != EINTR))
		shut(&p->in); /* it does not read on: its affair */
}

static void log_line(struct running *p)
{
	size_t length = p->line.length;
	cleanup(buf_done) struct buf clean = {0};

	utf8_add(&clean, buf_text(&p->line),
	    length < LINE_MAX ? length : utf8_cut(buf_text(&p->line), length, LINE_MAX));
	buf_truncate(&p->line, 0);
	if (!clean.length)
		return;
	snprintf(p->last_line, sizeof(p->last_line), "%s", buf_text(&clean));
	if (++p->lines <= LINES_MAX)
		run_warn(p->run, "%s", buf_text(&clean));
}

static void take_lines(struct running *p, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			log_line(p);
		else if (p->line.length <= LINE_MAX)
			buf_add_char(&p->line, bytes[i]);
	}
}

/* Reads what is there; closes FD at its end. */
static struct err *take(struct running *p, int *fd)
{
	char bytes[CHUNK];
	ssize_t got = recv(*fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (got <= 0) {
		shut(fd);
		return NULL;
	}
	if (fd == &p->err)
		take_lines(p, bytes, (size_t)got);
	else if (p->output.length + (size_t)got > OUTPUT_MAX)
		return ERR(ERR_PERMANENT, "the program has written more than %d MiB", OUTPUT_MAX >> 20);
	else
		buf_add(&p->output, bytes, (size_t)got);
	return NULL;
}

/* One look at everything: whether it has ended, and what it has to say and to read. */
static struct err *attend(struct running *p, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = p->in, .events = POLLOUT}, {.fd = p->out, .events = POLLIN},
	    {.fd = p->err, .events = POLLIN}};

	poll(fds, ARRAY_SIZE(fds), timeout_ms);
	if (p->in >= 0 && fds[0].revents)
		feed(p);
	if (p->out >= 0 && fds[1].revents)
		PASS(take(p, &p->out));
	if (p->err >= 0 && fds[2].revents)
		PASS(take(p, &p->err));
	p->ended = p->ended || waitpid(p->pid, &p->status, WNOHANG) == p->pid;
	return NULL;
}

/* Until the program has ended and nothing more comes; what it left in the background is not waited for. */
static struct err *attend_to_end(struct running *p)
{
	while (!p->ended) {
		PASS(run_check(p->run));
		/* Without an open stream nothing wakes poll(): its end is looked for more often. */
		PASS(attend(p, p->out < 0 && p->err < 0 ? LOOK_MS / 20 : LOOK_MS));
	}
	for (size_t before = SIZE_MAX; p->out >= 0 || p->err >= 0;) {
		size_t now = p->output.length + p->lines + p->line.length;

		if (now == before)
			break;
		before = now;
		PASS(attend(p, LINGER_MS));
	}
	return NULL;
}

/* The group's end: asked for, and after a while made. */
static void end(struct running *p)
{
	struct mono until = {mono_now().ms + GRACE_MS};

	if (p->pid <= 0)
		return;
	if (!p->ended)
		kill(-p->pid, SIGTERM);
	while (!p->ended && mono_now().ms < until.ms) {
		p->ended = waitpid(p->pid, &p->status, WNOHANG) == p->pid;
		if (!p->ended)
			poll(NULL, 0, LOOK_MS / 20);
	}
	kill(-p->pid, SIGKILL);
	while (!p->ended && waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
		;
	p->run->tools->page->program = 0;
}

static void done(struct running *p)
{
	end(p);
	shut(&p->in);
	shut(&p->out);
	shut(&p->err);
	buf_done(&p->output);
	buf_done(&p->line);
}

/* -- how it ended ----------------------------------------------------------------------------------- */

static struct err *judge(struct running *p)
{
	const char *colon = *p->last_line ? ": " : "";

	log_line(p);
	if (p->lines > LINES_MAX)
		run_warn(p->run, "... and %zu more lines", p->lines - LINES_MAX);
	if (WIFSIGNALED(p->status))
		return ERR(ERR_PERMANENT, "the program was ended by signal %d (%s)%s%s", WTERMSIG(p->status),
		    strsignal(WTERMSIG(p->status)), colon, p->last_line);
	if (WEXITSTATUS(p->status))
		return ERR(ERR_PERMANENT, "the program ended with exit status %d%s%s", WEXITSTATUS(p->status),
		    colon, p->last_line);
	return NULL;
}

struct err *run_program(
    struct run *run, const struct program *program, const char **out_text, size_t *out_length)
{
	cleanup(done) struct running p = {.run = run, .in = -1, .out = -1, .err = -1};

	PASS(run_check(run));
	p.input = program->input ? program->input : "";
	p.input_left = strlen(p.input);
	TRY(start(&p, program), "start %s", program->argv.items[0]);
	TRY(attend_to_end(&p), "run %s", program->argv.items[0]);
	TRY(judge(&p), "run %s", program->argv.items[0]);
	*out_length = p.output.length;
	*out_text = arena_copy_n(&run->arena, buf_text(&p.output), p.output.length);
	return NULL;
}
