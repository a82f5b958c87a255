/* SPDX-License-Identifier: MIT */
/*
 * Escaping of strings by format and, inside JSON templates, by the mark-up of the channel type that shows
 * the text. `{{x}}` | `{{{x}}}`:
 *
 *   html   & < > " ' as entities                              | as it is
 *   txt    control characters but \n and \t left out           | as it is
 *   csv    formulas disarmed by a leading ', quoted if needed  | quoted if needed
 *   slack  & < > as entities                                   | as it is
 *   json   for a place between the template's own quotes       | for JSON only
 *     teams, discord, mattermost: Markdown first; slack: & < > first; any other target: JSON only
 *
 * Markdown is escaped only where it would show, so that `zone_hourly` and `3.5 - 4` stay what they are:
 * a `\` before * _ ` ~ that could open or close emphasis, before [ and ], before < that could open a tag or
 * link, before & of an entity, before a \ that would itself escape, and, at the start of a line, before
 * # > + - = and the dot of `1. `, where they would make a heading, quote, list or rule. The text is taken to
 * start a line. Discord and Mattermost have | too (spoilers, tables), cards do not. An @ that begins a word
 * (not that of an e-mail address), and `<at>`, are broken by U+200B: data must not call people.
 * Links in templates want `{{{url}}}`.
 */
#ifndef RENDER_ESCAPE_H
#define RENDER_ESCAPE_H

#include "render/mustache.h"

/*
 * FORMAT is the template's ("json", "txt", ...), TARGET the channel type's name or NULL. NULL if the
 * format is unknown. The answer is static.
 */
const struct escaping *escaping_find(const char *format, const char *target);

/* The names of all formats, NULL-terminated. */
const char *const *escaping_formats(void);

escape_function escape_none, escape_html, escape_json, escape_txt, escape_csv, escape_slack;

/* The mark-up alone, for text that goes into JSON by other means than a template. */
escape_function escape_card, escape_chat;

#endif
