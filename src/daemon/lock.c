/* SPDX-License-Identifier: MIT */
/* The lock beside the store. */
#include "daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void read_holder(int fd, struct lock_holder *out)
{
	char text[64] = "";
	char role[16] = "";
	int pid = 0;

	*out = (struct lock_holder){0};
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "%d %15s", &pid, role) != 2 || pid <= 0)
		return;
	out->pid = pid;
	out->daemon = !strcmp(role, "daemon");
	out->alive = !kill(pid, 0) || errno == EPERM;
}

static void write_holder(int fd, const char *role)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%d %s\n", (int)getpid(), role);

	/* Only a courtesy to whoever finds the lock taken: the lock itself does not depend on it. */
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)length, 0) != length)
		return;
}

struct err *lock_try(const char *path, const char *role, int *out_fd, struct lock_holder *out_holder)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return ERR(ERR_CONFIG, "%s: %s", path, strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		write_holder(fd, role);
		*out_fd = fd;
		return NULL;
	}
	int why = errno;
	read_holder(fd, out_holder);
	close(fd);
	if (why != EWOULDBLOCK)
		return ERR(ERR_CONFIG, "lock %s: %s", path, strerror(why));
	*out_fd = -1;
	return NULL;
}
