/* SPDX-License-Identifier: MIT */
/* Forking a child without exec, and its log lines. */
#include "daemon/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/title.h"
#include "request/link.h"

static void send_line(void *arg, enum log_level level, const char *event, const struct log_field *fields,
    size_t count)
{
	cleanup(arena_done) struct arena arena = {0};
	struct log_pair *pairs = arena_alloc(&arena, (count + 1) * sizeof(*pairs));

	for (size_t i = 0; i < count; i++)
		pairs[i] = (struct log_pair){fields[i].key, fields[i].value, fields[i].literal};
	/* Main gone: this process is about to end, and there is nobody to tell. */
	err_ignore(link_send(arg, REQ_LOG, &(struct log_record){level, event, pairs, count}));
}

void child_log_to(int parent)
{
	static struct link *main_link; /* for as long as the process lives */

	link_destroy(main_link);
	main_link = link_create(parent);
	log_to_function(send_line, main_link);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes everything but 0, 1, 2 and the COUNT descriptors of KEEP (-1: none). */
static void close_others(int *keep, size_t count)
{
	unsigned int from = 3;

	qsort(keep, count, sizeof(*keep), compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < (int)from)
			continue;
		if ((unsigned int)keep[i] > from)
			close_range(from, (unsigned int)keep[i] - 1, 0);
		from = (unsigned int)keep[i] + 1;
	}
	close_range(from, ~0U, 0);
}

static _Noreturn void live(const struct child_plan *plan, int parent_fd, pid_t parent)
{
	int keep[] = {parent_fd, plan->keep[0], plan->keep[1]};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it died before the line above: nobody would ever stop this child */
	if (plan->own_group)
		setpgid(0, 0);
	reset_signals();
	close_others(keep, ARRAY_SIZE(keep));
	title_set("%s", plan->title);
	_exit(plan->life(plan->arg, parent_fd));
}

struct err *child_fork(const struct child_plan *plan, pid_t *out_pid, int *out_fd)
{
	int pair[2];
	pid_t self = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return ERR(ERR_TEMPORARY, "socket pair for %s: %s", plan->title, strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		live(plan, pair[1], self);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return ERR(ERR_TEMPORARY, "fork %s: %s", plan->title, strerror(errno));
	}
	*out_pid = pid;
	*out_fd = pair[0];
	return NULL;
}
