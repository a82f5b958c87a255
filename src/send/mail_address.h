/* SPDX-License-Identifier: MIT */
/* E-mail addresses: parsed, never pasted. Pure. */
#ifndef SEND_MAIL_ADDRESS_H
#define SEND_MAIL_ADDRESS_H

#include <stddef.h>

#include <bmad/err.h>

#include "base/mem.h"

struct mail_address {
	const char *name;    /* as people read it, one line of UTF-8; "": none */
	const char *address; /* local@domain, ASCII: an international domain is in punycode */
	const char *domain;  /* the part of it after the @ */
};

/*
 * Reads `a@example.com`, `Plant 7 <a@example.com>` or `"Plant, 7" <a@example.com>`. CONFIG error for anything
 * that is not exactly one address: what comes out may stand on the wire as it is.
 */
struct err *mail_address_parse(const char *text, struct arena *arena, struct mail_address *out) MUST_CHECK;

/* TEXT as one line: control characters and white space become single blanks, invalid UTF-8 U+FFFD. */
char *mail_one_line(const char *text, struct arena *arena);

#endif
