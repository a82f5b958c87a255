/* SPDX-License-Identifier: MIT */
/* `bmad render TEMPLATE [--data FILE] [--partials DIR]`: a template file with data, to standard output. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "render/templates.h"

#define DATA_MAX   (64 << 20)
#define OUTPUT_MAX (256 << 20)

static struct err *read_all(FILE *file, const char *name, struct buf *out)
{
	size_t got;

	do {
		got = fread(buf_room(out, 65536), 1, 65536, file);
		out->length += got;
	} while (got && out->length <= DATA_MAX);
	if (ferror(file))
		return ERR(ERR_CONFIG, "%s: %s", name, strerror(errno));
	if (out->length > DATA_MAX)
		return ERR(ERR_CONFIG, "%s: more than %d bytes of data", name, DATA_MAX);
	return NULL;
}

static struct err *read_text(const char *path, struct buf *out)
{
	if (!strcmp(path, "-"))
		return read_all(stdin, "standard input", out);
	FILE *file = fopen(path, "re");
	if (!file)
		return ERR(ERR_CONFIG, "%s: %s", path, strerror(errno));
	struct err *e = read_all(file, path, out);
	fclose(file);
	return e;
}

/* What the user handed over is wrong, not what a provider sent: the exit status of a bad command line. */
static struct err *data_fault(const char *path, struct err *fault)
{
	struct err *e = ERR(ERR_CONFIG, "%s: %s", path, err_message(fault));

	err_destroy(fault);
	return e;
}

/* The data at PATH, `-` for standard input; without one an empty object. */
static struct err *load_data(const char *path, struct json **out_data)
{
	struct buf text = {0};
	struct err *e;

	if (!path) {
		*out_data = json_object();
		return NULL;
	}
	e = read_text(path, &text);
	if (!e) {
		e = json_parse(buf_text(&text), text.length, out_data);
		if (e)
			e = data_fault(path, e);
	}
	buf_done(&text);
	return e;
}

static struct err *write_out(const struct buf *out)
{
	if (fwrite(buf_text(out), 1, out->length, stdout) != out->length || fflush(stdout))
		return ERR(ERR_TEMPORARY, "write to standard output: %s", strerror(errno));
	return NULL;
}

static struct err *render_to_stdout(const char *template_path, const char *data_path, const char *partials)
{
	const struct escaping *escaping;
	struct template *template;
	struct json *data = NULL;
	struct buf out = {0};

	PASS(template_load(template_path, partials, &template, &escaping));
	struct err *e = load_data(data_path, &data);
	if (!e) {
		const struct json *root = data;

		e = template_render(template, &root, 1, escaping, OUTPUT_MAX, &out);
	}
	if (!e)
		e = write_out(&out);
	json_destroy(data);
	template_destroy(template);
	buf_done(&out);
	return e;
}

static int render_file(const char *template_path, const char *data_path, const char *partials)
{
	struct err *e = render_to_stdout(template_path, data_path, partials);

	return e ? cli_fail(e) : EXIT_OK;
}

/* -- the command line --------------------------------------------------------------------------------- */

struct argument {
	const char *option; /* NULL: the one without */
	const char *value;
};

/* The row that ARGUMENT (`--data`, `--data=FILE`, `zone.html.mustache`) sets, NULL if there is none. */
static struct argument *find_argument(struct argument *rows, const char *argument)
{
	if (argument[0] != '-' || !argument[1])
		return rows;
	for (rows++; rows->option; rows++) {
		size_t length = strlen(rows->option);

		if (!strncmp(argument, rows->option, length) &&
		    (!argument[length] || argument[length] == '='))
			return rows;
	}
	return NULL;
}

/* ROWS: the argument without option first, a row without option last. */
static int parse_arguments(int argc, char **argv, struct argument *rows)
{
	for (int i = 1; i < argc; i++) {
		struct argument *row = find_argument(rows, argv[i]);

		if (!row)
			return cli_usage("render: unknown option %s", argv[i]);
		const char *equals = row->option ? strchr(argv[i], '=') : NULL;
		if (row->value)
			return cli_usage("render: one too many: %s", argv[i]);
		if (row->option && !equals && i + 1 == argc)
			return cli_usage("render: %s wants a value", argv[i]);
		row->value = equals ? equals + 1 : row->option ? argv[++i] : argv[i];
	}
	return rows->value ? EXIT_OK : cli_usage("render: which template? NAME.FORMAT.mustache");
}

int cmd_render(int argc, char **argv)
{
	struct argument rows[] = {{0}, {.option = "--data"}, {.option = "--partials"}, {0}};
	int status = parse_arguments(argc, argv, rows);

	return status ? status : render_file(rows[0].value, rows[1].value, rows[2].value);
}
