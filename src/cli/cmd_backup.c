/* SPDX-License-Identifier: MIT */
/*
 * `bmad backup FILE`: a copy of the store as it is at one moment. It is made under another name beside FILE
 * and gets its own when it is whole and on the disk.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

static struct err *fault(const char *what, const char *path)
{
	return ERR(ERR_PERMANENT, "%s %s: %s", what, path, strerror(errno));
}

static struct err *refuse_existing(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? NULL
	                        : ERR(ERR_CONFIG, "%s is there already: a backup replaces nothing", path);
}

/* The folder of PATH, borrowed from COPY. */
static const char *folder_of(char *copy)
{
	char *slash = strrchr(copy, '/');

	if (!slash)
		return ".";
	slash[slash == copy] = '\0';
	return copy;
}

static struct err *sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	struct err *e = NULL;

	if (fd < 0)
		return fault("open", path);
	if (fsync(fd))
		e = fault("sync", path);
	close(fd);
	return e;
}

/* Not over a file that came up meanwhile, where the file system can tell. */
static struct err *take_name(const char *aside, const char *path)
{
	cleanup(free_text) char *copy = mem_copy(path);

	if (renameat2(AT_FDCWD, aside, AT_FDCWD, path, RENAME_NOREPLACE)) {
		if (errno != EINVAL && errno != ENOSYS)
			return fault("name the copy", path);
		PASS(refuse_existing(path));
		if (rename(aside, path))
			return fault("name the copy", path);
	}
	return sync_path(folder_of(copy), O_DIRECTORY);
}

static struct err *copy_aside(const char *store, const char *aside, const char *path)
{
	PASS(store_copy(store, aside));
	PASS(sync_path(aside, 0));
	return take_name(aside, path);
}

/* -- interrupted ----------------------------------------------------------------------------------- */

static const int interruptions[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const char *volatile unfinished; /* for the handler, which is given nothing else */

/* What it finds left behind goes; then the signal does what it does without this. */
static void on_interruption(int number)
{
	if (unfinished)
		unlink(unfinished);
	signal(number, SIG_DFL);
	raise(number);
}

static void watch(const char *aside)
{
	unfinished = aside;
	for (size_t i = 0; i < ARRAY_SIZE(interruptions); i++)
		if (signal(interruptions[i], on_interruption) == SIG_IGN)
			signal(interruptions[i], SIG_IGN); /* as nohup has it */
}

/* -- the copy -------------------------------------------------------------------------------------- */

static struct err *backup(const char *store, const char *path)
{
	cleanup(free_text) char *aside = mem_format("%s.XXXXXX", path);
	int fd;
	struct err *e;

	PASS(refuse_existing(path));
	watch(aside);
	fd = mkostemp(aside, O_CLOEXEC); /* readable by its owner alone: payloads are confidential */
	if (fd < 0) {
		unfinished = NULL;
		return fault("make a file beside", path);
	}
	close(fd);
	e = copy_aside(store, aside, path);
	unfinished = NULL;
	if (e)
		unlink(aside);
	return e;
}

static int report(const char *path)
{
	struct stat st;

	printf("%s: %lld bytes\n", path, stat(path, &st) ? 0 : (long long)st.st_size);
	return EXIT_OK;
}

int cmd_backup(int argc, char **argv)
{
	if (argc != 2 || argv[1][0] == '-')
		return cli_usage("backup takes the name of a file that is not there yet");
	struct conf *conf = cli_load_conf();
	if (!conf)
		return EXIT_USAGE;
	struct err *e = backup(conf->daemon.store, argv[1]);
	conf_destroy(conf);
	return e ? cli_fail(ERR_AT(e, "backup")) : report(argv[1]);
}
