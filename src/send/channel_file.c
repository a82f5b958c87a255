/* SPDX-License-Identifier: MIT */
/* Channel `file`: each message a file of its own in a folder, complete as soon as it has its name. */
#include "send/channels.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define NAME_PART_MAX 64 /* of job and kind: the whole stays under the 255 bytes of a file name */

struct file_options {
	const char *dir;
};

static const struct option options_table[] = {
    OPTION(struct file_options, dir, OPT_PATH, .required = true,
        .help = "folder that receives one file per message, written aside and renamed; made if its parent is "
                "there"),
    OPTION_END,
};

struct suffix {
	const char *content_type, *ending;
};

static const struct suffix suffixes[] = {
    {"application/json", "json"},
    {"text/html", "html"},
    {"text/csv", "csv"},
};

static const char *ending_of(const char *content_type)
{
	for (size_t i = 0; content_type && i < ARRAY_SIZE(suffixes); i++)
		if (!strncmp(content_type, suffixes[i].content_type, strlen(suffixes[i].content_type)))
			return suffixes[i].ending;
	return "txt";
}

/* Names come from data: nothing in them may leave the folder, hide the file or trouble a shell. */
static const char *safe(const char *text, struct arena *arena)
{
	char *copy = arena_copy_n(arena, text, strnlen(text, NAME_PART_MAX));

	for (char *c = copy; *c; c++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", *c) &&
		    (*c != '.' || c == copy))
			*c = '_';
	return copy;
}

/* 20261120T100500Z-zone1-hourly-report-0193....json: a listing by name is in order of time. */
static const char *name_of(const struct outgoing *message, struct arena *arena)
{
	struct civil civil;

	civil_from_utc(message->created_ms / 1000, &civil);
	return arena_format(arena, "%04d%02d%02dT%02d%02d%02dZ-%s-%s-%s.%s", civil.year, civil.month,
	    civil.day, civil.hour, civil.minute, civil.second, safe(message->job, arena),
	    safe(message->kind, arena), safe(message->id, arena), ending_of(message->content_type));
}

/* The same message again (after a crash) gives the same name, and so the same one file. */
static struct err *write_message(
    const struct conf_channel *channel, const void *options, const struct outgoing *message)
{
	const struct file_options *o = options;
	cleanup(arena_done) struct arena arena = {0};
	int dir;

	(void)channel;
	PASS(file_open_folder(o->dir, &dir));
	struct err *e =
	    file_replace(dir, name_of(message, &arena), message->payload, message->payload_length, 0640);
	close(dir);
	return e;
}

/* An empty file, which nobody sees: it has its name for a moment only, and a hidden one. */
static struct err *probe_folder(const void *options, struct probe *out_probe)
{
	const struct file_options *o = options;
	int dir;

	PASS(file_open_folder(o->dir, &dir));
	struct err *e = file_write(dir, ".bmad-check.tmp", "", 0, 0640);
	unlinkat(dir, ".bmad-check.tmp", 0);
	close(dir);
	out_probe->tried = "files can be written";
	return e;
}

const struct channel_type channel_file = {
    .name = "file",
    .summary = "writes each message to a file of its own",
    .format = "txt",
    .content_type = "text/plain",
    .options = options_table,
    .options_size = sizeof(struct file_options),
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .write = write_message,
    .probe = probe_folder,
};
