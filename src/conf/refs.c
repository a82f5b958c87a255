/* SPDX-License-Identifier: MIT */
/* `${...}`: found, checked, resolved. */
#include "conf/refs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"

/* One piece of a text: what stands as it is, or a reference. */
struct piece {
	const char *text; /* from `${` on for a reference */
	size_t length;
	const struct reference_kind *kind; /* NULL: a literal */
	const char *name;
	size_t name_length;
};

struct reference_kind {
	const char *prefix;
	const char *wanted; /* what stands after the prefix */
	bool (*is_name)(const char *name, size_t length);
	struct err *(*read)(const char *folder, const char *name, struct buf *out);
};

static bool is_variable(const char *name, size_t length)
{
	if (!length || isdigit((unsigned char)*name))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

static bool is_path(const char *name, size_t length)
{
	(void)name;
	return length > 0;
}

/* As systemd names credentials: a plain file name, which cannot lead out of the folder. */
static bool is_credential(const char *name, size_t length)
{
	return length > 0 && *name != '.' && !memchr(name, '/', length);
}

static struct err *read_variable(const char *folder, const char *name, struct buf *out)
{
	const char *value = getenv(name);

	(void)folder;
	if (!value)
		return ERR(ERR_CONFIG, "the environment variable is not set");
	buf_add_text(out, value);
	return NULL;
}

static void drop_newline(struct buf *out)
{
	if (out->length && out->text[out->length - 1] == '\n')
		buf_truncate(out, out->length - 1);
	if (out->length && out->text[out->length - 1] == '\r')
		buf_truncate(out, out->length - 1);
}

static struct err *read_file(const char *folder, const char *name, struct buf *out)
{
	cleanup(free_text) char *path = *name == '/' ? mem_copy(name) : mem_format("%s/%s", folder, name);

	PASS(file_read(path, REFERENCE_BYTES_MAX, out));
	buf_add_char(out, '\0'); /* read() ends nothing; and a NUL inside would cut the value short unseen */
	buf_truncate(out, out->length - 1);
	if (memchr(out->text, '\0', out->length))
		return ERR(ERR_CONFIG, "the file holds a NUL byte");
	drop_newline(out);
	return NULL;
}

static struct err *read_credential(const char *folder, const char *name, struct buf *out)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");

	(void)folder;
	if (!credentials)
		return ERR(
		    ERR_CONFIG, "$CREDENTIALS_DIRECTORY is not set: the service manager gives credentials");
	return read_file(credentials, name, out);
}

static const struct reference_kind kinds[] = {
    {"file:", "a path", is_path, read_file},
    {"cred:", "the name of a credential", is_credential, read_credential},
    {"", "the name of an environment variable", is_variable, read_variable}, /* last: fits any */
};

static struct err *parse_reference(const char *text, struct piece *out)
{
	const char *inside = text + 2, *end = strchr(inside, '}');
	const struct reference_kind *kind = kinds;

	if (!end)
		return ERR(ERR_CONFIG, "'${' without its '}'; write '$${' for a literal '${'");
	while (strncmp(inside, kind->prefix, strlen(kind->prefix)) != 0)
		kind++;
	*out = (struct piece){
	    .text = text,
	    .length = (size_t)(end + 1 - text),
	    .kind = kind,
	    .name = inside + strlen(kind->prefix),
	};
	out->name_length = (size_t)(end - out->name);
	if (kind->is_name(out->name, out->name_length))
		return NULL;
	return ERR(ERR_CONFIG,
	    "'%.*s' is no reference: expected ${NAME}, ${file:PATH} or ${cred:NAME} with %s; write "
	    "'$${' for a literal '${'",
	    (int)out->length, text, kind->wanted);
}

/* Takes the piece at *CURSOR, which is not at its end. */
static struct err *take_piece(const char **cursor, struct piece *out)
{
	const char *text = *cursor, *end;

	if (!strncmp(text, "${", 2)) {
		PASS(parse_reference(text, out));
		*cursor += out->length;
		return NULL;
	}
	if (!strncmp(text, "$${", 3)) {
		*out = (struct piece){.text = text + 1, .length = 2};
		*cursor += 3;
		return NULL;
	}
	end = strchr(text + 1, '$');
	*out = (struct piece){.text = text, .length = end ? (size_t)(end - text) : strlen(text)};
	*cursor += out->length;
	return NULL;
}

bool refs_any(const char *text)
{
	return strstr(text, "${") != NULL;
}

struct err *refs_scan(const char *text, void (*found)(void *arg, const char *reference), void *arg)
{
	while (*text) {
		struct piece piece = {0};

		PASS(take_piece(&text, &piece));
		if (!piece.kind || !found)
			continue;
		cleanup(free_text) char *reference = mem_copy_n(piece.text, piece.length);
		found(arg, reference);
	}
	return NULL;
}

static struct err *resolve_reference(const char *folder, const struct piece *piece, struct buf *out)
{
	cleanup(buf_done) struct buf value = {0};
	cleanup(free_text) char *name = mem_copy_n(piece->name, piece->name_length);

	struct err *e = piece->kind->read(folder, name, &value);
	if (e) { /* the reference's name belongs into the message itself, which may be shown without its
		    frames */
		struct err *told = ERR(
		    ERR_CONFIG, "%.*s does not resolve: %s", (int)piece->length, piece->text, err_message(e));
		err_destroy(e);
		return told;
	}
	redact_add(buf_text(&value));
	buf_add(out, buf_text(&value), value.length);
	return NULL;
}

struct err *refs_resolve(const char *folder, const char *text, struct arena *arena, const char **out_text)
{
	cleanup(buf_done) struct buf out = {0};

	if (!refs_any(text)) {
		*out_text = text;
		return NULL;
	}
	while (*text) {
		struct piece piece = {0};

		PASS(take_piece(&text, &piece));
		if (piece.kind)
			PASS(resolve_reference(folder, &piece, &out));
		else
			buf_add(&out, piece.text, piece.length);
	}
	*out_text = arena_copy_n(arena, buf_text(&out), out.length);
	return NULL;
}

static bool json_has_refs(const struct json *value)
{
	if (json_is(value, JSON_STRING))
		return refs_any(json_text(value));
	json_each(member, value) if (json_has_refs(member)) return true;
	return false;
}

/* A copy of VALUE with its strings resolved; what the arena gets of them is not needed afterwards. */
static struct err *resolve_copy(
    const char *folder, const struct json *value, struct arena *scratch, struct json **out)
{
	const char *text;

	if (json_is(value, JSON_STRING)) {
		PASS(refs_resolve(folder, json_text(value), scratch, &text));
		*out = json_string(text);
		return NULL;
	}
	if (!json_is(value, JSON_OBJECT) && !json_is(value, JSON_ARRAY)) {
		*out = json_copy(value);
		return NULL;
	}
	struct json *copy = json_is(value, JSON_OBJECT) ? json_object() : json_array();
	json_each(member, value)
	{
		struct json *inner;
		struct err *e = resolve_copy(folder, member, scratch, &inner);

		if (e) {
			json_destroy(copy);
			return e;
		}
		if (json_key(member))
			json_set(copy, json_key(member), inner);
		else
			json_add(copy, inner);
	}
	*out = copy;
	return NULL;
}

static void destroy_json(void *value)
{
	json_destroy(value);
}

struct err *refs_resolve_json(
    const char *folder, const struct json *value, struct arena *arena, const struct json **out_value)
{
	cleanup(arena_done) struct arena scratch = {0};
	struct json *copy;

	if (!json_has_refs(value)) {
		*out_value = value;
		return NULL;
	}
	PASS(resolve_copy(folder, value, &scratch, &copy));
	arena_defer(arena, destroy_json, copy);
	*out_value = copy;
	return NULL;
}
