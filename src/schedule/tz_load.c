/* SPDX-License-Identifier: MIT */
/*
 * The zones of this process: read from the system's files when first asked for, then kept. Also which
 * zone the system itself is in.
 */
#include "schedule/tz_data.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

#define FILE_MAX        (1 << 20) /* the largest zone has 4 KiB */
#define NAME_MAX_LENGTH 100

static struct tz *loaded; /* kept for ever: callers borrow zones without end */
static struct tz *replaced; /* so are these */
static char system_name[PATH_MAX]; /* empty: not asked yet */

/* -- files ----------------------------------------------------------------------------------------- */

const char *tz_folder(void)
{
	const char *folder = getenv("TZDIR");

	return folder && *folder ? folder : "/usr/share/zoneinfo";
}

bool tz_name_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t length = strlen(name);

	return length > 0 && length <= NAME_MAX_LENGTH && strspn(name, letters) == length && name[0] != '/' &&
	       name[length - 1] != '/' && !strstr(name, "//");
}

static void close_file(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static bool is_regular_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* False if there is no such file, or it is none of ours: it is a folder, or larger than any zone. */
static bool read_file(const char *path, struct buf *out)
{
	cleanup(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || !is_regular_file(fd))
		return false;
	for (;;) {
		ssize_t got = read(fd, buf_room(out, 4096), 4096);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || out->length > FILE_MAX)
			return got == 0;
		out->length += (size_t)got;
	}
}

/* -- zones ----------------------------------------------------------------------------------------- */

static struct err *unknown(const char *name)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *near = tz_near_name(name, &arena);

	if (near)
		return ERR(ERR_CONFIG, "unknown time zone '%s'; did you mean '%s'?", name, near);
	return ERR(ERR_CONFIG, "unknown time zone '%s': expected a name under %s, like America/Los_Angeles",
	    name, tz_folder());
}

static const struct tz *keep(struct tz *tz)
{
	tz->next = loaded;
	loaded = tz;
	return tz;
}

static uint64_t digest_of(const struct buf *bytes)
{
	return fnv1a(FNV_START, buf_text(bytes), bytes->length);
}

static struct err *load(const char *name, const struct tz **out_tz)
{
	cleanup(free_text) char *path = mem_format("%s/%s", tz_folder(), name);
	cleanup(buf_done) struct buf bytes = {0};
	struct err *e;

	if (!strcmp(name, "UTC")) {
		*out_tz = keep(tz_create(name, 0, "UTC"));
		return NULL;
	}
	if (!tz_name_valid(name) || !read_file(path, &bytes))
		return unknown(name);
	struct tz *tz;
	e = tz_parse(name, buf_text(&bytes), bytes.length, &tz);
	if (!e) {
		tz->digest = digest_of(&bytes);
		*out_tz = keep(tz);
		return NULL;
	}
	struct err *readable = ERR(ERR_CONFIG, "cannot use %s: %s", path, err_message(e));
	err_destroy(e);
	return readable;
}

struct err *tz_get(const char *name, const struct tz **out_tz)
{
	for (const struct tz *tz = loaded; tz; tz = tz->next)
		if (!strcmp(tz->name, name)) {
			*out_tz = tz;
			return NULL;
		}
	return load(name, out_tz);
}

/* What is not in a file (UTC) never changes. */
static bool is_current(const struct tz *tz)
{
	cleanup(free_text) char *path = mem_format("%s/%s", tz_folder(), tz->name);
	cleanup(buf_done) struct buf bytes = {0};

	return !tz->digest || (read_file(path, &bytes) && digest_of(&bytes) == tz->digest);
}

void tz_refresh(void)
{
	struct tz **link = &loaded;

	while (*link) {
		struct tz *tz = *link;

		if (is_current(tz)) {
			link = &tz->next;
			continue;
		}
		*link = tz->next;
		tz->next = replaced;
		replaced = tz;
	}
	*system_name = '\0';
}

/* -- the system's zone ----------------------------------------------------------------------------- */

static bool usable(const char *name)
{
	const struct tz *tz;
	struct err *e = tz_get(name, &tz);

	err_ignore(e);
	return !e;
}

/* Debian's file with the name in its first line. */
static bool name_in_file(char out[PATH_MAX])
{
	cleanup(buf_done) struct buf text = {0};

	if (!read_file("/etc/timezone", &text))
		return false;
	size_t length = strcspn(buf_text(&text), " \t\r\n");
	if (length >= PATH_MAX)
		return false;
	memcpy(out, buf_text(&text), length);
	out[length] = '\0';
	return usable(out);
}

/* Everywhere else: a link into the folder of zones, whichever that is. */
static bool name_in_link(char out[PATH_MAX])
{
	static const char folder[] = "zoneinfo/";
	char target[PATH_MAX];
	ssize_t length = readlink("/etc/localtime", target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = '\0';
	const char *found = strstr(target, folder);
	if (!found)
		return false;
	strncpy(out, found + strlen(folder), PATH_MAX - 1);
	return usable(out);
}

const char *tz_system_name(void)
{
	char *name = system_name;

	if (!*name && !name_in_file(name)) {
		memset(name, 0, sizeof(system_name));
		if (!name_in_link(name))
			memcpy(name, "UTC", sizeof("UTC"));
	}
	return name;
}
