/* SPDX-License-Identifier: MIT */
/*
 * Reading an element or two out of an XML answer. Pure.
 *
 * No document is built and no entity is ever looked up: what the two answers of a SOAP login need is smaller
 * than what an XML library would bring along with it (files, networks, entities that grow).
 */
#ifndef JOBS_VENDOR_XML_H
#define JOBS_VENDOR_XML_H

#include <stddef.h>

#include <bmad/mem.h>

/*
 * The text of the first element called NAME, whatever its prefix, in ARENA. NULL: there is none, it holds
 * other elements, or the XML ends within it.
 */
const char *xml_text(const char *xml, size_t length, const char *name, struct arena *arena);

/* TEXT as it may stand between two tags, in ARENA. */
const char *xml_escape(const char *text, struct arena *arena);

#endif
