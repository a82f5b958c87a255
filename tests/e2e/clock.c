/* SPDX-License-Identifier: MIT */
/*
 * A wall clock that a test can set, for one daemon alone: preloaded into it, while the machine's own clock is
 * left in peace. The file $BMAD_TEST_CLOCK holds by how many milliseconds it is wrong. After a change the test
 * sends SIGRTMIN to main, and its timer is cancelled as the kernel would have done (timerfd_create(2),
 * TFD_TIMER_CANCEL_ON_SET).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_ms;
static volatile int timer = -1;
static volatile sig_atomic_t cancelled;

static int64_t offset_ns(void)
{
	return offset_ms ? *offset_ms * 1000000 : 0;
}

static void shift(struct timespec *at, int64_t ns)
{
	int64_t sum = at->tv_sec * INT64_C(1000000000) + at->tv_nsec + ns;

	at->tv_sec = sum / 1000000000;
	at->tv_nsec = sum % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int failed = (int)syscall(SYS_clock_gettime, clock, out);

	if (!failed && clock == CLOCK_REALTIME)
		shift(out, offset_ns());
	return failed;
}

static int set_timer(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	return (int)syscall(SYS_timerfd_settime, fd, flags, when, old);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	struct itimerspec real = *when;

	if (!(flags & TFD_TIMER_CANCEL_ON_SET))
		return set_timer(fd, flags, when, old);
	timer = fd;
	shift(&real.it_value, -offset_ns());
	if (real.it_value.tv_sec < 1) /* long past; nothing at all would stop the timer */
		real.it_value = (struct timespec){.tv_sec = 1};
	return set_timer(fd, flags, &real, old);
}

ssize_t read(int fd, void *bytes, size_t size)
{
	ssize_t done = syscall(SYS_read, fd, bytes, size);

	if (fd != timer || !cancelled)
		return done;
	cancelled = 0;
	errno = ECANCELED;
	return -1;
}

static void on_set(int signal_number)
{
	const struct itimerspec now = {.it_value.tv_nsec = 1};

	(void)signal_number;
	cancelled = 1;
	if (timer >= 0)
		set_timer(timer, 0, &now, NULL);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("BMAD_TEST_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*offset_ms), PROT_READ, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return;
	offset_ms = page;
	signal(SIGRTMIN, on_set);
}
