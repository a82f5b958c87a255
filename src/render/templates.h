/* SPDX-License-Identifier: MIT */
/*
 * The templates of a configuration: found in a list of folders, compiled once, kept.
 *
 * A message of kind K from module M for channel type T is made from `M/K.T.FORMAT.mustache` in the first
 * folder that has it; FORMAT is the type's (template_format). None: from `M/K.txt.mustache`, to be put into
 * the type's plain frame. None: there is no template. A partial `name` is `name.FORMAT.mustache`, else
 * `name.mustache`, in the template's own folder, then in the set's folders; one that is nowhere is an error
 * here (a slip of the pen in a template must not go unnoticed).
 *
 * Set up once, before processes fork; a changed template is seen by a new set.
 */
#ifndef RENDER_TEMPLATES_H
#define RENDER_TEMPLATES_H

#include <stdbool.h>

#include "render/mustache.h"

#define TEMPLATE_SUFFIX   ".mustache"
#define TEMPLATE_SIZE_MAX (1 << 20)

struct template_set;

struct found_template {
	const struct template *template; /* borrowed from the set; NULL: there is none */
	const struct escaping *escaping;
	const char *path;   /* of the template, for errors */
	const char *format; /* of the template */
	bool plain;         /* it is the `txt` one, that needs the type's plain frame */
};

/* FOLDERS: NULL-terminated, searched in order; those that do not exist are passed over. Copied. */
struct template_set *template_set_create(const char *const *folders);
void template_set_destroy(struct template_set *set);

/*
 * The template of STEM ("zone_hourly/report") for channel type TYPE; *OUT_FOUND without a template if there
 * is none. CONFIG error, which names the file, line and column, if it cannot be read or compiled.
 */
struct err *template_set_find(struct template_set *set, const char *stem, const char *type,
    struct found_template *out_found) MUST_CHECK;

/* The file NAME ("zone_hourly/report.email.html", without suffix) alone. */
struct err *template_set_find_part(struct template_set *set, const char *name, const char *format,
    struct found_template *out_found) MUST_CHECK;

/* The `M/K.txt.mustache` alone, whatever there is for a type. */
struct err *template_set_find_text(
    struct template_set *set, const char *stem, struct found_template *out_found) MUST_CHECK;

/*
 * Compiles every template of MODULE in all folders, in the order of their names, and hands each error to
 * REPORT, which takes it. Returns how many files there were.
 */
size_t template_set_check(
    struct template_set *set, const char *module, void (*report)(void *arg, struct err *e), void *arg);

/* The format of templates for channel type TYPE: "json" or "txt". */
const char *template_format(const char *type);

/*
 * One file by its path, outside any set. Its name is NAME[.TYPE].FORMAT.mustache; partials come from its own
 * folder, then from PARTIALS (may be NULL), and one that is nowhere renders as nothing.
 */
struct err *template_load(const char *path, const char *partials, struct template **out_template,
    const struct escaping **out_escaping) MUST_CHECK;

#endif
