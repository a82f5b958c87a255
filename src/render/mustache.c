/* SPDX-License-Identifier: MIT */
/*
 * Renders compiled Mustache: walks the nodes with a stack of contexts. What a template or its data could
 * blow up is bounded here: depth of partials and sections, rounds of sections, size of the output.
 */
#include "render/mustache.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "render/append.h"
#include "render/escape.h"
#include "render/mustache_nodes.h"

#define PARTIALS_MAX 64
#define NESTING_MAX  512 /* sections and partials, each a few frames of the stack */
#define ROUNDS_MAX   5000000

/*
 * One level of the context stack. Rows of a table are asked for their columns in the order they have them,
 * so the search for a key begins after the member that was found last.
 */
struct context {
	const struct json *value;
	const struct json *first; /* member, NULL for anything but an object */
	const struct json *next;  /* where to look first */
};

struct renderer {
	const struct escaping *escaping;
	const struct template *template;
	struct buf *out;
	size_t end; /* OUT may not become longer */
	struct context *contexts;
	size_t depth, capacity;
	struct buf indent;   /* of all the partials around, outermost first */
	size_t indent_start; /* a partial within a line is not indented by what is around it */
	size_t partials, nesting;
	size_t rounds;
};

/* -- contexts ----------------------------------------------------------------------------------------- */

static void push(struct renderer *r, const struct json *value)
{
	const struct json *first = json_is(value, JSON_OBJECT) ? json_first(value) : NULL;

	mem_grow(r->contexts, r->depth, r->capacity);
	r->contexts[r->depth++] = (struct context){value, first, first};
}

static bool is_key(const struct json *member, const char *key)
{
	const char *text = json_key(member);

	return text[0] == key[0] && !strcmp(text, key);
}

static const struct json *find_member(struct context *context, const char *key)
{
	const struct json *member;

	for (member = context->next; member; member = json_next(member))
		if (is_key(member, key))
			goto found;
	for (member = context->first; member != context->next; member = json_next(member))
		if (is_key(member, key))
			goto found;
	return NULL;
found:
	context->next = json_next(member);
	return member;
}

/* The first part is looked for in all contexts, the others only within what it found. */
static const struct json *find_value(struct renderer *r, const struct name *name)
{
	const struct json *value = NULL;

	if (!name->count)
		return r->depth ? r->contexts[r->depth - 1].value : NULL;
	for (size_t i = r->depth; i-- && !value;)
		value = find_member(&r->contexts[i], name->parts[0]);
	for (size_t i = 1; i < name->count && value; i++)
		value = json_get(value, name->parts[i]);
	return value;
}

static bool is_true(const struct json *value)
{
	switch (json_type(value)) { /* of NULL it is JSON_NULL */
	case JSON_NULL:
		return false;
	case JSON_BOOL:
		return json_true(value);
	case JSON_ARRAY:
		return json_first(value) != NULL;
	case JSON_STRING:
		return *json_text(value) != '\0';
	default:
		return true;
	}
}

/* -- values ------------------------------------------------------------------------------------------- */

static char *put_digits(char *at, uint64_t number)
{
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	return at;
}

/*
 * Whole numbers and those of one decimal are nearly all that reports hold; printing them here gives the same
 * text as json_print() at a tenth of its time.
 */
static bool add_simple_number(struct buf *out, double value)
{
	char digits[32], *end = digits + sizeof(digits), *at = end;
	double size = fabs(value);

	if (size >= 1e14 || (value == 0 && signbit(value)))
		return false;
	uint64_t whole = (uint64_t)size;
	if ((double)whole != size) {
		uint64_t tenths = (uint64_t)(size * 10 + 0.5);

		if ((double)tenths / 10 != size)
			return false;
		*--at = (char)('0' + tenths % 10);
		*--at = '.';
		whole = tenths / 10;
	}
	at = put_digits(at, whole);
	if (value < 0)
		*--at = '-';
	append(out, at, (size_t)(end - at));
	return true;
}

static void add_json(struct buf *out, escape_function *escape, const struct json *value)
{
	cleanup(free_text) char *text = json_print(value);

	escape(out, text, strlen(text));
}

/* Digits and the words true and false mean the same in every format, and are no mark-up in any. */
static void add_value(struct buf *out, escape_function *escape, const struct json *value)
{
	const char *text = json_text(value);

	if (text) {
		escape(out, text, strlen(text));
		return;
	}
	switch (json_type(value)) {
	case JSON_NULL:
		break;
	case JSON_BOOL:
		buf_add_text(out, json_true(value) ? "true" : "false");
		break;
	case JSON_NUMBER:
		if (!add_simple_number(out, json_double(value)))
			add_json(out, escape_none, value);
		break;
	default:
		add_json(out, escape, value);
	}
}

/* -- nodes -------------------------------------------------------------------------------------------- */

static struct err *render_nodes(struct renderer *r, const struct body *body, size_t from, size_t to);

static struct err *render_round(
    struct renderer *r, const struct body *body, size_t section, const struct json *value)
{
	push(r, value);
	struct err *e = render_nodes(r, body, section + 1, body->nodes[section].end);
	r->depth--;
	return e;
}

static struct err *render_section(struct renderer *r, const struct body *body, size_t section)
{
	const struct node *node = &body->nodes[section];
	const struct json *value = find_value(r, node->name);

	if (is_true(value) == (node->kind == NODE_INVERTED))
		return NULL;
	if (node->kind == NODE_INVERTED)
		return render_nodes(r, body, section + 1, node->end);
	if (!json_is(value, JSON_ARRAY))
		return render_round(r, body, section, value);
	json_each(item, value)
		PASS(render_round(r, body, section, item));
	return NULL;
}

static struct err *render_partial(struct renderer *r, const struct partial_call *call)
{
	size_t start = r->indent_start, length = r->indent.length;

	if (r->partials == PARTIALS_MAX)
		return ERR(ERR_PERMANENT, "%s: partials nest more than %d deep, at '%s'", r->template->name,
		    PARTIALS_MAX, call->body->partial);
	if (call->indent)
		buf_add(&r->indent, call->indent, call->indent_length);
	else
		r->indent_start = length;
	r->partials++;
	struct err *e = render_nodes(r, call->body, 0, call->body->count);
	r->partials--;
	r->indent_start = start;
	buf_truncate(&r->indent, length);
	return e;
}

static void add_indent(struct renderer *r)
{
	if (r->indent.length > r->indent_start)
		buf_add(r->out, r->indent.text + r->indent_start, r->indent.length - r->indent_start);
}

/* The node at INDEX, a section with all that is in it. */
static struct err *render_node(struct renderer *r, const struct body *body, size_t index)
{
	const struct node *node = &body->nodes[index];

	switch (node->kind) {
	case NODE_TEXT:
		append(r->out, node->text, node->length);
		break;
	case NODE_VALUE:
		add_value(r->out, r->escaping->escape, find_value(r, node->name));
		break;
	case NODE_RAW:
		add_value(r->out, r->escaping->raw, find_value(r, node->name));
		break;
	case NODE_SECTION:
	case NODE_INVERTED:
		return render_section(r, body, index);
	case NODE_PARTIAL:
		return render_partial(r, node->partial);
	case NODE_INDENT:
		add_indent(r);
		break;
	}
	return NULL;
}

static struct err *check_bounds(const struct renderer *r)
{
	const char *name = r->template->name;

	if (r->nesting > NESTING_MAX)
		return ERR(
		    ERR_PERMANENT, "%s: sections and partials nest more than %d deep", name, NESTING_MAX);
	if (r->rounds > ROUNDS_MAX)
		return ERR(ERR_PERMANENT, "%s: sections go round more than %d times", name, ROUNDS_MAX);
	if (r->out->length > r->end)
		return ERR(ERR_PERMANENT, "%s: the text grows too long", name);
	return NULL;
}

static struct err *render_range(struct renderer *r, const struct body *body, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		enum node_kind kind = body->nodes[i].kind;

		PASS(render_node(r, body, i));
		if (r->out->length > r->end)
			return check_bounds(r);
		if (kind == NODE_SECTION || kind == NODE_INVERTED)
			i = body->nodes[i].end - 1;
	}
	return NULL;
}

static struct err *render_nodes(struct renderer *r, const struct body *body, size_t from, size_t to)
{
	r->nesting++;
	r->rounds++;
	struct err *e = check_bounds(r);
	if (!e)
		e = render_range(r, body, from, to);
	r->nesting--;
	return e;
}

struct err *template_render(const struct template *template, const struct json *const *roots, size_t count,
    const struct escaping *escaping, size_t limit, struct buf *out)
{
	struct renderer r = {.escaping = escaping, .template = template, .out = out};

	r.end = limit < SIZE_MAX - out->length ? out->length + limit : SIZE_MAX;
	for (size_t i = 0; i < count; i++)
		push(&r, roots[i]);
	struct err *e = render_nodes(&r, template->first, 0, template->first->count);
	free(r.contexts);
	buf_done(&r.indent);
	return e;
}
