/* SPDX-License-Identifier: MIT */
/*
 * The tree from libyaml's events. Its own document loader is not used: it knows no bound, takes duplicate
 * keys and loses places.
 */
#include "conf/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "conf/names.h"
#include "conf/yaml_hint.h"

/* A list or mapping that is still open; level 0 holds the document's root. */
struct level {
	struct node *node;
	const struct node **children; /* of a mapping: key, value, key, value, ...; kept for the next one */
	size_t count, capacity;
	const char *anchor;
	size_t nodes_before;
};

struct anchor {
	const struct node *node;
	size_t weight; /* nodes in it, aliases counted */
};

struct builder {
	yaml_parser_t parser;
	const char *file, *text;
	size_t length;
	struct arena *arena, scratch;
	struct conf_problems *problems;
	struct level levels[YAML_DEPTH_MAX + 1];
	size_t depth;
	size_t nodes;
	size_t documents;
	struct names anchor_names; /* number: index in `anchors` */
	struct anchor *anchors;
	size_t anchor_count, anchor_capacity;
};

static struct conf_place place_of(const struct builder *builder, const yaml_mark_t *mark)
{
	return (struct conf_place){
	    .file = builder->file, .line = (int)mark->line + 1, .column = (int)mark->column + 1};
}

#define PROBLEM(builder, mark, ...)                                                                          \
	conf_problem((builder)->problems, PROBLEM_ERROR, place_of((builder), (mark)), __VA_ARGS__)

static struct node *create_node(struct builder *builder, enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *node = arena_alloc(builder->arena, sizeof(*node));

	node->kind = (uint8_t)kind;
	node->file = builder->file;
	node->line = (int32_t)mark->line + 1;
	node->column = (int32_t)mark->column + 1;
	return node;
}

static void remember_anchor(struct builder *builder, const char *name, const struct node *node, size_t weight)
{
	size_t index = builder->anchor_count;

	/* A name may be used again: from then on it means the later node. */
	if (!names_find(&builder->anchor_names, name, &index)) {
		mem_grow(builder->anchors, builder->anchor_count, builder->anchor_capacity);
		names_add(&builder->anchor_names, name, builder->anchor_count++);
	}
	builder->anchors[index] = (struct anchor){.node = node, .weight = weight};
}

static bool count_nodes(struct builder *builder, size_t more, const yaml_mark_t *mark)
{
	builder->nodes += more;
	if (builder->nodes <= YAML_NODES_MAX)
		return true;
	PROBLEM(builder, mark, "more than %d values (aliases counted)", YAML_NODES_MAX);
	return false;
}

static bool expects_key(const struct level *level)
{
	return level->node && level->node->kind == NODE_MAPPING && level->count % 2 == 0;
}

static void add_child(struct builder *builder, const struct node *child)
{
	struct level *level = &builder->levels[builder->depth];

	if (expects_key(level) && child->kind != NODE_TEXT) {
		conf_problem(builder->problems, PROBLEM_ERROR, node_place(child),
		    "a key must be a text, not %s", node_describe(child));
		/* The key's place is filled with a text, so that pairs stay pairs. */
		child = node_text(builder->arena, builder->file, "");
	}
	mem_grow(level->children, level->count, level->capacity);
	level->children[level->count++] = child;
}

static void refuse_tag(struct builder *builder, const yaml_char_t *tag, const yaml_mark_t *mark)
{
	if (tag)
		PROBLEM(builder, mark, "tags such as '%s' are not allowed: a value's type comes from its key",
		    (const char *)tag);
}

static bool stands_as_written(const yaml_event_t *event)
{
	size_t quotes = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 2;

	if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	    event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
		return false;
	return event->start_mark.line == event->end_mark.line &&
	       event->end_mark.column - event->start_mark.column == event->data.scalar.length + quotes;
}

static bool on_scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct node *node = create_node(builder, NODE_TEXT, &event->start_mark);
	bool is_key = expects_key(&builder->levels[builder->depth]);

	refuse_tag(builder, event->data.scalar.tag, &event->start_mark);
	if (memchr(text, '\0', length))
		PROBLEM(builder, &event->start_mark, "a NUL character is not allowed");
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->exact = stands_as_written(event);
	node->text = arena_copy_n(builder->arena, text, length);
	node->count = (uint32_t)strlen(node->text);
	if (is_key && node->plain && !strcmp(node->text, "<<"))
		PROBLEM(builder, &event->start_mark, "merge keys '<<' are not allowed");
	add_child(builder, node);
	if (event->data.scalar.anchor)
		remember_anchor(
		    builder, arena_copy(&builder->scratch, (const char *)event->data.scalar.anchor), node, 1);
	return count_nodes(builder, is_key ? 0 : 1, &event->start_mark);
}

static bool on_alias(struct builder *builder, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	size_t index;

	if (!names_find(&builder->anchor_names, name, &index)) {
		struct node *nothing = create_node(builder, NODE_TEXT, &event->start_mark);

		nothing->text = "";
		nothing->plain = true;
		PROBLEM(builder, &event->start_mark,
		    "alias '*%.100s' stands for nothing: there is no '&%.100s' before it%s", name, name,
		    yaml_hint("alias", "", 0, 0));
		add_child(builder, nothing);
		return count_nodes(builder, 1, &event->start_mark);
	}
	add_child(builder, builder->anchors[index].node);
	return count_nodes(builder, builder->anchors[index].weight, &event->start_mark);
}

static bool open_level(struct builder *builder, enum node_kind kind, const yaml_event_t *event,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	refuse_tag(builder, tag, &event->start_mark);
	if (builder->depth == YAML_DEPTH_MAX) {
		PROBLEM(builder, &event->start_mark, "nested deeper than %d levels", YAML_DEPTH_MAX);
		return false;
	}
	struct level *level = &builder->levels[++builder->depth];
	level->node = create_node(builder, kind, &event->start_mark);
	level->count = 0;
	level->anchor = arena_copy(&builder->scratch, (const char *)anchor);
	level->nodes_before = builder->nodes;
	return count_nodes(builder, 1, &event->start_mark);
}

static bool on_list(struct builder *builder, const yaml_event_t *event)
{
	return open_level(
	    builder, NODE_LIST, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
}

static bool on_mapping(struct builder *builder, const yaml_event_t *event)
{
	return open_level(
	    builder, NODE_MAPPING, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
}

static void refuse_duplicate(struct builder *builder, const struct node *key, const struct node *first)
{
	conf_problem(builder->problems, PROBLEM_ERROR, node_place(key),
	    "duplicate key '%.100s': it stands in line %d already", key->text, (int)first->line);
}

/* Few keys are compared with each other, many go through a set. */
#define PAIRS_COMPARED 12

static void refuse_duplicates(struct builder *builder, const struct node *mapping)
{
	struct names names = {0};

	for (size_t i = 0; i < mapping->count; i++) {
		const struct node *key = mapping->pairs[i].key;
		size_t first = 0;

		if (mapping->count > PAIRS_COMPARED) {
			if (!names_add(&names, key->text, i) && names_find(&names, key->text, &first))
				refuse_duplicate(builder, key, mapping->pairs[first].key);
			continue;
		}
		while (strcmp(mapping->pairs[first].key->text, key->text) != 0)
			first++;
		if (first < i)
			refuse_duplicate(builder, key, mapping->pairs[first].key);
	}
	names_done(&names);
}

static bool on_close(struct builder *builder, const yaml_event_t *event)
{
	struct level *level = &builder->levels[builder->depth--];
	struct node *node = level->node;
	size_t bytes = level->count * sizeof(const struct node *);
	const struct node **children = arena_alloc(builder->arena, bytes);

	(void)event;
	if (bytes)
		memcpy(children, level->children, bytes);
	if (node->kind == NODE_LIST) {
		node->count = (uint32_t)level->count;
		node->items = children;
	} else {
		_Static_assert(
		    sizeof(struct node_pair) == 2 * sizeof(struct node *), "a pair is two pointers");
		node->count = (uint32_t)(level->count / 2);
		node->pairs = (const struct node_pair *)children;
		refuse_duplicates(builder, node);
	}
	if (level->anchor)
		remember_anchor(builder, level->anchor, node, builder->nodes - level->nodes_before);
	add_child(builder, node);
	return true;
}

static bool on_document(struct builder *builder, const yaml_event_t *event)
{
	if (!builder->documents++)
		return true;
	PROBLEM(
	    builder, &event->start_mark, "a second document begins here; a configuration is one document");
	return false;
}

static bool (*const handlers[])(struct builder *builder, const yaml_event_t *event) = {
    [YAML_DOCUMENT_START_EVENT] = on_document,
    [YAML_ALIAS_EVENT] = on_alias,
    [YAML_SCALAR_EVENT] = on_scalar,
    [YAML_SEQUENCE_START_EVENT] = on_list,
    [YAML_SEQUENCE_END_EVENT] = on_close,
    [YAML_MAPPING_START_EVENT] = on_mapping,
    [YAML_MAPPING_END_EVENT] = on_close,
};

/* The reader (encoding, control characters) tells an offset only. */
static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
	yaml_mark_t mark = {.index = offset};

	for (size_t i = 0; i < offset && i < length; i++) {
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

/* libyaml counts characters in `index`; the byte is needed to look at the text. */
static size_t byte_of(const char *text, size_t length, size_t characters)
{
	size_t at = 0;

	while (at < length && characters) {
		size_t step = utf8_length(text + at, length - at);

		at += step ? step : 1;
		characters--;
	}
	return at;
}

static void report_syntax(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *problem = parser->problem ? parser->problem : "syntax error";
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_READER_ERROR) {
		mark = mark_of_offset(builder->text, builder->length, parser->problem_offset);
		PROBLEM(builder, &mark, "%s: the file must be UTF-8 text", problem);
		return;
	}
	size_t at = byte_of(builder->text, builder->length, mark.index);
	PROBLEM(builder, &mark, "YAML: %s%s%s%s", parser->context ? parser->context : "",
	    parser->context ? ", " : "", problem, yaml_hint(problem, builder->text, builder->length, at));
}

/* False at the end of the stream and after a fault that ends it. */
static bool take_event(struct builder *builder, bool *out_complete)
{
	yaml_event_t event;

	if (!yaml_parser_parse(&builder->parser, &event)) {
		report_syntax(builder);
		return false;
	}
	bool goes_on = event.type != YAML_STREAM_END_EVENT;
	*out_complete = !goes_on;
	if (event.type < ARRAY_SIZE(handlers) && handlers[event.type])
		goes_on = handlers[event.type](builder, &event);
	yaml_event_delete(&event);
	return goes_on;
}

static void done(struct builder *builder)
{
	for (size_t i = 0; i < ARRAY_SIZE(builder->levels); i++)
		free(builder->levels[i].children);
	free(builder->anchors);
	names_done(&builder->anchor_names);
	arena_done(&builder->scratch);
	yaml_parser_delete(&builder->parser);
}

/* A key that has no value yet goes. */
static void close_levels(struct builder *builder)
{
	while (builder->depth)
		on_close(builder, NULL);
}

static const struct node *build(struct builder *builder, bool torn)
{
	struct arena *arena = builder->arena;
	bool complete = false;

	if (!yaml_parser_initialize(&builder->parser)) {
		conf_problem(builder->problems, PROBLEM_ERROR, (struct conf_place){.file = builder->file},
		    "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &builder->parser, (const unsigned char *)builder->text, builder->length);
	while (take_event(builder, &complete))
		;
	if (!complete && !torn)
		return NULL;
	close_levels(builder);
	return builder->levels[0].count ? builder->levels[0].children[0]
	                                : node_text(arena, builder->file, "");
}

static const struct node *read_text(const char *name, const char *text, size_t length, struct arena *arena,
    struct conf_problems *problems, bool torn)
{
	struct builder builder = {
	    .file = name, .text = text, .length = length, .arena = arena, .problems = problems};
	const struct node *root = build(&builder, torn);

	done(&builder);
	return root;
}

const struct node *yaml_read_text(
    const char *name, const char *text, size_t length, struct arena *arena, struct conf_problems *problems)
{
	return read_text(name, text, length, arena, problems, false);
}

const struct node *yaml_read_value(
    const char *name, const char *text, struct arena *arena, struct conf_problems *problems)
{
	if (*text == '[' || *text == '{')
		return yaml_read_text(name, text, strlen(text), arena, problems);
	return node_text(arena, name, text);
}

const struct node *yaml_read_file(
    const char *path, struct arena *arena, struct conf_problems *problems, struct yaml_reading *reading)
{
	cleanup(buf_done) struct buf content = {0};
	struct err *e = file_read(path, YAML_BYTES_MAX, &content);

	if (e) {
		conf_problem(
		    problems, PROBLEM_ERROR, (struct conf_place){.file = path}, "%s", err_message(e));
		err_destroy(e);
		return NULL;
	}
	reading->digest = fnv1a(reading->digest, buf_text(&content), content.length);
	return read_text(path, buf_text(&content), content.length, arena, problems, reading->torn);
}
