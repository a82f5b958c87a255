/* SPDX-License-Identifier: MIT */
/*
 * Compiles Mustache text: finds the tags, takes tags that stand alone off their lines, splits names, and
 * lays the nodes of each body down in one array. Partials wait in the list of bodies until the text that
 * named them is done, so that recursion among them costs no recursion here.
 */
#include "render/mustache.h"

#include <stdbool.h>
#include <string.h>

#include "render/mustache_nodes.h"

#define DELIMITER_MAX 15
#define SECTIONS_MAX  128

struct delimiter {
	char text[DELIMITER_MAX + 1];
	size_t length;
};

struct open_section {
	size_t node;
	size_t offset; /* of its tag, for the error that it is not closed */
	const char *name;
	size_t length;
};

struct tag {
	size_t begin, end; /* the whole tag in the text */
	char sigil;        /* 0 for a plain name */
	const char *text;  /* what it holds, without blanks around */
	size_t length;
	const char *indent; /* the blanks before it, if it stands alone on its line */
	size_t indent_length;
};

struct parser {
	struct template *template;
	struct body *body;
	const char *file;
	const char *text;
	size_t length;
	size_t position; /* up to here the text has become nodes */
	struct delimiter open, close;
	bool at_line_start; /* nothing of this line has become a node yet */
	struct open_section sections[SECTIONS_MAX];
	size_t depth;
	struct tag tag; /* the one at hand */
};

static struct err *fault(
    const struct parser *p, size_t offset, const char *what, const char *detail, size_t length)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		column++;
		if (p->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	if (length > 60)
		length = 60;
	return ERR(ERR_CONFIG, "%s:%zu:%zu: %s%.*s%s", p->file, line, column, what, (int)length, detail,
	    length ? "'" : "");
}

static struct err *plain_fault(const struct parser *p, size_t offset, const char *what)
{
	return fault(p, offset, what, "", 0);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static void trim(const char **text, size_t *length)
{
	while (*length && is_space(**text)) {
		(*text)++;
		(*length)--;
	}
	while (*length && is_space((*text)[*length - 1]))
		(*length)--;
}

/* -- nodes -------------------------------------------------------------------------------------------- */

static struct node *add_node(struct parser *p, enum node_kind kind)
{
	struct body *body = p->body;

	mem_grow(body->nodes, body->count, body->capacity);
	body->nodes[body->count] = (struct node){.kind = kind};
	return &body->nodes[body->count++];
}

static void add_text_node(struct parser *p, size_t from, size_t to)
{
	struct node *node = add_node(p, NODE_TEXT);

	node->text = p->text + from;
	node->length = to - from;
}

/* Only partials are ever indented; the template itself keeps its texts in one piece. */
static void begin_line(struct parser *p)
{
	if (p->at_line_start && p->body->partial)
		add_node(p, NODE_INDENT);
	p->at_line_start = false;
}

/* An empty line of a partial gets no indentation: it would be blanks at the end of a line. */
static bool is_empty_line(const struct parser *p, size_t from)
{
	return p->text[from] == '\n' ||
	       (p->text[from] == '\r' && from + 1 < p->length && p->text[from + 1] == '\n');
}

static void add_lines(struct parser *p, size_t from, size_t to)
{
	while (from < to) {
		const char *newline = memchr(p->text + from, '\n', to - from);
		size_t next = newline ? (size_t)(newline - p->text) + 1 : to;

		if (!is_empty_line(p, from))
			begin_line(p);
		add_text_node(p, from, next);
		p->at_line_start = newline != NULL;
		from = next;
	}
}

static void add_text(struct parser *p, size_t from, size_t to)
{
	if (from == to)
		return;
	if (p->body->partial) {
		add_lines(p, from, to);
		return;
	}
	add_text_node(p, from, to);
}

/* -- names -------------------------------------------------------------------------------------------- */

static struct err *check_name(const struct parser *p, const struct tag *tag)
{
	if (!tag->length)
		return plain_fault(p, tag->begin, "a tag without a name");
	if (memchr(tag->text, '\n', tag->length))
		return plain_fault(p, tag->begin, "a name with a line break in it; is the tag closed?");
	return NULL;
}

static struct err *split_name(struct parser *p, const struct tag *tag, const struct name **out_name)
{
	PASS(check_name(p, tag));
	bool self = tag->length == 1 && tag->text[0] == '.';
	size_t count = 1;

	for (size_t i = 0; i < tag->length; i++)
		count += tag->text[i] == '.';
	struct name *name = arena_alloc(&p->template->arena, sizeof(*name) + count * sizeof(name->parts[0]));
	char *text = arena_copy_n(&p->template->arena, tag->text, tag->length);
	for (char *part = self ? NULL : text; part;) {
		char *dot = strchr(part, '.');

		if (dot)
			*dot = '\0';
		if (!*part)
			return fault(
			    p, tag->begin, "nothing on one side of a dot in '", tag->text, tag->length);
		name->parts[name->count++] = part;
		part = dot ? dot + 1 : NULL;
	}
	*out_name = name;
	return NULL;
}

/* -- tags --------------------------------------------------------------------------------------------- */

static struct err *on_value(struct parser *p, const struct tag *tag)
{
	const struct name *name = NULL;

	PASS(split_name(p, tag, &name));
	add_node(p, tag->sigil ? NODE_RAW : NODE_VALUE)->name = name;
	return NULL;
}

static struct err *on_section(struct parser *p, const struct tag *tag)
{
	const struct name *name = NULL;

	PASS(split_name(p, tag, &name));
	if (p->depth == SECTIONS_MAX)
		return plain_fault(p, tag->begin, "more than 128 sections within each other");
	p->sections[p->depth++] = (struct open_section){p->body->count, tag->begin, tag->text, tag->length};
	add_node(p, tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED)->name = name;
	return NULL;
}

static struct err *on_close(struct parser *p, const struct tag *tag)
{
	if (!p->depth)
		return fault(
		    p, tag->begin, "no section is open that this could close: '", tag->text, tag->length);
	const struct open_section *section = &p->sections[--p->depth];
	if (section->length != tag->length || memcmp(section->name, tag->text, tag->length))
		return fault(p, tag->begin, "expected the closing tag of '", section->name, section->length);
	p->body->nodes[section->node].end = p->body->count;
	return NULL;
}

static struct body *find_body(struct template *template, const char *partial)
{
	for (struct body *body = template->first; body; body = body->next)
		if (body->partial && !strcmp(body->partial, partial))
			return body;
	struct body *body = arena_alloc(&template->arena, sizeof(*body));
	body->partial = partial;
	*template->last = body;
	template->last = &body->next;
	return body;
}

static struct err *on_partial(struct parser *p, const struct tag *tag)
{
	struct arena *arena = &p->template->arena;

	PASS(check_name(p, tag));
	struct partial_call *call = arena_alloc(arena, sizeof(*call));
	call->body = find_body(p->template, arena_copy_n(arena, tag->text, tag->length));
	call->indent = tag->indent;
	call->indent_length = tag->indent_length;
	add_node(p, NODE_PARTIAL)->partial = call;
	return NULL;
}

static struct err *on_comment(struct parser *p, const struct tag *tag)
{
	(void)p, (void)tag;
	return NULL;
}

static bool set_delimiter(struct delimiter *delimiter, const char *text, size_t length)
{
	if (!length || length > DELIMITER_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] == '=' || is_space(text[i]))
			return false;
	memcpy(delimiter->text, text, length);
	delimiter->text[length] = '\0';
	delimiter->length = length;
	return true;
}

static struct err *on_delimiters(struct parser *p, const struct tag *tag)
{
	size_t first = 0, second;

	while (first < tag->length && !is_space(tag->text[first]))
		first++;
	for (second = first; second < tag->length && is_space(tag->text[second]);)
		second++;
	const char *close = tag->text + second;
	size_t length = tag->length - second;
	if (!set_delimiter(&p->open, tag->text, first) || !set_delimiter(&p->close, close, length))
		return plain_fault(p, tag->begin,
		    "expected two delimiters with blanks between them, without '=', at most 15 bytes each");
	return NULL;
}

static const struct tag_rule {
	char sigil;
	char ending;     /* stands before the closing delimiter */
	bool takes_line; /* alone on its line, it takes the line away with it */
	struct err *(*handle)(struct parser *p, const struct tag *tag);
} tag_rules[] = {
    {.sigil = '#', .takes_line = true, .handle = on_section},
    {.sigil = '^', .takes_line = true, .handle = on_section},
    {.sigil = '/', .takes_line = true, .handle = on_close},
    {.sigil = '>', .takes_line = true, .handle = on_partial},
    {.sigil = '!', .takes_line = true, .handle = on_comment},
    {.sigil = '=', .takes_line = true, .ending = '=', .handle = on_delimiters},
    {.sigil = '{', .ending = '}', .handle = on_value}, {.sigil = '&', .handle = on_value},
    {.sigil = 0, .handle = on_value}, /* the last: a plain name */
};

static const struct tag_rule *find_rule(char c)
{
	const struct tag_rule *rule = tag_rules;

	while (rule->sigil && rule->sigil != c)
		rule++;
	return rule;
}

/* What ends a tag of RULE now; delimiters change. ENDING has room for both. Returns its length. */
static size_t make_ending(const struct parser *p, const struct tag_rule *rule, char ending[DELIMITER_MAX + 2])
{
	size_t length = 0;

	if (rule->ending)
		ending[length++] = rule->ending;
	memcpy(ending + length, p->close.text, p->close.length);
	return length + p->close.length;
}

/* The next tag, from `position` on, becomes the one at hand. With none left OUT_RULE becomes NULL. */
static struct err *find_tag(struct parser *p, const struct tag_rule **out_rule)
{
	const char *end = p->text + p->length;
	const char *begin =
	    memmem(p->text + p->position, p->length - p->position, p->open.text, p->open.length);
	char ending[DELIMITER_MAX + 2];

	*out_rule = NULL;
	if (!begin)
		return NULL;
	const char *content = begin + p->open.length;
	const struct tag_rule *rule = find_rule(content < end ? *content : '\0');
	size_t length = make_ending(p, rule, ending);
	content += rule->sigil ? 1 : 0;
	const char *close = memmem(content, (size_t)(end - content), ending, length);
	struct tag *tag = &p->tag;
	*tag = (struct tag){.begin = (size_t)(begin - p->text), .sigil = rule->sigil, .text = content};
	if (!close)
		return fault(p, tag->begin, "this tag is not closed: expected '", ending, length);
	tag->end = (size_t)(close - p->text) + length;
	tag->length = (size_t)(close - content);
	trim(&tag->text, &tag->length);
	*out_rule = rule;
	return NULL;
}

/*
 * True if only blanks surround TAG on its line; then OUT_FROM and OUT_TO are where the line begins and where
 * the next one does.
 */
static bool stands_alone(const struct parser *p, const struct tag *tag, size_t *out_from, size_t *out_to)
{
	size_t from = tag->begin, to = tag->end;

	while (from > p->position && is_blank(p->text[from - 1]))
		from--;
	if (from && p->text[from - 1] != '\n')
		return false;
	while (to < p->length && is_blank(p->text[to]))
		to++;
	if (to < p->length && p->text[to] == '\r' && to + 1 < p->length && p->text[to + 1] == '\n')
		to++;
	if (to < p->length && p->text[to++] != '\n')
		return false;
	*out_from = from;
	*out_to = to;
	return true;
}

static struct err *take_tag(struct parser *p, const struct tag_rule *rule)
{
	struct tag *tag = &p->tag;
	size_t from = tag->begin, to = tag->end;
	bool alone = rule->takes_line && stands_alone(p, tag, &from, &to);

	add_text(p, p->position, from);
	p->position = to;
	if (alone) {
		tag->indent = p->text + from;
		tag->indent_length = tag->begin - from;
		p->at_line_start = true;
	} else {
		begin_line(p);
	}
	return rule->handle(p, tag);
}

static struct err *parse_body(struct parser *p)
{
	const struct tag_rule *rule;

	for (;;) {
		PASS(find_tag(p, &rule));
		if (!rule)
			break;
		PASS(take_tag(p, rule));
	}
	add_text(p, p->position, p->length);
	if (p->depth) {
		const struct open_section *section = &p->sections[p->depth - 1];

		return fault(
		    p, section->offset, "this section is not closed: '", section->name, section->length);
	}
	return NULL;
}

/* -- bodies ------------------------------------------------------------------------------------------- */

static struct err *compile_body(
    struct template *template, struct body *body, const char *name, const char *text, size_t length)
{
	static const char byte_order_mark[] = "\xEF\xBB\xBF";
	struct parser p = {.template = template,
	    .body = body,
	    .file = name,
	    .open = {"{{", 2},
	    .close = {"}}", 2},
	    .at_line_start = true};

	if (length >= 3 && !memcmp(text, byte_order_mark, 3)) {
		text += 3;
		length -= 3;
	}
	p.text = arena_copy_n(&template->arena, text, length); /* the nodes point into it */
	p.length = length;
	return parse_body(&p);
}

static struct err *compile_partial(
    struct template *template, struct body *body, partial_function *partial, void *partial_arg)
{
	struct partial_source source = {0};
	struct err *e = partial ? partial(partial_arg, body->partial, &source) : NULL;

	if (!e && source.text)
		e = compile_body(
		    template, body, source.name ? source.name : body->partial, source.text, source.length);
	free(source.name);
	free(source.text);
	return e;
}

struct err *template_compile(const char *name, const char *text, size_t length, partial_function *partial,
    void *partial_arg, struct template **out_template)
{
	struct template *template = mem_alloc(sizeof(*template));

	template->name = arena_copy(&template->arena, name);
	template->first = arena_alloc(&template->arena, sizeof(*template->first));
	template->last = &template->first->next;
	struct err *e = compile_body(template, template->first, name, text, length);
	for (struct body *body = template->first->next; body && !e; body = body->next) {
		e = compile_partial(template, body, partial, partial_arg);
		if (e)
			e = ERR_AT(e, "compile the partial '%s' of %s", body->partial, name);
	}
	if (e) {
		template_destroy(template);
		return e;
	}
	*out_template = template;
	return NULL;
}

void template_destroy(struct template *template)
{
	if (!template)
		return;
	for (struct body *body = template->first; body; body = body->next)
		free(body->nodes);
	arena_done(&template->arena);
	free(template);
}
