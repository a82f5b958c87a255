/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets at paths of any length.
 *
 * A socket address holds 107 bytes. A longer path is reached through its folder, opened, as
 * /proc/self/fd/N/name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "request/link.h"

#define BACKLOG 128

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Out of the hands of close_fd(). */
static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The address of PATH. *OUT_FOLDER must stay open while it is in use; -1: it needs none. */
static struct err *address(const char *path, struct sockaddr_un *out_address, int *out_folder)
{
	const char *slash = strrchr(path, '/');
	cleanup(free_text) char *folder = NULL;
	int length;

	out_address->sun_family = AF_UNIX;
	*out_folder = -1;
	if (strlen(path) < sizeof(out_address->sun_path)) {
		strncpy(out_address->sun_path, path, sizeof(out_address->sun_path) - 1);
		return NULL;
	}
	if (!slash)
		return ERR(ERR_CONFIG, "%s: too long a name for a socket", path);
	folder = mem_copy_n(path, (size_t)(slash - path) + 1);
	*out_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*out_folder < 0)
		return ERR(errno == ENOENT ? ERR_TEMPORARY : ERR_CONFIG, "%s: %s", folder, strerror(errno));
	length = snprintf(out_address->sun_path, sizeof(out_address->sun_path), "/proc/self/fd/%d/%s",
	    *out_folder, slash + 1);
	if (length >= (int)sizeof(out_address->sun_path))
		return ERR(ERR_CONFIG, "%s: too long a name for a socket", path);
	return NULL;
}

/* A socket that a former process left behind is in the way of its successor; anything else is not ours. */
static struct err *remove_old(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? NULL : ERR(ERR_CONFIG, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return ERR(ERR_CONFIG, "%s: there is a file that is no socket", path);
	if (unlink(path) && errno != ENOENT)
		return ERR(ERR_CONFIG, "%s: cannot remove the old socket: %s", path, strerror(errno));
	return NULL;
}

struct err *socket_listen(const char *path, int *out_fd)
{
	cleanup(close_fd) int folder = -1;
	cleanup(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un at = {0};

	if (fd < 0)
		return ERR(ERR_TEMPORARY, "socket: %s", strerror(errno));
	PASS(address(path, &at, &folder));
	PASS(remove_old(path));
	/* Before bind(), which gives the file the socket's mode: it is never open to others. */
	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		return ERR(ERR_CONFIG, "%s: cannot make a socket: %s", path, strerror(errno));
	if (listen(fd, BACKLOG))
		return ERR(ERR_TEMPORARY, "%s: listen: %s", path, strerror(errno));
	*out_fd = take_fd(&fd);
	return NULL;
}

static enum err_kind connect_error(int error)
{
	return error == EACCES || error == EPERM || error == ENOTDIR || error == EPROTOTYPE ? ERR_PERMANENT
	                                                                                    : ERR_TEMPORARY;
}

struct err *socket_connect(const char *path, int *out_fd)
{
	cleanup(close_fd) int folder = -1;
	cleanup(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = {0};
	int failed;

	if (fd < 0)
		return ERR(ERR_TEMPORARY, "socket: %s", strerror(errno));
	PASS(address(path, &at, &folder));
	do
		failed = connect(fd, (const struct sockaddr *)&at, sizeof(at));
	while (failed && errno == EINTR);
	if (failed)
		return ERR(connect_error(errno), "%s: %s", path, strerror(errno));
	*out_fd = take_fd(&fd);
	return NULL;
}
