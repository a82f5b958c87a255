/* SPDX-License-Identifier: MIT */
/* Finds template files and their partials, compiles them, and keeps what was compiled. */
#include "render/templates.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "render/escape.h"

struct entry {
	struct entry *next;
	char *name; /* STEM.TYPE.FORMAT or STEM.txt */
	char *path; /* NULL: there is no such file in any folder */
	struct template *template;
};

struct template_set {
	char **folders;
	size_t count, capacity;
	struct entry *entries;
};

static const struct channel_format {
	const char *type;
	const char *format;
} channel_formats[] = {
    {"teams", "json"},
    {"slack", "json"},
    {"discord", "json"},
    {"mattermost", "json"},
    {"webhook", "json"},
    {"pagerduty", "json"},
};

const char *template_format(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(channel_formats); i++)
		if (!strcmp(channel_formats[i].type, type))
			return channel_formats[i].format;
	return "txt";
}

/* -- files -------------------------------------------------------------------------------------------- */

static struct err *read_stream(FILE *file, const char *path, struct buf *out)
{
	size_t got;

	do {
		got = fread(buf_room(out, 8192), 1, 8192, file);
		out->length += got;
	} while (got && out->length <= TEMPLATE_SIZE_MAX);
	if (ferror(file))
		return ERR(ERR_CONFIG, "%s: %s", path, strerror(errno));
	if (out->length > TEMPLATE_SIZE_MAX)
		return ERR(ERR_CONFIG, "%s: a template of more than %d bytes", path, TEMPLATE_SIZE_MAX);
	return NULL;
}

/* OUT_THERE says whether there is such a file; that there is none is no error. */
static struct err *read_file(const char *path, struct buf *out, bool *out_there)
{
	FILE *file = fopen(path, "re");

	*out_there = file != NULL;
	if (!file && (errno == ENOENT || errno == ENOTDIR))
		return NULL;
	if (!file)
		return ERR(ERR_CONFIG, "%s: %s", path, strerror(errno));
	struct err *e = read_stream(file, path, out);
	fclose(file);
	return e;
}

/* -- partials ----------------------------------------------------------------------------------------- */

/* Where the partials of one template come from. */
struct partials {
	char *folder; /* the template's own */
	const char *format;
	const char *const *folders;
	size_t count;
	bool required; /* one that is nowhere is an error */
};

/* Names come from templates; they name files below the folders, not anywhere. */
static bool is_safe_name(const char *name)
{
	return *name != '/' && strcmp(name, "..") && strncmp(name, "../", 3) && !strstr(name, "/../");
}

static struct err *try_partial(
    const char *folder, const char *name, const char *format, struct partial_source *out)
{
	cleanup(free_text) char *path =
	    mem_format("%s/%s%s%s" TEMPLATE_SUFFIX, folder, name, format ? "." : "", format ? format : "");
	struct buf text = {0};
	bool there;
	struct err *e = read_file(path, &text, &there);

	if (e || !there) {
		buf_done(&text);
		return e;
	}
	out->name = path;
	path = NULL;
	out->length = text.length;
	out->text = buf_detach(&text);
	return NULL;
}

static struct err *find_partial(void *arg, const char *name, struct partial_source *out)
{
	const struct partials *partials = arg;

	if (!is_safe_name(name))
		return ERR(ERR_CONFIG, "the partial '%s' is outside the folder of templates", name);
	for (size_t i = 0; i <= partials->count; i++) {
		const char *folder = i ? partials->folders[i - 1] : partials->folder;

		PASS(try_partial(folder, name, partials->format, out));
		if (!out->text)
			PASS(try_partial(folder, name, NULL, out));
		if (out->text)
			return NULL;
	}
	if (partials->required)
		return ERR(ERR_CONFIG,
		    "no partial '%s': neither %s.%s" TEMPLATE_SUFFIX " nor %s" TEMPLATE_SUFFIX " in %s", name,
		    name, partials->format ? partials->format : "FORMAT", name, partials->folder);
	return NULL;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_copy(".");
	return mem_copy_n(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A file that is not there leaves *OUT_TEMPLATE alone. */
static struct err *compile_file(const char *path, struct partials *partials, struct template **out_template)
{
	struct buf text = {0};
	bool there;
	struct err *e = read_file(path, &text, &there);

	partials->folder = folder_of(path);
	if (!e && there)
		e = template_compile(
		    path, buf_text(&text), text.length, find_partial, partials, out_template);
	free(partials->folder);
	buf_done(&text);
	return e;
}

/* -- the set ------------------------------------------------------------------------------------------ */

struct template_set *template_set_create(const char *const *folders)
{
	struct template_set *set = mem_alloc(sizeof(*set));

	for (; *folders; folders++) {
		mem_grow(set->folders, set->count, set->capacity);
		set->folders[set->count++] = mem_copy(*folders);
	}
	return set;
}

void template_set_destroy(struct template_set *set)
{
	struct entry *next;

	if (!set)
		return;
	for (struct entry *entry = set->entries; entry; entry = next) {
		next = entry->next;
		template_destroy(entry->template);
		free(entry->path);
		free(entry->name);
		free(entry);
	}
	for (size_t i = 0; i < set->count; i++)
		free(set->folders[i]);
	free(set->folders);
	free(set);
}

static struct partials partials_of(const struct template_set *set, const char *format)
{
	return (struct partials){.format = format,
	    .folders = (const char *const *)set->folders,
	    .count = set->count,
	    .required = true};
}

static void keep(struct template_set *set, const char *name, const char *path, struct template *template)
{
	struct entry *entry = mem_alloc(sizeof(*entry));

	*entry = (struct entry){set->entries, mem_copy(name), mem_copy(path), template};
	set->entries = entry;
}

static const struct entry *find_entry(const struct template_set *set, const char *name)
{
	const struct entry *entry = set->entries;

	while (entry && strcmp(entry->name, name))
		entry = entry->next;
	return entry;
}

static struct err *load_entry(struct template_set *set, const char *name, const char *format)
{
	for (size_t i = 0; i < set->count; i++) {
		cleanup(free_text) char *path = mem_format("%s/%s" TEMPLATE_SUFFIX, set->folders[i], name);
		struct partials partials = partials_of(set, format);
		struct template *template = NULL;

		PASS(compile_file(path, &partials, &template));
		if (!template)
			continue;
		keep(set, name, path, template);
		return NULL;
	}
	keep(set, name, NULL, NULL);
	return NULL;
}

/* NAME is a file's name without folder and suffix. A fault is not kept: whoever asks again is told again. */
static struct err *find_file(struct template_set *set, const char *name, const char *format, const char *type,
    struct found_template *out_found)
{
	*out_found = (struct found_template){0};
	if (!find_entry(set, name))
		PASS(load_entry(set, name, format));
	const struct entry *entry = find_entry(set, name);
	if (entry->template)
		*out_found = (struct found_template){
		    entry->template, escaping_find(format, type), entry->path, format, false};
	return NULL;
}

struct err *template_set_find_part(
    struct template_set *set, const char *name, const char *format, struct found_template *out_found)
{
	return find_file(set, name, format, NULL, out_found);
}

struct err *template_set_find_text(
    struct template_set *set, const char *stem, struct found_template *out_found)
{
	cleanup(free_text) char *name = mem_format("%s.txt", stem);

	PASS(find_file(set, name, "txt", NULL, out_found));
	out_found->plain = true;
	return NULL;
}

struct err *template_set_find(
    struct template_set *set, const char *stem, const char *type, struct found_template *out_found)
{
	const char *format = template_format(type);
	cleanup(free_text) char *name = mem_format("%s.%s.%s", stem, type, format);

	PASS(find_file(set, name, format, type, out_found));
	if (out_found->template)
		return NULL;
	return template_set_find_text(set, stem, out_found);
}

/* -- names of files ----------------------------------------------------------------------------------- */

/*
 * Splits `report.teams.json.mustache` into its format and its channel type, both NULL where the name has
 * none. STORE holds them.
 */
static void split_file_name(char *store, const char **out_type, const char **out_format)
{
	char *suffix = strrchr(store, '.');

	*out_type = *out_format = NULL;
	if (!suffix)
		return;
	*suffix = '\0';
	char *format = strrchr(store, '.');
	if (!format)
		return;
	*format = '\0';
	*out_format = format + 1;
	char *type = strrchr(store, '.');
	if (type)
		*out_type = type + 1;
}

static bool has_suffix(const char *name)
{
	size_t length = strlen(name), suffix = strlen(TEMPLATE_SUFFIX);

	return length > suffix && !strcmp(name + length - suffix, TEMPLATE_SUFFIX);
}

static struct err *check_format(const char *path, const char *format)
{
	if (escaping_find(format, NULL))
		return NULL;
	return ERR(
	    ERR_CONFIG, "%s: unknown format '%s'; expected html, json, txt, slack or csv", path, format);
}

struct err *template_load(const char *path, const char *partials_folder, struct template **out_template,
    const struct escaping **out_escaping)
{
	const char *slash = strrchr(path, '/');
	cleanup(free_text) char *name = mem_copy(slash ? slash + 1 : path);
	const char *type = NULL, *format = NULL;
	struct template *template = NULL;

	if (has_suffix(name))
		split_file_name(name, &type, &format);
	if (!format)
		return ERR(ERR_CONFIG,
		    "%s: expected a name like report.html" TEMPLATE_SUFFIX
		    ": the part before " TEMPLATE_SUFFIX
		    " says how values are escaped (html, json, txt, slack, csv)",
		    path);
	PASS(check_format(path, format));
	struct partials partials = {
	    .format = format, .folders = &partials_folder, .count = partials_folder ? 1 : 0};
	PASS(compile_file(path, &partials, &template));
	if (!template)
		return ERR(ERR_CONFIG, "%s: no such file", path);
	*out_template = template;
	*out_escaping = escaping_find(format, type);
	return NULL;
}

/* -- checking ----------------------------------------------------------------------------------------- */

static int is_template(const struct dirent *file)
{
	return file->d_name[0] != '.' && has_suffix(file->d_name);
}

/*
 * A name without format (`row.mustache`) is a partial's, for templates of any format; the partials that it
 * needs itself may have one, so they are not asked for. `report.jsn.mustache` is a slip of the pen,
 * `board.row.mustache` such a partial.
 */
static struct err *check_file(const struct template_set *set, const char *folder, const char *file)
{
	cleanup(free_text) char *path = mem_format("%s/%s", folder, file), *name = mem_copy(file);
	const char *type, *format;
	struct template *template = NULL;

	split_file_name(name, &type, &format);
	if (format && !escaping_find(format, NULL) && !near_name(format, escaping_formats()))
		format = NULL;
	if (format)
		PASS(check_format(path, format));
	struct partials partials = partials_of(set, format);
	partials.required = format != NULL;
	struct err *e = compile_file(path, &partials, &template);
	template_destroy(template);
	return e;
}

static size_t check_folder(
    const struct template_set *set, const char *folder, void (*report)(void *arg, struct err *e), void *arg)
{
	struct dirent **files;
	int count = scandir(folder, &files, is_template, alphasort);

	if (count < 0)
		return 0; /* not every folder has every module */
	for (int i = 0; i < count; i++) {
		struct err *e = check_file(set, folder, files[i]->d_name);

		if (e)
			report(arg, e);
		free(files[i]);
	}
	free(files);
	return (size_t)count;
}

size_t template_set_check(
    struct template_set *set, const char *module, void (*report)(void *arg, struct err *e), void *arg)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		cleanup(free_text) char *folder = mem_format("%s/%s", set->folders[i], module);

		count += check_folder(set, folder, report, arg);
	}
	return count;
}
