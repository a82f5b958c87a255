/* SPDX-License-Identifier: MIT */
/* Telephone numbers in international form (E.164), and what may stand as the sender of a text. Pure. */
#ifndef SEND_PHONE_H
#define SEND_PHONE_H

#include <stdbool.h>

#define PHONE_TEXT 17 /* +, 15 digits, NUL */

/*
 * `+` and 8 to 15 digits of which the first is not 0; blanks, hyphens, dots and brackets between them are
 * left out. False for anything else: a number is not guessed at.
 */
bool phone_e164(const char *text, char out[PHONE_TEXT]);

/* A number, a short code, a name of 1 to 11 letters and digits (one letter at least), or a service. */
bool phone_is_sender(const char *text);

/* The id of a messaging service: MG and 32 hexadecimal digits. */
bool phone_is_service(const char *text);

#endif
