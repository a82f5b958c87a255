/* SPDX-License-Identifier: MIT */
/* Files, whole or not at all. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

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

/* -- writing ---------------------------------------------------------------------------------------- */

static struct err *fault(const char *what, const char *name)
{
	return ERR(ERR_TEMPORARY, "%s %s: %s", what, name, strerror(errno));
}

struct err *file_open_folder(const char *path, int *out_dir)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 && errno == ENOENT && !mkdir(path, 0750))
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fault("open the folder", path);
	*out_dir = dir;
	return NULL;
}

static struct err *fill(int fd, const char *name, const char *bytes, size_t length)
{
	while (length) {
		ssize_t done = write(fd, bytes, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fault("write", name);
		bytes += done;
		length -= (size_t)done;
	}
	return fsync(fd) ? fault("sync", name) : NULL;
}

struct err *file_write(int dir, const char *name, const void *bytes, size_t length, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	struct err *e;

	if (fd < 0)
		return fault("create", name);
	e = fill(fd, name, bytes, length);
	if (close(fd) && !e)
		e = fault("close", name);
	return e;
}

struct err *file_replace(int dir, const char *name, const void *bytes, size_t length, mode_t mode)
{
	cleanup(free_text) char *aside = mem_format(".%s.tmp", name);
	struct err *e = file_write(dir, aside, bytes, length, mode);

	if (!e && renameat(dir, aside, dir, name))
		e = fault("rename", name);
	if (e) {
		unlinkat(dir, aside, 0);
		return e;
	}
	return fsync(dir) ? fault("sync the folder of", name) : NULL;
}

struct err *file_replace_path(const char *path, const void *bytes, size_t length, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	cleanup(free_text) char *folder =
	    slash ? mem_copy_n(path, slash == path ? 1 : (size_t)(slash - path)) : mem_copy(".");
	int dir;

	PASS(file_open_folder(folder, &dir));
	struct err *e = file_replace(dir, slash ? slash + 1 : path, bytes, length, mode);
	close(dir);
	return ERR_AT(e, "write %s", path);
}
