/* SPDX-License-Identifier: MIT */
/* Reading a file whole. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536

static struct err *too_large(size_t most)
{
	if (most >> 20)
		return ERR(ERR_CONFIG, "the file is larger than %zu MiB", most >> 20);
	return ERR(ERR_CONFIG, "the file is larger than %zu KiB", most >> 10);
}

static struct err *read_regular(int fd, size_t most, struct buf *out)
{
	size_t before = out->length;
	struct stat status;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return ERR(ERR_CONFIG, "it is not a regular file");
	for (;;) {
		ssize_t got = read(fd, buf_room(out, PIECE), PIECE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR(ERR_CONFIG, "cannot read the file: %s", strerror(errno));
		if (got == 0)
			return NULL;
		out->length += (size_t)got;
		if (out->length - before > most)
			return too_large(most);
	}
}

struct err *file_read(const char *path, size_t most, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return ERR(ERR_CONFIG, "cannot open the file: %s", strerror(errno));
	struct err *e = read_regular(fd, most, out);
	close(fd);
	return e;
}
