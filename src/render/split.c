/* SPDX-License-Identifier: MIT */
/* A message that is too long for one, as text in numbered parts. */
#include "render/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/render_inside.h"

#define NUMBER "(%zu/%zu)\n"

static char *numbered(const char *text, size_t length, size_t part, size_t of)
{
	return mem_format(NUMBER "%.*s", part, of, (int)length, text);
}

static void render_part(
    const struct render_request *request, const char *text, size_t part, struct rendered *out)
{
	struct render_request one = *request;

	if (part > 1)
		one.mention = (struct texts){0}; /* nobody is called five times */
	render_text_plain(&one, text, out);
}

static bool fits(const struct render_request *request, const char *text, size_t length, size_t part)
{
	cleanup(free_text) char *whole = numbered(text, length, RENDER_PARTS_MAX, RENDER_PARTS_MAX);
	struct rendered rendered;

	render_part(request, whole, part, &rendered);
	bool fits = !rendered.left_out;
	rendered_done(&rendered);
	return fits;
}

/* The bytes of the first LINES lines of TEXT. */
static size_t lines_length(const char *text, size_t lines)
{
	const char *at = text;

	while (lines-- && *at) {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return (size_t)(at - text);
}

/* As many whole lines as one part takes, by halving; one at least, which is shortened if it must be. */
static size_t part_length(const struct render_request *request, const char *text, size_t part)
{
	size_t fitting = 1, too_many = 2;

	while (fits(request, text, lines_length(text, too_many), part)) {
		if (!text[lines_length(text, too_many)])
			return lines_length(text, too_many);
		fitting = too_many;
		too_many *= 2;
	}
	while (too_many > fitting + 1) {
		size_t middle = fitting + (too_many - fitting) / 2;

		if (fits(request, text, lines_length(text, middle), part))
			fitting = middle;
		else
			too_many = middle;
	}
	return lines_length(text, fitting);
}

size_t render_parts(
    struct template_set *set, const struct render_request *request, struct rendered out[RENDER_PARTS_MAX])
{
	size_t starts[RENDER_PARTS_MAX + 1] = {0}, count = 0;
	char *text;

	render_message(set, request, &out[0]);
	if (!out[0].left_out)
		return 1;
	text = render_whole_text(set, request);
	do {
		starts[count + 1] =
		    starts[count] + (count + 1 < RENDER_PARTS_MAX
		                            ? part_length(request, text + starts[count], count + 1)
		                            : strlen(text + starts[count]));
		count++;
	} while (text[starts[count]]);
	for (size_t i = 0; count > 1 && i < count; i++) {
		cleanup(free_text) char *part =
		    numbered(text + starts[i], starts[i + 1] - starts[i], i + 1, count);

		if (i == 0)
			rendered_done(&out[0]);
		render_part(request, part, i + 1, &out[i]);
	}
	free(text);
	return count;
}
