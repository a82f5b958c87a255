/* SPDX-License-Identifier: MIT */
/* A worker's exit status in words. */
#include "daemon/death.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/mem.h"

static void add_step(struct buf *text, const struct death *death)
{
	if (death->step[0])
		buf_format(text, " in step %s", death->step);
}

/* The kernel does not say whom it killed: what it did meanwhile must do. */
static void add_killer(struct buf *text, const struct death *death)
{
	buf_add_text(text, death->oom_kills ? ": by the kernel, it seems, which ran out of memory meanwhile"
	                                    : ": from outside, or by the kernel for want of memory");
	if (death->peak_kib)
		buf_format(text, "; it had %lld MiB at most", (long long)(death->peak_kib / 1024));
}

static void add_signal(struct buf *text, const struct death *death)
{
	int number = WTERMSIG(death->status);

	buf_format(text, "the worker was killed by signal %d (%s)", number, strsignal(number));
	if (death->crash.cause == CRASH_FAULT && (number == SIGSEGV || number == SIGBUS))
		buf_format(text, " at address 0x%llx", (unsigned long long)death->crash.where);
	add_step(text, death);
	if (number == SIGKILL)
		add_killer(text, death);
}

struct err *death_error(const struct death *death)
{
	cleanup(buf_done) struct buf text = {0};
	enum err_kind kind = ERR_BUG;

	if (death->overrun) {
		kind = ERR_TEMPORARY;
		buf_add_text(&text, "timeout: killed");
		add_step(&text, death);
		buf_format(&text, ": it did not end within %lld ms and %lld s more",
		    (long long)death->timeout_ms, (long long)death->grace_s);
	} else if (death->nonsense) {
		buf_add_text(&text, "the worker wrote to its socket what is no request, and was killed");
		add_step(&text, death);
	} else if (WIFSIGNALED(death->status)) {
		kind = WTERMSIG(death->status) == SIGKILL ? ERR_TEMPORARY : ERR_BUG;
		add_signal(&text, death);
	} else {
		buf_format(&text, "the worker exited with status %d", WEXITSTATUS(death->status));
		add_step(&text, death);
	}
	return ERR(kind, "%s", buf_text(&text));
}

bool death_is_from_outside(const struct death *death)
{
	return !death->overrun && !death->nonsense && WIFSIGNALED(death->status) &&
	       WTERMSIG(death->status) == SIGKILL;
}

int64_t oom_kills(void)
{
	FILE *file = fopen("/proc/vmstat", "re");
	char line[128];
	long long kills = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "oom_kill %lld", &kills) == 1)
			break;
	if (file)
		fclose(file);
	return kills;
}
