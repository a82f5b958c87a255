/* SPDX-License-Identifier: MIT */
/* Process titles, written over the argument area that the kernel shows. */
#include "daemon/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static char *area;
static size_t area_size;

void title_init(int argc, char **argv)
{
	char *end = argv[0];

	for (int i = 0; i < argc; i++)
		if (argv[i] == end)
			end += strlen(end) + 1;
	/* The environment follows; it is copied away, so that a short command line has room too. */
	for (size_t i = 0; environ[i]; i++) {
		if (environ[i] == end)
			end += strlen(end) + 1;
		environ[i] = mem_copy(environ[i]);
	}
	for (int i = 1; i < argc; i++)
		argv[i] = mem_copy(argv[i]);
	area = argv[0];
	area_size = (size_t)(end - argv[0]);
}

void title_set(const char *fmt, ...)
{
	char title[256] = "bmad: ";
	va_list args;

	if (!area_size)
		return;
	va_start(args, fmt);
	vsnprintf(title + strlen(title), sizeof(title) - strlen(title), fmt, args);
	va_end(args);
	memset(area, 0, area_size);
	snprintf(area, area_size, "%s", title);
}
