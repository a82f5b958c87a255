/* SPDX-License-Identifier: MIT */
/* fault.c - a job that goes wrong in the way it is told to. */
#include "tests/modules/test_modules.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct fault_options {
	const char *how;
	const char *path;
};

static const struct option options[] = {
    OPTION(struct fault_options, how, OPT_TEXT, .required = true, .help = "what goes wrong"),
    OPTION(struct fault_options, path, OPT_PATH, .help = "of the file that `absence` misses and `presence` minds"),
    OPTION_END,
};

/* What goes wrong until somebody puts it right. */
static struct err *miss_file(struct run *run)
{
	const struct fault_options *own = run_options(run);

	return access(own->path, F_OK) ? ERR(ERR_TEMPORARY, "%s is not there", own->path) : NULL;
}

static struct err *mind_file(struct run *run)
{
	const struct fault_options *own = run_options(run);

	return access(own->path, F_OK) ? NULL : ERR(ERR_TEMPORARY, "%s is there", own->path);
}

static struct err *crash(struct run *run)
{
	volatile int *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)run;
	*forbidden = 1;
	return NULL;
}

static struct err *call_abort(struct run *run)
{
	(void)run;
	abort();
}

static struct err *loop(struct run *run)
{
	(void)run;
	for (volatile unsigned long turns = 0;; turns++)
		;
	return NULL;
}

/* What compilers and checkers do not see through. */
static void (*volatile release)(void *block) = free;
static struct err *(*volatile missing)(struct run *run);

static struct err *free_twice(struct run *run)
{
	char *block = mem_alloc(64);

	(void)run;
	release(block);
	release(block); /* that is the fault */
	return NULL;
}

/* A driver whose table lacks a function. */
static struct err *call_nothing(struct run *run)
{
	struct err *e = missing(run);

	return ERR_AT(e, "call nothing");
}

/* Deaf to TERM as well, as a job in a library's endless loop may be. */
static struct err *loop_deaf(struct run *run)
{
	signal(SIGTERM, SIG_IGN);
	return loop(run);
}

static struct err *leak(struct run *run)
{
	run_step(run, "leaking");
	for (int megabytes = 0; megabytes < 1024; megabytes++) {
		char *block = mem_alloc(1 << 20);

		memset(block, megabytes, 1 << 20);
		__asm__ volatile("" : : "r"(block) : "memory"); /* kept, as far as the compiler knows */
	}
	return ERR(ERR_BUG, "1 GiB was there");
}

/* Writes to every socket it finds, as a wild pointer into a descriptor table would. */
static struct err *garbage(struct run *run)
{
	char noise[4096];

	(void)run;
	memset(noise, 0xab, sizeof(noise));
	for (int fd = 3; fd < 64; fd++)
		if (send(fd, noise, sizeof(noise), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			continue;
	sleep(60);
	return NULL;
}

static struct err *leave(struct run *run)
{
	(void)run;
	_exit(7);
}

static struct err *deep(struct run *run)
{
	(void)run;
	return ERR_AT(ERR(ERR_TEMPORARY, "connection refused"), "read the plant");
}

static struct err *overflow(struct run *run);
/* Called through this, so that no compiler sees the recursion and none makes a loop of it. */
static struct err *(*volatile once_more)(struct run *run) = overflow;

static struct err *overflow(struct run *run)
{
	volatile char room[65536];

	room[0] = 1;
	struct err *e = once_more(run);
	room[1] = room[0];
	return e;
}

static const struct {
	const char *how;
	struct err *(*act)(struct run *run);
} faults[] = {
    {"crash", crash},
    {"abort", call_abort},
    {"loop", loop},
    {"loop-deaf", loop_deaf},
    {"leak", leak},
    {"garbage", garbage},
    {"exit", leave},
    {"error", deep},
    {"overflow", overflow},
    {"double-free", free_twice},
    {"null-call", call_nothing},
    {"absence", miss_file},
    {"presence", mind_file},
};

static struct err *fault_run(struct run *run)
{
	const struct fault_options *own = run_options(run);

	run_step(run, "about to %s", own->how);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!strcmp(own->how, faults[i].how))
			return ERR_AT(faults[i].act(run), "go wrong by %s", own->how);
	return ERR(ERR_CONFIG, "how: no fault is named '%s'", own->how);
}

const struct job_module fault_module = {
    .name = "fault",
    .summary = "goes wrong in the way it is told to",
    .options = options,
    .options_size = sizeof(struct fault_options),
    .restartable = true,
    .run = fault_run,
};
